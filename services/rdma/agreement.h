/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/nvme/rdma_cm.h"

/*
 * agreement - what a host's connection request asks for, and what it gets.
 *
 * Shape     From the private data, and what the port and the adapter allow, to the sizes of a
 *           queue pair.
 * Promise   A queue pair of these sizes has room for all commands that its queue may have under
 *           way: a request of its own for each answer, and one for its data.
 * Trust     the private data is the host's
 * Threads   any; pure
 * Lifetime  values
 */

/* Commands beyond its entries that a queue may have (struct queue, n_requests), and then some. */
#define AGREEMENT_SPARE 34u

/* What there is. */
struct agreement_limits {
	uint32_t in_capsule_bytes; /* the port's */
	uint32_t queue_size;       /* the port's */
	uint32_t send_requests;    /* the adapter's, of a queue pair */
	uint32_t completions;      /* the adapter's, of a completion queue */
	uint8_t reads;             /* RDMA READs that the adapter has under way at a time */
};

struct agreement {
	struct rdma_cm_request asked;
	uint32_t in_capsule_bytes; /* 0 for an admin queue */
	uint32_t receives;         /* of a queue pair without a shared receive queue */
	uint32_t sends;            /* work requests in the send queue */
	uint8_t reads;
	uint32_t io_entries; /* that I/O queues beside it may have */
};

/* host_reads: what the host takes at a time, as its request says. RDMA_CM_ACCEPTABLE, or why it is
 * rejected. */
enum rdma_cm_status agreement_make(const void *private_data, size_t private_bytes,
                                   uint8_t host_reads, const struct agreement_limits *limits,
                                   struct agreement *ret_agreement);

/* Entries of I/O queues that this adapter can have; 0: none. */
uint32_t agreement_io_entries(const struct agreement_limits *limits);
