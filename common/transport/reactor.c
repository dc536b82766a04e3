/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/reactor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

#define CONNECT_NS (10 * NS_PER_S)
#define STOP_NS    (3 * NS_PER_S)
#define LINKS_NS   (200 * NS_PER_MS)
#define REFUSED_NS NS_PER_S
#define SLOT_BITS  16

struct loop *reactor_loop(struct reactor *reactor)
{
	return reactor->loop;
}

unsigned reactor_index(const struct reactor *reactor)
{
	return reactor->index;
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

void reactor_expect_connect(struct reactor *reactor, struct queue *queue)
{
	queue->born_ns = loop_now_ns(reactor->loop);
	list_remove(&queue->unborn);
	list_append(&reactor->unborn, &queue->unborn);
	if (!reactor->unborn_timer.due_ns)
		loop_timer_set(reactor->loop, &reactor->unborn_timer, queue->born_ns + CONNECT_NS);
}

static void end_unborn(struct loop_timer *timer)
{
	struct reactor *reactor = container_of(timer, struct reactor, unborn_timer);

	while (!list_is_empty(&reactor->unborn)) {
		struct queue *queue = container_of(reactor->unborn.next, struct queue, unborn);

		if (queue->born_ns + CONNECT_NS > loop_now_ns(reactor->loop)) {
			loop_timer_set(reactor->loop, timer, queue->born_ns + CONNECT_NS);
			return;
		}
		list_remove(&queue->unborn);
		reactor->wire->terminate(queue, "no Connect in time");
	}
}

/* ------------------------------------------------------------------ views */

static uint64_t oldest_in_use(const struct reactor *reactor)
{
	return container_of(reactor->views.next, struct view_count, link)->view->serial;
}

/* Lets go of views that nothing counts for any more, and says so. */
static void trim_views(struct reactor *reactor)
{
	uint64_t drained;

	while (!list_is_empty(&reactor->views)) {
		struct view_count *count = container_of(
			reactor->views.next, struct view_count, link);

		if (count->view == reactor->view || count->admitted > 0)
			break;
		list_remove(&count->link);
		view_drop(count->view);
	}
	drained = oldest_in_use(reactor);
	if (drained == atomic_load(&reactor->drained))
		return;
	atomic_store(&reactor->drained, drained);
	notice_post(
		&reactor->drained_notice, &reactor->transport->mailbox, transport_reactor_drained);
}

void reactor_enter_view(struct reactor *reactor, struct request *request)
{
	request->view = reactor->view;
	request->view->counts[reactor->index].admitted++;
}

void reactor_leave_view(struct reactor *reactor, struct request *request)
{
	struct view *view = request->view;

	request->view = NULL;
	if (--view->counts[reactor->index].admitted == 0 && view != reactor->view)
		trim_views(reactor);
}

static struct worker_link *link_for(struct reactor *reactor, const struct view_worker *worker)
{
	for (unsigned i = 0; i < reactor->n_links; i++) {
		struct worker_link *link = reactor->all_links[i];

		if (strcmp(worker_link_name(link), worker->name) == 0) {
			worker_link_aim(link, worker);
			return link;
		}
	}
	if (reactor->n_links == REACTOR_LINKS_MAX ||
	    worker_link_new(&reactor->all_links[reactor->n_links], &reactor->link_owner, worker))
		return NULL;
	return reactor->all_links[reactor->n_links++];
}

static bool is_wanted(const struct reactor *reactor, const struct worker_link *link)
{
	for (unsigned i = 0; reactor->view && i < reactor->view->n_workers; i++)
		if (reactor->links[i] == link)
			return true;
	return false;
}

static void trim_links(struct reactor *reactor)
{
	for (unsigned i = 0; i < reactor->n_links;) {
		struct worker_link *link = reactor->all_links[i];

		if (is_wanted(reactor, link) || !worker_link_is_idle(link)) {
			i++;
			continue;
		}
		worker_link_free(link);
		reactor->all_links[i] = reactor->all_links[--reactor->n_links];
	}
}

/* For want of memory, or of a place in the table, one may have to be tried again. */
static void make_links(struct reactor *reactor)
{
	bool has_all = true;

	for (unsigned i = 0; i < reactor->view->n_workers; i++) {
		if (!reactor->links[i])
			reactor->links[i] = link_for(reactor, &reactor->view->workers[i]);
		has_all &= reactor->links[i] != NULL;
	}
	if (!has_all)
		loop_timer_set(reactor->loop,
		               &reactor->links_timer,
		               loop_now_ns(reactor->loop) + LINKS_NS);
}

static void try_links_again(struct loop_timer *timer)
{
	struct reactor *reactor = container_of(timer, struct reactor, links_timer);

	make_links(reactor);
	io_retry_unready(reactor);
}

/* ------------------------------------------------------------------ io grants */

/* Of each worker one thing at a time; the next when the answer has come. */
static void ask_for_grants(struct reactor *reactor)
{
	reactor->direct.must_ask = false;
	for (unsigned i = 0; reactor->view && i < reactor->view->n_workers; i++) {
		struct direct_grant *grant = direct_next(&reactor->direct, (uint16_t)i);

		if (grant && reactor->links[i] && worker_link_ask(reactor->links[i], grant->handle))
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

static void take_view(struct letter *letter)
{
	struct reactor *reactor = container_of(letter, struct reactor, view_notice.letter);
	struct view *view;

	notice_take(&reactor->view_notice);
	view = atomic_exchange(&reactor->next_view, NULL);
	if (!view)
		return;
	reactor->view = view;
	list_append(&reactor->views, &view->counts[reactor->index].link);
	memset(reactor->links, 0, sizeof(reactor->links));
	make_links(reactor);
	trim_links(reactor);
	direct_show(&reactor->direct, view); /* before this view can be drained */
	trim_views(reactor);
	io_retry_unready(reactor);
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
	bool has_idle_link = false, waits = false;
	unsigned n = 0;

	tracer_look(&reactor->tracer, loop_now_ns(reactor->loop));
	for (unsigned i = 0; i < reactor->n_links; i++)
		n += worker_link_look(reactor->all_links[i]);
	n += serve_room(reactor);
	n += serve_due(reactor);
	if (reactor->direct.must_ask)
		ask_for_grants(reactor);
	for (unsigned i = 0; i < reactor->n_links; i++) {
		bool is_idle;

		worker_link_push(reactor->all_links[i]);
		is_idle = worker_link_is_idle(reactor->all_links[i]);
		has_idle_link |= is_idle;
		waits |= !is_idle;
	}
	looker->waits = waits;
	flush(reactor);
	if (has_idle_link && reactor->view && reactor->n_links > reactor->view->n_workers)
		trim_links(reactor);
	return n;
}

static bool may_sleep(struct looker *looker)
{
	struct reactor *reactor = container_of(looker, struct reactor, looker);

	if (!list_is_empty(&reactor->due) || reactor->has_responded || reactor->room.is_given)
		return false;
	for (unsigned i = 0; i < reactor->n_links; i++)
		if (!worker_link_sleep(reactor->all_links[i]))
			return false;
	return true;
}

static void wake(struct looker *looker)
{
	struct reactor *reactor = container_of(looker, struct reactor, looker);

	for (unsigned i = 0; i < reactor->n_links; i++)
		worker_link_wake(reactor->all_links[i]);
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
	uint32_t host;
};

/* On the control thread. */
static void was_not_adopted(struct letter *letter)
{
	_cleanup_(cleanup_free) struct placing *placing = container_of(
		letter, struct placing, letter);

	transport_queue_failed(placing->reactor, placing->host);
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

bool reactor_place(struct reactor *reactor, void *connection, uint32_t host)
{
	struct placing *placing = malloc(sizeof(*placing));

	if (!placing)
		return false;
	*placing = (struct placing){.reactor = reactor, .connection = connection, .host = host};
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
	char name[16];
	int r;

	snprintf(name, sizeof(name), "reactor %u", reactor->index % 1000);
	pthread_setname_np(pthread_self(), name);
	r = cpus_pin(&reactor->transport->service.cpus, reactor->index);
	if (r) /* it runs on any of them then */
		log_warn("reactor %u: not bound to its processor: %s",
		         reactor->index,
		         error_words(r));
	r = loop_run(reactor->loop);
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
}

static int init_queues(struct reactor *reactor)
{
	list_init(&reactor->due);
	list_init(&reactor->unborn);
	list_init(&reactor->unready);
	list_init(&reactor->views);
	reactor->unborn_timer = LOOP_TIMER(end_unborn);
	reactor->unready_timer = LOOP_TIMER(io_lose_patience);
	reactor->links_timer = LOOP_TIMER(try_links_again);
	reactor->direct_timer = LOOP_TIMER(ask_again);
	reactor->stop_timer = LOOP_TIMER(stop_in_the_end);
	reactor->queues = calloc(REACTOR_QUEUES_MAX, sizeof(struct queue *));
	reactor->free_queues = calloc(REACTOR_QUEUES_MAX, sizeof(*reactor->free_queues));
	return reactor->queues && reactor->free_queues ? 0 : error_origin(-ENOMEM);
}

static int open_reactor(struct reactor *reactor, size_t arena_bytes)
{
	const struct service *service = &reactor->transport->service;
	struct loop_options options = {.spin_max_us = service->spin_us};
	int r;

	r = loop_new(&reactor->loop, &options);
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
	direct_init(&reactor->direct, &transport->direct_epoch);
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
	reactor->view = NULL;
	loop_timer_clear(&reactor->links_timer);
	loop_timer_clear(&reactor->direct_timer);
	direct_deinit(&reactor->direct);
	memset(reactor->links, 0, sizeof(reactor->links));
	trim_links(reactor);
	while (!list_is_empty(&reactor->views)) {
		struct view_count *count = container_of(
			reactor->views.next, struct view_count, link);

		list_remove(&count->link);
		view_drop(count->view);
	}
	if (reactor->loop) {
		loop_look_away(&reactor->looker);
		mailbox_deinit(&reactor->mailbox);
	}
	tracer_close(&reactor->tracer);
	room_deinit(&reactor->room);
	loop_free(reactor->loop);
	free(reactor->queues);
	free(reactor->free_queues);
	free(reactor);
	return NULL;
}
