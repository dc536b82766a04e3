/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/lane.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/cache_line.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/doorbell.h"
#include "services/io/io_thread.h"
#include "services/io/namespace.h"

/* What one look takes from one lane: so many requests, or so many bytes of data. Who serves memory
 * copies them in this look, and the transport can send meanwhile, or at least begin. */
#define TAKE_MAX       128u
#define TAKE_MAX_BYTES (512u << 10)

/* Requests that are checked before the first of them is started: their data comes near meanwhile.
 */
#define AHEAD 8u

/* Completions that wait for the end of the look at most: the transport can begin with these
 * while we do the next. */
#define UNPUBLISHED_MAX 8

/* What one sweep tells of: completions must find room beside it. */
#define TELL_MAX 64u

/* ------------------------------------------------------------------ life */

struct lane *lane_new(struct link *link, struct region *arena)
{
	_cleanup_(lane_freep) struct lane *lane = line_alloc(sizeof(*lane));

	if (!lane) {
		link_deinit(link);
		region_deinit(arena);
		return NULL;
	}
	lane->link = *link;
	*link = LINK_NULL;
	lane->arena = *arena;
	*arena = REGION_NULL;
	lane->buffer = -1;
	list_init(&lane->free);
	list_init(&lane->link_in_thread);
	lane->requests = calloc(LINK_SLOTS, sizeof(*lane->requests));
	lane->scratch = calloc(LINK_SLOTS, sizeof(*lane->scratch)); /* pages, untouched mostly */
	lane->ages = calloc(LINK_SLOTS, sizeof(*lane->ages));
	if (!lane->requests || !lane->scratch || !lane->ages)
		return NULL;
	for (uint32_t i = 0; i < LINK_SLOTS; i++) {
		struct request *request = &lane->requests[i];

		request->lane = lane;
		request->scratch = &lane->scratch[i];
		list_append(&lane->free, &request->link);
	}
	return take(&lane);
}

struct lane *lane_free(struct lane *lane)
{
	if (!lane)
		return NULL;
	must(lane->in_flight == 0);
	link_deinit(&lane->link);
	region_deinit(&lane->arena);
	free(lane->requests);
	free(lane->scratch);
	free(lane->ages);
	free(lane);
	return NULL;
}

static void break_lane(struct lane *lane, const char *reason)
{
	if (lane->state != LANE_OPEN)
		return;
	lane->state = LANE_BROKEN;
	lane->broken_reason = reason;
	io_thread_tell_broken(lane->thread, lane);
}

static void doorbell_rings(struct loop_source *source, uint32_t events)
{
	(void)events;
	doorbell_clear(source->fd);
}

int lane_attach(struct lane *lane, struct io_thread *thread)
{
	int r;

	lane->thread = thread;
	lane->doorbell = LOOP_SOURCE(doorbell_rings);
	r = loop_add(io_thread_loop(thread), &lane->doorbell, lane->link.to_worker, EPOLLIN);
	if (r)
		break_lane(lane, "its doorbell cannot be waited for");
	return r;
}

void lane_detach(struct lane *lane)
{
	loop_remove(&lane->doorbell);
	uring_remove_buffer(io_thread_uring(lane->thread), lane->buffer);
	lane->buffer = -1;
}

/* ------------------------------------------------------------------ completions */

static void put(struct lane *lane, const struct link_completion *completion)
{
	if (lane->state == LANE_BROKEN)
		return;
	/* Also when it is closing: the transport takes what is in the ring before it goes on. */
	if (ring_put(&lane->link.completions, completion)) {
		break_lane(lane, "it does not take its completions");
		return;
	}
	if (++lane->unpublished >= UNPUBLISHED_MAX)
		lane_publish(lane);
}

static void complete(struct lane *lane, struct link_id id, struct nvme_status status)
{
	const struct link_completion completion = {.id = id, .status = status.value};

	put(lane, &completion);
}

void lane_publish(struct lane *lane)
{
	if (lane->unpublished == 0)
		return;
	lane->unpublished = 0;
	ring_publish(&lane->link.completions);
	if (ring_must_wake(&lane->link.completions))
		doorbell_ring(lane->link.to_transport);
}

static void count(const struct request *request, struct nvme_status status)
{
	struct counters *counters =
		&request->target->counters[io_thread_index(request->lane->thread)];
	uint64_t bytes = (uint64_t)request->wanted.block_count << request->target->block_shift;

	counters_add(counters, COUNT_FINISHED, 1);
	if (!status_is_ok(status)) {
		counters_add(counters, COUNT_ERRORS, 1);
		return;
	}
	switch ((enum link_operation)request->wanted.operation) {
	case LINK_READ:
		counters_add(counters, COUNT_READS, 1);
		counters_add(counters, COUNT_READ_BYTES, bytes);
		return;
	case LINK_WRITE:
		counters_add(counters, COUNT_WRITES, 1);
		counters_add(counters, COUNT_WRITE_BYTES, bytes);
		return;
	case LINK_FLUSH:
		counters_add(counters, COUNT_FLUSHES, 1);
		return;
	case LINK_WRITE_ZEROES:
	case LINK_DEALLOCATE:
		counters_add(counters, COUNT_OTHERS, 1);
		return;
	}
	counters_add(counters, COUNT_OTHERS, 1); /* management of zones */
}

/* Apart, so that count() is where it is called. */
static void count_append(const struct request *request)
{
	struct counters *counters =
		&request->target->counters[io_thread_index(request->lane->thread)];

	counters_add(counters, COUNT_FINISHED, 1);
	counters_add(counters, COUNT_WRITES, 1);
	counters_add(counters,
	             COUNT_WRITE_BYTES,
	             (uint64_t)request->wanted.block_count << request->target->block_shift);
}

static void give_back(struct lane *lane, struct request *request)
{
	lane->in_flight--;
	/* in front of the others: what was used last is used next, and most are never touched */
	list_append(lane->free.next, &request->link);
}

/* What few requests need: one look finds all of it. True: it was not the lane's. */
static bool finish_rarely(struct request *request, struct nvme_status status)
{
	if (request->wanted.flags & REQUEST_INNER) {
		struct request_inner *inner = container_of(request, struct request_inner, request);

		inner->done(inner, status);
		return true;
	}
	link_stamp_done(&request->lane->link, &request->wanted);
	return false;
}

void request_finish(struct request *request, struct nvme_status status)
{
	struct lane *lane = request->lane;

	if (__builtin_expect(request->wanted.flags & (LINK_TRACED | REQUEST_INNER), 0) &&
	    finish_rarely(request, status))
		return;
	count(request, status);
	io_thread_release(lane->thread, request->hold);
	complete(lane, request->wanted.id, status);
	give_back(lane, request);
}

static bool is_same(struct link_id a, struct link_id b)
{
	return a.index == b.index && a.generation == b.generation;
}

void request_finish_at(struct request *request, uint64_t block)
{
	struct lane *lane = request->lane;
	const struct link_completion completion = {
		.id = request->wanted.id,
		.result = (uint32_t)block,
		.result_high = (uint16_t)(block >> 32),
	};

	link_stamp_done(&lane->link, &request->wanted);
	count_append(request);
	io_thread_release(lane->thread, request->hold);
	put(lane, &completion);
	give_back(lane, request);
}

void request_drop(struct request *request)
{
	struct lane *lane = request->lane;

	counters_add(&request->target->counters[io_thread_index(lane->thread)], COUNT_FINISHED, 1);
	io_thread_release(lane->thread, request->hold);
	give_back(lane, request);
}

bool request_is_wanted(const struct request *request)
{
	return request->lane->state == LANE_OPEN;
}

bool request_may_come_again(const struct request *request)
{
	const struct lane *lane = request->lane;
	const struct lane_age *age = &lane->ages[request - lane->requests];

	return (age->is_told || age->is_doubted) && is_same(age->id, request->wanted.id);
}

/* ------------------------------------------------------------------ requests */

static void start(struct lane *lane, struct request *request)
{
	struct backing *backing = request->target->backing;

	counters_add(&request->target->counters[io_thread_index(lane->thread)], COUNT_STARTED, 1);
	request->hold = io_thread_hold(lane->thread);
	backing->kind->start(backing, request);
}

static bool is_in_flight(const struct request *request)
{
	return list_is_empty(&request->link) && !request_is_word(&request->wanted);
}

/* One that is in the kernel, or held up; not one that is over, or that was never here. */
static void cancel(struct lane *lane, const struct link_request *wanted)
{
	for (uint32_t i = 0; i < LINK_SLOTS; i++) {
		struct request *request = &lane->requests[i];
		const struct backing_kind *kind;

		if (!is_in_flight(request) || !request->target ||
		    !is_same(request->wanted.id, wanted->id))
			continue;
		kind = request->target->backing->kind;
		if (kind->cancel)
			kind->cancel(request->target->backing, request);
		return;
	}
}

/* Of this request, not of one that had its place before. */
static struct lane_age *age_of(struct lane *lane, uint32_t i)
{
	struct lane_age *age = &lane->ages[i];

	if (!is_same(age->id, lane->requests[i].wanted.id))
		*age = (struct lane_age){.id = lane->requests[i].wanted.id};
	return age;
}

/* What has been written, and what is still to be. Where nothing came since the last time, all of it
 * is in doubt already: connections that come and go cost nothing. */
static void doubt(struct lane *lane)
{
	uint32_t taken = lane->link.requests.here;
	bool is_news = taken - 1 != lane->doubted_at;

	lane->doubted_at = taken;
	if (!is_news)
		return;
	for (uint32_t i = 0; lane->in_flight > 0 && i < LINK_SLOTS; i++)
		if (is_in_flight(&lane->requests[i]))
			age_of(lane, i)->is_doubted = true;
	io_thread_doubt(lane->thread, lane);
}

__attribute__((cold)) static void hear(struct lane *lane, const struct link_request *word)
{
	if (word->operation == LINK_DOUBT)
		doubt(lane);
	else
		cancel(lane, word);
}

/* True: it is to be started. */
static bool admit(struct lane *lane, struct request *request)
{
	struct nvme_status status = STATUS_OK;
	const char *reason = NULL;
	int r = request_check(request, lane->grant, &lane->arena, &status, &reason);

	if (r == 0) {
		const struct backing_kind *kind = request->target->backing->kind;

		if (kind->expect)
			kind->expect(request->target->backing, request);
		return true;
	}
	if (r == REQUEST_E_WORD) {
		hear(lane, &request->wanted);
		give_back(lane, request);
		return false;
	}
	link_stamp_done(&lane->link, &request->wanted);
	if (r == REQUEST_E_BROKEN)
		break_lane(lane, reason);
	else
		complete(lane, request->wanted.id, status);
	give_back(lane, request);
	return false;
}

static struct request *take_free(struct lane *lane)
{
	struct list *first = list_take_first(&lane->free);

	if (!first)
		return NULL;
	lane->in_flight++;
	return container_of(first, struct request, link);
}

/* All slots are in use: only what takes none may come. */
__attribute__((cold)) static void take_words(struct lane *lane)
{
	struct link_request words;
	unsigned n = 0;

	while (lane->state == LANE_OPEN && n < AHEAD &&
	       ring_take(&lane->link.requests, &words) == 0) {
		n++;
		if (request_is_word(&words))
			hear(lane, &words);
		else
			break_lane(lane, "more requests than there are slots");
	}
	if (n > 0)
		ring_release(&lane->link.requests);
}

/* The next request of the ring, its private copy; NULL: there is none, or the lane is broken. */
static struct request *take_one(struct lane *lane)
{
	struct request *request = take_free(lane);
	int r;

	if (!request) {
		take_words(lane);
		return NULL;
	}
	r = ring_take(&lane->link.requests, &request->wanted);
	if (r == 0) {
		link_stamp_took(&lane->link, &request->wanted);
		return request;
	}
	give_back(lane, request);
	if (r == RING_E_BROKEN)
		break_lane(lane, "its counters make no sense");
	return NULL;
}

/* Takes up to AHEAD requests, and starts those that are to be. Says how many it took. */
static unsigned take_some(struct lane *lane, uint64_t *bytes)
{
	struct request *admitted[AHEAD];
	unsigned n = 0, n_admitted = 0;

	for (; n < AHEAD && lane->state == LANE_OPEN && *bytes < TAKE_MAX_BYTES; n++) {
		struct request *request = take_one(lane);

		if (!request)
			break;
		if (!admit(lane, request))
			continue;
		*bytes += request->length;
		admitted[n_admitted++] = request;
	}
	for (unsigned i = 0; i < n_admitted; i++)
		start(lane, admitted[i]);
	return n;
}

unsigned lane_take(struct lane *lane)
{
	uint64_t bytes = 0;
	unsigned n = 0, some;

	do {
		some = take_some(lane, &bytes);
		n += some;
	} while (some == AHEAD && n < TAKE_MAX);
	if (n > 0)
		ring_release(&lane->link.requests);
	return n;
}

/* ------------------------------------------------------------------ what is old */

/* Where there is no room the next sweep tries again. */
static bool tell_undecided(struct lane *lane, const struct request *request)
{
	const struct link_completion completion = {.id = request->wanted.id,
	                                           .status = LINK_UNDECIDED};

	if (lane->state != LANE_OPEN || ring_put(&lane->link.completions, &completion))
		return false;
	lane->unpublished++;
	return true;
}

static bool is_old(struct lane_age *age, uint64_t now_ns, uint64_t limit_ns)
{
	if (age->since_ns == 0)
		age->since_ns = now_ns;
	return now_ns >= age->since_ns + limit_ns;
}

/* It takes no more, so that this stays so until its devices answer. */
static void note_stuck(struct lane *lane)
{
	if (lane->state != LANE_CLOSING || lane->is_stuck)
		return;
	lane->is_stuck = true;
	io_thread_tell_stuck(lane->thread, lane);
}

void lane_sweep(struct lane *lane, uint64_t now_ns, uint64_t limit_ns)
{
	unsigned n_told = 0, n_fenced = 0;

	for (uint32_t i = 0; lane->in_flight > 0 && i < LINK_SLOTS; i++) {
		struct request *request = &lane->requests[i];
		const struct target *target = request->target;

		if (!list_is_empty(&request->link) || /* it is free */
		    !is_old(age_of(lane, i), now_ns, limit_ns))
			continue;
		counters_add(&target->counters[io_thread_index(lane->thread)], COUNT_OLD, 1);
		if (!atomic_load(&target->owner->may_tell))
			continue;
		n_fenced++;
		if (lane->ages[i].is_told || n_told == TELL_MAX)
			continue;
		lane->ages[i].is_told = tell_undecided(lane, request);
		n_told++;
	}
	if (n_fenced > 0 && n_fenced == lane->in_flight)
		note_stuck(lane);
}

/* ------------------------------------------------------------------ sleeping */

bool lane_sleep(struct lane *lane)
{
	return lane->state != LANE_OPEN || ring_sleep(&lane->link.requests);
}

void lane_wake(struct lane *lane)
{
	if (lane->state == LANE_OPEN)
		ring_wake(&lane->link.requests);
}

/* ------------------------------------------------------------------ what backings use */

void request_begin_inner(struct request_inner *inner, const struct request *outer,
                         const struct target *target, enum link_operation operation, uint8_t flags)
{
	struct request *request = &inner->request;

	request->wanted = (struct link_request){.operation = (uint8_t)operation,
	                                        .flags = (uint8_t)(flags | REQUEST_INNER)};
	request->lane = io_thread_inner_lane(outer->lane->thread);
	request->target = target;
	request->tries = 0;
	request->range = 0;
	request->n_ranges = 0;
	request->n_pieces = 0;
}

struct loop *request_loop(const struct request *request)
{
	return io_thread_loop(request->lane->thread);
}

void request_post(const struct request *request, struct letter *letter,
                  void (*deliver)(struct letter *letter))
{
	io_thread_post(request->lane->thread, letter, deliver);
}

struct uring *request_uring(const struct request *request)
{
	return io_thread_uring(request->lane->thread);
}

/* Registered at the first direct I/O: the kernel pins all of it, and a transport that uses only
 * ram: never needs that. */
int request_buffer(const struct request *request)
{
	struct lane *lane = request->lane;
	static _Atomic bool said;

	if (lane->buffer_tried)
		return lane->buffer;
	lane->buffer_tried = true;
	lane->buffer = uring_add_buffer(
		request_uring(request), lane->arena.memory, lane->arena.size);
	if (lane->buffer < 0 && !said) {
		said = true;
		log_warn("%s: its arena cannot be registered with the kernel: %s: direct I/O takes "
		         "more processor time (LimitMEMLOCK=, ulimit -l)",
		         lane->transport,
		         error_words(lane->buffer));
	}
	return lane->buffer;
}
