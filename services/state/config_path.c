/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config_part.h"

#include <string.h>

#include "common/base/size.h"
#include "common/nvme/fault_rule.h"
#include "common/nvme/protection.h"
#include "common/nvme/store_path.h"
#include "common/nvme/zns.h"

/* The path of a namespace's store, and what goes with some paths only. */

/* "ram:1G", "null:1T". */
static void check_scheme(const char *size, const struct json_place *place, struct report *report)
{
	uint64_t bytes;

	switch (size_parse(size, &bytes)) {
	case 0:
		if (bytes == 0 || bytes % 4096 != 0)
			report_error(report,
			             place,
			             "the size must be a multiple of 4096 bytes, and not 0");
		break;
	case SIZE_E_RANGE:
		report_error(report, place, "the size is out of range");
		break;
	default:
		report_error(report, place, "the size must be a number and K, M, G, T or P");
	}
}

/* Zones of nothing keep nothing, and write pointers of blocks that are not kept are of no use; the
 * tables of "pi:" are written where a zone's writer does not expect it. */
static void check_zoned_path(const char *store, const struct json_place *place,
                             struct report *report)
{
	if (strncmp(store, "ram:", 4) == 0)
		check_scheme(store + 4, place, report);
	else if (store[0] != '/')
		report_error(report,
		             place,
		             "must go on with \"/\" or \"ram:\" after \"zoned:\" or "
		             "\"zoned:fault:\"");
}

static void check_path(const char *path, const struct json_place *place, struct report *report)
{
	const char *store = store_path(path);

	if (zoned_path_below(path))
		check_zoned_path(store, place, report);
	else if (strncmp(store, "ram:", 4) == 0)
		check_scheme(store + 4, place, report);
	else if (strncmp(store, "null:", 5) == 0)
		check_scheme(store + 5, place, report);
	else if (store[0] != '/' && store == path)
		report_error(report,
		             place,
		             "must begin with \"/\", \"ram:\", \"null:\", \"fault:\", \"pi:\" or "
		             "\"zoned:\"");
	else if (store[0] != '/')
		report_error(report,
		             place,
		             "must go on with \"/\", \"ram:\" or \"null:\" after \"fault:\", "
		             "\"pi:\" or \"pi:fault:\"");
}

static void check_faults(const struct config_namespace *namespace, const struct json_place *place,
                         struct report *report)
{
	if (namespace->n_faults > 0 && namespace->path && !fault_path_below(namespace->path))
		report_error(report,
		             PLACE_KEY(place, "faults"),
		             "may be given only where device.path begins with \"fault:\""
		             ", \"pi:fault:\" or \"zoned:fault:\"");
}

/* Memory is the worker's own, so nothing else has to know who holds it. The lock of a file, which
 * keeps a worker off until its predecessor's I/O is over, would stay with whoever holds the file
 * (docs/decisions/0004). */
bool config_is_in_memory(const char *path)
{
	return strncmp(path, "ram:", 4) == 0 || strncmp(path, "null:", 5) == 0;
}

static void check_grant(const struct config_namespace *namespace, const struct json_place *device,
                        struct report *report)
{
	if (!namespace->io_grant || !namespace->path || config_is_in_memory(namespace->path))
		return;
	if (protection_path_below(namespace->path))
		report_error(report,
		             PLACE_KEY(device, "io_grant"),
		             "may not be 1 where path begins with \"pi:\": a transport that has "
		             "the memory would pass by the protection information");
	else if (zoned_path_below(namespace->path))
		report_error(report,
		             PLACE_KEY(device, "io_grant"),
		             "may not be 1 where path begins with \"zoned:\": a transport that has "
		             "the memory would pass by the write pointers");
	else if (fault_path_below(namespace->path))
		report_error(report,
		             PLACE_KEY(device, "io_grant"),
		             "may not be 1 where path begins with \"fault:\": a transport that has "
		             "the memory would pass by the faults");
	else
		report_error(report,
		             PLACE_KEY(device, "io_grant"),
		             "may be 1 only where path is \"ram:\" or \"null:\": a transport that "
		             "held a "
		             "file or device would keep its lock from the worker's successor");
}

void config_check_path(const struct config_namespace *namespace, const struct json_place *place,
                       struct report *report)
{
	const struct json_place *device = PLACE_KEY(place, "device");
	const struct json_place *path = PLACE_KEY(device, "path");

	if (namespace->path)
		check_path(namespace->path, path, report);
	else if (namespace->enable)
		report_error(report, path, "must be given, as the namespace is enabled");
	config_check_zones(namespace, device, report);
	check_grant(namespace, device, report);
	check_faults(namespace, place, report);
}
