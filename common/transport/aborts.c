/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/aborts.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/transport/controller.h"
#include "common/transport/queue.h"
#include "common/transport/reactor.h"
#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"
#include "common/transport/worker_link.h"

#define LOOK_NS        (10 * NS_PER_MS)
#define ABORT_NOT_DONE 1u /* dword 0, bit 0 (Base 2.1 §5.1.1) */

struct abort {
	struct letter letter;
	struct task *task; /* the control thread's; NULL: nobody waits for the answer any more */
	struct controller *controller; /* a reference */
	struct transport *transport;
	struct reactor *reactor;
	uint64_t queue; /* its number */
	uint16_t cid;

	/* the reactor's */
	struct list link;
	struct request *request; /* that is meant */
	uint64_t put_ns;         /* of it: at which worker it is, since when */
	uint64_t until_ns;
	bool is_told;    /* its worker has been asked to cancel it */
	bool is_at_wire; /* which brings its data, and then it is only answered */
	bool is_done;
};

/* ------------------------------------------------------------------ back on the control thread */

static void free_abort(struct abort *abort)
{
	abort->controller->n_aborts--;
	controller_drop(abort->controller);
	free(abort);
}

static void cleanup_abort(struct abort **abort)
{
	free_abort(*abort);
}

static void return_abort(struct letter *letter)
{
	_cleanup_(cleanup_abort) struct abort *abort = container_of(letter, struct abort, letter);
	struct task *task = abort->task;

	if (!task)
		return;
	task->abort = NULL;
	task->result[0] = abort->is_done ? 0 : ABORT_NOT_DONE;
	task_return(task);
}

static void finish(struct abort *abort, bool is_done)
{
	list_remove(&abort->link);
	abort->is_done = is_done;
	mailbox_post(&abort->transport->mailbox, &abort->letter, return_abort);
}

/* ------------------------------------------------------------------ at the reactor */

enum outcome {
	ABORT_DONE,
	ABORT_TOO_LATE, /* it is answered, or there is none */
	ABORT_WAITS,    /* for its end */
};

static enum outcome answer(struct request *request)
{
	request->owner = REQUEST_AT_CORE;
	request_answer(request, status_of(NVME_SC_ABORT_REQUESTED));
	return ABORT_DONE;
}

/* The host's data that was asked for comes all the same; then it is not executed. What waits for
 * memory has not been asked for. */
static enum outcome abort_at_wire(struct request *request)
{
	bool waits_for_room = !request->data && !list_is_empty(&request->core_link) &&
	                      request->source == REQUEST_TRANSFER;
	const struct wire *wire = request->queue->wire;

	if (!waits_for_room && !(wire->awaits && wire->awaits(request)))
		return ABORT_TOO_LATE;
	request->kind = REQUEST_DONE;
	request->status = status_of(NVME_SC_ABORT_REQUESTED);
	if (!waits_for_room)
		return ABORT_WAITS;
	room_give(&request->queue->reactor->room, request);
	list_remove(&request->wire_link);
	request_execute(request);
	return ABORT_DONE;
}

static enum outcome abort_at_link(struct abort *abort, struct request *request)
{
	switch (worker_link_abort(request->link, request)) {
	case WORKER_ABORTED:
		return ABORT_DONE;
	case WORKER_TOLD:
		abort->is_told = true;
		break;
	case WORKER_BUSY:
		break;
	}
	return ABORT_WAITS;
}

static enum outcome take_out(struct abort *abort, struct request *request)
{
	switch ((enum request_owner)request->owner) {
	case REQUEST_FREE:
	case REQUEST_AT_CORE:
	case REQUEST_AT_CONTROL: /* or on its way there: it was looked for there first */
		return ABORT_TOO_LATE;
	case REQUEST_WITH_WIRE:
		return abort_at_wire(request);
	case REQUEST_AT_ROOM:
		room_give(&request->queue->reactor->room, request);
		return answer(request);
	case REQUEST_AT_UNREADY:
		list_remove(&request->core_link);
		return answer(request);
	case REQUEST_AT_LINK:
	case REQUEST_AT_WORKER:
		return abort_at_link(abort, request);
	}
	return ABORT_TOO_LATE;
}

static struct queue *queue_of(const struct abort *abort)
{
	struct queue *queue = reactor_queue(abort->reactor, abort->queue);

	return queue && !queue->closing ? queue : NULL;
}

/* Its place may have another command meanwhile, which is to be carried out. */
static bool is_meant(const struct abort *abort, const struct request *request)
{
	return request == abort->request && request->put_ns == abort->put_ns &&
	       le16_get(request->command.cid) == abort->cid &&
	       (!abort->is_at_wire || request->kind == REQUEST_DONE);
}

/* It has not ended either. */
static bool is_there(const struct abort *abort)
{
	const struct request *request = abort->request;

	return request->owner != REQUEST_FREE && request->early == REQUEST_EARLY_NONE &&
	       is_meant(abort, request);
}

/* Not with the worker that was told, which has given it back, or is away. */
static bool has_come_back(const struct request *request)
{
	return request->owner == REQUEST_AT_LINK ||
	       (request->owner == REQUEST_AT_WORKER && request->is_lost);
}

/* It is in no list, so that it is finished once where its command is answered here; aborts_note()
 * finishes all others that mean the same. */
static void look_after(struct abort *abort, uint64_t now_ns)
{
	struct request *request = abort->request;

	if (!queue_of(abort) || !is_there(abort) || now_ns >= abort->until_ns)
		finish(abort, false);
	else if (request->owner >= REQUEST_AT_LINK && (!abort->is_told || has_come_back(request)) &&
	         abort_at_link(abort, request) == ABORT_DONE)
		finish(abort, true);
	else
		list_append(&abort->reactor->aborts.asked, &abort->link);
}

/* Each may end others, and goes behind them if it stays. */
static void look(struct loop_timer *timer)
{
	struct aborts *aborts = container_of(timer, struct aborts, timer);
	struct reactor *reactor = container_of(aborts, struct reactor, aborts);
	uint64_t now_ns = loop_now_ns(reactor->loop);
	struct list *first;
	unsigned n = 0;

	list_for_each (at, &aborts->asked)
		n++;
	for (; n > 0 && (first = list_take_first(&aborts->asked)); n--)
		look_after(container_of(first, struct abort, link), now_ns);
	if (!list_is_empty(&aborts->asked))
		loop_timer_set(reactor->loop, timer, now_ns + LOOK_NS);
}

void aborts_note(struct reactor *reactor, const struct request *request)
{
	list_for_each_safe (at, &reactor->aborts.asked) {
		struct abort *abort = container_of(at, struct abort, link);

		if (is_meant(abort, request))
			finish(abort, true);
	}
}

static void arrive(struct letter *letter)
{
	struct abort *abort = container_of(letter, struct abort, letter);
	struct reactor *reactor = abort->reactor;
	struct queue *queue = queue_of(abort);
	struct request *request = queue ? queue_command(queue, abort->cid) : NULL;
	enum outcome outcome = request ? take_out(abort, request) : ABORT_TOO_LATE;

	if (outcome != ABORT_WAITS) {
		finish(abort, outcome == ABORT_DONE);
		return;
	}
	abort->request = request;
	abort->put_ns = request->put_ns;
	abort->is_at_wire = request->owner == REQUEST_WITH_WIRE;
	abort->until_ns = loop_now_ns(reactor->loop) + reactor->limits.abort_timeout_ms * NS_PER_MS;
	list_append(&reactor->aborts.asked, &abort->link);
	if (!reactor->aborts.timer.due_ns)
		loop_timer_set(reactor->loop,
		               &reactor->aborts.timer,
		               loop_now_ns(reactor->loop) + LOOK_NS);
}

void aborts_init(struct aborts *aborts)
{
	list_init(&aborts->asked);
	aborts->timer = LOOP_TIMER(look);
}

void aborts_deinit(struct aborts *aborts)
{
	struct list *first;

	loop_timer_clear(&aborts->timer);
	while ((first = list_take_first(&aborts->asked)))
		free_abort(container_of(first, struct abort, link));
}

/* ------------------------------------------------------------------ the control thread */

bool aborts_begin(struct transport *transport, struct task *task, struct seat *seat, uint16_t cid)
{
	struct abort *abort = malloc(sizeof(*abort));

	if (!abort)
		return false;
	*abort = (struct abort){.task = task,
	                        .controller = controller_hold(seat->controller),
	                        .transport = transport,
	                        .reactor = seat->reactor,
	                        .queue = seat->queue,
	                        .cid = cid};
	list_init(&abort->link);
	abort->controller->n_aborts++;
	task->abort = abort;
	mailbox_post(&seat->reactor->mailbox, &abort->letter, arrive);
	return true;
}

void aborts_forget(struct task *task)
{
	if (!task->abort)
		return;
	task->abort->task = NULL;
	task->abort = NULL;
}
