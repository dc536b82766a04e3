/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/list.h"

/*
 * loop - the only place where a thread waits.
 *
 * Shape     One per thread: descriptors (level-triggered epoll), timers, mailboxes, and
 *           lookers: what is asked on each round whether there is work in shared memory.
 * Promise   Under load a round looks, and after the last work goes on looking for a bounded,
 *           adaptive time (spin_max_us; between looks it yields the processor) before it
 *           sleeps. Idle, it sleeps without a time-out. Each ready source is called once a round;
 *           a callback may add, change and remove anything, itself included. A source that was
 *           removed is not called any more, also not in this round.
 * Trust     none
 * Threads   One owner; only loop_stop() and mailbox_post() may be called from others.
 * Lifetime  Sources, timers, lookers and mailboxes are embedded in their owners, who remove
 *           them before they go.
 */
struct loop;

struct loop_source {
	int fd; /* -1: not in a loop */
	uint32_t events;
	void (*ready)(struct loop_source *source, uint32_t events); /* EPOLLIN … */
	struct loop *loop;
};

#define LOOP_SOURCE(fn) ((struct loop_source){.fd = -1, .ready = (fn)})

struct loop_timer {
	uint64_t due_ns; /* of clock_now_ns(); 0: not set */
	void (*expired)(struct loop_timer *timer);
	struct loop *loop;
	unsigned place; /* in the heap */
};

#define LOOP_TIMER(fn) ((struct loop_timer){.expired = (fn)})

/* Work in shared memory. look() does a bounded amount of it and says how much it did. Before
 * the loop sleeps, sleep() tells the peer to ring a doorbell (a loop_source of its own), and
 * says false if work has come meanwhile; wake() takes it back. */
struct looker {
	unsigned (*look)(struct looker *looker);
	bool (*sleep)(struct looker *looker);
	void (*wake)(struct looker *looker);
	struct list link;
	struct loop *loop;
};

struct loop_options {
	unsigned spin_max_us; /* 0: never spins */
};

int loop_new(struct loop **ret_loop, const struct loop_options *options);
struct loop *loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop *, loop_free)

/* Until loop_stop(). 0 or a negative errno. */
int loop_run(struct loop *loop);
/* One round: what is ready now is done; waits at most timeout_ms (-1: without end). For tests. */
int loop_round(struct loop *loop, int timeout_ms);
void loop_stop(struct loop *loop);

/* The time when this round began; cheap. */
uint64_t loop_now_ns(const struct loop *loop);

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events);
int loop_change(struct loop_source *source, uint32_t events);
void loop_remove(struct loop_source *source); /* does not close; idempotent */

int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_ns); /* also moves it */
void loop_timer_clear(struct loop_timer *timer);                                   /* idempotent */

void loop_look(struct loop *loop, struct looker *looker);
void loop_look_away(struct looker *looker); /* idempotent */

/* Something useful was done outside of lookers in this round: keep spinning for a while. The
 * loop counts ready descriptors by itself. */
void loop_busy(struct loop *loop);
