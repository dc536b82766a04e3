/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

/* ------------------------------------------------------------------ life */

int zones_init(struct zones *zones, const struct zone_geometry *geometry)
{
	*zones = (struct zones){
		.geometry = *geometry,
		.shift = (uint8_t)__builtin_ctzll(geometry->blocks),
		.zones = calloc(geometry->count, sizeof(struct zone)),
	};
	list_init(&zones->implicit);
	if (!zones->zones)
		return error_origin(-ENOMEM);
	for (uint32_t i = 0; i < geometry->count; i++) {
		list_init(&zones->zones[i].implicit);
		zones->zones[i].state = NVME_ZONE_EMPTY;
	}
	return 0;
}

void zones_deinit(struct zones *zones)
{
	free(zones->zones);
	zones->zones = NULL;
}

/* ------------------------------------------------------------------ states */

static bool is_open(enum nvme_zone_state state)
{
	return state == NVME_ZONE_IMPLICITLY_OPEN || state == NVME_ZONE_EXPLICITLY_OPEN;
}

static bool is_active(enum nvme_zone_state state)
{
	return is_open(state) || state == NVME_ZONE_CLOSED;
}

static struct zone *zone_at(const struct zones *zones, uint32_t index)
{
	return &zones->zones[index];
}

static enum nvme_zone_state state_of(const struct zones *zones, uint32_t index)
{
	return (enum nvme_zone_state)zone_at(zones, index)->state;
}

/* The only place where a state changes. */
static void become(struct zones *zones, struct zone *zone, enum nvme_zone_state state)
{
	enum nvme_zone_state before = (enum nvme_zone_state)zone->state;

	zones->n_open += (uint32_t)is_open(state) - (uint32_t)is_open(before);
	zones->n_active += (uint32_t)is_active(state) - (uint32_t)is_active(before);
	zone->state = (uint8_t)state;
	list_remove(&zone->implicit);
	if (state == NVME_ZONE_IMPLICITLY_OPEN)
		list_append(&zones->implicit, &zone->implicit);
}

/* The one that was written longest ago. False: there is none. */
static bool close_an_implicit_one(struct zones *zones)
{
	if (list_is_empty(&zones->implicit))
		return false;
	become(zones, container_of(zones->implicit.next, struct zone, implicit), NVME_ZONE_CLOSED);
	return true;
}

static bool has_too_many_open(const struct zones *zones)
{
	return zones->geometry.open_max && zones->n_open > zones->geometry.open_max;
}

void zones_set(struct zones *zones, uint32_t index, enum nvme_zone_state state, uint64_t written)
{
	struct zone *zone = zone_at(zones, index);

	zone->written = written;
	zone->writer = NULL;
	zone->in_doubt = written > 0;
	become(zones, zone, state);
	if (!has_too_many_open(zones))
		return;
	if (state == NVME_ZONE_EXPLICITLY_OPEN && list_is_empty(&zones->implicit))
		become(zones, zone, NVME_ZONE_CLOSED);
	else
		close_an_implicit_one(zones);
}

/* A zone that is not open is to be. (Open Zones and Active Zones are resources: §2.1.1.4) */
static struct nvme_status make_room(struct zones *zones, const struct zone *zone)
{
	const struct zone_geometry *geometry = &zones->geometry;

	if (zone->state == NVME_ZONE_EMPTY && geometry->active_max &&
	    zones->n_active >= geometry->active_max)
		return status_dnr(NVME_SC_ZONES_ACTIVE);
	if (geometry->open_max && zones->n_open >= geometry->open_max &&
	    !close_an_implicit_one(zones))
		return status_dnr(NVME_SC_ZONES_OPEN);
	return STATUS_OK;
}

static struct nvme_status open_it(struct zones *zones, struct zone *zone,
                                  enum nvme_zone_state state)
{
	struct nvme_status status = STATUS_OK;

	if (!is_open((enum nvme_zone_state)zone->state))
		status = make_room(zones, zone);
	if (status_is_ok(status))
		become(zones, zone, state);
	return status;
}

/* ------------------------------------------------------------------ writing */

static uint64_t offset_in_zone(const struct zones *zones, uint64_t block)
{
	return block & (zones->geometry.blocks - 1);
}

static struct nvme_status check_writable(const struct zone *zone)
{
	switch ((enum nvme_zone_state)zone->state) {
	case NVME_ZONE_EMPTY:
	case NVME_ZONE_IMPLICITLY_OPEN:
	case NVME_ZONE_EXPLICITLY_OPEN:
	case NVME_ZONE_CLOSED:
		return STATUS_OK;
	case NVME_ZONE_FULL:
		return status_dnr(NVME_SC_ZONE_FULL);
	case NVME_ZONE_READ_ONLY:
		return status_dnr(NVME_SC_ZONE_READ_ONLY);
	case NVME_ZONE_IS_OFFLINE:
		return status_dnr(NVME_SC_ZONE_OFFLINE);
	}
	return status_dnr(NVME_SC_INTERNAL);
}

static struct nvme_status open_for(struct zones *zones, struct zone *zone, uint64_t count)
{
	if (count > zones->geometry.capacity - zone->written)
		return status_dnr(NVME_SC_ZONE_BOUNDARY);
	if (zone->state == NVME_ZONE_EXPLICITLY_OPEN)
		return STATUS_OK;
	return open_it(zones, zone, NVME_ZONE_IMPLICITLY_OPEN);
}

struct nvme_status zones_begin_write(struct zones *zones, uint64_t first_block, uint64_t count)
{
	struct zone *zone = zone_at(zones, zones_index(zones, first_block));
	struct nvme_status status = check_writable(zone);

	if (!status_is_ok(status))
		return status;
	if (count > zones->geometry.blocks - offset_in_zone(zones, first_block))
		return status_dnr(NVME_SC_ZONE_BOUNDARY);
	if (offset_in_zone(zones, first_block) != zone->written)
		return status_dnr(NVME_SC_ZONE_INVALID_WRITE);
	return open_for(zones, zone, count);
}

struct nvme_status zones_begin_append(struct zones *zones, uint64_t first_block, uint64_t count,
                                      uint64_t *ret_block)
{
	struct zone *zone = zone_at(zones, zones_index(zones, first_block));
	struct nvme_status status = check_writable(zone);

	if (!zones_is_first_block(zones, first_block))
		return status_dnr(NVME_SC_INVALID_FIELD);
	if (status_is_ok(status))
		status = open_for(zones, zone, count);
	if (status_is_ok(status))
		*ret_block = first_block + zone->written;
	return status;
}

void zones_wrote(struct zones *zones, uint32_t index, uint64_t count, const void *writer)
{
	struct zone *zone = zone_at(zones, index);

	zone->written += count;
	zone->writer = writer;
	zone->in_doubt = zone->in_doubt && zones->is_settling;
	if (zone->written >= zones->geometry.capacity)
		become(zones, zone, NVME_ZONE_FULL);
}

bool zones_may_be_again(const struct zones *zones, uint64_t first_block, uint64_t count)
{
	const struct zone *zone = zone_at(zones, zones_index(zones, first_block));
	uint64_t offset = offset_in_zone(zones, first_block);

	return zone->in_doubt && count > 0 && zone->state != NVME_ZONE_READ_ONLY &&
	       zone->state != NVME_ZONE_IS_OFFLINE && offset < zone->written &&
	       count <= zone->written - offset;
}

void zones_doubt_one(struct zones *zones, uint32_t index)
{
	zone_at(zones, index)->in_doubt = true;
}

void zones_doubt(struct zones *zones, const void *writer)
{
	for (uint32_t i = 0; i < zones->geometry.count; i++) {
		struct zone *zone = zone_at(zones, i);

		if (zone->writer != writer)
			continue;
		zone->writer = NULL;
		zone->in_doubt = true;
	}
}

/* ------------------------------------------------------------------ reading */

struct nvme_status zones_check_read(const struct zones *zones, uint64_t first_block, uint64_t count)
{
	if (count == 0)
		return STATUS_OK;
	for (uint32_t i = zones_index(zones, first_block);
	     i <= zones_index(zones, first_block + count - 1);
	     i++)
		if (state_of(zones, i) == NVME_ZONE_IS_OFFLINE)
			return status_dnr(NVME_SC_ZONE_OFFLINE);
	return STATUS_OK;
}

struct zone_run zones_find_run(const struct zones *zones, uint64_t first_block, uint64_t count)
{
	const struct zone *zone = zone_at(zones, zones_index(zones, first_block));
	uint64_t offset = offset_in_zone(zones, first_block);
	bool is_written = offset < zone->written;
	uint64_t most = (is_written ? zone->written : zones->geometry.blocks) - offset;

	return (struct zone_run){.count = count < most ? count : most, .is_written = is_written};
}

/* ------------------------------------------------------------------ management */

enum nvme_zone_state zone_state_after(enum nvme_zone_send_action action)
{
	switch (action) {
	case NVME_ZONE_CLOSE:
		return NVME_ZONE_CLOSED;
	case NVME_ZONE_FINISH:
		return NVME_ZONE_FULL;
	case NVME_ZONE_OPEN:
		return NVME_ZONE_EXPLICITLY_OPEN;
	case NVME_ZONE_RESET:
		return NVME_ZONE_EMPTY;
	case NVME_ZONE_OFFLINE:
	case NVME_ZONE_SET_EXTENSION:
	case NVME_ZONE_FLUSH_ZRWA:
		break;
	}
	return NVME_ZONE_IS_OFFLINE;
}

static bool is_known(enum nvme_zone_send_action action)
{
	return action >= NVME_ZONE_CLOSE && action <= NVME_ZONE_OFFLINE;
}

/* Which states the action takes a zone out of (§3.4.3.1). */
static bool takes_from(enum nvme_zone_send_action action, enum nvme_zone_state state)
{
	switch (action) {
	case NVME_ZONE_CLOSE:
		return is_open(state);
	case NVME_ZONE_FINISH:
		return is_active(state) || state == NVME_ZONE_EMPTY;
	case NVME_ZONE_OPEN:
		return state == NVME_ZONE_EMPTY || state == NVME_ZONE_IMPLICITLY_OPEN ||
		       state == NVME_ZONE_CLOSED;
	case NVME_ZONE_RESET:
		return is_active(state) || state == NVME_ZONE_FULL;
	case NVME_ZONE_OFFLINE:
		return state == NVME_ZONE_READ_ONLY;
	case NVME_ZONE_SET_EXTENSION:
	case NVME_ZONE_FLUSH_ZRWA:
		break;
	}
	return false;
}

struct nvme_status zones_begin_action(struct zones *zones, uint32_t index,
                                      enum nvme_zone_send_action action, bool *ret_changes)
{
	struct zone *zone = zone_at(zones, index);

	if (!is_known(action))
		return status_dnr(NVME_SC_INVALID_FIELD);
	*ret_changes = takes_from(action, (enum nvme_zone_state)zone->state);
	if (!*ret_changes && zone->state != zone_state_after(action))
		return status_dnr(NVME_SC_ZONE_TRANSITION);
	if (*ret_changes && action == NVME_ZONE_OPEN)
		return open_it(zones, zone, NVME_ZONE_EXPLICITLY_OPEN);
	return STATUS_OK;
}

/* All that are closed become explicitly open, or none, should they be more than may be
 * (§3.4.3.1.3).
 */
static struct nvme_status open_all(struct zones *zones)
{
	uint32_t n_implicit = 0;

	list_for_each (link, &zones->implicit)
		n_implicit++;
	if (zones->geometry.open_max && zones->n_active - n_implicit > zones->geometry.open_max)
		return status_dnr(NVME_SC_ZONES_OPEN);
	for (uint32_t i = 0; i < zones->geometry.count; i++)
		if (state_of(zones, i) == NVME_ZONE_CLOSED)
			become(zones, zone_at(zones, i), NVME_ZONE_EXPLICITLY_OPEN);
	while (has_too_many_open(zones))
		close_an_implicit_one(zones);
	return STATUS_OK;
}

struct nvme_status zones_begin_all(struct zones *zones, enum nvme_zone_send_action action)
{
	if (!is_known(action))
		return status_dnr(NVME_SC_INVALID_FIELD);
	return action == NVME_ZONE_OPEN ? open_all(zones) : STATUS_OK;
}

/* Empty zones are not finished, nor opened, by Select All. */
static bool is_concerned(enum nvme_zone_send_action action, enum nvme_zone_state state)
{
	if (action == NVME_ZONE_OPEN)
		return state == NVME_ZONE_EXPLICITLY_OPEN;
	return state != NVME_ZONE_EMPTY && takes_from(action, state);
}

uint32_t zones_find_concerned(const struct zones *zones, enum nvme_zone_send_action action,
                              uint32_t index)
{
	while (index < zones->geometry.count && !is_concerned(action, state_of(zones, index)))
		index++;
	return index;
}

void zones_did(struct zones *zones, uint32_t index, enum nvme_zone_send_action action)
{
	struct zone *zone = zone_at(zones, index);

	become(zones, zone, zone_state_after(action));
	if (action != NVME_ZONE_RESET)
		return;
	zone->written = 0;
	zone->writer = NULL;
	zone->in_doubt = false;
}

void zones_undo_open(struct zones *zones, uint32_t index)
{
	struct zone *zone = zone_at(zones, index);

	become(zones, zone, zone->written > 0 ? NVME_ZONE_CLOSED : NVME_ZONE_EMPTY);
}

/* ------------------------------------------------------------------ reports */

static bool is_listed(enum nvme_zone_filter filter, enum nvme_zone_state state)
{
	static const uint8_t states[] = {
		[NVME_ZONES_EMPTY] = NVME_ZONE_EMPTY,
		[NVME_ZONES_IMPLICITLY_OPEN] = NVME_ZONE_IMPLICITLY_OPEN,
		[NVME_ZONES_EXPLICITLY_OPEN] = NVME_ZONE_EXPLICITLY_OPEN,
		[NVME_ZONES_CLOSED] = NVME_ZONE_CLOSED,
		[NVME_ZONES_FULL] = NVME_ZONE_FULL,
		[NVME_ZONES_READ_ONLY] = NVME_ZONE_READ_ONLY,
		[NVME_ZONES_OFFLINE] = NVME_ZONE_IS_OFFLINE,
	};

	return filter == NVME_ZONES_ALL || state == states[filter];
}

uint32_t zones_find_listed(const struct zones *zones, enum nvme_zone_filter filter, uint32_t index)
{
	while (index < zones->geometry.count && !is_listed(filter, state_of(zones, index)))
		index++;
	return index;
}

static bool has_pointer(enum nvme_zone_state state)
{
	return state == NVME_ZONE_EMPTY || is_active(state);
}

void zones_describe(const struct zones *zones, uint32_t index,
                    struct nvme_zone_descriptor *ret_descriptor)
{
	const struct zone *zone = zone_at(zones, index);
	uint64_t first = zones_first_block(zones, index);

	*ret_descriptor = (struct nvme_zone_descriptor){
		.zt = NVME_ZONE_TYPE_SEQUENTIAL,
		.zs = (uint8_t)(zone->state << 4),
		.zcap = le64_of(zones->geometry.capacity),
		.zslba = le64_of(first),
		.wp = le64_of(has_pointer((enum nvme_zone_state)zone->state) ? first + zone->written
	                                                                     : UINT64_MAX),
	};
}
