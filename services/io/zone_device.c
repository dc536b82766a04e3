/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/zone_device.h"

#include <errno.h>
#include <linux/blkzoned.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "common/base/error.h"

#define SECTOR_SHIFT 9
#define PATH_SIZE    256

/* Zones of one report, which lies on the stack. */
#define REPORT_ZONES 64u

/* More would be a device of 1 PiB with the usual zones, and 300 MB for their states. */
#define ZONES_MAX (1u << 22)

struct reason {
	char *text;
	size_t size;
};

#define unfit(reason, ...)                                                                         \
	(snprintf((reason)->text, (reason)->size, __VA_ARGS__), ZONE_DEVICE_E_UNFIT)

/* ------------------------------------------------------------------ /sys */

static bool read_attribute(const char *sysfs, dev_t device, const char *name, char *line, int size)
{
	char path[PATH_SIZE];
	FILE *attribute;
	bool good;
	int length = snprintf(path,
	                      sizeof(path),
	                      "%s/dev/block/%u:%u/queue/%s",
	                      sysfs,
	                      major(device),
	                      minor(device),
	                      name);

	if (length < 0 || length >= PATH_SIZE)
		return false;
	attribute = fopen(path, "re");
	if (!attribute)
		return false;
	good = fgets(line, size, attribute) != NULL;
	fclose(attribute);
	if (good)
		line[strcspn(line, "\n")] = 0;
	return good;
}

/* 0: it is not said, or is no such number. */
static uint32_t read_number(const char *sysfs, dev_t device, const char *name)
{
	char line[32], *end;
	unsigned long long number;

	if (!read_attribute(sysfs, device, name, line, sizeof(line)))
		return 0;
	number = strtoull(line, &end, 10);
	return *end || end == line || number > UINT32_MAX ? 0 : (uint32_t)number;
}

bool zone_device_is(const char *sysfs, dev_t device)
{
	char line[32];

	return read_attribute(sysfs, device, "zoned", line, sizeof(line)) &&
	       strcmp(line, "host-managed") == 0;
}

uint32_t zone_device_granularity(const char *sysfs, dev_t device)
{
	return read_number(sysfs, device, "zone_write_granularity");
}

/* ------------------------------------------------------------------ what it is */

static int control(int fd, unsigned long what, void *argument)
{
	return ioctl(fd, what, argument) < 0 ? error_origin(-errno) : 0;
}

static int settle_size(struct zone_device *zones, uint64_t sectors, uint64_t bytes,
                       const struct reason *reason)
{
	uint64_t zone = sectors << SECTOR_SHIFT;

	if (zone == 0 || (zone & (zone - 1)) != 0)
		return unfit(reason,
		             "its zones have %llu sectors, which is not a power of two",
		             (unsigned long long)sectors);
	if (zone >> zones->block_shift == 0)
		return unfit(reason, "its zones are smaller than its blocks");
	if (bytes == 0 || bytes % zone != 0)
		return unfit(reason, "its last zone is smaller than the others");
	if (bytes / zone > ZONES_MAX)
		return unfit(reason,
		             "it has %llu zones, more than %u",
		             (unsigned long long)(bytes / zone),
		             ZONES_MAX);
	zones->blocks = zone >> zones->block_shift;
	zones->count = (uint32_t)(bytes / zone);
	return 0;
}

int zone_device_init(struct zone_device *ret_zones, int fd, const char *sysfs, dev_t device,
                     uint64_t bytes, uint8_t block_shift, char *text, size_t text_size)
{
	const struct reason reason = {text, text_size};
	struct zone_device zones = {
		.fd = fd,
		.control = control,
		.block_shift = block_shift,
		.open_max = read_number(sysfs, device, "max_open_zones"),
		.active_max = read_number(sysfs, device, "max_active_zones"),
	};
	int r = settle_size(&zones, read_number(sysfs, device, "chunk_sectors"), bytes, &reason);

	if (r)
		return r;
	*ret_zones = zones;
	return 0;
}

/* ------------------------------------------------------------------ a report */

/* The kernel has the states of ZNS, but for those that have no meaning here. */
static bool is_state(uint8_t condition)
{
	switch (condition) {
	case BLK_ZONE_COND_EMPTY:
	case BLK_ZONE_COND_IMP_OPEN:
	case BLK_ZONE_COND_EXP_OPEN:
	case BLK_ZONE_COND_CLOSED:
	case BLK_ZONE_COND_READONLY:
	case BLK_ZONE_COND_FULL:
	case BLK_ZONE_COND_OFFLINE:
		return true;
	default:
		return false;
	}
}

_Static_assert((int)BLK_ZONE_COND_EMPTY == (int)NVME_ZONE_EMPTY &&
                       (int)BLK_ZONE_COND_IMP_OPEN == (int)NVME_ZONE_IMPLICITLY_OPEN &&
                       (int)BLK_ZONE_COND_EXP_OPEN == (int)NVME_ZONE_EXPLICITLY_OPEN &&
                       (int)BLK_ZONE_COND_CLOSED == (int)NVME_ZONE_CLOSED &&
                       (int)BLK_ZONE_COND_READONLY == (int)NVME_ZONE_READ_ONLY &&
                       (int)BLK_ZONE_COND_FULL == (int)NVME_ZONE_FULL &&
                       (int)BLK_ZONE_COND_OFFLINE == (int)NVME_ZONE_IS_OFFLINE,
               "the same numbers");

static bool has_write_pointer(const struct blk_zone *said)
{
	return said->cond == BLK_ZONE_COND_EMPTY || said->cond == BLK_ZONE_COND_IMP_OPEN ||
	       said->cond == BLK_ZONE_COND_EXP_OPEN || said->cond == BLK_ZONE_COND_CLOSED;
}

/* One that says something else than what all of them must be is not the device that it was. */
static int check_place(const struct zone_device *zones, uint32_t index, const struct blk_zone *said,
                       const struct reason *reason)
{
	unsigned shift = zones->block_shift - SECTOR_SHIFT;

	if (said->type == BLK_ZONE_TYPE_CONVENTIONAL)
		return unfit(reason,
		             "zone %u is a conventional one, which NVMe does not have: the zones "
		             "that are written in sequence can be had as a device of their own by "
		             "dm-linear",
		             index);
	if (said->type != BLK_ZONE_TYPE_SEQWRITE_REQ)
		return unfit(reason, "zone %u need not be written in sequence", index);
	if (said->len != zones->blocks << shift || said->start != index * said->len)
		return unfit(
			reason, "zone %u is not where, or not of the size, that it was", index);
	return 0;
}

static int read_zone(const struct zone_device *zones, uint32_t index, const struct blk_zone *said,
                     bool has_capacity, struct zone_found *ret_found, const struct reason *reason)
{
	unsigned shift = zones->block_shift - SECTOR_SHIFT;
	uint64_t capacity = has_capacity ? said->capacity : said->len;
	uint64_t written = 0;
	int r = check_place(zones, index, said, reason);

	if (r)
		return r;
	if (!is_state(said->cond))
		return unfit(reason, "zone %u is in the unknown state %u", index, said->cond);
	if (capacity == 0 || capacity > said->len || capacity & ((1u << shift) - 1))
		return unfit(reason,
		             "zone %u has a capacity of %llu sectors",
		             index,
		             (unsigned long long)capacity);
	if (has_write_pointer(said)) {
		written = said->wp - said->start;
		if (said->wp < said->start || written > capacity || written & ((1u << shift) - 1))
			return unfit(reason, "the write pointer of zone %u is not in it", index);
	}
	*ret_found = (struct zone_found){
		.state = (enum nvme_zone_state)said->cond,
		.capacity = capacity >> shift,
		.written = written >> shift,
	};
	return 0;
}

static uint64_t sectors_of(const struct zone_device *zones, uint64_t n)
{
	return n * zones->blocks << (zones->block_shift - SECTOR_SHIFT);
}

static int report_some(const struct zone_device *zones, uint32_t first, uint32_t n,
                       struct zone_found *ret_found, const struct reason *reason)
{
	alignas(struct blk_zone_report) unsigned char
		memory[sizeof(struct blk_zone_report) + REPORT_ZONES * sizeof(struct blk_zone)];
	struct blk_zone_report *report = (struct blk_zone_report *)memory;
	int r;

	memset(memory, 0, sizeof(memory));
	report->sector = sectors_of(zones, first);
	report->nr_zones = n;
	r = zones->control(zones->fd, BLKREPORTZONE, report);
	if (r)
		return error_trace(r);
	if (report->nr_zones != n)
		return unfit(
			reason, "it reports %u zones where it should have %u", report->nr_zones, n);
	for (uint32_t i = 0; !r && i < n; i++)
		r = read_zone(zones,
		              first + i,
		              &report->zones[i],
		              report->flags & BLK_ZONE_REP_CAPACITY,
		              &ret_found[i],
		              reason);
	return r;
}

int zone_device_report(const struct zone_device *zones, uint32_t first, uint32_t n,
                       struct zone_found *ret_found, char *text, size_t text_size)
{
	const struct reason reason = {text, text_size};
	int r = 0;

	for (uint32_t done = 0; !r && done < n; done += REPORT_ZONES) {
		uint32_t some = n - done < REPORT_ZONES ? n - done : REPORT_ZONES;

		r = report_some(zones, first + done, some, ret_found + done, &reason);
	}
	return r;
}

/* ------------------------------------------------------------------ changes */

int zone_device_send(const struct zone_device *zones, uint32_t first, uint32_t n,
                     enum nvme_zone_send_action action)
{
	struct blk_zone_range range = {sectors_of(zones, first), sectors_of(zones, n)};

	switch (action) {
	case NVME_ZONE_CLOSE:
		return zones->control(zones->fd, BLKCLOSEZONE, &range);
	case NVME_ZONE_FINISH:
		return zones->control(zones->fd, BLKFINISHZONE, &range);
	case NVME_ZONE_OPEN:
		return zones->control(zones->fd, BLKOPENZONE, &range);
	case NVME_ZONE_RESET:
		return zones->control(zones->fd, BLKRESETZONE, &range);
	case NVME_ZONE_OFFLINE:
	case NVME_ZONE_SET_EXTENSION:
	case NVME_ZONE_FLUSH_ZRWA:
		break;
	}
	return error_origin(-EINVAL);
}
