/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests are in flight (slots.h) or they wait (backlog.h). The end of a link is only noted where
 * it is found (link->fault), and takes place in look(), so that no list changes under the feet of
 * a caller.
 */
#include "common/transport/worker_link.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "common/base/cache_line.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/doorbell.h"
#include "common/transport/backlog.h"
#include "common/transport/greeting.h"
#include "common/transport/handover.h"
#include "common/transport/request.h"
#include "common/transport/slots.h"
#include "common/transport/tracer.h"

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

struct worker_link {
	const struct worker_link_owner *owner;
	struct view_worker worker;
	enum worker_link_state state;
	const char *fault; /* why the link is to end at the next look; NULL */
	struct link rings;
	int connection;            /* -1: none */
	struct handover_wish wish; /* what the worker was asked for */
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

	struct slots slots;
	struct backlog backlog;
};

static const char *object(const struct worker_link *link)
{
	static _Thread_local char name[64];

	snprintf(name, sizeof(name), "link %u to %s", link->owner->thread, link->worker.name);
	return name;
}

/* ------------------------------------------------------------------ the request ring */

static void note_put(struct worker_link *link, struct request *request)
{
	slots_add(&link->slots, request);
	link->has_put = true;
	link->full_since_ns = 0;
	request->owner = REQUEST_AT_WORKER;
	request->put_ns = loop_now_ns(link->owner->loop);
	if (!link->in_flight_timer.due_ns)
		loop_timer_set(
			link->owner->loop, &link->in_flight_timer, request->put_ns + IN_FLIGHT_NS);
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

	if (link->state != WORKER_UP || link->fault || slots_are_full(&link->slots))
		return false;
	slots_name(&link->slots, request);
	tracer_put(request, link->slots.n_in_flight);
	r = ring_put(&link->rings.requests, &request->wanted);
	if (r == 0)
		note_put(link, request);
	else if (r == RING_E_BROKEN)
		link->fault = "the worker broke the request ring";
	else
		note_full(link);
	return r == 0;
}

static void put_waiting(struct worker_link *link)
{
	struct request *request;

	while ((request = backlog_next(&link->backlog))) {
		if (!try_ring(link, request)) {
			backlog_return(&link->backlog, request);
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
	give_up(link, &link->backlog.waiting);
}

void worker_link_put(struct worker_link *link, struct request *request)
{
	uint64_t now_ns = loop_now_ns(link->owner->loop);

	request->is_lost = false;
	if (list_is_empty(&link->backlog.waiting) && try_ring(link, request))
		return;
	if (is_patience_over(link, now_ns)) {
		done(link, request, status_of(NVME_SC_INTERNAL_PATH_ERROR));
		return;
	}
	request->owner = REQUEST_AT_LINK;
	list_append(&link->backlog.waiting, &request->core_link);
	wait_for_worker(link);
}

void worker_link_drop(struct worker_link *link, struct request *request)
{
	if (request->is_lost) {
		backlog_fence(request);
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
	list_append(&link->backlog.held, &request->core_link);
	if (!link->held_timer.due_ns)
		loop_timer_set(link->owner->loop, &link->held_timer, now_ns + HELD_NS);
}

static void put_held(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, held_timer);

	backlog_release(&link->backlog);
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
	struct request *request = slots_find(&link->slots, completion->id);

	if (!request) {
		link->fault = "the worker completed a request that is not in flight";
		return;
	}
	tracer_back(request, &link->rings);
	slots_remove(&link->slots, request);
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
	oldest = slots_oldest(&link->slots);
	if (!oldest)
		return;
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
	link->wish = HANDOVER_NO_WISH;
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

/* What was in flight, now or on a link before, waits for the next link to come up. */
static void take_back(struct worker_link *link)
{
	struct request *request;

	while ((request = slots_oldest(&link->slots))) {
		slots_remove(&link->slots, request);
		backlog_lose(&link->backlog, request);
	}
	backlog_lose_again(&link->backlog);
	loop_timer_clear(&link->held_timer);
	if (!list_is_empty(&link->backlog.lost))
		loop_timer_set(link->owner->loop, &link->lost_timer, link->away_since_ns + LOST_NS);
}

static void give_up_lost(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, lost_timer);

	log_err("%s: the worker is away for %u s: what it had in flight is given up",
	        object(link),
	        (unsigned)(LOST_NS / NS_PER_S));
	give_up(link, &link->backlog.lost);
}

static void end(struct worker_link *link)
{
	const char *fault = link->fault;
	uint32_t in_flight;

	link->fault = NULL;
	take_completions(link, LINK_SLOTS);
	in_flight = link->slots.n_in_flight;
	link->away_since_ns = clock_now_ns();
	link->retry_ms = RETRY_MIN_MS;
	try_later(link);
	link->fault = NULL; /* of what was left in the ring */
	link->has_put = false;
	take_back(link);
	if (!list_is_empty(&link->backlog.waiting))
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
	loop_timer_clear(&link->lost_timer);
	if (link->owner->came_up)
		link->owner->came_up(link->owner);
	backlog_recover(&link->backlog);
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

bool worker_link_ask(struct worker_link *link, uint32_t handle)
{
	return link->state == WORKER_UP && !link->fault &&
	       handover_ask(link->connection, &link->wish, handle) == 0;
}

/* After the welcome only answers come: whatever else stirs is the end. */
static void hear_answer(struct worker_link *link)
{
	_cleanup_(handover_deinit) struct handover handover = HANDOVER_NULL;
	int r = handover_hear(link->connection, &link->wish, &handover);

	if (r == 0)
		link->owner->answered(link->owner, &handover);
	if (r == 0 || r == -EAGAIN)
		return;
	link->fault = r == HANDOVER_E_MALFORMED ? "the worker says what it should not"
	                                        : "the worker is gone";
	loop_remove(&link->socket);
}

static void socket_ready(struct loop_source *source, uint32_t events)
{
	struct worker_link *link = container_of(source, struct worker_link, socket);

	(void)events;
	if (link->state == WORKER_GREETING)
		hear_welcome(link);
	else
		hear_answer(link);
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
	_cleanup_(worker_link_freep) struct worker_link *link = line_alloc(sizeof(*link));
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
	slots_init(&link->slots);
	backlog_init(&link->backlog);
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
	    (!list_is_empty(&link->backlog.waiting) && !slots_are_full(&link->slots) &&
	     !link->full_timer.due_ns))
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
	return link->slots.n_in_flight == 0 && backlog_is_empty(&link->backlog);
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
	return link->slots.n_in_flight;
}
