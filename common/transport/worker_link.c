/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four lists hold a link's requests: in_flight, in the order in which they were put into the
 * ring; lost, which were in flight when the link ended; held, which the worker has answered with
 * Namespace Not Ready; waiting, for a place in the ring. The end of a link is only noted where it
 * is found (link->fault), and takes place in look(), so that no list changes under the feet of a
 * caller.
 *
 * Of what is lost nobody knows whether a worker, or the kernel for a dead one, is still at its
 * memory. So it keeps its memory, also when its queue closes, until the next link comes up: a
 * worker welcomes one only when nothing of the one before is left. What a dead process has left
 * to the kernel is over when its successor has got the backing store, and so what its queue does
 * not want any more becomes a Flush of the same namespace, which is not done before that.
 */
#include "common/transport/worker_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/doorbell.h"
#include "common/transport/greeting.h"
#include "common/transport/request.h"

#define RETRY_MIN_MS       5u
#define RETRY_MAX_MS       200u
#define GREETING_NS        (2 * NS_PER_S)
#define HELD_NS            (50 * NS_PER_MS)
/* Less than a Linux host's own patience (30 s) */
#define IN_FLIGHT_NS       (25 * NS_PER_S)
/* What is lost is given up then: few disks take longer, and a launcher has ended who hangs. */
#define LOST_NS            (60 * NS_PER_S)
/* The ring is full although little is in flight: the worker has not said yet what it took */
#define FULL_NS            (5 * NS_PER_MS)
#define FULL_MAX_NS        (2 * NS_PER_S)
#define COMPLETIONS_A_LOOK 256u

struct slot {
	struct request *request; /* NULL: free */
	uint32_t generation;
};

struct worker_link {
	const struct worker_link_owner *owner;
	struct view_worker worker;
	enum worker_link_state state;
	const char *fault; /* why the link is to end at the next look; NULL */
	struct link rings;
	int connection; /* -1: none */
	struct loop_source socket;
	struct loop_source doorbell;
	struct loop_timer timer; /* AWAY: next try. GREETING: its deadline */
	struct loop_timer patience;
	struct loop_timer held_timer;
	struct loop_timer in_flight_timer;
	struct loop_timer lost_timer;
	struct loop_timer full_timer;

	unsigned retry_ms;
	uint64_t away_since_ns;
	uint64_t full_since_ns; /* 0: the ring is not */
	bool has_put;           /* since the last push */
	bool has_warned;        /* of its being refused, since it was up */

	struct list in_flight;
	struct list lost;
	struct list held;
	struct list waiting;
	uint32_t n_in_flight;
	uint32_t n_free;
	uint32_t free[LINK_SLOTS];
	struct slot slots[LINK_SLOTS];
};

static const char *object(const struct worker_link *link)
{
	static _Thread_local char name[64];

	snprintf(name, sizeof(name), "link %u to %s", link->owner->thread, link->worker.name);
	return name;
}

/* ------------------------------------------------------------------ requests and slots */

static void take_slot(struct worker_link *link, struct request *request)
{
	uint32_t index = link->free[link->n_free - 1];
	struct slot *slot = &link->slots[index];

	slot->request = request;
	request->wanted.id = (struct link_id){.index = index, .generation = ++slot->generation};
}

static void use_slot(struct worker_link *link, struct request *request)
{
	link->n_free--;
	link->n_in_flight++;
	request->owner = REQUEST_AT_WORKER;
	request->put_ns = loop_now_ns(link->owner->loop);
	list_append(&link->in_flight, &request->core_link);
	if (!link->in_flight_timer.due_ns)
		loop_timer_set(
			link->owner->loop, &link->in_flight_timer, request->put_ns + IN_FLIGHT_NS);
}
static void free_slot(struct worker_link *link, struct request *request)
{
	link->slots[request->wanted.id.index].request = NULL;
	link->free[link->n_free++] = request->wanted.id.index;
	link->n_in_flight--;
	list_remove(&request->core_link);
}

static void done(struct worker_link *link, struct request *request, struct nvme_status status)
{
	request->owner = REQUEST_AT_CORE;
	request->status = status;
	link->owner->done(request);
}

/* It has slots, as many as there are requests: what is completed has been taken out of it. */
static void note_full(struct worker_link *link)
{
	uint64_t now_ns = loop_now_ns(link->owner->loop);

	if (link->full_since_ns == 0)
		link->full_since_ns = now_ns;
	if (now_ns >= link->full_since_ns + FULL_MAX_NS)
		link->fault = "the worker completes requests and leaves them in the ring";
	else if (!link->full_timer.due_ns)
		loop_timer_set(link->owner->loop, &link->full_timer, now_ns + FULL_NS);
}

/* False: it has to wait. */
static bool try_ring(struct worker_link *link, struct request *request)
{
	int r;

	if (link->state != WORKER_UP || link->fault || link->n_free == 0)
		return false;
	take_slot(link, request);
	r = ring_put(&link->rings.requests, &request->wanted);
	if (r) {
		link->slots[request->wanted.id.index].request = NULL;
		if (r == RING_E_BROKEN)
			link->fault = "the worker broke the request ring";
		else
			note_full(link);
		return false;
	}
	link->full_since_ns = 0;
	use_slot(link, request);
	link->has_put = true;
	return true;
}

static void put_waiting(struct worker_link *link)
{
	while (!list_is_empty(&link->waiting)) {
		struct request *request = container_of(
			link->waiting.next, struct request, core_link);

		list_remove(&request->core_link);
		if (!try_ring(link, request)) {
			/* back to the front */
			list_append(link->waiting.next, &request->core_link);
			return;
		}
	}
}

/* ------------------------------------------------------------------ patience */

static bool is_patience_over(const struct worker_link *link, uint64_t now_ns)
{
	return link->state != WORKER_UP && now_ns >= link->away_since_ns + WORKER_PATIENCE_NS;
}

static void wait_for_worker(struct worker_link *link)
{
	if (link->state != WORKER_UP && !link->patience.due_ns)
		loop_timer_set(link->owner->loop,
		               &link->patience,
		               link->away_since_ns + WORKER_PATIENCE_NS);
}

static void give_up(struct worker_link *link, struct list *requests)
{
	struct list *first;

	while ((first = list_take_first(requests)))
		done(link,
		     container_of(first, struct request, core_link),
		     status_of(NVME_SC_INTERNAL_PATH_ERROR));
}

static void lose_patience(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, patience);

	log_warn("%s: the worker is away for %u s: what waits for it is answered with a path "
	         "error",
	         object(link),
	         (unsigned)(WORKER_PATIENCE_NS / NS_PER_S));
	give_up(link, &link->waiting);
}

void worker_link_put(struct worker_link *link, struct request *request)
{
	uint64_t now_ns = loop_now_ns(link->owner->loop);

	request->is_lost = false;
	if (list_is_empty(&link->waiting) && try_ring(link, request))
		return;
	if (is_patience_over(link, now_ns)) {
		done(link, request, status_of(NVME_SC_INTERNAL_PATH_ERROR));
		return;
	}
	request->owner = REQUEST_AT_LINK;
	list_append(&link->waiting, &request->core_link);
	wait_for_worker(link);
}

/* Nothing of it is to be done any more, but its memory may not be used before this is. */
static void become_fence(struct request *request)
{
	request->wanted.operation = LINK_FLUSH;
	request->wanted.flags = 0;
	request->wanted.segment_count = 0;
	request->wanted.first_block = 0;
	request->wanted.block_count = 0;
	memset(request->wanted.segments, 0, sizeof(request->wanted.segments));
}

void worker_link_drop(struct worker_link *link, struct request *request)
{
	if (request->is_lost) {
		become_fence(request);
		return;
	}
	list_remove(&request->core_link);
	done(link, request, status_of(NVME_SC_ABORT_SQ_DELETION));
}

/* The worker has the namespace, but not its backing store yet. */
static void hold(struct worker_link *link, struct request *request)
{
	uint64_t now_ns = loop_now_ns(link->owner->loop);

	if (request->patience_ns == 0)
		request->patience_ns = now_ns + (request->is_lost ? LOST_NS : WORKER_PATIENCE_NS);
	if ((request->queue->closing && !request->is_lost) || now_ns >= request->patience_ns) {
		done(link, request, status_of(NVME_SC_INTERNAL_PATH_ERROR));
		return;
	}
	request->owner = REQUEST_AT_LINK;
	list_append(&link->held, &request->core_link);
	if (!link->held_timer.due_ns)
		loop_timer_set(link->owner->loop, &link->held_timer, now_ns + HELD_NS);
}

static void put_before(struct list *later, struct list *earlier)
{
	struct list *link;

	while (!list_is_empty(earlier)) {
		link = earlier->previous;
		list_remove(link);
		list_append(later->next, link); /* before the first of later */
	}
}

static void put_held(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, held_timer);

	put_before(&link->waiting, &link->held);
	put_waiting(link);
	wait_for_worker(link);
}

static void try_full_ring(struct loop_timer *timer)
{
	put_waiting(container_of(timer, struct worker_link, full_timer));
}

/* ------------------------------------------------------------------ completions */

static void complete(struct worker_link *link, const struct link_completion *completion)
{
	struct nvme_status status = {completion->status & 0x7fff};
	struct request *request;

	if (completion->id.index >= LINK_SLOTS) {
		link->fault = "the worker completed a request that cannot be";
		return;
	}
	request = link->slots[completion->id.index].request;
	if (!request || link->slots[completion->id.index].generation != completion->id.generation) {
		link->fault = "the worker completed a request that is not in flight";
		return;
	}
	free_slot(link, request);
	request->result[0] = completion->result;
	if (status_code(status) == NVME_SC_NAMESPACE_NOT_READY)
		hold(link, request);
	else
		done(link, request, status);
}

static unsigned take_completions(struct worker_link *link, unsigned most)
{
	struct link_completion completion;
	unsigned n = 0;
	int r = 0;

	while (n < most && !link->fault) {
		r = ring_take(&link->rings.completions, &completion);
		if (r)
			break;
		n++;
		complete(link, &completion);
	}
	if (n > 0)
		ring_release(&link->rings.completions);
	if (r == RING_E_BROKEN)
		link->fault = "the worker broke the completion ring";
	return n;
}

/* It may be us who stood still: what has come counts first. */
static void check_in_flight(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, in_flight_timer);
	const struct request *oldest;

	take_completions(link, LINK_SLOTS);
	if (list_is_empty(&link->in_flight))
		return;
	oldest = container_of(link->in_flight.next, struct request, core_link);
	if (loop_now_ns(link->owner->loop) >= oldest->put_ns + IN_FLIGHT_NS)
		link->fault = "the worker does not complete what it was given";
	else
		loop_timer_set(link->owner->loop, timer, oldest->put_ns + IN_FLIGHT_NS);
}

/* ------------------------------------------------------------------ the life of a link */

static void disconnect(struct worker_link *link)
{
	loop_remove(&link->socket);
	cleanup_close(&link->connection);
	link->connection = -1;
	loop_remove(&link->doorbell);
	link_deinit(&link->rings);
	loop_timer_clear(&link->timer);
	loop_timer_clear(&link->in_flight_timer);
	loop_timer_clear(&link->full_timer);
	link->full_since_ns = 0;
}

static void try_later(struct worker_link *link)
{
	disconnect(link);
	link->state = WORKER_AWAY;
	loop_timer_set(
		link->owner->loop, &link->timer, clock_now_ns() + link->retry_ms * NS_PER_MS);
	link->retry_ms = link->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : link->retry_ms * 2;
}

static void lose(struct worker_link *link, struct request *request)
{
	list_remove(&request->core_link);
	request->owner = REQUEST_AT_WORKER;
	request->is_lost = true;
	list_append(&link->lost, &request->core_link);
}

/* What was in flight, now or on a link before, waits for the next link to come up. */
static void take_back(struct worker_link *link)
{
	while (!list_is_empty(&link->in_flight)) {
		struct request *request = container_of(
			link->in_flight.next, struct request, core_link);

		free_slot(link, request);
		lose(link, request);
	}
	put_before(&link->waiting, &link->held);
	loop_timer_clear(&link->held_timer);
	list_for_each_safe (at, &link->waiting) {
		struct request *request = container_of(at, struct request, core_link);

		if (request->is_lost)
			lose(link, request);
	}
	if (!list_is_empty(&link->lost))
		loop_timer_set(link->owner->loop, &link->lost_timer, link->away_since_ns + LOST_NS);
}

/* Nothing of the link before is left: what was lost is put before all others. */
static void find_again(struct worker_link *link)
{
	loop_timer_clear(&link->lost_timer);
	list_for_each (at, &link->lost) {
		struct request *request = container_of(at, struct request, core_link);

		request->owner = REQUEST_AT_LINK;
		if (request->queue->closing)
			become_fence(request);
	}
	put_before(&link->waiting, &link->lost);
}

static void give_up_lost(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, lost_timer);

	log_err("%s: the worker is away for %u s: what it had in flight is given up",
	        object(link),
	        (unsigned)(LOST_NS / NS_PER_S));
	give_up(link, &link->lost);
}

static void end(struct worker_link *link)
{
	const char *fault = link->fault;
	uint32_t in_flight;

	link->fault = NULL;
	take_completions(link, LINK_SLOTS);
	in_flight = link->n_in_flight;
	link->away_since_ns = clock_now_ns();
	link->retry_ms = RETRY_MIN_MS;
	try_later(link);
	link->fault = NULL; /* of what was left in the ring */
	link->has_put = false;
	take_back(link);
	if (!list_is_empty(&link->waiting))
		wait_for_worker(link);
	log_warn("%s: ended: %s: %u requests in flight wait for the next",
	         object(link),
	         fault,
	         in_flight);
}

static void come_up(struct worker_link *link)
{
	int r = loop_add(link->owner->loop, &link->doorbell, link->rings.to_transport, EPOLLIN);

	if (r) {
		try_later(link);
		return;
	}
	loop_timer_clear(&link->timer);
	loop_timer_clear(&link->patience);
	link->state = WORKER_UP;
	link->retry_ms = RETRY_MIN_MS;
	link->has_warned = false;
	log_info("%s: up", object(link));
	find_again(link);
	put_waiting(link);
}

/* It is tried again for ever; a line is said once. */
static void say_refused(struct worker_link *link, const char *reason)
{
	if (link->has_warned)
		return;
	link->has_warned = true;
	log_warn("%s: the worker refuses it, trying again: %s", object(link), reason);
}

static void hear_welcome(struct worker_link *link)
{
	char reason[128] = "";
	int r = greeting_hear(link->connection, reason, sizeof(reason));

	if (r == 0) {
		come_up(link);
		return;
	}
	if (r == -EAGAIN)
		return;
	if (r == GREETING_E_REFUSED)
		say_refused(link, reason);
	else
		log_debug("%s: not welcome: %s",
		          object(link),
		          r < 0 ? error_words(r) : "the worker left, or answered nonsense");
	try_later(link);
}

/* After the welcome nothing more is said: whatever stirs is the end. */
static void socket_ready(struct loop_source *source, uint32_t events)
{
	struct worker_link *link = container_of(source, struct worker_link, socket);

	(void)events;
	if (link->state == WORKER_GREETING) {
		hear_welcome(link);
		return;
	}
	link->fault = "the worker is gone";
	loop_remove(source);
}

static void doorbell_ready(struct loop_source *source, uint32_t events)
{
	(void)events;
	doorbell_clear(source->fd);
}

static int greet(struct worker_link *link)
{
	Nvmetd__LinkHello hello = NVMETD__LINK_HELLO__INIT;
	int r;

	r = link_create(&link->rings);
	if (r)
		return error_trace(r);
	link->connection = greeting_connect(link->worker.path);
	if (link->connection < 0)
		return link->connection;
	r = loop_add(link->owner->loop, &link->socket, link->connection, EPOLLIN);
	if (r)
		return error_trace(r);
	hello.version = LINK_VERSION;
	hello.transport = (char *)link->owner->transport;
	hello.token.data = link->worker.token;
	hello.token.len = sizeof(link->worker.token);
	hello.thread = link->owner->thread;
	hello.slots = LINK_SLOTS;
	hello.arena_bytes = link->owner->arena->size;
	hello.instance = link->owner->instance;
	return greeting_say(link->connection, &hello, &link->rings, link->owner->arena->fd);
}

static void timer_expired(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, timer);
	int r;

	if (link->state == WORKER_GREETING) {
		log_debug("%s: no welcome in time", object(link));
		try_later(link);
		return;
	}
	r = greet(link);
	if (r) {
		log_debug("%s: cannot greet the worker: %s", object(link), error_words(r));
		try_later(link);
		return;
	}
	link->state = WORKER_GREETING;
	loop_timer_set(link->owner->loop, &link->timer, clock_now_ns() + GREETING_NS);
}

/* ------------------------------------------------------------------ the whole */

int worker_link_new(struct worker_link **ret_link, const struct worker_link_owner *owner,
                    const struct view_worker *worker)
{
	_cleanup_(worker_link_freep) struct worker_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return error_origin(-ENOMEM);
	link->owner = owner;
	link->worker = *worker;
	link->rings = LINK_NULL;
	link->connection = -1;
	link->socket = LOOP_SOURCE(socket_ready);
	link->doorbell = LOOP_SOURCE(doorbell_ready);
	link->timer = LOOP_TIMER(timer_expired);
	link->patience = LOOP_TIMER(lose_patience);
	link->held_timer = LOOP_TIMER(put_held);
	link->in_flight_timer = LOOP_TIMER(check_in_flight);
	link->lost_timer = LOOP_TIMER(give_up_lost);
	link->full_timer = LOOP_TIMER(try_full_ring);
	link->retry_ms = RETRY_MIN_MS;
	link->away_since_ns = clock_now_ns();
	list_init(&link->in_flight);
	list_init(&link->lost);
	list_init(&link->held);
	list_init(&link->waiting);
	link->n_free = LINK_SLOTS;
	for (uint32_t i = 0; i < LINK_SLOTS; i++)
		link->free[i] = LINK_SLOTS - 1 - i;
	r = loop_timer_set(owner->loop, &link->timer, link->away_since_ns);
	if (r)
		return error_trace(r);
	*ret_link = take(&link);
	return 0;
}

struct worker_link *worker_link_free(struct worker_link *link)
{
	if (!link)
		return NULL;
	disconnect(link);
	loop_timer_clear(&link->patience);
	loop_timer_clear(&link->held_timer);
	loop_timer_clear(&link->lost_timer);
	free(link);
	return NULL;
}

void worker_link_aim(struct worker_link *link, const struct view_worker *worker)
{
	link->worker = *worker;
}

unsigned worker_link_look(struct worker_link *link)
{
	unsigned n = 0;

	if (link->state != WORKER_UP)
		return 0;
	if (!link->fault)
		n = take_completions(link, COMPLETIONS_A_LOOK);
	if (!link->fault)
		put_waiting(link);
	if (link->fault)
		end(link);
	return n;
}

void worker_link_push(struct worker_link *link)
{
	if (!link->has_put)
		return;
	link->has_put = false;
	ring_publish(&link->rings.requests);
	if (ring_must_wake(&link->rings.requests))
		doorbell_ring(link->rings.to_worker);
}

bool worker_link_sleep(struct worker_link *link)
{
	if (link->state != WORKER_UP)
		return true;
	/* The ring was full: the worker does not ring when it has released slots; a timer does. */
	if (link->fault || link->has_put ||
	    (!list_is_empty(&link->waiting) && link->n_free > 0 && !link->full_timer.due_ns))
		return false;
	return ring_sleep(&link->rings.completions);
}

void worker_link_wake(struct worker_link *link)
{
	if (link->state == WORKER_UP)
		ring_wake(&link->rings.completions);
}

bool worker_link_is_idle(const struct worker_link *link)
{
	return list_is_empty(&link->in_flight) && list_is_empty(&link->lost) &&
	       list_is_empty(&link->held) && list_is_empty(&link->waiting);
}

const char *worker_link_name(const struct worker_link *link)
{
	return link->worker.name;
}

enum worker_link_state worker_link_state(const struct worker_link *link)
{
	return link->state;
}

uint32_t worker_link_in_flight(const struct worker_link *link)
{
	return link->n_in_flight;
}
