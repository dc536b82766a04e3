/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zone Management Send (Zoned Namespace Command Set 1.1 §3.4.3), to one zone or to all that it
 * concerns: these change some at a time, as many in a row as the store can change at once.
 */
#include "services/io/zoned.h"

static const struct link_request *wanted_of(const struct zone_work *work)
{
	return &work->outer->wanted;
}

static bool is_of_all(const struct zone_work *work)
{
	return wanted_of(work)->operation == LINK_ZONE_SEND &&
	       (wanted_of(work)->application_mask & LINK_ZONE_ALL);
}

static enum nvme_zone_send_action action_of(const struct zone_work *work)
{
	return (enum nvme_zone_send_action)link_zone_action(wanted_of(work));
}

/* What hosts may count on after a loss of power: not which zones are open. */
static bool is_lasting(enum nvme_zone_send_action action)
{
	return action != NVME_ZONE_OPEN && action != NVME_ZONE_CLOSE;
}

static bool make_change(struct zone_work *work, uint32_t first, uint32_t count)
{
	work->step = ZONE_CHANGE;
	work->change = (struct zone_change){
		.first = first,
		.count = count,
		.action = (uint8_t)action_of(work),
		.state = (uint8_t)zone_state_after(action_of(work)),
		.is_durable = !is_of_all(work) && is_lasting(action_of(work)),
	};
	return true;
}

/* Empty ones are reset with those around them by a store that keeps states itself: a device can
 * reset all of its zones at once, or must one by one. With the lock. */
static bool may_undergo(const struct zone_work *work, uint32_t index)
{
	const struct zoned *zoned = work->zoned;

	if (zoned->store->keeps_pointers && action_of(work) == NVME_ZONE_RESET &&
	    zoned->zones.zones[index].state == NVME_ZONE_EMPTY)
		return true;
	return zones_find_concerned(&zoned->zones, action_of(work), index) == index;
}

/* With Select All: the next zones in a row, from the last change on. */
static bool make_next_change(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	uint32_t end = work->change.first + work->change.count, first, n = 0;

	pthread_mutex_lock(&zoned->lock);
	first = zones_find_concerned(&zoned->zones, action_of(work), end);
	if (first < zoned->zones.geometry.count)
		while (first > end && may_undergo(work, first - 1))
			first--;
	while (n < zoned->changes_max && first + n < zoned->zones.geometry.count &&
	       may_undergo(work, first + n))
		n++;
	pthread_mutex_unlock(&zoned->lock);
	if (n > 0)
		return make_change(work, first, n);
	return is_lasting(action_of(work)) && work->change.count > 0 ? zone_work_make_flush(work)
	                                                             : false;
}

/* A range for each zone, in the memory of a request that has no data. */
static bool make_hole(struct zone_work *work)
{
	const struct zoned *zoned = work->zoned;
	const struct zone_change *change = &work->change;
	unsigned shift = zoned->below->block_shift;
	struct nvme_dsm_range *ranges = work->outer->scratch->ranges;
	struct request *request;

	if (action_of(work) != NVME_ZONE_RESET || !zoned->below->deallocate ||
	    zoned->store->keeps_pointers || change->count > LINK_SEGMENTS_MAX)
		return false;
	work->step = ZONE_HOLE;
	request = zone_work_make_inner(work, LINK_DEALLOCATE, 0, 0);
	for (uint32_t i = 0; i < change->count; i++) {
		uint64_t offset = zoned->data + (change->first + i) * zoned->stride;

		ranges[i] = (struct nvme_dsm_range){
			.slba = le64_of(offset >> shift),
			.blocks = le32_of((uint32_t)(zoned->stride >> shift)),
		};
	}
	request->n_ranges = (uint16_t)change->count;
	request->wanted.block_count = change->count;
	return true;
}

static void take_over_change(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	const struct zone_change *change = &work->change;
	bool is_done = status_is_ok(work->status);

	pthread_mutex_lock(&zoned->lock);
	for (uint32_t i = 0; i < change->count; i++) {
		if (is_done)
			zones_did(&zoned->zones, change->first + i, action_of(work));
		else if (action_of(work) == NVME_ZONE_OPEN)
			zones_undo_open(&zoned->zones, change->first + i);
	}
	pthread_mutex_unlock(&zoned->lock);
}

bool zone_work_after_change(struct zone_work *work)
{
	take_over_change(work);
	if (!status_is_ok(work->status))
		return work->zoned->store->keeps_pointers &&
		       zone_work_make_ask(work, work->change.first);
	if (make_hole(work))
		return true;
	return is_of_all(work) && make_next_change(work);
}

bool zone_work_after_hole(struct zone_work *work)
{
	work->status = STATUS_OK; /* what was not given back is read as zeroes all the same */
	return is_of_all(work) && make_next_change(work);
}

bool zone_work_begin_send(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	uint64_t first = wanted_of(work)->first_block;
	bool changes = false;

	work->change = (struct zone_change){0};
	pthread_mutex_lock(&zoned->lock);
	if (is_of_all(work))
		work->status = zones_begin_all(&zoned->zones, action_of(work));
	else if (!zones_is_first_block(&zoned->zones, first))
		work->status = status_dnr(NVME_SC_INVALID_FIELD);
	else
		work->status = zones_begin_action(&zoned->zones,
		                                  zones_index(&zoned->zones, first),
		                                  action_of(work),
		                                  &changes);
	pthread_mutex_unlock(&zoned->lock);
	if (!status_is_ok(work->status))
		return false;
	if (is_of_all(work))
		return make_next_change(work);
	return changes && make_change(work, zones_index(&zoned->zones, first), 1);
}
