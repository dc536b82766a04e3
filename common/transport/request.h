/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/port.h"

/*
 * request - a command on its way through the core.
 *
 * Shape     request->owner says in whose hands it is; while it is in somebody's list, core_link
 *           is the link.
 *
 *             FREE ── begin ──► WIRE ── execute ──► CORE ── respond ──► WIRE ── finish ──► FREE
 *
 *           CORE is one of the REQUEST_AT_…: what it waits for, and who ends the wait.
 * Promise   Of a closed queue, what is not AT_WORKER is dropped at once.
 * Trust     see port.h
 * Threads   the reactor's
 * Lifetime  as its queue
 */
enum request_owner {
	REQUEST_FREE = 0,
	REQUEST_WITH_WIRE,
	REQUEST_AT_CORE,    /* nobody waits: a call of the core's is at it */
	REQUEST_AT_ROOM,    /* memory for what goes to the host: given back by another request */
	REQUEST_AT_CONTROL, /* a task carries it: its return */
	REQUEST_AT_UNREADY, /* its namespace is not ready: a view, or patience_ns */
	REQUEST_AT_LINK,    /* its worker is away or full: the link, or its patience */
	REQUEST_AT_WORKER,  /* in the ring: its completion; or lost with it: the next link */
};

/* The host has been told to try again before the worker was done with the request. That keeps its
 * place in the queue's table, and its memory, which a worker or the kernel may still use. */
enum request_early {
	REQUEST_EARLY_NONE = 0,
	REQUEST_EARLY_GOING, /* the wire is at that answer; the worker is not done */
	REQUEST_EARLY_GONE,  /* the wire has finished it, or its queue was closed before; as
	                        REQUEST_AT_WORKER, or _AT_LINK */
};

/* What wire->regain() comes for. */
enum request_brought {
	REQUEST_BROUGHT_NOTHING = 0,
	REQUEST_BROUGHT_DATA, /* its data is in memory that was lent to the wire */
	REQUEST_BROUGHT_ELSE,
};

enum request_kind {
	REQUEST_CONTROL, /* admin and fabrics: for the control thread */
	REQUEST_IO,
	REQUEST_DONE, /* status is set: only to be answered */
};

/* Answers with status and result as they are. The request must be AT_CORE. */
void request_respond(struct request *request);

static inline void request_answer(struct request *request, struct nvme_status status)
{
	request->status = status;
	request_respond(request);
}

/* The wire's request becomes the core's, and waits AT_CORE for request_begin_again(). */
void request_set_aside(struct request *request);
void request_begin_again(struct request *request);

/* Answers with request->status, while the request is a worker's or a link's: whatever its host
 * sends to its namespace from now on waits until it is over, wherever that is sent. */
__attribute__((cold)) void request_answer_early(struct request *request);
/* The worker is done with a request that was answered early. */
__attribute__((cold)) void request_end_early(struct request *request);

/* room_forfeit(), or the same of what it brought. */
void request_forfeit_memory(struct request *request);

/* Memory for what goes to the host has come. */
void request_resume(struct request *request);

/* The core drops a request of a closed queue, wherever but AT_WORKER it is. */
void request_drop(struct request *request);

/* An entry for the table of a queue. */
void request_init(struct request *request, struct queue *queue, uint16_t index);
