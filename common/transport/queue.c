/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/transport/controller.h"
#include "common/transport/reactor.h"
#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"

/* A worker that hangs is ended later than that, and has nobody's answers. */
#define DOUBT_PATIENCE_NS (2 * NS_PER_S)

/* ------------------------------------------------------------------ its requests */

/* Pages of its own, which take memory only when they are touched: most queues never have more than
 * a few commands at a time. Without huge pages, one of which would be a dozen tables. */
static struct request *new_table(uint32_t n)
{
	size_t bytes = n * sizeof(struct request);
	void *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED)
		return NULL;
	madvise(table, bytes, MADV_NOHUGEPAGE); /* fails where there are none */
	return table;
}

static void free_table(struct request *table, uint32_t n)
{
	if (table)
		munmap(table, n * sizeof(struct request));
}

static void offer_first(struct queue *queue)
{
	list_init(&queue->free);
	for (unsigned i = 0; i < QUEUE_FIRST; i++) {
		request_init(&queue->first[i], queue, (uint16_t)(QUEUE_FIRST_INDEX + i));
		list_append(&queue->free, &queue->first[i].core_link);
	}
}

/* One that was used before, if there is any; NULL: all are in use. */
static struct request *take_free(struct queue *queue)
{
	struct list *first = list_take_first(&queue->free);
	struct request *request;

	if (first)
		return container_of(first, struct request, core_link);
	if (queue->n_used == queue->n_requests)
		return NULL;
	request = &queue->requests[queue->n_used];
	request_init(request, queue, (uint16_t)queue->n_used);
	queue->n_used++;
	return request;
}

static void hand_to_wire(struct queue *queue, struct request *request)
{
	request->owner = REQUEST_WITH_WIRE;
	request->kind = REQUEST_DONE;
	request->source = REQUEST_NO_DATA;
	request->direction = NVME_TRANSFER_NONE;
	request->length = 0;
	request->data = NULL;
	request->brought = REQUEST_BROUGHT_NOTHING;
	request->offset = 0;
	request->n_listed = 0;
	request->status = STATUS_OK;
	memset(request->result, 0, sizeof(request->result));
	memset(request->wire_u32, 0, sizeof(request->wire_u32));
	list_init(&request->wire_link);
	request->view = NULL;
	request->checked = 0;
	request->is_in_memory = false;
	request->patience_ns = 0;
	request->error_location = ERROR_LOG_NO_LOCATION;
	queue->in_wire++;
}

struct request *queue_begin(struct queue *queue)
{
	struct request *request = queue->closing ? NULL : take_free(queue);

	if (request)
		hand_to_wire(queue, request);
	else
		queue->starved = true;
	return request;
}

struct request *queue_begin_at(struct queue *queue, uint32_t index)
{
	struct request *request;

	if (index >= QUEUE_FIRST_INDEX && index < QUEUE_FIRST_INDEX + QUEUE_FIRST) {
		request = &queue->first[index - QUEUE_FIRST_INDEX];
	} else if (index < queue->n_requests) {
		for (; queue->n_used <= index; queue->n_used++) {
			request_init(
				&queue->requests[queue->n_used], queue, (uint16_t)queue->n_used);
			list_append(&queue->free, &queue->requests[queue->n_used].core_link);
		}
		request = &queue->requests[index];
	} else {
		return NULL;
	}
	if (request->owner != REQUEST_FREE)
		return NULL;
	list_remove(&request->core_link);
	hand_to_wire(queue, request);
	return request;
}

static void resume_if_starved(struct queue *queue)
{
	if (!queue->starved)
		return;
	queue->starved = false;
	queue->resumable = true;
	reactor_is_due(queue->reactor, queue);
}

/* Nothing of it is left, or nothing that what its host sends elsewhere could overtake. That is so
 * of what was answered early (request_answer_early()): its host may have sent it again at once, on
 * this very queue. A worker says LINK_UNDECIDED only when all of its threads answer newer requests
 * to the namespace with "not ready" until the old one is over (services/io/patience.h). What is
 * lost is not done again once that is so (backlog_recover()), and the successor, which newer
 * requests go to, opens the namespace only when the kernel has nothing of it any more
 * (docs/decisions/0001). */
static bool is_harmless(const struct queue *queue)
{
	return queue->in_wire == 0 && queue->in_core == queue->in_early;
}

void queue_note_early(struct queue *queue)
{
	queue->in_early++;
	if (queue->closing && is_harmless(queue))
		reactor_is_due(queue->reactor, queue);
}

/* One of the first requests is not used any more once there is a table. */
void queue_take_back(struct queue *queue, struct request *request)
{
	request->owner = REQUEST_FREE;
	if (__builtin_expect(request->trace != NULL, 0))
		tracer_end(&queue->reactor->tracer, request);
	if (queue->closing) {
		if (is_harmless(queue))
			reactor_is_due(queue->reactor, queue);
		return;
	}
	if (queue->requests && request->index >= QUEUE_FIRST_INDEX)
		return;
	/* the one used last is the one that the cache still has */
	list_append(queue->free.next, &request->core_link);
	resume_if_starved(queue);
}

struct request *queue_at(struct queue *queue, uint16_t index)
{
	struct request *request = NULL;

	if (index >= QUEUE_FIRST_INDEX)
		request = &queue->first[index - QUEUE_FIRST_INDEX];
	else if (index < queue->n_used)
		request = &queue->requests[index];
	return request && request->owner == REQUEST_WITH_WIRE ? request : NULL;
}

/* One that the wire has may be answered, so that its host has given the number to the next. */
struct request *queue_command(struct queue *queue, uint16_t cid)
{
	struct request *at_wire = NULL;

	for (uint32_t i = 0; i < queue->n_used; i++) {
		struct request *request = &queue->requests[i];

		if (request->owner == REQUEST_FREE || request->early != REQUEST_EARLY_NONE ||
		    le16_get(request->command.cid) != cid)
			continue;
		if (request->owner != REQUEST_WITH_WIRE)
			return request;
		at_wire = request;
	}
	return at_wire;
}

static bool is_with_wire(const struct request *request, uint16_t cid)
{
	return request->owner == REQUEST_WITH_WIRE && le16_get(request->command.cid) == cid;
}

struct request *queue_find(struct queue *queue, uint16_t cid)
{
	for (uint32_t i = 0; i < queue->n_used; i++)
		if (is_with_wire(&queue->requests[i], cid))
			return &queue->requests[i];
	for (uint32_t i = 0; i < QUEUE_FIRST; i++)
		if (is_with_wire(&queue->first[i], cid))
			return &queue->first[i];
	return NULL;
}

/* ------------------------------------------------------------------ its beginning */

/* What a capsule may bring, and has to fit into what its receiver has: with keyed blocks that is
 * there before the capsule, else it is found when the capsule comes. */
static uint32_t limit_capsule(const struct queue *queue, uint32_t bytes)
{
	return wire_keyed_blocks(queue->wire) && bytes > queue->capsule_max ? queue->capsule_max
	                                                                    : bytes;
}

static uint32_t first_capsule(const struct queue *queue)
{
	return wire_keyed_blocks(queue->wire) ? queue->capsule_max : queue->wire->admin_in_capsule;
}

int queue_open(struct queue *queue, struct reactor *reactor, const struct wire *wire)
{
	int r;

	queue->reactor = reactor;
	queue->wire = wire;
	queue->in_capsule_bytes = first_capsule(queue);
	queue->connected = queue->sqflow_disabled = queue->closing = queue->is_fenced = false;
	queue->may_borrow = false;
	queue->starved = queue->resumable = queue->is_in_doubt = false;
	queue->qid = queue->sqhd = 0;
	queue->size = queue->n_requests = queue->n_used = 0;
	queue->in_core = queue->in_wire = queue->in_early = 0;
	queue->controller = NULL;
	queue->share = &reactor->room.unborn;
	queue->requests = NULL;
	queue->seen = 0;
	list_init(&queue->due);
	list_init(&queue->unborn);
	queue->first = calloc(QUEUE_FIRST, sizeof(*queue->first));
	if (!queue->first)
		return error_origin(-ENOMEM);
	r = reactor_add_queue(reactor, queue);
	if (!r) {
		queue->seat = seat_new(queue);
		if (queue->seat) {
			offer_first(queue);
			reactor_expect_connect(reactor, queue);
			return 0;
		}
		reactor_remove_queue(reactor, queue);
		r = -ENOMEM;
	}
	free(queue->first);
	return error_trace(r);
}

/* ------------------------------------------------------------------ Connect has succeeded */

static struct room_share *share_of(const struct queue *queue)
{
	struct room *room = &queue->reactor->room;
	struct room_share *own = &queue->controller->shares[queue->reactor->index].room;

	if (queue->qid == 0)
		return queue->controller->discovery ? &room->discovery : &room->admin;
	room_share_init(own, true);
	return own;
}

bool queue_connect(struct queue *queue, struct task_connected *connected)
{
	queue->requests = new_table(connected->size + QUEUE_SPARE);
	if (!queue->requests)
		return false;
	queue->n_requests = connected->size + QUEUE_SPARE;
	list_init(&queue->free); /* the first ones are not for commands any more */
	queue->controller = take(&connected->controller);
	queue->qid = connected->qid;
	queue->size = connected->size;
	queue->in_capsule_bytes = limit_capsule(queue, connected->in_capsule_bytes);
	queue->sqflow_disabled = connected->sqflow_disabled;
	queue->connected = true;
	list_remove(&queue->unborn); /* it is in it if another Connect was refused meanwhile */
	queue->share = share_of(queue);
	resume_if_starved(queue); /* those of the first requests that come back do not */
	return true;
}

static void finish_connect(struct queue *queue, struct request *request, struct task *task)
{
	if (task->connected.controller && !queue_connect(queue, &task->connected)) {
		request->status = status_of(NVME_SC_INTERNAL);
		queue->wire->terminate(queue, "no memory for its requests");
	}
	/* a terminated queue is not expected to connect any more */
	if (!queue->connected && !task->connected.controller)
		reactor_expect_connect(queue->reactor, queue);
}

/* ------------------------------------------------------------------ tasks */

static struct request *request_of(struct queue *queue, uint16_t index)
{
	if (index >= QUEUE_FIRST_INDEX)
		return &queue->first[index - QUEUE_FIRST_INDEX];
	return index < queue->n_used ? &queue->requests[index] : NULL;
}

static void take_answer(struct queue *queue, struct request *request, struct task *task)
{
	request->owner = REQUEST_AT_CORE;
	request->status = task->status;
	request->result[0] = task->result[0];
	request->result[1] = task->result[1];
	request->error_location = task->error_location;
	if (request->direction == NVME_TRANSFER_TO_HOST && status_is_ok(request->status)) {
		if (task->reply)
			memcpy(request->data, task->reply, request->length);
		else
			request->status = status_of(NVME_SC_INTERNAL);
	}
	if (!queue->connected)
		finish_connect(queue, request, task);
	request_respond(request);
}

void queue_task_returns(struct letter *letter)
{
	_cleanup_(task_freep) struct task *task = container_of(letter, struct task, letter);
	struct queue *queue = reactor_queue(task->seat->reactor, task->queue);
	struct request *request;

	if (!queue || queue->closing)
		return;
	request = request_of(queue, task->index);
	if (request && request->owner == REQUEST_AT_CONTROL)
		take_answer(queue, request, task);
}

/* ------------------------------------------------------------------ its end */

/* Its host may write to zones again, on another queue, what was not answered on this one: and that
 * one is not admitted before this one has settled. How it has ended does not matter: Linux ends
 * its I/O queues in one way, whatever the reason. */
static void doubt(struct queue *queue)
{
	struct reactor *reactor = queue->reactor;
	const struct view *view = reactor->sight.view;

	if (queue->qid == 0 || !view || !view->has_zones)
		return;
	queue->is_in_doubt = true;
	queue->doubt_until_ns = loop_now_ns(reactor->loop) + DOUBT_PATIENCE_NS;
	workers_doubt(&reactor->workers);
}

/* A worker that does not take it in hangs: its end, by its keeper, does as well. */
static bool waits_in_doubt(struct queue *queue)
{
	struct reactor *reactor = queue->reactor;

	if (queue->is_in_doubt && !workers_are_doubted(&reactor->workers) &&
	    loop_now_ns(reactor->loop) < queue->doubt_until_ns) {
		reactor_is_in_doubt(reactor, queue);
		return true;
	}
	queue->is_in_doubt = false;
	return false;
}

static void let_go(struct request *table, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		request_drop(&table[i]);
}

void queue_close(struct queue *queue)
{
	struct reactor *reactor = queue->reactor;

	if (queue->closing)
		return;
	queue->closing = true;
	list_remove(&queue->unborn);
	let_go(queue->first, QUEUE_FIRST);
	let_go(queue->requests, queue->n_used);
	mailbox_post(&reactor->transport->mailbox,
	             &queue->seat->closing_letter,
	             transport_queue_closing);
	doubt(queue);
	if (is_harmless(queue))
		reactor_is_due(reactor, queue);
}

static void tell_fenced(struct queue *queue)
{
	if (queue->is_fenced)
		return;
	queue->is_fenced = true;
	mailbox_post(&queue->reactor->transport->mailbox,
	             &queue->seat->fenced_letter,
	             transport_queue_fenced);
}

void queue_settle(struct queue *queue)
{
	struct reactor *reactor = queue->reactor;

	if (!is_harmless(queue) || waits_in_doubt(queue))
		return;
	if (queue->in_core > 0) {
		tell_fenced(queue);
		return;
	}
	reactor_remove_queue(reactor, queue);
	mailbox_post(
		&reactor->transport->mailbox, &queue->seat->closed_letter, transport_queue_closed);
	controller_drop(queue->controller);
	free_table(queue->requests, queue->n_requests);
	free(queue->first);
	queue->wire->closed(queue);
}

bool queue_sees(struct queue *queue)
{
	const struct view *view = queue->reactor->sight.view;

	if (!view)
		return false;
	if (queue->seen != view->serial) {
		queue->seen = view->serial;
		queue->rights_on = NULL;
		queue->subsystem = view_subsystem_of(
			view, queue->controller->subsystem, queue->controller->host_nqn);
		queue->port = view_port(view, queue->port_id);
	}
	return queue->subsystem && queue->port;
}
