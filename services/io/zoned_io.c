/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that has been let in (zoned_works.c) is carried out in steps, each of which is an inner
 * request to the store below, or a change that the zones' store performs:
 *
 *   READ           read … read                      of what was written, zone by zone
 *   WRITE, APPEND, write, pointer                   and then the machine has it
 *   WRITE_ZEROES   [compare … compare] [flush]      if it may have been done already
 *   SEND           change [hole]                    of one zone
 *                  change [hole] … change [hole] flush   of all
 *   FLUSH          flush
 */
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/shm/memory.h"
#include "services/io/lane.h"
#include "services/io/zoned.h"

/* What is compared at a time: one half of a work's memory has what is stored, the other what came.
 */
#define COMPARE_BYTES (ZONED_WORK_BYTES / 2)

static const struct link_request *wanted_of(const struct zone_work *work)
{
	return &work->outer->wanted;
}

static uint64_t bytes_of(const struct zone_work *work)
{
	return (uint64_t)wanted_of(work)->block_count << work->zoned->backing.block_shift;
}

/* ------------------------------------------------------------------ the end */

/* The next one that has waited goes on, in the loop of run(). */
static struct zone_work *end(struct zone_work *work)
{
	struct request *outer = work->outer;
	struct nvme_status status = work->status;
	uint64_t first = work->first;
	struct zone_work *next = zoned_let_out(work);

	if (outer->wanted.operation == LINK_ZONE_APPEND && status_is_ok(status))
		request_finish_at(outer, first);
	else
		request_finish(outer, status);
	return next;
}

/* ------------------------------------------------------------------ inner requests */

static void took_answer(struct request_inner *inner, struct nvme_status status)
{
	zone_work_performed(container_of(inner, struct zone_work, inner), status);
}

struct request *zone_work_make_inner(struct zone_work *work, enum link_operation operation,
                                     uint64_t length, uint8_t flags)
{
	struct request *request = &work->inner.request;
	const struct zoned *zoned = work->zoned;
	uint64_t offset = length > 0 ? zoned_offset(zoned, work->first) : 0;
	unsigned shift = zoned->below->block_shift;

	request_begin_inner(&work->inner, work->outer, &zoned->target, operation, flags);
	request->wanted.first_block = offset >> shift;
	request->wanted.block_count = (uint32_t)(length >> shift);
	request->offset = offset;
	request->length = length;
	request->scratch = work->outer->scratch;
	work->inner.done = took_answer;
	return request;
}

/* The outer request's data from work->moved on, so many bytes. */
static void slice(struct zone_work *work, uint64_t bytes)
{
	const struct iovec *piece = work->outer->pieces;
	uint64_t skip = work->moved;
	struct request *request = &work->inner.request;

	for (; skip >= piece->iov_len; piece++)
		skip -= piece->iov_len;
	request->pieces = work->pieces;
	for (request->n_pieces = 0; bytes > 0; piece++) {
		size_t length = piece->iov_len - skip;

		if (length > bytes)
			length = bytes;
		work->pieces[request->n_pieces++] = (struct iovec){(char *)piece->iov_base + skip,
		                                                   length};
		skip = 0;
		bytes -= length;
	}
}

/* ------------------------------------------------------------------ reading */

static int zero_slice(struct zone_work *work, uint64_t bytes)
{
	int r = 0;

	slice(work, bytes);
	for (uint32_t i = 0; !r && i < work->inner.request.n_pieces; i++)
		r = memory_zero(work->pieces[i].iov_base, work->pieces[i].iov_len);
	return r;
}

static struct zone_run find_run(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	unsigned shift = zoned->backing.block_shift;
	struct zone_run found;

	work->first = wanted_of(work)->first_block + (work->moved >> shift);
	pthread_mutex_lock(&zoned->lock);
	found = zones_find_run(&zoned->zones, work->first, (bytes_of(work) - work->moved) >> shift);
	pthread_mutex_unlock(&zoned->lock);
	return found;
}

/* True: there is something to be read. */
static bool make_read(struct zone_work *work)
{
	while (work->moved < bytes_of(work)) {
		struct zone_run found = find_run(work);
		uint64_t bytes = found.count << work->zoned->backing.block_shift;

		if (found.is_written) {
			zone_work_make_inner(work, LINK_READ, bytes, 0);
			slice(work, bytes);
			work->moved += bytes;
			return true;
		}
		if (zero_slice(work, bytes)) {
			work->status = status_of(NVME_SC_DATA_TRANSFER_ERROR);
			return false;
		}
		work->moved += bytes;
	}
	return false;
}

static bool begin_read(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;

	work->step = ZONE_READ;
	pthread_mutex_lock(&zoned->lock);
	work->status = zones_check_read(
		&zoned->zones, wanted_of(work)->first_block, wanted_of(work)->block_count);
	pthread_mutex_unlock(&zoned->lock);
	return status_is_ok(work->status) && make_read(work);
}

bool zone_work_make_flush(struct zone_work *work)
{
	work->step = ZONE_FLUSH;
	zone_work_make_inner(work, LINK_FLUSH, 0, 0);
	return true;
}

/* ------------------------------------------------------------------ writing */

static bool writes_zeroes(const struct zone_work *work)
{
	return wanted_of(work)->operation == LINK_WRITE_ZEROES;
}

static bool make_write(struct zone_work *work)
{
	uint8_t flags = wanted_of(work)->flags & (LINK_FUA | LINK_DEALLOC);

	work->step = ZONE_WRITE;
	if (writes_zeroes(work)) {
		zone_work_make_inner(work, LINK_WRITE_ZEROES, bytes_of(work), flags);
		return true;
	}
	zone_work_make_inner(work, LINK_WRITE, bytes_of(work), flags);
	slice(work, bytes_of(work));
	return true;
}

static bool make_pointer(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	struct zones *zones = &zoned->zones;
	uint32_t index = zones_index(zones, work->first);
	struct zone_change *change = &work->change;

	work->step = ZONE_POINTER;
	*change = (struct zone_change){
		.first = index,
		.count = 1,
		.action = ZONE_CHANGE_WROTE,
		.is_durable = wanted_of(work)->flags & LINK_FUA,
	};
	pthread_mutex_lock(&zoned->lock);
	change->written = zones->zones[index].written + wanted_of(work)->block_count;
	change->state = change->written < zones->geometry.capacity ? zones->zones[index].state
	                                                           : (uint8_t)NVME_ZONE_FULL;
	pthread_mutex_unlock(&zoned->lock);
	return true;
}

/* Its host sends it again, if it does not see the answer. When the link has ended nobody may be
 * told any more: while a device is silent its namespace is in no table. */
static bool may_come_again(const struct zone_work *work)
{
	return request_may_come_again(work->outer) || !request_is_wanted(work->outer);
}

static void take_over_write(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	uint32_t index = zones_index(&zoned->zones, work->first);

	pthread_mutex_lock(&zoned->lock);
	if (zoned->zones.is_settling && clock_now_ns() >= zoned->settled_ns)
		zoned->zones.is_settling = false;
	zones_wrote(&zoned->zones, index, wanted_of(work)->block_count, work->outer->lane);
	if (may_come_again(work))
		zones_doubt_one(&zoned->zones, index);
	pthread_mutex_unlock(&zoned->lock);
}

bool zone_work_make_ask(struct zone_work *work, uint32_t index)
{
	work->step = ZONE_ASK;
	work->failure = work->status;
	work->change = (struct zone_change){
		.first = index,
		.count = 1,
		.action = ZONE_CHANGE_ASK,
	};
	return true;
}

static void take_over_answer(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;

	if (status_is_ok(work->status)) {
		pthread_mutex_lock(&zoned->lock);
		zones_set(&zoned->zones,
		          work->change.first,
		          (enum nvme_zone_state)work->change.state,
		          work->change.written);
		pthread_mutex_unlock(&zoned->lock);
	}
	work->status = work->failure;
}

static bool after_write(struct zone_work *work)
{
	bool keeps = work->zoned->store->keeps_pointers;

	if (!status_is_ok(work->status))
		return keeps &&
		       zone_work_make_ask(work, zones_index(&work->zoned->zones, work->first));
	if (!keeps)
		return make_pointer(work);
	take_over_write(work);
	return false;
}

/* ------------------------------------------------------------------ writing again */

/* The next part of what is stored where this is to be written. Its data is equal so far. */
static bool make_compare(struct zone_work *work)
{
	uint64_t left = bytes_of(work) - work->moved;
	uint64_t bytes = left < COMPARE_BYTES ? left : COMPARE_BYTES;
	struct request *request;

	if (left == 0)
		return wanted_of(work)->flags & LINK_FUA ? zone_work_make_flush(work) : false;
	work->first = wanted_of(work)->first_block +
	              (work->moved >> work->zoned->backing.block_shift);
	request = zone_work_make_inner(work, LINK_READ, bytes, 0);
	work->pieces[0] = (struct iovec){work->memory, bytes};
	request->pieces = work->pieces;
	request->n_pieces = 1;
	return true;
}

/* What came, into the other half of the memory. */
static int fetch(struct zone_work *work, unsigned char *to, uint64_t bytes)
{
	int r = 0;

	if (writes_zeroes(work)) {
		memset(to, 0, bytes);
		return 0;
	}
	slice(work, bytes);
	for (uint32_t i = 0; !r && i < work->inner.request.n_pieces; i++) {
		r = memory_copy(to, work->pieces[i].iov_base, work->pieces[i].iov_len);
		to += work->pieces[i].iov_len;
	}
	return r;
}

static bool after_compare(struct zone_work *work)
{
	unsigned char *came = work->memory + COMPARE_BYTES;
	uint64_t left = bytes_of(work) - work->moved;
	uint64_t bytes = left < COMPARE_BYTES ? left : COMPARE_BYTES;

	if (!status_is_ok(work->status))
		return false;
	if (fetch(work, came, bytes)) {
		work->status = status_of(NVME_SC_DATA_TRANSFER_ERROR);
		return false;
	}
	if (memcmp(work->memory, came, bytes) != 0) {
		work->status = work->failure;
		return false;
	}
	work->moved += bytes;
	return make_compare(work);
}

static bool begin_write(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;
	const struct link_request *wanted = wanted_of(work);
	bool may_be_again = false;

	work->first = wanted->first_block;
	pthread_mutex_lock(&zoned->lock);
	if (wanted->operation == LINK_ZONE_APPEND) {
		work->status = zones_begin_append(
			&zoned->zones, wanted->first_block, wanted->block_count, &work->first);
	} else {
		work->status = zones_begin_write(
			&zoned->zones, wanted->first_block, wanted->block_count);
		may_be_again = !status_is_ok(work->status) &&
		               zones_may_be_again(
				       &zoned->zones, wanted->first_block, wanted->block_count);
	}
	pthread_mutex_unlock(&zoned->lock);
	if (!may_be_again)
		return status_is_ok(work->status) && make_write(work);
	work->failure = work->status;
	work->status = STATUS_OK;
	work->step = ZONE_COMPARE;
	return make_compare(work);
}

/* ------------------------------------------------------------------ steps */

/* True: a step is made, and is to be started. False: work->status is the answer. */
static bool begin_step(struct zone_work *work)
{
	work->has_begun = true;
	work->status = STATUS_OK;
	work->moved = 0;
	if (work->is_cancelled) {
		work->status = status_of(NVME_SC_ABORT_REQUESTED);
		return false;
	}
	switch (wanted_of(work)->operation) {
	case LINK_READ:
		return begin_read(work);
	case LINK_WRITE:
	case LINK_WRITE_ZEROES:
	case LINK_ZONE_APPEND:
		return begin_write(work);
	case LINK_ZONE_SEND:
		return zone_work_begin_send(work);
	default:
		return zone_work_make_flush(work);
	}
}

static bool next_step(struct zone_work *work)
{
	switch (work->step) {
	case ZONE_READ:
		return status_is_ok(work->status) && make_read(work);
	case ZONE_WRITE:
		return after_write(work);
	case ZONE_POINTER:
		if (status_is_ok(work->status))
			take_over_write(work);
		return false;
	case ZONE_ASK:
		take_over_answer(work);
		return false;
	case ZONE_COMPARE:
		return after_compare(work);
	case ZONE_CHANGE:
		return zone_work_after_change(work);
	case ZONE_HOLE:
		return zone_work_after_hole(work);
	case ZONE_FLUSH:
		return false;
	}
	return false;
}

static void start_step(struct zone_work *work)
{
	struct zoned *zoned = work->zoned;

	work->is_answered = false;
	work->is_starting = true;
	if (work->step == ZONE_POINTER || work->step == ZONE_ASK || work->step == ZONE_CHANGE)
		zoned->store->perform(work);
	else
		zoned->below->kind->start(zoned->below, &work->inner.request);
	work->is_starting = false;
}

/* In a loop, not in a recursion: what is below may answer at once. */
static void run(struct zone_work *work, bool has_step)
{
	while (work) {
		if (!has_step) {
			work = end(work);
			has_step = work && begin_step(work);
			continue;
		}
		start_step(work);
		if (!work->is_answered)
			return; /* zone_work_performed() goes on */
		has_step = next_step(work);
	}
}

void zone_work_performed(struct zone_work *work, struct nvme_status status)
{
	work->status = status;
	work->is_answered = true;
	if (!work->is_starting)
		run(work, next_step(work));
}

void zone_work_begin(struct zone_work *work)
{
	run(work, begin_step(work));
}

/* ------------------------------------------------------------------ from the lane */

void zoned_start(struct backing *backing, struct request *request)
{
	struct zoned *zoned = container_of(backing, struct zoned, backing);
	uint8_t operation = request->wanted.operation;
	struct zone_work *work;

	if (operation == LINK_ZONE_RECEIVE) {
		zoned_report(zoned, request);
		return;
	}
	if (operation == LINK_DEALLOCATE || /* it is advice */
	    (operation == LINK_WRITE_ZEROES && request->length == 0)) {
		request_finish(request, STATUS_OK);
		return;
	}
	work = zoned_let_in(zoned, request);
	if (work)
		zone_work_begin(work);
}

static bool can_be_held_back(enum zone_step step)
{
	return step == ZONE_READ || step == ZONE_WRITE || step == ZONE_COMPARE ||
	       step == ZONE_FLUSH;
}

/* What waits for its turn is held back; so is data on its way, which is behind the write pointer
 * still, and what changes nothing. Not a change of the zones. */
void zoned_cancel(struct backing *backing, struct request *request)
{
	struct zoned *zoned = container_of(backing, struct zoned, backing);
	const struct backing_kind *below = zoned->below->kind;
	struct zone_work *work;

	if (zoned_call_off(zoned, request)) {
		request_finish(request, status_of(NVME_SC_ABORT_REQUESTED));
		return;
	}
	work = zoned_find_work(zoned, request);
	if (!work)
		return;
	if (!work->has_begun)
		work->is_cancelled = true;
	else if (below->cancel && can_be_held_back(work->step))
		below->cancel(zoned->below, &work->inner.request);
}
