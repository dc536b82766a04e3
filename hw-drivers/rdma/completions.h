/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "common/base/list.h"
#include "common/loop/loop.h"
#include "hw-drivers/rdma/adapter.h"

/*
 * completions - what an adapter has done for one thread.
 *
 * Shape     Completion queues, made as queue pairs need them, spread over the adapter's
 *           completion vectors; and one channel, which tells when something is in one of them
 *           after they were found empty and armed.
 * Promise   A queue pair has room for all it may ever have under way, so that no completion
 *           queue overflows. Looking makes no system call on devices that need none. Each
 *           completion is given to `done` once; nothing is given while completions_sleep() runs.
 * Trust     the device
 * Threads   one
 * Lifetime  completions_deinit() when no queue pair uses them any more
 */
#define COMPLETIONS_BATCH 32

struct completion_queue {
	struct list link;
	struct ibv_cq *cq;
	uint32_t room; /* entries that are nobody's */
	bool is_armed;
	unsigned unacknowledged;
	struct list shared; /* of shared receive queues that have room here: struct shared_room */
	unsigned n_held;
	struct ibv_wc held[COMPLETIONS_BATCH]; /* found after arming */
};

struct completions {
	struct adapter *adapter;
	unsigned first_vector;
	unsigned n_queues;
	struct ibv_comp_channel *channel;
	struct loop_source source;
	struct list queues;
	void (*done)(struct completions *completions, const struct ibv_wc *wc);
	void (*lost)(struct completions *completions);
};

/* thread: whose completion vectors come first. done, lost: see there; nothing is told any more once
 * the device is lost, and lost() may end the completions. 0 or a negative errno. */
int completions_init(struct completions *completions, struct adapter *adapter, struct loop *loop,
                     unsigned thread, void (*done)(struct completions *, const struct ibv_wc *),
                     void (*lost)(struct completions *));
void completions_deinit(struct completions *completions);

/* A queue with room for so many entries more. shared: a shared receive queue, whose shared_entries
 * are counted once for each completion queue; or NULL. 0 or a negative errno. */
int completions_reserve(struct completions *completions, uint32_t entries, const void *shared,
                        uint32_t shared_entries, struct completion_queue **ret_queue);
void completions_release(struct completion_queue *queue, uint32_t entries);
/* The shared receive queue goes. */
void completions_release_shared(struct completions *completions, const void *shared,
                                uint32_t shared_entries);

/* Takes a bounded number from each; says how many there were. */
unsigned completions_look(struct completions *completions);
/* Takes all that there is of one. */
void completions_drain(struct completions *completions, struct completion_queue *queue);

/* As a looker's: false: there is something. */
bool completions_sleep(struct completions *completions);
