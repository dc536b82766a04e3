/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests are in flight (slots.h) or they wait (backlog.h). The end of a link is only noted where
 * it is found (link->fault), and takes place in look(), so that no list changes under the feet of
 * a caller.
 */
#include "common/transport/worker_link.h"

#include <errno.h>

#include "common/base/cache_line.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/shm/doorbell.h"
#include "common/transport/backlog.h"
#include "common/transport/dialer.h"
#include "common/transport/request.h"
#include "common/transport/slots.h"
#include "common/transport/tracer.h"

#define HELD_NS            (50 * NS_PER_MS)
/* Long, for a request: worth a line, and a look whether a bell was not heard */
#define IN_FLIGHT_NS       (25 * NS_PER_S)
/* The ring is full although little is in flight: the worker has not said yet what it took */
#define FULL_NS            (5 * NS_PER_MS)
#define FULL_MAX_NS        (2 * NS_PER_S)
#define COMPLETIONS_A_LOOK 256u

struct worker_link {
	const struct worker_link_owner *owner;
	const char *fault; /* why the link is to end at the next look; NULL */
	struct dialer dialer;
	struct loop_timer patience;
	struct loop_timer held_timer;
	struct loop_timer in_flight_timer;
	struct loop_timer lost_timer;
	struct loop_timer full_timer;

	uint64_t away_since_ns;
	uint64_t full_since_ns; /* 0: the ring is not */
	bool has_put;           /* since the last push */
	bool must_doubt;        /* the worker is to be told LINK_DOUBT, */
	bool has_doubt;         /* and is told, by what is in the ring before: */
	uint32_t doubt_mark;
	struct log_limit long_ones;
	struct log_limit abandoned;

	struct slots slots;
	struct backlog backlog;
};

static const char *object(const struct worker_link *link)
{
	return dialer_object(&link->dialer);
}

static bool is_up(const struct worker_link *link)
{
	return link->dialer.state == WORKER_UP;
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
	if (request->early == REQUEST_EARLY_NONE) {
		request->owner = REQUEST_AT_CORE;
		request->status = status;
	}
	link->owner->done(request);
}

__attribute__((cold)) static void answer_early(struct worker_link *link, struct request *request,
                                               enum nvme_status_code code)
{
	if (request->early != REQUEST_EARLY_NONE)
		return;
	request->status = status_of(code);
	link->owner->answer_early(request);
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

	if (!is_up(link) || link->fault || slots_are_full(&link->slots))
		return false;
	slots_name(&link->slots, request);
	tracer_put(request, link->slots.n_in_flight);
	r = ring_put(&link->dialer.rings.requests, &request->wanted);
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
	return !is_up(link) && now_ns >= link->away_since_ns + WORKER_PATIENCE_NS;
}

static void wait_for_worker(struct worker_link *link)
{
	if (!is_up(link) && !link->patience.due_ns)
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

/* It may be anywhere on its way: the worker looks for it, and says nothing if it is not there. */
static bool tell_cancel(struct worker_link *link, const struct request *request)
{
	const struct link_request cancel = {.id = request->wanted.id,
	                                    .operation = LINK_CANCEL,
	                                    .handle = request->wanted.handle};

	if (!link->dialer.words.can_cancel || ring_put(&link->dialer.rings.requests, &cancel))
		return false;
	link->has_put = true;
	return true;
}

enum worker_abort worker_link_abort(struct worker_link *link, struct request *request)
{
	if (is_up(link) && slots_find(&link->slots, request->wanted.id) == request)
		return !link->fault && tell_cancel(link, request) ? WORKER_TOLD : WORKER_BUSY;
	if (request->is_lost) {
		answer_early(link, request, NVME_SC_ABORT_REQUESTED);
		if (request->owner == REQUEST_AT_LINK)
			backlog_fence(request);
		return WORKER_ABORTED;
	}
	if (request->owner != REQUEST_AT_LINK)
		return WORKER_BUSY;
	list_remove(&request->core_link);
	done(link, request, status_of(NVME_SC_ABORT_REQUESTED));
	return WORKER_ABORTED;
}

/* One at a time, however many connections end: the ring is for requests. */
static void try_doubt(struct worker_link *link)
{
	static const struct link_request doubt = {.operation = LINK_DOUBT};
	struct ring *ring = &link->dialer.rings.requests;

	if (link->has_doubt && ring_is_taken(ring, link->doubt_mark))
		link->has_doubt = false;
	if (!link->must_doubt || link->has_doubt || ring_put(ring, &doubt))
		return;
	link->must_doubt = false;
	link->has_doubt = true;
	link->doubt_mark = ring_mark(ring);
	link->has_put = true;
}

void worker_link_doubt(struct worker_link *link)
{
	if (!is_up(link) || link->fault || !link->dialer.words.can_doubt)
		return; /* with the end of a link its worker doubts all that came by it */
	link->must_doubt = true;
	try_doubt(link);
}

bool worker_link_is_doubted(struct worker_link *link)
{
	if (!is_up(link))
		return true;
	try_doubt(link);
	return !link->must_doubt && !link->has_doubt;
}

/* It is lost, in no list, and its host has waited long enough. True: it is done, as nobody will
 * ever open its namespace, and so prove that it is over. */
static bool abandon(struct worker_link *link, struct request *request)
{
	if (!link->owner->abandon || !link->owner->abandon(request))
		return false;
	if (log_allowed(&link->abandoned, 1, 60000))
		log_err("%s: what was in flight of a namespace that is not served any more is "
		        "given up; its memory is not used again before a restart",
		        object(link));
	done(link, request, status_of(NVME_SC_INTERNAL_PATH_ERROR));
	return true;
}

/* The worker has not got the backing store yet; or not the namespace, or not any more. */
static void hold(struct worker_link *link, struct request *request)
{
	uint64_t now_ns = loop_now_ns(link->owner->loop);

	if (request->patience_ns == 0)
		request->patience_ns = now_ns + WORKER_PATIENCE_NS;
	if (request->is_lost && now_ns >= request->patience_ns && abandon(link, request))
		return;
	if (request->is_lost && now_ns >= request->patience_ns) {
		answer_early(link, request, NVME_SC_INTERNAL_PATH_ERROR);
		backlog_fence(request);
	} else if (!request->is_lost &&
	           (request->queue->closing || now_ns >= request->patience_ns)) {
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
	if (__builtin_expect(completion->status & LINK_UNDECIDED, 0)) {
		answer_early(link, request, NVME_SC_INTERNAL_PATH_ERROR);
		return;
	}
	tracer_back(request, &link->dialer.rings);
	slots_remove(&link->slots, request);
	if (request->early == REQUEST_EARLY_NONE) {
		request->result[0] = completion->result;
		request->result[1] = completion->result_high;
	}
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
		r = ring_take(&link->dialer.rings.completions, &completion);
		if (r)
			break;
		n++;
		complete(link, &completion);
	}
	if (n > 0)
		ring_release(&link->dialer.rings.completions);
	if (r == RING_E_BROKEN)
		link->fault = "the worker broke the completion ring";
	return n;
}

/* It may be us who stood still: what has come counts first. A new link would be no better: the
 * worker would welcome it only when this request is over, and all others would wait for that. */
static void check_in_flight(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, in_flight_timer);
	uint64_t now_ns = loop_now_ns(link->owner->loop), due_ns;
	const struct request *oldest;

	take_completions(link, LINK_SLOTS);
	oldest = slots_oldest(&link->slots);
	if (!oldest)
		return;
	due_ns = oldest->put_ns + IN_FLIGHT_NS;
	if (now_ns >= due_ns) {
		if (log_allowed(&link->long_ones, 1, 60000))
			log_warn("%s: the worker has a request for %u s: others go on",
			         object(link),
			         (unsigned)((now_ns - oldest->put_ns) / NS_PER_S));
		doorbell_ring(link->dialer.rings.to_worker);
		due_ns = now_ns + IN_FLIGHT_NS;
	}
	loop_timer_set(link->owner->loop, timer, due_ns);
}

/* ------------------------------------------------------------------ the life of a link */

/* What was in flight, now or on a link before, waits for the next link to come up. */
static void take_back(struct worker_link *link)
{
	struct request *request;

	while ((request = slots_oldest(&link->slots))) {
		slots_remove(&link->slots, request);
		if (request->patience_ns == 0)
			request->patience_ns = link->away_since_ns + WORKER_PATIENCE_NS;
		backlog_lose(&link->backlog, request);
		if (request->is_once)
			answer_early(link, request, NVME_SC_COMMAND_INTERRUPTED);
	}
	backlog_lose_again(&link->backlog);
	loop_timer_clear(&link->held_timer);
	if (!list_is_empty(&link->backlog.lost))
		loop_timer_set(link->owner->loop,
		               &link->lost_timer,
		               link->away_since_ns + WORKER_PATIENCE_NS);
}

static void abandon_lost(struct worker_link *link)
{
	list_for_each_safe (at, &link->backlog.lost) {
		struct request *request = container_of(at, struct request, core_link);
		struct list *next = at->next;

		list_remove(at);
		if (!abandon(link, request))
			list_append(next, at); /* before it: where it was */
	}
}

void worker_link_see(struct worker_link *link)
{
	if (is_patience_over(link, loop_now_ns(link->owner->loop)))
		abandon_lost(link);
}

static void give_up_lost(struct loop_timer *timer)
{
	struct worker_link *link = container_of(timer, struct worker_link, lost_timer);

	log_err("%s: the worker is away for %u s: what it had in flight is answered with a path "
	        "error, and keeps its memory until there is a successor",
	        object(link),
	        (unsigned)(WORKER_PATIENCE_NS / NS_PER_S));
	abandon_lost(link);
	list_for_each_safe (at, &link->backlog.lost)
		answer_early(link,
		             container_of(at, struct request, core_link),
		             NVME_SC_INTERNAL_PATH_ERROR);
}

static void end(struct worker_link *link)
{
	const char *fault = link->fault;
	uint32_t in_flight;

	link->fault = NULL;
	take_completions(link, LINK_SLOTS);
	in_flight = link->slots.n_in_flight;
	link->away_since_ns = clock_now_ns();
	dialer_hang_up(&link->dialer);
	loop_timer_clear(&link->in_flight_timer);
	loop_timer_clear(&link->full_timer);
	link->full_since_ns = 0;
	link->fault = NULL; /* of what was left in the ring */
	link->has_put = false;
	link->must_doubt = link->has_doubt = false;
	take_back(link);
	if (!list_is_empty(&link->backlog.waiting))
		wait_for_worker(link);
	log_warn("%s: ended: %s: %u requests in flight wait for the next",
	         object(link),
	         fault,
	         in_flight);
}

static void come_up(struct dialer *dialer)
{
	struct worker_link *link = container_of(dialer, struct worker_link, dialer);

	loop_timer_clear(&link->patience);
	loop_timer_clear(&link->lost_timer);
	if (link->owner->came_up)
		link->owner->came_up(link->owner);
	backlog_recover(&link->backlog);
	put_waiting(link);
}

static void note_break(struct dialer *dialer, const char *fault)
{
	container_of(dialer, struct worker_link, dialer)->fault = fault;
}

bool worker_link_ask(struct worker_link *link, uint32_t handle)
{
	return !link->fault && dialer_ask(&link->dialer, handle);
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
	link->patience = LOOP_TIMER(lose_patience);
	link->held_timer = LOOP_TIMER(put_held);
	link->in_flight_timer = LOOP_TIMER(check_in_flight);
	link->lost_timer = LOOP_TIMER(give_up_lost);
	link->full_timer = LOOP_TIMER(try_full_ring);
	link->away_since_ns = clock_now_ns();
	slots_init(&link->slots);
	backlog_init(&link->backlog);
	r = dialer_init(&link->dialer, owner, worker, come_up, note_break);
	if (r)
		return error_trace(r);
	*ret_link = take(&link);
	return 0;
}

struct worker_link *worker_link_free(struct worker_link *link)
{
	if (!link)
		return NULL;
	dialer_deinit(&link->dialer);
	loop_timer_clear(&link->patience);
	loop_timer_clear(&link->held_timer);
	loop_timer_clear(&link->in_flight_timer);
	loop_timer_clear(&link->lost_timer);
	loop_timer_clear(&link->full_timer);
	free(link);
	return NULL;
}

void worker_link_aim(struct worker_link *link, const struct view_worker *worker)
{
	link->dialer.worker = *worker;
}

unsigned worker_link_look(struct worker_link *link)
{
	unsigned n = 0;

	if (!is_up(link))
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
	ring_publish(&link->dialer.rings.requests);
	if (ring_must_wake(&link->dialer.rings.requests))
		doorbell_ring(link->dialer.rings.to_worker);
}

bool worker_link_sleep(struct worker_link *link)
{
	if (!is_up(link))
		return true;
	/* The ring was full: the worker does not ring when it has released slots; a timer does. */
	if (link->fault || link->has_put ||
	    (!list_is_empty(&link->backlog.waiting) && !slots_are_full(&link->slots) &&
	     !link->full_timer.due_ns))
		return false;
	return ring_sleep(&link->dialer.rings.completions);
}

void worker_link_wake(struct worker_link *link)
{
	if (is_up(link))
		ring_wake(&link->dialer.rings.completions);
}

bool worker_link_is_idle(const struct worker_link *link)
{
	return link->slots.n_in_flight == 0 && backlog_is_empty(&link->backlog);
}

const char *worker_link_name(const struct worker_link *link)
{
	return link->dialer.worker.name;
}

enum worker_link_state worker_link_state(const struct worker_link *link)
{
	return link->dialer.state;
}

uint32_t worker_link_in_flight(const struct worker_link *link)
{
	return link->slots.n_in_flight;
}
