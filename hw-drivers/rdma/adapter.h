/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include "common/base/list.h"
#include "common/loop/loop.h"

/*
 * adapter - an RDMA device, as all threads of the process use it.
 *
 * Shape     A protection domain, and a memory region for each thread's arena, registered once:
 *           requests use their memory without a registration of their own. The device's
 *           context is librdmacm's, which opens each device once for the process, and closes it
 *           with the last identifier, or when the device has come back: the adapter has one
 *           for as long as it needs the context.
 * Promise   The regions can be written to by the device for us, and not by a host; but on iWARP,
 *           where the answer to an RDMA READ is a write of the host's by the protocol
 *           (RFC 5040 §5.2), and the region must allow it (docs/CAVEATS.md).
 *           What the device reports by itself is read, so that it does not pile up.
 * Trust     the device is believed
 * Threads   adapter_find() and what it reports: the control thread. The rest is constant, and
 *           an adapter may be let go of by any thread.
 * Lifetime  Counted. The control thread's own reference is given up when the device goes;
 *           then nobody finds it any more.
 * Returns   0 or a negative errno
 */
struct adapter {
	struct list link;
	atomic_uint references;
	atomic_bool is_gone;
	struct ibv_context *verbs;
	struct rdma_cm_id *pin; /* keeps the context open */
	struct ibv_pd *pd;
	char name[64];
	bool is_iwarp;
	bool can_invalidate;  /* Send with Invalidate */
	uint32_t max_send_wr; /* of a queue pair; receives as well */
	uint32_t max_srq_wr;  /* 0: no shared receive queues */
	uint32_t max_cqe;
	uint8_t max_reads; /* RDMA READs of ours under way at a time, of a queue pair */
	struct loop_source reports;
	unsigned n_regions;
	struct ibv_mr *regions[]; /* by thread */
};

/* The control thread's. */
struct adapters {
	struct loop *loop;
	struct rdma_event_channel *channel; /* what pins hear of is of no use */
	unsigned n_memories;
	struct iovec *memories; /* of each thread; page-aligned */
	struct list all;
};

/* Takes the memories. */
void adapters_init(struct adapters *adapters, struct loop *loop, struct rdma_event_channel *channel,
                   struct iovec *memories, unsigned n_memories);

/* The adapter of this identifier's device, opened when it is seen for the first time; one reference
 * is the caller's. reason: what failed, and what to do about it. */
int adapter_find(struct adapters *adapters, struct rdma_cm_id *id, struct adapter **ret_adapter,
                 char *reason, size_t reason_size);

/* What a call of verbs has returned, as a negative errno: providers return errno, its negative, or
 * -1 with errno set, which some forget (siw's, where it cannot make a queue). */
int adapter_error(int r);

struct adapter *adapter_hold(struct adapter *adapter);
struct adapter *adapter_drop(struct adapter *adapter);

/* Control thread: its device goes. */
void adapter_forget(struct adapter *adapter);
