/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/zone_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/io/zone_layout.h"
#include "services/io/zoned.h"

#define LOAD_BYTES (1u << 20)

/* ------------------------------------------------------------------ loading */

/* True: it was damaged. */
static bool take_entry(struct zones *zones, uint32_t index, const void *unit)
{
	uint64_t capacity = zones->geometry.capacity, written;
	enum nvme_zone_state state;

	if (zone_entry_read(unit, index, capacity, &state, &written)) {
		zones_set(zones, index, NVME_ZONE_READ_ONLY, capacity);
		return true;
	}
	if (state != NVME_ZONE_EMPTY)
		zones_set(zones, index, state, written);
	return false;
}

/* Reads and takes so many units. A negative errno, or how many were damaged. */
static int64_t load_some(struct zoned *zoned, unsigned char *buffer, uint32_t first, uint32_t count)
{
	struct backing *below = zoned->below;
	uint32_t n_damaged = 0;
	int r = below->kind->load(below,
	                          zoned->table + ((uint64_t)first << zoned->unit_shift),
	                          buffer,
	                          (size_t)count << zoned->unit_shift);

	if (r)
		return r;
	for (uint32_t i = 0; i < count; i++)
		n_damaged += take_entry(
			&zoned->zones, first + i, buffer + ((size_t)i << zoned->unit_shift));
	return n_damaged;
}

static int load_all(struct zoned *zoned, unsigned char *buffer, uint32_t *ret_damaged)
{
	uint32_t total = zoned->zones.geometry.count, most = LOAD_BYTES >> zoned->unit_shift;

	for (uint32_t first = 0; first < total; first += most) {
		uint32_t count = total - first < most ? total - first : most;
		int64_t r = load_some(zoned, buffer, first, count);

		if (r < 0)
			return (int)r;
		*ret_damaged += (uint32_t)r;
	}
	return 0;
}

static int load(struct zoned *zoned, char *reason, size_t reason_size)
{
	_cleanup_(cleanup_free) void *buffer = NULL;
	uint32_t n_damaged = 0;
	int r;

	if (posix_memalign(&buffer, 4096, LOAD_BYTES) != 0) {
		buffer = NULL;
		snprintf(reason, reason_size, "no memory");
		return BACKING_E_NOT_READY;
	}
	r = load_all(zoned, buffer, &n_damaged);
	if (r) {
		snprintf(reason,
		         reason_size,
		         "its table of zones cannot be read: %s",
		         error_words(r));
		return BACKING_E_NOT_READY;
	}
	if (n_damaged)
		log_err("%s: %u of its %u zones are read-only from now on: what its table says of "
		        "them is damaged; copy what they have: only a new store has them anew",
		        zoned->path,
		        n_damaged,
		        zoned->zones.geometry.count);
	return 0;
}

/* ------------------------------------------------------------------ changing */

/* The zones are the work's own, so that nothing else moves their pointers. */
static uint64_t written_after(const struct zone_work *work, uint32_t index)
{
	if (work->change.action == ZONE_CHANGE_WROTE)
		return work->change.written;
	return work->change.action == NVME_ZONE_RESET ? 0 : work->zoned->zones.zones[index].written;
}

static void fill(struct zone_work *work)
{
	const struct zone_change *change = &work->change;
	size_t unit_bytes = (size_t)1 << work->zoned->unit_shift;

	for (uint32_t i = 0; i < change->count; i++)
		zone_entry_write(work->memory + i * unit_bytes,
		                 unit_bytes,
		                 change->first + i,
		                 (enum nvme_zone_state)change->state,
		                 written_after(work, change->first + i));
}

static void took_answer(struct request_inner *inner, struct nvme_status status)
{
	zone_work_performed(container_of(inner, struct zone_work, inner), status);
}

static void perform(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	struct request *request = &work->inner.request;
	uint64_t length = (uint64_t)work->change.count << zoned->unit_shift;
	unsigned shift = zoned->below->block_shift;

	fill(work);
	request_begin_inner(&work->inner,
	                    work->outer,
	                    &zoned->target,
	                    LINK_WRITE,
	                    work->change.is_durable ? LINK_FUA : 0);
	request->offset = zoned->table + ((uint64_t)work->change.first << zoned->unit_shift);
	request->length = length;
	request->wanted.first_block = request->offset >> shift;
	request->wanted.block_count = (uint32_t)(length >> shift);
	request->scratch = work->outer->scratch;
	work->pieces[0] = (struct iovec){work->memory, length};
	request->pieces = work->pieces;
	request->n_pieces = 1;
	work->inner.done = took_answer;
	zoned->below->kind->start(zoned->below, request);
}

const struct zone_store zone_table = {
	.load = load,
	.perform = perform,
};
