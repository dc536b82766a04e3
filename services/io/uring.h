/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/list.h"

/*
 * uring - one I/O thread's way to the kernel.
 *
 * Shape     An io_uring. A job is embedded in what it carries out: the uring asks it to
 *           prepare an entry when there is room for one, and says its result when it is done.
 * Promise   A job that finds no room waits in line; nothing is allocated. At most
 *           URING_IN_FLIGHT jobs are with the kernel. One system call submits what a round
 *           has gathered. done() may start the job again.
 * Trust     none
 * Threads   the one that called uring_init(); nothing that is called for each job makes system
 *           calls, except submit and reap, and these do not wait
 * Lifetime  uring_deinit() only when nothing is in flight
 */
#define URING_IN_FLIGHT 2048u
#define URING_BUFFERS   64u

struct uring_job {
	struct list link;
	void (*prepare)(struct uring_job *job, struct io_uring_sqe *entry);
	void (*done)(struct uring_job *job, int result);
};

struct uring {
	struct io_uring ring;
	bool open;
	bool deferred; /* the kernel leaves the last bit of work to our next system call */
	bool buffers;  /* memory can be registered */
	int bell;      /* an eventfd, to be waited for */
	unsigned in_flight;
	unsigned unsubmitted;
	struct list waiting; /* jobs */
	bool buffer_used[URING_BUFFERS];
	struct uring_job canceller; /* whose completions say nothing */
};

/* 0, or a negative errno, which was logged with what to do about it. */
int uring_init(struct uring *uring);
void uring_deinit(struct uring *uring);

void uring_start(struct uring *uring, struct uring_job *job);

/* The job, which was started and is not done, is done with -ECANCELED if it has not begun, or if
 * the kernel can still stop it; else as if nothing had been said. */
void uring_cancel(struct uring *uring, struct uring_job *job);

/* Hands over what was prepared. */
void uring_submit(struct uring *uring);

/* Calls done() for what the kernel has finished, at most a bounded number; returns how many. */
unsigned uring_reap(struct uring *uring);

/* The thread is about to sleep: from now on the bell rings when there is something to be reaped.
 * False: there is something to do, do not sleep. uring_wake() takes it back. */
bool uring_sleep(struct uring *uring);
void uring_wake(struct uring *uring);

/* Registers memory for entries with a fixed buffer. Its index, or a negative errno. */
int uring_add_buffer(struct uring *uring, void *memory, size_t size);
void uring_remove_buffer(struct uring *uring, int index);
