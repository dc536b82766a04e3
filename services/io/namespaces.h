/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/ipc/envelope.h"
#include "common/loop/loop.h"
#include "services/io/io_thread.h"
#include "services/io/table.h"

/*
 * namespaces - what this worker is told to serve, as far as it is there.
 *
 * Shape     The namespaces and grants of the last view. A namespace has a backing, or the reason
 *           why not and a timer for the next try: each 20 ms for 3 s where somebody else holds
 *           it (a predecessor's last requests), else each second. Open ones are measured each
 *           5 s, in case that a file or device has changed its size; a file also when somebody
 *           else has written to it and closes it (watcher.h).
 * Promise   Each change becomes a new table for the I/O threads, and a call of changed(). What
 *           a view no longer has is closed when the last request on it is finished.
 *           What goes to another worker is closed, and that is told when it is so; its memory is
 *           kept until a view no longer has it, or has it as before.
 *           A namespace whose device does not answer is not ready until it does (patience.h).
 * Trust     Views come from the state service; paths are the operator's. What is not
 *           understood makes a namespace not ready, nothing else.
 * Threads   the control thread; opening makes system calls that may wait for a disk
 * Lifetime  namespaces_free() after the I/O threads have ended. It keeps what the descriptor
 *           store has; only a view drops that.
 */
struct namespaces;

struct namespaces_options {
	struct loop *loop;
	struct io_thread **threads;
	unsigned n_threads;
	uint64_t patience_ns; /* with a device that does not answer; 0: without end */
	void (*changed)(void *context);
	void *context;
};

int namespaces_new(struct namespaces **ret_namespaces, const struct namespaces_options *options);
struct namespaces *namespaces_free(struct namespaces *namespaces);
DEFINE_CLEANUP(struct namespaces *, namespaces_free)

/* Goes over to a view. -ENOMEM: nothing has changed, or not all of it. */
int namespaces_apply(struct namespaces *namespaces, const Nvmetd__WorkerView *view);

/* All threads have let go of it. For io_thread_options. */
void namespaces_table_let_go(struct table *table);

uint64_t namespaces_revision(const struct namespaces *namespaces);

/* That this token was granted to this transport; and that it is granted anything. */
bool namespaces_token_is_good(const struct namespaces *namespaces, const char *transport,
                              const void *token, size_t token_size);
bool namespaces_has_grant(const struct namespaces *namespaces, const char *transport);

/* The namespace whose memory this transport may have: granted to it, with an io grant, ready, not
 * read-only. NULL, and why in *ret_reason: not (yet). */
const struct namespace *namespaces_find_given(const struct namespaces *namespaces,
                                              const char *transport, uint32_t handle,
                                              const char **ret_reason);

/* The namespace that goes to the worker who brings this token, and whose memory is kept for it.
 * NULL, and why in *ret_reason. */
const struct namespace *namespaces_find_released(const struct namespaces *namespaces,
                                                 uint32_t handle, const void *token,
                                                 size_t token_size, const char **ret_reason);

/* NULL: it is not served here (any more). */
struct namespace *namespaces_find(const struct namespaces *namespaces, uint32_t handle);

/* All of them: struct namespace, by its link. */
uint32_t namespaces_count(const struct namespaces *namespaces);
const struct list *namespaces_list(const struct namespaces *namespaces);
