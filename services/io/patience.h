/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/loop/loop.h"
#include "services/io/io_thread.h"

/*
 * patience - what becomes of a namespace whose device does not answer.
 *
 * Shape     GOOD ── a request is older than the limit ──► FENCED ── all threads know ──► TOLD, and
 *           back to GOOD when none is. While a file or a device is served, all threads are asked
 *           now and then for requests that are so old; twice a second while there are any.
 * Promise   A FENCED namespace is not ready for anybody: nothing newer reaches the device
 *           before what it has is over. Only when all threads go by that (TOLD), are the hosts of
 *           its old requests told to try again (LINK_UNDECIDED): so no old write comes after a
 *           newer one. Others go on. An idle set keeps a timer, and no more than that.
 * Trust     a device may answer never, or late
 * Threads   the control thread
 * Lifetime  patience_deinit() before its threads are freed
 */
struct namespace;

enum patience_state {
	PATIENCE_GOOD,
	PATIENCE_FENCED, /* ends when all threads have the table that says so, or none is old */
	PATIENCE_TOLD,   /* ends when none is old */
};

struct patience_options {
	struct loop *loop;
	struct io_thread **threads;
	unsigned n_threads;
	uint64_t limit_ns;             /* 0: for ever */
	const struct list *namespaces; /* their link in it */
	/* Whether the threads have been given a table of what is so now. */
	bool (*is_current)(void *context);
	/* What is ready has changed. */
	void (*changed)(void *context);
	void *context;
};

struct patience {
	struct patience_options options;
	struct loop_timer timer;
	unsigned n_asked; /* threads that have not answered */
	bool was_current; /* when they were asked */
	bool is_hurried;
};

void patience_init(struct patience *patience, const struct patience_options *options);
void patience_deinit(struct patience *patience);

/* Whether there is anything with a device behind it. */
void patience_watch(struct patience *patience, bool wanted);
