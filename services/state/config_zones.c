/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config_part.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/size.h"
#include "common/nvme/zns.h"

/* The zones that a store with "zoned:" before it is given while it is new. */

#define GRAIN 4096u /* the largest block */

static bool read_bytes(const struct json_object *device, const char *key, uint64_t *ret_bytes)
{
	const struct json_place *place = PLACE_KEY(device->place, key);
	char text[32];
	uint64_t bytes;

	if (!json_read_text(device, key, text, sizeof(text)))
		return false;
	switch (size_parse(text, &bytes)) {
	case 0:
		*ret_bytes = bytes;
		return true;
	case SIZE_E_RANGE:
		report_error(device->report, place, "is out of range");
		return false;
	default:
		report_error(device->report,
		             place,
		             "must be a number of bytes, or one with K, M, G, T or P");
		return false;
	}
}

static uint32_t read_zones(const struct json_object *device, const char *key)
{
	int64_t zones = 0;

	json_read_number(device, key, 0, CONFIG_ZONES_MAX, &zones);
	return (uint32_t)zones;
}

void config_read_zones(const struct json_object *device, struct config_zones *zones)
{
	if (read_bytes(device, "zone_size", &zones->bytes) && zones->bytes != 0 &&
	    (zones->bytes & (zones->bytes - 1) || zones->bytes < GRAIN ||
	     zones->bytes > CONFIG_ZONE_SIZE_MAX))
		report_error(device->report,
		             PLACE_KEY(device->place, "zone_size"),
		             "must be a power of two, 4K to 1T");
	if (read_bytes(device, "zone_capacity", &zones->capacity) && zones->capacity % GRAIN != 0)
		report_error(device->report,
		             PLACE_KEY(device->place, "zone_capacity"),
		             "must be a multiple of 4096 bytes");
	zones->open_max = read_zones(device, "zone_max_open");
	zones->active_max = read_zones(device, "zone_max_active");
}

/* An open zone is an active one (ZNS 1.1 §2.1.1.4). */
static void check_zones(const struct config_zones *zones, const struct json_place *device,
                        struct report *report)
{
	uint64_t bytes = zones->bytes ? zones->bytes : CONFIG_ZONE_SIZE;

	if (zones->capacity > bytes)
		report_error(report,
		             PLACE_KEY(device, "zone_capacity"),
		             "may not be more than the zone's size, %" PRIu64,
		             bytes);
	if (zones->active_max != 0 && zones->open_max > zones->active_max)
		report_error(report,
		             PLACE_KEY(device, "zone_max_open"),
		             "may not be more than zone_max_active, %u",
		             zones->active_max);
}

void config_check_zones(const struct config_namespace *namespace, const struct json_place *device,
                        struct report *report)
{
	const struct config_zones *zones = &namespace->zones;
	const struct {
		const char *key;
		bool is_given;
	} keys[] = {
		{"zone_size",       zones->bytes != 0     },
		{"zone_capacity",   zones->capacity != 0  },
		{"zone_max_open",   zones->open_max != 0  },
		{"zone_max_active", zones->active_max != 0},
	};

	if (namespace->path && zoned_path_below(namespace->path)) {
		check_zones(zones, device, report);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].is_given)
			report_error(report,
			             PLACE_KEY(device, keys[i].key),
			             "may be given only where path begins with \"zoned:\"");
}

static bool put_number(json_t *device, const char *key, uint64_t number)
{
	char text[24];

	if (number == 0)
		return true;
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return json_object_set_new(device, key, json_string(text)) == 0;
}

bool config_save_zones(json_t *device, const struct config_zones *zones)
{
	return put_number(device, "zone_size", zones->bytes) &&
	       put_number(device, "zone_capacity", zones->capacity) &&
	       put_number(device, "zone_max_open", zones->open_max) &&
	       put_number(device, "zone_max_active", zones->active_max);
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int config_zones_compare(const struct config_zones *a, const struct config_zones *b)
{
	int order = compare(a->bytes, b->bytes);

	if (order == 0)
		order = compare(a->capacity, b->capacity);
	if (order == 0)
		order = compare(a->open_max, b->open_max);
	return order ? order : compare(a->active_max, b->active_max);
}
