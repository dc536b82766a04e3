/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>

#include "common/base/cache_line.h"
#include "common/loop/mailbox.h"
#include "common/loop/pulse.h"
#include "common/transport/aborts.h"
#include "common/transport/counts.h"
#include "common/transport/direct.h"
#include "common/transport/notice.h"
#include "common/transport/port.h"
#include "common/transport/room.h"
#include "common/transport/sight.h"
#include "common/transport/tracer.h"
#include "common/transport/worker_link.h"
#include "common/transport/workers.h"

/*
 * reactor - a thread that has connections, with all that they need for I/O.
 *
 * Shape     A loop, an arena, a link to each worker, queues in a table. Its round ends in its
 *           looker: completions are taken, memory is given to who waits for it, queues that
 *           can go on are resumed, new requests are shown to the workers, and the wire flushes.
 * Promise   While nothing happens it sleeps without a time-out.
 * Trust     see its parts
 * Threads   its own, but for what is marked
 * Lifetime  reactor_free() after its thread has been joined
 */
#define REACTOR_QUEUES_MAX 8192u

struct transport;
struct task;

struct reactor {
	struct transport *transport;
	const struct wire *wire;
	unsigned index;
	pthread_t thread;
	bool is_started;
	bool is_left; /* its thread is over, and all it has is left to a successor (leave.c) */
	struct loop *loop;
	struct looker looker;
	struct room room;
	struct tracer tracer;

	struct sight sight;
	struct workers workers;
	struct worker_link_owner link_owner;
	struct direct direct;
	struct loop_timer direct_timer; /* a grant was refused */
	struct list unready;            /* requests whose namespace is not ready */
	struct loop_timer unready_timer;

	struct queue **queues;  /* REACTOR_QUEUES_MAX, by the low bits of their number */
	unsigned n_queue_slots; /* of these: that were ever used */
	uint16_t *free_queues;  /* slots of them, the one freed last at the end */
	unsigned n_free_queues;
	uint64_t queue_generation;
	struct list due;    /* queues to be seen to at the end of the round */
	struct list unborn; /* queues without a Connect, the oldest first */
	struct loop_timer unborn_timer;
	struct list in_doubt; /* queues that close: workers may not know it yet */
	struct loop_timer doubt_timer;
	bool has_responded; /* the wire has something to flush */
	struct loop_timer stop_timer;
	uint64_t stop_ns;

	struct limits limits; /* of the newest view */
	struct aborts aborts;
	struct counts counts; /* any thread reads */
	atomic_uint n_queues;
	atomic_uint n_seats;
	atomic_bool is_over; /* its thread has nothing more to do */

	/* What other threads write, when something changes: on lines of their own. */
	_Alignas(CACHE_LINE) struct mailbox mailbox; /* any thread posts */
	struct notice view_notice;                   /* control -> reactor: */
	_Atomic(struct view *) next_view;
	struct notice drained_notice; /* reactor -> control: */
	struct pulse pulse;           /* the control thread asks */
	struct letter stop_letter;
	struct letter adopted_letter; /* all that a predecessor has left is here (inherit.c) */
};

/* Control thread. arena_bytes: a multiple of ARENA_BLOCK_MAX. */
int reactor_new(struct reactor **ret_reactor, struct transport *transport, unsigned index,
                size_t arena_bytes);
struct reactor *reactor_free(struct reactor *reactor);
int reactor_start(struct reactor *reactor);
void reactor_show(struct reactor *reactor, struct view *view); /* admission goes on under it */
/* Has wire->adopt() called there; if that opens no queue, transport_queue_failed() comes back.
 * False: no memory. */
bool reactor_place(struct reactor *reactor, void *connection, uint32_t port_id, uint32_t host);
/* Ends its connections, and then its thread, within 3 s; meanwhile the control thread must go on
 * taking letters, until is_over. */
void reactor_stop(struct reactor *reactor);
void reactor_join(struct reactor *reactor);

/* Reactor. NULL: it is gone. */
struct queue *reactor_queue(struct reactor *reactor, uint64_t number);
/* 0 or a negative errno: the table is full (EMFILE). */
int reactor_add_queue(struct reactor *reactor, struct queue *queue);
void reactor_remove_queue(struct reactor *reactor, struct queue *queue);
/* The queue is seen to at the end of this round. */
void reactor_is_due(struct reactor *reactor, struct queue *queue);
/* The queue, which is closing, is due again soon, when the workers may have taken in what they were
 * told of it. */
void reactor_is_in_doubt(struct reactor *reactor, struct queue *queue);
/* The queue has to connect within a time from now (connect_timeout_ms). */
void reactor_expect_connect(struct reactor *reactor, struct queue *queue);

/* Control -> reactor: a task's answer. */
void reactor_return_task(struct task *task);
