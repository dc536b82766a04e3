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
 *           adaptive time (spin_max_us) before it sleeps. Between looks it yields the processor,
 *           at once if a looker waits for somebody, else after a while. Idle, it sleeps without
 *           a time-out. Each ready source is called once a round; a callback may add, change
 *           and remove anything, itself included. A source that was removed is not called any
 *           more, also not in this round.
 * Trust     none
 * Threads   One owner; only loop_stop() and mailbox_post() may be called from others.
 * Lifetime  Sources, timers, lookers and mailboxes are embedded in their owners, who remove them
 *           before they go.
 */
struct loop;

struct loop_source {
	int fd; /* -1 (and loop NULL) while in no loop */
	uint32_t events;
	void (*ready)(struct loop_source *source, uint32_t events); /* EPOLLIN … */
	/* Does what ready(EPOLLIN) would, if there is anything: says whether there was. NULL: it is
	 * only called when it is ready. The loop tries what was ready a moment ago (hot.h). */
	bool (*try)(struct loop_source *source);
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
 * says false if work has come meanwhile; wake() takes it back, and is called after a false
 * sleep() too. Both change nothing in the loop. */
struct looker {
	unsigned (*look)(struct looker *looker);
	bool (*sleep)(struct looker *looker);
	void (*wake)(struct looker *looker);
	/* For somebody who may need this processor: the loop does not spin without a yield then. */
	bool waits;
	struct list link;
	struct loop *loop;
};

/* What is better done once for many calls (publishing a ring, sending what has been gathered):
 * called when all callbacks of a round are done, before the loop looks or waits again. */
struct loop_hook {
	void (*round_ends)(struct loop_hook *hook);
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

/* The time of this round (in look(): or of the last one); cheap. */
uint64_t loop_now_ns(const struct loop *loop);

/* EPOLLERR and EPOLLHUP are reported whether asked for or not. */
int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events);
int loop_change(struct loop_source *source, uint32_t events);
/* Before the descriptor is closed; does not close it; idempotent. */
void loop_remove(struct loop_source *source);

/* Expires once, up to a millisecond late. Moving a timer that is set cannot fail. */
int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_ns);
void loop_timer_clear(struct loop_timer *timer); /* idempotent */

void loop_look(struct loop *loop, struct looker *looker);
void loop_look_away(struct looker *looker); /* idempotent */

void loop_hook_add(struct loop *loop, struct loop_hook *hook);
void loop_hook_remove(struct loop_hook *hook); /* idempotent */

/* There is something to do that nothing will tell of: the next round does not wait. */
void loop_again(struct loop *loop);

/* Something useful was done outside of lookers in this round: keep spinning for a while. The
 * loop counts ready descriptors by itself. */
void loop_busy(struct loop *loop);
