/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request gets a work, waits until nobody is in its way (pi_ranges.h), and is carried out in
 * chunks. Each chunk is one or two steps, of inner requests to the store below:
 *
 *   READ           blocks and tuples; then they are checked
 *   WRITE          [tuples of the units that are not written whole] blocks and tuples
 *   WRITE_ZEROES   the same with tuples of zeroes; where space may be given back, as
 *   DEALLOCATE     [tuples of the units that are not emptied whole] holes for blocks and tuples
 *   FLUSH          flush
 *
 * Small writes may have their tuples written by another one that is at the same unit.
 *
 * One chunk is the whole of a command of up to 1 MiB, but for data that is mixed with tuples, which
 * is taken apart in the work's own memory.
 */
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "services/io/pi_work.h"
#include "services/io/status_from_errno.h"

/* How soon blocks are read again that do not fit, while writes may still come again. */
#define LOOK_NS (20 * NS_PER_MS)

static enum link_operation operation_of(const struct pi_work *work)
{
	return (enum link_operation)work->outer->wanted.operation;
}

static bool has_metadata(const struct pi_work *work)
{
	return work->outer->wanted.flags & LINK_METADATA;
}

static bool changes(const struct pi_work *work)
{
	return operation_of(work) != LINK_READ && operation_of(work) != LINK_FLUSH;
}

/* Space is given back: what was written there is as if it had never been. */
static bool makes_holes(const struct pi_work *work)
{
	return operation_of(work) == LINK_DEALLOCATE ||
	       (operation_of(work) == LINK_WRITE_ZEROES && work->pi->backing.deallocate &&
	        work->outer->wanted.flags & LINK_DEALLOC);
}

/* The tuples of the chunk, in the units that were read or are to be written. */
static struct nvme_protection *tuples_of(const struct pi_work *work)
{
	const struct pi_units units = pi_units_of(
		&work->pi->layout, work->chunk.first, work->chunk.count);

	return (struct nvme_protection *)(work->memory + units.before);
}

/* A write in one chunk, of blocks alone: it has its tuples before it comes in. */
static bool is_plain_write(const struct pi_work *work)
{
	return operation_of(work) == LINK_WRITE && !has_metadata(work) &&
	       work->outer->wanted.block_count <= PI_CHUNK_BLOCKS;
}

/* Of a plain write: in the memory that it needs for nothing else. */
static struct nvme_protection *own_tuples(const struct pi_work *work)
{
	return (struct nvme_protection *)(work->memory + PI_TUPLES_BYTES);
}

static unsigned char *data_of(const struct pi_work *work)
{
	return work->memory + PI_TUPLES_BYTES;
}

/* ------------------------------------------------------------------ the end */

static void run_steps(struct pi_work *work);

static void end(struct pi_work *work, struct nvme_status status)
{
	struct request *outer = work->outer;

	if (work->has_range)
		pi_work_leave(work);
	pi_work_give_back(work);
	request_finish(outer, status);
}

/* ------------------------------------------------------------------ chunks */

/* Whatever units below are, its length is one that a request can tell. */
#define HOLE_BLOCKS_MAX (1u << 28)

/* Up to the next unit, or as many whole units as there are. */
static uint32_t choose_hole(const struct pi_work *work, uint64_t left)
{
	uint64_t a_unit = pi_blocks_a_unit(&work->pi->layout);
	uint64_t rest = a_unit - work->next % a_unit;

	if (rest != a_unit || left < a_unit)
		return (uint32_t)(left < rest ? left : rest);
	left = left / a_unit * a_unit;
	return left < HOLE_BLOCKS_MAX ? (uint32_t)left : HOLE_BLOCKS_MAX;
}

static uint32_t choose_count(const struct pi_work *work)
{
	uint64_t left = work->end - work->next, most = PI_CHUNK_BLOCKS;

	if (makes_holes(work))
		return choose_hole(work, left);
	if (has_metadata(work))
		most = PI_DATA_BYTES >> work->pi->layout.block_shift;
	return (uint32_t)(left < most ? left : most);
}

/* The next range that has blocks. */
static bool find_range(struct pi_work *work)
{
	const struct request *outer = work->outer;

	while (work->next == work->end && operation_of(work) == LINK_DEALLOCATE &&
	       work->range_index < outer->n_ranges) {
		const struct nvme_dsm_range *range = &outer->scratch->ranges[work->range_index++];

		work->next = le64_get(range->slba);
		work->end = work->next + le32_get(range->blocks);
	}
	return work->next < work->end;
}

/* False: all is done. */
static bool find_chunk(struct pi_work *work)
{
	if (!find_range(work))
		return false;
	work->chunk = (struct pi_blocks){
		.first = work->next,
		.count = choose_count(work),
		.shift = work->pi->layout.block_shift,
	};
	work->next += work->chunk.count;
	work->begin = work->cursor;
	return true;
}

/* ------------------------------------------------------------------ inner requests */

static void took_answer(struct pi_work *work, struct nvme_status status)
{
	if (status_is_ok(work->status))
		work->status = status;
	if (--work->n_out == 0 && !work->is_starting)
		run_steps(work);
}

static void took_blocks(struct request_inner *inner, struct nvme_status status)
{
	took_answer(container_of(inner, struct pi_work, blocks), status);
}

static void took_tuples(struct request_inner *inner, struct nvme_status status)
{
	struct pi_work *work = container_of(inner, struct pi_work, tuples);

	pi_work_tell_of_tuples(work, status);
	took_answer(work, status);
}

/* So many bytes of the store below. */
static void make_inner(struct pi_work *work, struct request_inner *inner,
                       enum link_operation operation, uint64_t offset, uint64_t length)
{
	unsigned shift = work->pi->layout.unit_shift;
	struct request *request = &inner->request;
	uint8_t flags = 0;

	if (operation != LINK_READ)
		flags = work->outer->wanted.flags & LINK_FUA;
	if (operation == LINK_WRITE_ZEROES && makes_holes(work))
		flags |= LINK_DEALLOC;
	request_begin_inner(inner, work->outer, &work->pi->target, operation, flags);
	request->wanted.first_block = offset >> shift;
	request->wanted.block_count = (uint32_t)(length >> shift);
	request->offset = offset;
	request->length = length;
	request->scratch = work->outer->scratch;
	inner->done = inner == &work->blocks ? took_blocks : took_tuples;
}

static void make_tuples(struct pi_work *work, enum link_operation operation)
{
	const struct pi_layout *layout = &work->pi->layout;
	const struct pi_units units = pi_units_of(layout, work->chunk.first, work->chunk.count);
	uint64_t bytes = (units.end - units.first) << layout->unit_shift;
	struct request *request = &work->tuples.request;

	make_inner(work,
	           &work->tuples,
	           operation,
	           layout->tuples + (units.first << layout->unit_shift),
	           bytes);
	if (operation == LINK_WRITE_ZEROES)
		return;
	work->tuple_piece = (struct iovec){work->memory, bytes};
	request->pieces = &work->tuple_piece;
	request->n_pieces = 1;
}

static void make_blocks(struct pi_work *work, enum link_operation operation)
{
	unsigned shift = work->pi->layout.block_shift;
	uint64_t bytes = (uint64_t)work->chunk.count << shift;
	struct request *request = &work->blocks.request;
	struct pi_cursor begin = work->begin;

	make_inner(work, &work->blocks, operation, work->chunk.first << shift, bytes);
	if (operation == LINK_WRITE_ZEROES)
		return;
	request->pieces = work->pieces;
	if (has_metadata(work)) {
		request->n_pieces = 1;
		work->pieces[0] = (struct iovec){data_of(work), bytes};
		return;
	}
	request->n_pieces = pi_pieces_of(&begin, bytes, work->pieces);
}

/* ------------------------------------------------------------------ checks */

static struct pi_checks checks_of(const struct pi_work *work)
{
	const struct link_request *wanted = &work->outer->wanted;

	return (struct pi_checks){
		.guard = !(wanted->flags & LINK_PASS_GUARD),
		.reference = !(wanted->flags & LINK_PASS_REFERENCE),
		.application = wanted->application_tag,
		.application_mask = wanted->application_mask,
		.are_stored = operation_of(work) == LINK_READ,
	};
}

/* Of data that was taken apart. */
static struct nvme_status check_apart(struct pi_work *work)
{
	const struct iovec data = {data_of(work), PI_DATA_BYTES};
	struct pi_cursor cursor = {.piece = &data};
	const struct pi_checks checks = checks_of(work);

	return pi_check(&cursor, &work->chunk, &checks, tuples_of(work));
}

static struct nvme_status check_read(struct pi_work *work)
{
	const struct pi_checks checks = checks_of(work);
	struct nvme_status status;

	if (!has_metadata(work))
		return pi_check(&work->cursor, &work->chunk, &checks, tuples_of(work));
	status = check_apart(work);
	if (status_is_ok(status) &&
	    pi_join(&work->cursor, &work->chunk, data_of(work), tuples_of(work)))
		return status_of(NVME_SC_DATA_TRANSFER_ERROR);
	return status;
}

/* What is to be written: tuples of it, or the host's. */
static struct nvme_status protect(struct pi_work *work)
{
	uint16_t application = work->outer->wanted.application_tag;
	int r = 0;

	if (is_plain_write(work))
		memcpy(tuples_of(work),
		       own_tuples(work),
		       work->chunk.count * sizeof(struct nvme_protection));
	else if (operation_of(work) == LINK_WRITE_ZEROES)
		pi_make_zeroes(&work->chunk, application, tuples_of(work));
	else if (!has_metadata(work))
		r = pi_make(&work->cursor, &work->chunk, application, tuples_of(work));
	else
		r = pi_split(&work->cursor, &work->chunk, data_of(work), tuples_of(work));
	if (r)
		return status_of(NVME_SC_DATA_TRANSFER_ERROR);
	return has_metadata(work) && operation_of(work) == LINK_WRITE ? check_apart(work)
	                                                              : STATUS_OK;
}

/* ------------------------------------------------------------------ steps */

static bool make_old_tuples(struct pi_work *work)
{
	work->step = PI_OLD_TUPLES;
	make_tuples(work, LINK_READ);
	work->n_out = 1;
	return true;
}

static bool make_hole(struct pi_work *work, bool whole)
{
	if (!whole)
		memset(tuples_of(work), 0, work->chunk.count * sizeof(struct nvme_protection));
	make_tuples(work, whole ? LINK_WRITE_ZEROES : LINK_WRITE);
	make_blocks(work, LINK_WRITE_ZEROES);
	return true;
}

/* Those that wait for nothing but our units have their tuples written with ours, and write their
 * blocks beside us: otherwise small writes in a row would be done one after the other. */
static void take_followers(struct pi_work *work)
{
	uint64_t first = work->range.units.first * pi_blocks_a_unit(&work->pi->layout);
	struct nvme_protection *tuples = (struct nvme_protection *)work->memory;
	struct pi_work *follower;

	while ((follower = pi_work_next_follower(work))) {
		memcpy(tuples + (follower->range.first - first),
		       own_tuples(follower),
		       (follower->range.end - follower->range.first) * sizeof(*tuples));
		work->tuples.request.wanted.flags |= follower->outer->wanted.flags & LINK_FUA;
		pi_work_tell_to_go(follower);
	}
}

static bool make_transfer(struct pi_work *work, bool whole)
{
	work->step = PI_TRANSFER;
	work->n_out = 2;
	if (makes_holes(work))
		return make_hole(work, whole);
	if (changes(work)) {
		work->status = protect(work);
		if (!status_is_ok(work->status))
			return false;
	}
	make_tuples(work, operation_of(work) == LINK_READ ? LINK_READ : LINK_WRITE);
	make_blocks(work, operation_of(work));
	if (is_plain_write(work))
		take_followers(work);
	return true;
}

static bool make_chunk(struct pi_work *work)
{
	struct pi_units units;

	work->step = PI_BETWEEN;
	if (!find_chunk(work))
		return false;
	units = pi_units_of(&work->pi->layout, work->chunk.first, work->chunk.count);
	if (changes(work) && !units.are_whole)
		return make_old_tuples(work);
	return make_transfer(work, units.are_whole);
}

static bool make_flush(struct pi_work *work)
{
	work->step = PI_FLUSH;
	make_inner(work, &work->blocks, LINK_FLUSH, 0, 0);
	work->n_out = 1;
	return true;
}

/* True: inner requests are to be started. False: work->status is the answer. */
static bool make_step(struct pi_work *work)
{
	if (!status_is_ok(work->status))
		return false;
	switch (work->step) {
	case PI_OLD_TUPLES:
		return make_transfer(work, false);
	case PI_TRANSFER:
		if (operation_of(work) == LINK_READ)
			work->status = check_read(work);
		if (!status_is_ok(work->status))
			return false;
		return make_chunk(work);
	case PI_BETWEEN:
		return operation_of(work) == LINK_FLUSH ? make_flush(work) : make_chunk(work);
	case PI_FLUSH:
		return false;
	}
	return false;
}

static void start_inner(struct pi_work *work)
{
	struct backing *below = work->pi->below;
	bool has_tuples = work->step != PI_FLUSH, has_blocks = work->step != PI_OLD_TUPLES;

	work->is_starting = true;
	if (has_tuples)
		below->kind->start(below, &work->tuples.request);
	if (has_blocks)
		below->kind->start(below, &work->blocks.request);
	work->is_starting = false;
}

/* ------------------------------------------------------------------ what does not fit */

static bool is_check(struct nvme_status status)
{
	enum nvme_status_code code = status_code(status);

	return code == NVME_SC_GUARD_CHECK || code == NVME_SC_APPLICATION_TAG_CHECK ||
	       code == NVME_SC_REFERENCE_TAG_CHECK;
}

static void begin_again(struct loop_timer *timer)
{
	pi_work_begin(container_of(timer, struct pi_work, timer));
}

/* A predecessor's write that was cut off by its death is put again by its transport: until then
 * its blocks do not fit. The range is left, or that write would wait for us. */
static bool look_again(struct pi_work *work)
{
	uint64_t now_ns = clock_now_ns();

	if (operation_of(work) != LINK_READ || !is_check(work->status) ||
	    now_ns >= work->pi->settled_ns)
		return false;
	pi_work_leave(work);
	return loop_timer_set(request_loop(work->outer), &work->timer, now_ns + LOOK_NS) == 0;
}

/* What is wrong on the store stays so; what a host has sent may be right the next time. */
static void end_with_status(struct pi_work *work)
{
	struct nvme_status status = work->status;

	if (look_again(work))
		return;
	if (operation_of(work) == LINK_READ && is_check(status))
		status = status_dnr(status_code(status));
	end(work, status);
}

/* In a loop, not in a recursion: what is below may answer at once. */
static void run_steps(struct pi_work *work)
{
	while (make_step(work)) {
		start_inner(work);
		if (work->n_out > 0)
			return; /* took_answer() goes on */
	}
	end_with_status(work);
}

/* ------------------------------------------------------------------ the begin */

/* All ranges of a Dataset Management at once. */
static void find_hull(struct pi_work *work)
{
	const struct request *outer = work->outer;

	work->range.first = UINT64_MAX;
	work->range.end = 0;
	for (unsigned i = 0; i < outer->n_ranges; i++) {
		const struct nvme_dsm_range *range = &outer->scratch->ranges[i];
		uint64_t first = le64_get(range->slba), end = first + le32_get(range->blocks);

		if (first < work->range.first)
			work->range.first = first;
		if (end > work->range.end)
			work->range.end = end;
	}
}

static void find_blocks(struct pi_work *work)
{
	const struct link_request *wanted = &work->outer->wanted;

	work->range_index = 0;
	work->next = 0;
	work->end = 0;
	work->range.first = 0;
	work->range.end = 0;
	if (operation_of(work) == LINK_DEALLOCATE) {
		find_hull(work);
	} else if (operation_of(work) != LINK_FLUSH) {
		work->next = wanted->first_block;
		work->end = wanted->first_block + wanted->block_count;
		work->range.first = work->next;
		work->range.end = work->end;
	}
	work->range.writes = changes(work);
	work->range.may_follow = is_plain_write(work);
	work->range.leader = NULL;
	work->range.units = pi_units_of(
		&work->pi->layout, work->range.first, work->range.end - work->range.first);
}

static struct nvme_status make_own_tuples(const struct pi_work *work)
{
	const struct link_request *wanted = &work->outer->wanted;
	const struct pi_blocks blocks = {
		wanted->first_block, wanted->block_count, work->pi->layout.block_shift};
	struct pi_cursor cursor = {.piece = work->outer->pieces};

	if (pi_make(&cursor, &blocks, wanted->application_tag, own_tuples(work)))
		return status_of(NVME_SC_DATA_TRANSFER_ERROR);
	return STATUS_OK;
}

void pi_work_begin(struct pi_work *work)
{
	work->status = STATUS_OK;
	work->step = PI_BETWEEN;
	work->cursor = (struct pi_cursor){.piece = work->outer->pieces};
	work->timer = LOOP_TIMER(begin_again);
	list_init(&work->followers);
	find_blocks(work);
	if (is_plain_write(work))
		work->status = make_own_tuples(work);
	if (!status_is_ok(work->status))
		end(work, work->status);
	else if (pi_work_enter(work))
		run_steps(work);
}

void pi_work_entered(struct pi_work *work)
{
	run_steps(work);
}

void pi_work_goes(struct pi_work *follower)
{
	struct backing *below = follower->pi->below;

	find_chunk(follower);
	follower->step = PI_TRANSFER;
	follower->n_out = 2; /* its tuples are on their way */
	make_blocks(follower, LINK_WRITE);
	follower->is_starting = true;
	below->kind->start(below, &follower->blocks.request);
	follower->is_starting = false;
}

void pi_work_tuples_done(struct pi_work *follower)
{
	took_answer(follower, follower->tuples_status);
}

void pi_start(struct backing *backing, struct request *request)
{
	struct pi *pi = container_of(backing, struct pi, backing);
	struct pi_work *work;

	if (request->wanted.operation == LINK_DEALLOCATE && !pi->backing.deallocate) {
		request_finish(request, STATUS_OK); /* it is advice */
		return;
	}
	work = pi_work_take(pi, request);
	if (work)
		pi_work_begin(work);
}
