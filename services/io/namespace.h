/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/list.h"
#include "common/ipc/envelope.h"
#include "common/loop/loop.h"
#include "services/io/backing.h"
#include "services/io/counters.h"

/*
 * namespace - one thing to be served, with or without its backing.
 *
 * Shape     What was asked for, the backing or the reason why there is none, and counters for
 *           each I/O thread.
 * Promise   The reason is logged when it changes, not at each try.
 * Trust     as namespaces
 * Threads   the control thread; counters are added to by the I/O threads
 * Lifetime  Counted references: the set of namespaces has one, each table another.
 */
#define NAMESPACE_FROM 108 /* of a sun_path */

struct namespaces;

struct namespace
{
	struct namespaces *owner;
	unsigned references;
	struct list link;
	uint32_t handle;
	char *path;
	char *label; /* "nqn…:nsid" */
	bool buffered;
	bool read_only;
	bool io_grant;        /* a transport may have its memory */
	uint32_t block_shift; /* wanted */
	uint64_t zone_bytes;  /* of a store that is to be given zones */
	uint64_t zone_capacity;
	uint32_t zones_open_max;
	uint32_t zones_active_max;
	size_t n_faults; /* rules for fault:, of the view */
	char **faults;

	struct backing *backing; /* NULL: not ready */
	int watch;               /* of its file, while it is open; -1: none */
	uint64_t blocks;
	char reason[BACKING_REASON_SIZE]; /* why not */
	uint64_t held_since_ns;           /* 0: it is not, or not at the last try */
	uint64_t look_ns;                 /* when to look who here has it, if it is */
	struct loop_timer retry;
	struct counters *counters; /* one per I/O thread */

	/* on its way to another worker, or from one */
	bool is_released;               /* closed for that other one */
	unsigned n_open_tables;         /* in which it has a backing */
	uint8_t release_token[16];      /* who brings it gets the memory */
	char from_path[NAMESPACE_FROM]; /* whom to ask for it; empty: nobody */
	uint8_t from_token[16];
	int memory; /* that it had, or gets; -1: none */

	uint8_t patience; /* enum patience_state; not GOOD: it is not ready, and reason says so */
	atomic_bool may_tell; /* I/O threads: to the hosts of what is old */
};

/* NULL: no memory. */
struct namespace *namespace_new(const Nvmetd__BackingView *view, unsigned n_threads);
void namespace_ref(struct namespace *namespace);
struct namespace *namespace_unref(struct namespace *namespace);
DEFINE_CLEANUP(struct namespace *, namespace_unref)

/* If what this view asks for needs no other backing: becomes it, and says true. */
bool namespace_becomes(struct namespace *namespace, const Nvmetd__BackingView *view);

/* What the view says of its way to another worker, or from one. On its way to one it is closed; no
 * longer so, it may be opened again, with the memory that was kept. */
void namespace_move(struct namespace *namespace, const Nvmetd__BackingView *view);

/* Tries to open it. True: it is ready now. False: try again after *ret_retry_ns. */
bool namespace_open(struct namespace *namespace, uint64_t *ret_retry_ns);
/* Somebody has had its store for as long as a look at all others here is worth: at the first try,
 * and each second later. */
bool namespace_may_share(struct namespace *namespace);
/* `other`, which may be NULL, has the same file open. True: it is ready now. */
bool namespace_share(struct namespace *namespace, const struct namespace *other);

/* Nobody here has its store open any more: another worker may open it. */
static inline bool namespace_is_free(const struct namespace *namespace)
{
	return namespace->is_released && !namespace->backing && namespace->n_open_tables == 0;
}

/* It has a backing, whose device answers. */
static inline bool namespace_is_ready(const struct namespace *namespace)
{
	return namespace->backing && namespace->patience == 0;
}

/* So many requests have been with its device for too long; and it answers again. */
void namespace_is_silent(struct namespace *namespace, uint64_t n);
void namespace_answers(struct namespace *namespace);

/* Looks for a change of its size. True: there is one; it may not be ready any more. */
bool namespace_measure(struct namespace *namespace);
