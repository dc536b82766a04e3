/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cache_line.h"
#include "common/base/cleanup.h"
#include "common/loop/mailbox.h"
#include "services/io/backing.h"
#include "services/io/counters.h"

/*
 * table - what the I/O threads serve, as of one moment.
 *
 * Shape     Targets (namespaces), and for each transport the targets granted to it, ascending
 *           by handle. Beside them a hold for each I/O thread.
 * Promise   Immutable once given out. A change is a new table: each thread goes over to it
 *           when it is told, and lets go of the old one when the last request that it began
 *           under it is finished. Nothing that a table names is closed while a thread holds it.
 * Trust     made by the control thread, of what the state service said
 * Threads   made and freed by the control thread; a hold is its I/O thread's
 * Lifetime  The owner frees a table when all threads have let go of it
 */
struct io_thread;
struct namespace;

struct target {
	uint32_t handle;
	uint8_t block_shift;
	bool read_only;
	uint64_t blocks;
	struct backing *backing;   /* NULL: not ready */
	struct counters *counters; /* one per I/O thread */
	struct namespace *owner;   /* the control thread's */
};

struct grant {
	char transport[32];
	uint32_t n_targets;
	const struct target **targets; /* ascending by handle */
};

/* One I/O thread's use of a table. */
struct hold {
	_Alignas(CACHE_LINE) struct table *table;
	struct io_thread *thread;
	uint32_t in_flight; /* requests that were begun under it */
	struct letter adopt;
	struct letter let_go;
};

struct table {
	struct list link; /* the owner's */
	void *owner;
	uint32_t n_targets;
	uint32_t n_grants;
	uint32_t n_holds;
	uint32_t n_held; /* the owner's count of threads that have not let go */
	struct target *targets;
	const struct target **sorted; /* by handle, since the first grant */
	struct grant *grants;
	struct hold *holds; /* one per I/O thread */
};

/* All zero, but holds' and grants' pointers: grants can take n_granted targets together. NULL:
 * no memory. */
struct table *table_new(uint32_t n_targets, uint32_t n_grants, uint32_t n_granted,
                        uint32_t n_threads);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* Makes the next unused grant; handles that no target has are passed over. */
void table_grant(struct table *table, const char *transport, const uint32_t *handles,
                 uint32_t n_handles);

/* NULL: the transport has none. */
const struct grant *table_find_grant(const struct table *table, const char *transport);

/* NULL: not granted. */
const struct target *grant_find(const struct grant *grant, uint32_t handle);
