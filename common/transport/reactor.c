/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/reactor.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/cache_line.h"
#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/transport/io.h"
#include "common/transport/queue.h"
#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"

#define STOP_NS       (3 * NS_PER_S)
#define REFUSED_NS    NS_PER_S
/* A worker that is awake needs microseconds. */
#define DOUBT_LOOK_NS NS_PER_MS
#define SLOT_BITS     16

struct loop *reactor_loop(struct reactor *reactor)
{
	return reactor->loop;
}

unsigned reactor_index(const struct reactor *reactor)
{
	return reactor->index;
}

const struct limits *reactor_limits(const struct reactor *reactor)
{
	return &reactor->limits;
}

struct iovec reactor_memory(struct reactor *reactor)
{
	const struct region *region = arena_region(reactor->room.arena);

	return (struct iovec){.iov_base = region->memory, .iov_len = region->size};
}

bool reactor_lend(struct reactor *reactor, uint32_t bytes, uint64_t *ret_offset)
{
	return room_lend(&reactor->room, bytes, ret_offset);
}

void reactor_take_back(struct reactor *reactor, uint32_t bytes, uint64_t offset)
{
	room_take_back(&reactor->room, bytes, offset);
}

/* ------------------------------------------------------------------ queues */

struct queue *reactor_queue(struct reactor *reactor, uint64_t number)
{
	struct queue *queue = reactor->queues[number % REACTOR_QUEUES_MAX];

	return queue && queue->number == number ? queue : NULL;
}

int reactor_add_queue(struct reactor *reactor, struct queue *queue)
{
	unsigned slot;

	if (reactor->n_free_queues > 0)
		slot = reactor->free_queues[--reactor->n_free_queues];
	else if (reactor->n_queue_slots < REACTOR_QUEUES_MAX)
		slot = reactor->n_queue_slots++;
	else
		return error_origin(-EMFILE);
	reactor->queues[slot] = queue;
	queue->number = ++reactor->queue_generation << SLOT_BITS | slot;
	atomic_fetch_add(&reactor->n_queues, 1);
	return 0;
}

void reactor_remove_queue(struct reactor *reactor, struct queue *queue)
{
	uint16_t slot = (uint16_t)(queue->number % REACTOR_QUEUES_MAX);

	list_remove(&queue->due);
	list_remove(&queue->unborn);
	reactor->queues[slot] = NULL;
	reactor->free_queues[reactor->n_free_queues++] = slot;
	atomic_fetch_sub(&reactor->n_queues, 1);
}

void reactor_is_due(struct reactor *reactor, struct queue *queue)
{
	list_remove(&queue->due);
	list_append(&reactor->due, &queue->due);
}

static uint64_t late_ns(const struct reactor *reactor, const struct queue *queue)
{
	return queue->born_ns + reactor->limits.connect_timeout_ms * NS_PER_MS;
}

void reactor_expect_connect(struct reactor *reactor, struct queue *queue)
{
	queue->born_ns = loop_now_ns(reactor->loop);
	list_remove(&queue->unborn);
	list_append(&reactor->unborn, &queue->unborn);
	if (!reactor->unborn_timer.due_ns)
		loop_timer_set(reactor->loop, &reactor->unborn_timer, late_ns(reactor, queue));
}

static void end_unborn(struct loop_timer *timer)
{
	struct reactor *reactor = container_of(timer, struct reactor, unborn_timer);

	while (!list_is_empty(&reactor->unborn)) {
		struct queue *queue = container_of(reactor->unborn.next, struct queue, unborn);

		if (late_ns(reactor, queue) > loop_now_ns(reactor->loop)) {
			loop_timer_set(reactor->loop, timer, late_ns(reactor, queue));
			return;
		}
		list_remove(&queue->unborn);
		reactor->wire->terminate(queue, "no Connect in time");
	}
}

/* Workers do not say that they have taken it in. */
static void look_at_doubts(struct loop_timer *timer)
{
	struct reactor *reactor = container_of(timer, struct reactor, doubt_timer);
	struct list *first;

	while ((first = list_take_first(&reactor->in_doubt)))
		reactor_is_due(reactor, container_of(first, struct queue, unborn));
}

void reactor_is_in_doubt(struct reactor *reactor, struct queue *queue)
{
	list_remove(&queue->unborn);
	list_append(&reactor->in_doubt, &queue->unborn);
	if (!reactor->doubt_timer.due_ns)
		loop_timer_set(reactor->loop,
		               &reactor->doubt_timer,
		               loop_now_ns(reactor->loop) + DOUBT_LOOK_NS);
}

/* ------------------------------------------------------------------ io grants */

/* Of each worker one thing at a time; the next when the answer has come. */
static void ask_for_grants(struct reactor *reactor)
{
	const struct workers *workers = &reactor->workers;

	reactor->direct.must_ask = false;
	for (unsigned i = 0; workers->view && i < workers->view->n_workers; i++) {
		struct direct_grant *grant = direct_next(&reactor->direct, (uint16_t)i);

		if (grant && workers->links[i] && worker_link_ask(workers->links[i], grant->handle))
			direct_asked(grant);
	}
}

static void take_grant(const struct worker_link_owner *owner, struct handover *handover)
{
	struct reactor *reactor = container_of(owner, struct reactor, link_owner);

	if (direct_take(&reactor->direct, handover) && !reactor->direct_timer.due_ns)
		loop_timer_set(reactor->loop,
		               &reactor->direct_timer,
		               loop_now_ns(reactor->loop) + REFUSED_NS);
}

static void ask_again(struct loop_timer *timer)
{
	direct_ask_again(&container_of(timer, struct reactor, direct_timer)->direct);
}

static void doubt_grants(const struct worker_link_owner *owner)
{
	struct reactor *reactor = container_of(owner, struct reactor, link_owner);

	atomic_fetch_add(reactor->direct.epoch, 1);
	direct_doubt_all(&reactor->direct);
}

/* ------------------------------------------------------------------ a new view */

static void take_limits(struct reactor *reactor, const struct limits *limits)
{
	bool is_shorter = limits->connect_timeout_ms < reactor->limits.connect_timeout_ms;

	reactor->limits = *limits;
	room_limit_hosts(&reactor->room, (uint64_t)limits->host_memory_mib << 20);
	if (is_shorter && reactor->unborn_timer.due_ns)
		loop_timer_set(reactor->loop, &reactor->unborn_timer, loop_now_ns(reactor->loop));
}

static void take_view(struct letter *letter)
{
	struct reactor *reactor = container_of(letter, struct reactor, view_notice.letter);
	struct view *view;

	notice_take(&reactor->view_notice);
	view = atomic_exchange(&reactor->next_view, NULL);
	if (!view)
		return;
	take_limits(reactor, &view->limits);
	sight_take(&reactor->sight, view);
	workers_show(&reactor->workers, view);
	direct_show(&reactor->direct, view); /* before this view can be drained */
	sight_trim(&reactor->sight);
	io_retry_unready(reactor);
}

static void retry_unready(struct workers *workers)
{
	io_retry_unready(container_of(workers, struct reactor, workers));
}

static void tell_drained(struct sight *sight)
{
	struct reactor *reactor = container_of(sight, struct reactor, sight);

	notice_post(
		&reactor->drained_notice, &reactor->transport->mailbox, transport_reactor_drained);
}

void reactor_show(struct reactor *reactor, struct view *view)
{
	view_drop(atomic_exchange(&reactor->next_view, view_hold(view)));
	notice_post(&reactor->view_notice, &reactor->mailbox, take_view);
}

/* ------------------------------------------------------------------ the end of a round */

static unsigned serve_room(struct reactor *reactor)
{
	struct request *request;
	unsigned n = 0;

	while ((request = room_next(&reactor->room))) {
		struct queue *queue = request->queue;

		n++;
		if (request->owner == REQUEST_AT_ROOM) {
			request_resume(request);
		} else if (request->source == REQUEST_TRANSFER) {
			reactor->has_responded = true;
			reactor->wire->fetch(request);
		} else {
			queue->resumable = true;
			reactor_is_due(reactor, queue);
		}
	}
	return n;
}

/* Once round the list: a queue that becomes due meanwhile has the next turn. */
static unsigned serve_due(struct reactor *reactor)
{
	struct list now, *link;
	unsigned n = 0;

	if (list_is_empty(&reactor->due))
		return 0;
	list_init(&now);
	list_append(&reactor->due, &now);
	list_remove(&reactor->due);
	while ((link = list_take_first(&now))) {
		struct queue *queue = container_of(link, struct queue, due);

		n++;
		if (queue->closing) {
			queue_settle(queue);
		} else if (queue->resumable) {
			queue->resumable = false;
			reactor->has_responded = true;
			reactor->wire->resume(queue);
		}
	}
	return n;
}

static void flush(struct reactor *reactor)
{
	if (!reactor->has_responded)
		return;
	reactor->has_responded = false;
	if (reactor->wire->flush)
		reactor->wire->flush(reactor);
}

static unsigned look(struct looker *looker)
{
	struct reactor *reactor = container_of(looker, struct reactor, looker);
	unsigned n;

	tracer_look(&reactor->tracer, loop_now_ns(reactor->loop));
	n = workers_look(&reactor->workers);
	n += serve_room(reactor);
	n += serve_due(reactor);
	if (reactor->direct.must_ask)
		ask_for_grants(reactor);
	looker->waits = workers_push(&reactor->workers);
	flush(reactor);
	return n;
}

static bool may_sleep(struct looker *looker)
{
	struct reactor *reactor = container_of(looker, struct reactor, looker);

	if (!list_is_empty(&reactor->due) || reactor->has_responded || reactor->room.is_given)
		return false;
	return workers_sleep(&reactor->workers);
}

static void wake(struct looker *looker)
{
	workers_wake(&container_of(looker, struct reactor, looker)->workers);
}

/* ------------------------------------------------------------------ letters */

void reactor_return_task(struct task *task)
{
	mailbox_post(&task->seat->reactor->mailbox, &task->letter, queue_task_returns);
}

struct placing {
	struct letter letter;
	struct reactor *reactor;
	void *connection;
	uint32_t port_id;
	uint32_t host;
};

/* On the control thread. */
static void was_not_adopted(struct letter *letter)
{
	_cleanup_(cleanup_free) struct placing *placing = container_of(
		letter, struct placing, letter);

	transport_queue_failed(placing->reactor, placing->port_id, placing->host);
}

static void adopt(struct letter *letter)
{
	struct placing *placing = container_of(letter, struct placing, letter);
	struct reactor *reactor = placing->reactor;
	unsigned n_seats = atomic_load(&reactor->n_seats);

	reactor->wire->adopt(reactor, placing->connection);
	if (atomic_load(&reactor->n_seats) == n_seats)
		mailbox_post(&reactor->transport->mailbox, &placing->letter, was_not_adopted);
	else
		free(placing);
}

bool reactor_place(struct reactor *reactor, void *connection, uint32_t port_id, uint32_t host)
{
	struct placing *placing = malloc(sizeof(*placing));

	if (!placing)
		return false;
	*placing = (struct placing){
		.reactor = reactor, .connection = connection, .port_id = port_id, .host = host};
	mailbox_post(&reactor->mailbox, &placing->letter, adopt);
	return true;
}

/* ------------------------------------------------------------------ its life */

static bool is_empty(const struct reactor *reactor)
{
	return atomic_load(&reactor->n_queues) == 0 && atomic_load(&reactor->n_seats) == 0;
}

static void stop_in_the_end(struct loop_timer *timer)
{
	struct reactor *reactor = container_of(timer, struct reactor, stop_timer);
	uint64_t now_ns = loop_now_ns(reactor->loop);

	if (!is_empty(reactor) && now_ns < reactor->stop_ns) {
		loop_timer_set(reactor->loop, timer, now_ns + 10 * NS_PER_MS);
		return;
	}
	if (!is_empty(reactor))
		log_warn("reactor %u: stops with %u connections",
		         reactor->index,
		         atomic_load(&reactor->n_queues));
	loop_stop(reactor->loop);
}

static void begin_to_stop(struct letter *letter)
{
	struct reactor *reactor = container_of(letter, struct reactor, stop_letter);

	reactor->stop_ns = loop_now_ns(reactor->loop) + STOP_NS;
	for (unsigned i = 0; i < reactor->n_queue_slots; i++)
		if (reactor->queues[i] && !reactor->queues[i]->closing)
			reactor->wire->terminate(reactor->queues[i], "the transport stops");
	loop_timer_set(reactor->loop, &reactor->stop_timer, loop_now_ns(reactor->loop));
}

static void *run(void *context)
{
	struct reactor *reactor = context;
	int r;

	pthread_setname_np(pthread_self(), reactor->pulse.name);
	r = cpus_pin(&reactor->transport->service.cpus, reactor->index);
	if (r) /* it runs on any of them then */
		log_warn("reactor %u: not bound to its processor: %s",
		         reactor->index,
		         error_words(r));
	r = loop_run(reactor->loop);
	pulse_rest(&reactor->pulse);
	if (r) {
		log_err("reactor %u: %s: the process ends", reactor->index, error_words(r));
		loop_stop(reactor->transport->service.loop);
	}
	atomic_store(&reactor->is_over, true);
	return NULL;
}

int reactor_start(struct reactor *reactor)
{
	int r = pthread_create(&reactor->thread, NULL, run, reactor);

	if (r)
		return error_origin(-r);
	reactor->is_started = true;
	service_watch(&reactor->transport->service, &reactor->pulse);
	return 0;
}

void reactor_stop(struct reactor *reactor)
{
	if (reactor->is_started)
		mailbox_post(&reactor->mailbox, &reactor->stop_letter, begin_to_stop);
}

void reactor_join(struct reactor *reactor)
{
	if (reactor->is_started)
		pthread_join(reactor->thread, NULL);
	reactor->is_started = false;
	service_watch_no_more(&reactor->pulse);
}

static int init_queues(struct reactor *reactor)
{
	list_init(&reactor->due);
	list_init(&reactor->unborn);
	list_init(&reactor->in_doubt);
	list_init(&reactor->unready);
	reactor->unborn_timer = LOOP_TIMER(end_unborn);
	reactor->doubt_timer = LOOP_TIMER(look_at_doubts);
	reactor->unready_timer = LOOP_TIMER(io_lose_patience);
	reactor->direct_timer = LOOP_TIMER(ask_again);
	reactor->stop_timer = LOOP_TIMER(stop_in_the_end);
	reactor->queues = calloc(REACTOR_QUEUES_MAX, sizeof(struct queue *));
	reactor->free_queues = calloc(REACTOR_QUEUES_MAX, sizeof(*reactor->free_queues));
	return reactor->queues && reactor->free_queues ? 0 : error_origin(-ENOMEM);
}

static int open_loop(struct reactor *reactor)
{
	struct loop_options options = {.spin_max_us = reactor->transport->service.spin_us};
	char name[16];
	int r;

	snprintf(name, sizeof(name), "reactor %u", reactor->index % 1000);
	r = pulse_init(&reactor->pulse, name);
	if (!r)
		r = loop_new(&reactor->loop, &options);
	if (!r)
		r = pulse_beat(&reactor->pulse, reactor->loop);
	return r ? error_trace(r) : 0;
}

static int open_reactor(struct reactor *reactor, size_t arena_bytes)
{
	const struct service *service = &reactor->transport->service;
	int r;

	r = open_loop(reactor);
	if (!r)
		r = mailbox_init(&reactor->mailbox, reactor->loop);
	if (!r)
		r = room_init(&reactor->room, arena_bytes);
	if (r)
		return error_trace(r);
	reactor->looker = (struct looker){.look = look, .sleep = may_sleep, .wake = wake};
	loop_look(reactor->loop, &reactor->looker);
	reactor->link_owner = (struct worker_link_owner){
		.loop = reactor->loop,
		.arena = arena_region(reactor->room.arena),
		.transport = service->name,
		.instance = service->instance,
		.thread = reactor->index,
		.done = io_done,
		.answer_early = request_answer_early,
		.abandon = io_abandon,
		.came_up = doubt_grants,
		.answered = take_grant,
	};
	return 0;
}

int reactor_new(struct reactor **ret_reactor, struct transport *transport, unsigned index,
                size_t arena_bytes)
{
	struct reactor *reactor = line_alloc(sizeof(*reactor));
	int r;

	if (!reactor)
		return error_origin(-ENOMEM);
	reactor->transport = transport;
	reactor->wire = transport->wire;
	reactor->index = index;
	reactor->pulse = PULSE_NULL;
	reactor->limits = LIMITS_DEFAULT;
	aborts_init(&reactor->aborts);
	direct_init(&reactor->direct, &transport->direct_epoch);
	sight_init(&reactor->sight, index, tell_drained);
	workers_init(&reactor->workers, &reactor->link_owner, retry_unready);
	r = init_queues(reactor);
	if (!r)
		r = open_reactor(reactor, arena_bytes);
	if (r) {
		reactor_free(reactor);
		return error_trace(r);
	}
	*ret_reactor = reactor;
	return 0;
}

/* What still has connections (that did not end in time) is left to the end of the process. */
struct reactor *reactor_free(struct reactor *reactor)
{
	if (!reactor)
		return NULL;
	if (!is_empty(reactor))
		return NULL;
	view_drop(atomic_exchange(&reactor->next_view, NULL));
	loop_timer_clear(&reactor->direct_timer);
	aborts_deinit(&reactor->aborts);
	direct_deinit(&reactor->direct);
	workers_deinit(&reactor->workers);
	sight_deinit(&reactor->sight);
	if (reactor->loop) {
		pulse_rest(&reactor->pulse);
		loop_look_away(&reactor->looker);
		mailbox_deinit(&reactor->mailbox);
	}
	tracer_close(&reactor->tracer);
	room_deinit(&reactor->room);
	loop_free(reactor->loop);
	pulse_deinit(&reactor->pulse);
	free(reactor->queues);
	free(reactor->free_queues);
	free(reactor);
	return NULL;
}
