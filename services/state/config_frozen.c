/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/config_frozen.h"

#include <string.h>

#include "services/state/target.h"

/* ------------------------------------------------------------------ namespaces */

/* An attribute that differs; where it stands, and what it is called. */
static void refuse_of_namespace(const struct json_place *place, const char *key,
                                struct report *report)
{
	report_error(report,
	             PLACE_KEY(place, key),
	             "cannot be changed while the namespace is enabled, as hosts use it: "
	             "disable it first (enable 0)");
}

static bool is_other_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

static void check_zones(const struct config_zones *was, const struct config_zones *is,
                        const struct json_place *device, struct report *report)
{
	if (was->bytes != is->bytes)
		refuse_of_namespace(device, "zone_size", report);
	if (was->capacity != is->capacity)
		refuse_of_namespace(device, "zone_capacity", report);
	if (was->open_max != is->open_max)
		refuse_of_namespace(device, "zone_max_open", report);
	if (was->active_max != is->active_max)
		refuse_of_namespace(device, "zone_max_active", report);
}

static void check_namespace(const struct config_namespace *was, const struct config_namespace *is,
                            const struct json_place *place, struct report *report)
{
	const struct json_place *device = PLACE_KEY(place, "device");

	if (!was->enable || !is->enable)
		return;
	if (is_other_text(was->path, is->path))
		refuse_of_namespace(device, "path", report);
	if (was->block_size != is->block_size)
		refuse_of_namespace(device, "block_size", report);
	check_zones(&was->zones, &is->zones, device, report);
	if (is->has_uuid && memcmp(was->uuid, is->uuid, sizeof(is->uuid)) != 0)
		refuse_of_namespace(device, "uuid", report);
	if (memcmp(was->nguid, is->nguid, sizeof(is->nguid)) != 0)
		refuse_of_namespace(device, "nguid", report);
	if (memcmp(was->eui64, is->eui64, sizeof(is->eui64)) != 0)
		refuse_of_namespace(device, "eui64", report);
	if (was->buffered_io != is->buffered_io)
		refuse_of_namespace(device, "buffered_io", report);
	if (was->resv_enable != is->resv_enable)
		refuse_of_namespace(PLACE_KEY(place, "resv"), "enable", report);
}

static const struct config_namespace *find_namespace(const struct config_subsystem *subsystem,
                                                     uint32_t nsid)
{
	size_t low = 0, high = subsystem->n_namespaces;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (subsystem->sorted[middle]->nsid == nsid)
			return subsystem->sorted[middle];
		if (subsystem->sorted[middle]->nsid < nsid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void check_namespaces(const struct config_subsystem *was, const struct config_subsystem *is,
                             const struct json_place *place, struct report *report)
{
	for (size_t i = 0; i < is->n_namespaces; i++) {
		const struct config_namespace *old = find_namespace(was, is->namespaces[i].nsid);

		if (old)
			check_namespace(old,
			                &is->namespaces[i],
			                PLACE_INDEX(PLACE_KEY(place, "namespaces"), i),
			                report);
	}
}

/* ------------------------------------------------------------------ subsystems */

static void refuse_of_subsystem(const struct json_place *attr, const char *key,
                                struct report *report)
{
	report_error(report,
	             PLACE_KEY(attr, key),
	             "cannot be changed any more, as a host has asked for it and would take the "
	             "subsystem for another one: delete the subsystem first, and create it anew");
}

static void check_identity(const struct config_subsystem *was, const struct config_subsystem *is,
                           const struct json_place *place, struct report *report)
{
	const struct json_place *attr = PLACE_KEY(place, "attr");

	if (was->version != is->version)
		refuse_of_subsystem(attr, "version", report);
	if (is->serial[0] && strcmp(was->serial, is->serial) != 0)
		refuse_of_subsystem(attr, "serial", report);
	if (strcmp(was->model, is->model) != 0)
		refuse_of_subsystem(attr, "model", report);
	if (strcmp(was->firmware, is->firmware) != 0)
		refuse_of_subsystem(attr, "firmware", report);
	if (was->ieee_oui != is->ieee_oui)
		refuse_of_subsystem(attr, "ieee_oui", report);
	if (was->pi_enable != is->pi_enable)
		refuse_of_subsystem(attr, "pi_enable", report);
}

static void check_subsystems(const struct config *before, const struct config *after,
                             struct report *report)
{
	for (size_t i = 0; i < after->n_subsystems; i++) {
		const struct config_subsystem *is = &after->subsystems[i];
		const struct config_subsystem *was = config_find_subsystem(before, is->nqn);
		const struct json_place *place = PLACE_INDEX(PLACE_KEY(NULL, "subsystems"), i);

		if (!was)
			continue;
		if (was->subsystem && was->subsystem->identified)
			check_identity(was, is, place, report);
		check_namespaces(was, is, place, report);
	}
}

/* ------------------------------------------------------------------ ports */

static void refuse_of_port(const struct json_place *place, const char *key, struct report *report)
{
	report_error(report,
	             PLACE_KEY(place, key),
	             "cannot be changed while the port listens, as hosts are connected to it: "
	             "remove its subsystems first");
}

static void check_address(const struct config_address *was, const struct config_address *is,
                          const struct json_place *place, struct report *report)
{
	static const char *const keys[] = {"trtype", "adrfam", "traddr", "trsvcid", "treq", "tsas"};
	const char *const before[] = {
		was->trtype, was->adrfam, was->traddr, was->trsvcid, was->treq, was->tsas};
	const char *const after[] = {
		is->trtype, is->adrfam, is->traddr, is->trsvcid, is->treq, is->tsas};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(before[i], after[i]) != 0)
			refuse_of_port(place, keys[i], report);
}

static void check_parameters(const struct config_port *was, const struct config_port *is,
                             const struct json_place *place, struct report *report)
{
	if (was->inline_data_size != is->inline_data_size)
		refuse_of_port(place, "inline_data_size", report);
	if (was->max_queue_size != is->max_queue_size)
		refuse_of_port(place, "max_queue_size", report);
	if (was->mdts != is->mdts)
		refuse_of_port(place, "mdts", report);
	if (was->pi_enable != is->pi_enable)
		refuse_of_port(place, "pi_enable", report);
}

static void check_ports(const struct config *before, const struct config *after,
                        struct report *report)
{
	for (size_t i = 0; i < after->n_ports; i++) {
		const struct config_port *is = &after->ports[i];
		const struct config_port *was = config_find_port(before, is->port_id);
		const struct json_place *place = PLACE_INDEX(PLACE_KEY(NULL, "ports"), i);

		if (!was || !config_port_listens(was) || !config_port_listens(is))
			continue;
		check_address(&was->address, &is->address, PLACE_KEY(place, "addr"), report);
		check_parameters(was, is, PLACE_KEY(place, "param"), report);
	}
}

void config_check_frozen(const struct config *before, const struct config *after,
                         struct report *report)
{
	check_subsystems(before, after, report);
	check_ports(before, after, report);
}
