/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/loop/mailbox.h"
#include "common/loop/pulse.h"
#include "common/proc/cpus.h"
#include "services/io/lane.h"
#include "services/io/table.h"
#include "services/io/uring.h"

/*
 * io_thread - serves links: rings on one side, the kernel on the other.
 *
 * Shape     A thread with a loop, a uring, the lanes that were given to it, and the table that
 *           it goes by.
 * Promise   One round takes from every lane, submits once, reaps once, publishes once. It
 *           learns of lanes and tables by letters, and answers each by a letter to the control
 *           thread when it has let go of it.
 * Trust     none; the lanes do that
 * Threads   new, pulse, post and free: the control thread. The rest: the I/O thread itself.
 * Lifetime  io_thread_free() ends the thread when nothing is in flight, or says -ETIMEDOUT: then
 *           the kernel may still use arenas, and only the end of the process is safe.
 */
struct io_thread;

struct io_thread_options {
	unsigned index;
	unsigned spin_us;
	const struct cpus *cpus; /* the thread has that of its index */
	struct mailbox *control; /* where letters for the control thread go */
	/* Control thread: what the letters say. */
	void (*lane_broken)(struct lane *lane);
	void (*lane_gone)(struct lane *lane);
	void (*lane_stuck)(struct lane *lane);
	void (*table_let_go)(struct table *table);
};

/* The thread runs and can do I/O when it returns 0. Or a negative errno, which was logged. */
int io_thread_new(struct io_thread **ret_thread, const struct io_thread_options *options);
int io_thread_free(struct io_thread *thread);

/* Looks for requests that are older than limit_ns: their number is in COUNT_OLD of each namespace
 * when answer() is called, on the control thread. One at a time. */
struct sweep {
	uint64_t limit_ns;
	void (*answer)(void *context);
	void *context;
};

void io_thread_sweep(struct io_thread *thread, const struct sweep *sweep);

/* For the control thread to ask whether it is alive. */
struct pulse *io_thread_pulse(struct io_thread *thread);

void io_thread_give_lane(struct io_thread *thread, struct lane *lane);
void io_thread_close_lane(struct io_thread *thread, struct lane *lane); /* once */
void io_thread_give_table(struct io_thread *thread, struct table *table);

/* ------------------------------------------------------------------ for its lanes */

struct loop *io_thread_loop(struct io_thread *thread);
struct uring *io_thread_uring(struct io_thread *thread);
unsigned io_thread_index(const struct io_thread *thread);

/* A request begins under the table of now, and ends. */
struct hold *io_thread_hold(struct io_thread *thread);
void io_thread_release(struct io_thread *thread, struct hold *hold);

/* The lane of requests that backings make for themselves: it has no link, no arena and no
 * registered buffer. */
struct lane *io_thread_inner_lane(struct io_thread *thread);

/* From any thread. Whoever posts knows that a request of this thread is in flight until then. */
void io_thread_post(struct io_thread *thread, struct letter *letter,
                    void (*deliver)(struct letter *letter));

/* Hosts may send again what this lane has written, and was not answered to them. */
void io_thread_doubt(struct io_thread *thread, const struct lane *lane);

void io_thread_tell_broken(struct io_thread *thread, struct lane *lane);
void io_thread_tell_stuck(struct io_thread *thread, struct lane *lane);
