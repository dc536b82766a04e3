/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request is judged when it comes. Then it is held up, if a rule says so: a timer of its own I/O
 * thread looks after it. Then it fails, or is carried out in steps, each of which is an inner
 * request to the backing below:
 *
 *   [write back … write back] own        while there is a cache, with the gate
 *   own                                  else
 *
 * What the cache cannot do (Write Zeroes, Deallocate, FUA) goes below, and then the blocks leave
 * the cache; before a Deallocate, which is advice, all of it is written: otherwise a host could
 * see again what it had overwritten.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "services/io/fault.h"
#include "services/io/status_from_errno.h"

/* How soon it is seen that what hangs may go on, or that nobody waits for it any more. */
#define LOOK_NS (20 * NS_PER_MS)

enum fault_step {
	FAULT_FIRST, /* nothing was done below yet */
	FAULT_WRITE_BACK,
	FAULT_OWN,
};

struct fault_work {
	struct request_inner inner;
	struct request *outer;
	struct fault *fault;
	struct fault_verdict verdict;
	struct loop_timer timer; /* while it is held up */
	uint64_t due_ns;
	uint64_t releases; /* of the fault, when it was judged */
	uint64_t outages;
	struct list link;     /* waits for the gate */
	struct letter letter; /* has got it */
	bool has_gate;
	bool is_starting; /* an inner request; is_answered: it is over already */
	bool is_answered;
	enum fault_step step;
	struct fault_run run;      /* FAULT_WRITE_BACK */
	struct nvme_status status; /* of the last step */
	struct iovec pieces[LINK_SEGMENTS_MAX];
};

static enum link_operation operation_of(const struct fault_work *work)
{
	return (enum link_operation)work->outer->wanted.operation;
}

static struct nvme_status no_power(const struct fault_work *work)
{
	return status_from_errno(ENODEV, operation_of(work));
}

static struct nvme_status interrupted(const struct fault_work *work)
{
	return status_from_errno(ENOMEM, operation_of(work));
}

/* ------------------------------------------------------------------ the gate */

static void run_steps(struct fault_work *work);

static void deliver_gate(struct letter *letter)
{
	run_steps(container_of(letter, struct fault_work, letter));
}

/* True: it may go on now. False: it has to wait for the gate, and will be called. */
static bool enter_gate(struct fault_work *work)
{
	struct fault *fault = work->fault;
	bool enters = true;

	pthread_mutex_lock(&fault->lock);
	work->has_gate = fault->rules.cache_bytes > 0 || fault->is_busy || fault->cached > 0;
	if (work->has_gate && fault->is_busy) {
		list_append(&fault->waiting, &work->link);
		enters = false;
	} else if (work->has_gate) {
		fault->is_busy = true;
	}
	pthread_mutex_unlock(&fault->lock);
	return enters;
}

/* The next one has it from then on. */
static void leave_gate(struct fault_work *work)
{
	struct fault *fault = work->fault;
	struct list *next;

	if (!work->has_gate)
		return;
	pthread_mutex_lock(&fault->lock);
	if (fault->loses_cache)
		fault_lose_cache(fault);
	fault->cached = fault->cache.used;
	next = list_take_first(&fault->waiting);
	fault->is_busy = next != NULL;
	pthread_mutex_unlock(&fault->lock);
	if (next) {
		struct fault_work *other = container_of(next, struct fault_work, link);

		request_post(other->outer, &other->letter, deliver_gate);
	}
}

/* ------------------------------------------------------------------ the end */

static void end(struct fault_work *work, struct nvme_status status)
{
	struct request *outer = work->outer;

	leave_gate(work);
	free(work);
	request_finish(outer, status);
}

/* ------------------------------------------------------------------ what is to be done below */

struct fault_view {
	bool has_power;
	uint64_t bytes;
	uint64_t cache_bytes;
};

static struct fault_view look_at(struct fault_work *work)
{
	struct fault *fault = work->fault;
	struct fault_view view;

	pthread_mutex_lock(&fault->lock);
	view = (struct fault_view){
		.has_power = !fault->is_off && fault->outages == work->outages,
		.bytes = fault->bytes,
		.cache_bytes = fault->rules.cache_bytes,
	};
	pthread_mutex_unlock(&fault->lock);
	return view;
}

static struct fault_run blocks_of(const struct fault_work *work)
{
	return (struct fault_run){work->outer->wanted.first_block, work->outer->wanted.block_count};
}

static bool goes_to_cache(const struct fault_work *work)
{
	return work->verdict.loses && !work->verdict.is_short &&
	       !(work->outer->wanted.flags & LINK_FUA) &&
	       work->outer->wanted.block_count <= work->fault->cache.limit;
}

static bool must_write_back(const struct fault_work *work)
{
	const struct fault_cache *cache = &work->fault->cache;

	if (cache->used == 0)
		return false;
	if (operation_of(work) == LINK_FLUSH || operation_of(work) == LINK_DEALLOCATE)
		return true;
	return goes_to_cache(work) && cache->used + blocks_of(work).count > cache->limit;
}

/* The oldest blocks of the cache. False: they lie behind an end that has come nearer. */
static bool make_write_back(struct fault_work *work, uint64_t bytes)
{
	struct fault *fault = work->fault;
	struct request *request = &work->inner.request;
	unsigned shift = fault->backing.block_shift;

	work->run = fault_cache_oldest(&fault->cache, fault->bounce, FAULT_BOUNCE_BYTES);
	if ((work->run.first + work->run.count) << shift > bytes)
		return false;
	request_begin_inner(&work->inner, work->outer, &fault->target, LINK_WRITE, 0);
	work->pieces[0] = (struct iovec){fault->bounce, work->run.count << shift};
	request->pieces = work->pieces;
	request->n_pieces = 1;
	request->offset = work->run.first << shift;
	request->length = work->run.count << shift;
	return true;
}

/* Only so many bytes of the pieces. */
static void shorten(struct request *request, uint64_t bytes)
{
	uint32_t n = 0;

	request->length = bytes;
	for (; bytes > 0; n++) {
		struct iovec *piece = &request->pieces[n];

		if (piece->iov_len > bytes)
			piece->iov_len = bytes;
		bytes -= piece->iov_len;
	}
	request->n_pieces = n < request->n_pieces ? n : request->n_pieces;
}

/* What the host wants, or the part of it that a short one does. */
static void make_own(struct fault_work *work)
{
	const struct request *outer = work->outer;
	struct request *request = &work->inner.request;

	request_begin_inner(&work->inner,
	                    outer,
	                    &work->fault->target,
	                    operation_of(work),
	                    outer->wanted.flags & (LINK_FUA | LINK_DEALLOC));
	if (outer->n_pieces > 0)
		memcpy(work->pieces, outer->pieces, outer->n_pieces * sizeof(work->pieces[0]));
	request->pieces = work->pieces;
	request->n_pieces = outer->n_pieces;
	request->offset = outer->offset;
	request->length = outer->length;
	request->scratch = outer->scratch;
	request->n_ranges = outer->n_ranges;
	if (!work->verdict.is_short)
		return;
	request->length = work->verdict.short_blocks << work->fault->backing.block_shift;
	if (outer->n_pieces > 0)
		shorten(request, request->length);
}

/* ------------------------------------------------------------------ what came of it */

static void drop_from_cache(const struct fault_work *work)
{
	struct fault_run run = blocks_of(work);

	if (!work->has_gate)
		return;
	if (work->verdict.is_short)
		run.count = work->verdict.short_blocks;
	fault_cache_drop(&work->fault->cache, run);
}

/* The own step has succeeded: what it means for the cache, and for the host. */
static struct nvme_status settle(struct fault_work *work)
{
	int r = 0;

	switch (operation_of(work)) {
	case LINK_READ:
		if (work->has_gate)
			r = fault_cache_get(
				&work->fault->cache, blocks_of(work), work->outer->pieces);
		break;
	case LINK_WRITE:
	case LINK_WRITE_ZEROES:
		drop_from_cache(work);
		break;
	case LINK_FLUSH:
	case LINK_DEALLOCATE:
		break;
	}
	if (work->verdict.is_short)
		return status_from_end_of_store(operation_of(work));
	return r ? status_from_errno(-r, operation_of(work)) : STATUS_OK;
}

static void took_step(struct request_inner *inner, struct nvme_status status)
{
	struct fault_work *work = container_of(inner, struct fault_work, inner);

	work->status = status;
	work->is_answered = true;
	if (!work->is_starting)
		run_steps(work);
}

/* True: an inner request is to be started. False: work->status is the answer. */
static bool make_step(struct fault_work *work)
{
	const struct fault_view view = look_at(work);
	struct fault *fault = work->fault;

	if (!view.has_power) {
		work->status = no_power(work);
		return false;
	}
	if (!status_is_ok(work->status))
		return false;
	if (work->step == FAULT_OWN) {
		work->status = settle(work);
		return false;
	}
	if (work->step == FAULT_WRITE_BACK)
		fault_cache_drop(&fault->cache, work->run);
	if (work->has_gate)
		fault->cache.limit = view.cache_bytes >> fault->backing.block_shift;
	while (must_write_back(work)) {
		work->step = FAULT_WRITE_BACK;
		if (make_write_back(work, view.bytes))
			return true;
		fault_cache_drop(&fault->cache, work->run);
	}
	if (operation_of(work) == LINK_WRITE && work->has_gate && goes_to_cache(work)) {
		int r = fault_cache_put(&fault->cache, blocks_of(work), work->outer->pieces);

		work->status = r ? status_from_errno(-r, LINK_WRITE) : STATUS_OK;
		return false;
	}
	work->step = FAULT_OWN;
	make_own(work);
	if (work->inner.request.length > 0 || !work->verdict.is_short)
		return true;
	work->status = settle(work);
	return false;
}

/* In a loop, not in a recursion: what is below may answer at once, and a cache has many blocks. */
static void run_steps(struct fault_work *work)
{
	while (make_step(work)) {
		const struct backing *below = work->fault->below;

		work->inner.done = took_step;
		work->is_answered = false;
		work->is_starting = true;
		below->kind->start(work->fault->below, &work->inner.request);
		work->is_starting = false;
		if (!work->is_answered)
			return; /* took_step() goes on */
	}
	end(work, work->status);
}

static void carry_out(struct fault_work *work)
{
	if (work->verdict.fails)
		end(work, work->verdict.status);
	else if (enter_gate(work))
		run_steps(work);
}

/* ------------------------------------------------------------------ held up */

static void count_held(struct fault_work *work, bool is_held)
{
	struct fault *fault = work->fault;
	uint64_t *held = work->verdict.hangs ? &fault->hanging : &fault->delayed;

	pthread_mutex_lock(&fault->lock);
	*held += is_held ? 1 : UINT64_MAX;
	pthread_mutex_unlock(&fault->lock);
	work->outer->held = is_held ? work : NULL;
}

static void hold(struct fault_work *work)
{
	uint64_t soon_ns = clock_now_ns() + LOOK_NS;

	if (!work->verdict.hangs && work->due_ns < soon_ns)
		soon_ns = work->due_ns;
	if (loop_timer_set(request_loop(work->outer), &work->timer, soon_ns) == 0)
		return;
	count_held(work, false);
	end(work, interrupted(work));
}

/* What is held up has not reached the store. What is below by now goes on. */
void fault_cancel(struct backing *backing, struct request *request)
{
	struct fault_work *work = request->held;

	(void)backing;
	if (!work)
		return;
	loop_timer_clear(&work->timer);
	count_held(work, false);
	end(work, status_of(NVME_SC_ABORT_REQUESTED));
}

static void look_again(struct loop_timer *timer)
{
	struct fault_work *work = container_of(timer, struct fault_work, timer);
	struct fault *fault = work->fault;
	bool is_off, is_released;

	if (!request_is_wanted(work->outer)) {
		struct request *outer = work->outer;

		count_held(work, false);
		free(work);
		request_drop(outer);
		return;
	}
	pthread_mutex_lock(&fault->lock);
	is_off = fault->outages != work->outages;
	is_released = fault->releases != work->releases;
	pthread_mutex_unlock(&fault->lock);
	if (!is_off && !is_released && (work->verdict.hangs || clock_now_ns() < work->due_ns)) {
		hold(work);
		return;
	}
	count_held(work, false);
	if (is_released)
		work->verdict = (struct fault_verdict){0}; /* the fault is over */
	carry_out(work);
}

/* ------------------------------------------------------------------ the begin */

static void judge(struct fault_work *work)
{
	const struct request *outer = work->outer;
	const struct fault_command command = {
		.operation = operation_of(work),
		.first = outer->wanted.first_block,
		.count = outer->wanted.block_count,
		.ranges = outer->scratch->ranges,
		.n_ranges = outer->n_ranges,
	};
	struct fault *fault = work->fault;
	uint64_t now_ns = clock_now_ns();

	pthread_mutex_lock(&fault->lock);
	work->releases = fault->releases;
	work->outages = fault->outages;
	if (fault->is_off)
		work->verdict = (struct fault_verdict){.fails = true, .status = no_power(work)};
	else
		work->verdict = fault_rules_judge(&fault->rules, &command, now_ns);
	pthread_mutex_unlock(&fault->lock);
	work->due_ns = now_ns + work->verdict.delay_ns;
}

void fault_start(struct backing *backing, struct request *request)
{
	struct fault_work *work = malloc(sizeof(*work));

	if (!work) {
		request_finish(
			request,
			status_from_errno(ENOMEM, (enum link_operation)request->wanted.operation));
		return;
	}
	memset(work, 0, offsetof(struct fault_work, pieces));
	work->outer = request;
	work->fault = container_of(backing, struct fault, backing);
	work->status = STATUS_OK;
	work->timer = LOOP_TIMER(look_again);
	list_init(&work->link);
	judge(work);
	if (!work->verdict.hangs && work->verdict.delay_ns == 0) {
		carry_out(work);
		return;
	}
	count_held(work, true);
	hold(work);
}
