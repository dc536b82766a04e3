/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/nvme/spec.h"

/*
 * rdma_cm - what the two ends of an NVMe/RDMA queue say in the private data of RDMA_CM's
 * messages (NVM Express RDMA Transport 1.1 §3.1).
 *
 * Shape     A request, which is accepted or rejected; one function reads, one writes each of them,
 *           between bytes and a struct in host byte order.
 * Promise   What is read with success is in the ranges that its struct says. Of several fields in
 *           error the first is named. What is written has zeroes in its reserved fields.
 * Trust     The peer is hostile. Reserved fields are not looked at. InfiniBand and RoCE pad private
 *           data with zeroes, so more bytes than the message has are no error.
 * Threads   any; pure
 * Lifetime  values
 */

/* Reject: STS (§3.5). Whoever knows devices and controllers uses those that no reader here returns.
 */
enum rdma_cm_status {
	RDMA_CM_ACCEPTABLE = 0x00, /* ours: none of the specification's */
	RDMA_CM_INVALID_LENGTH = 0x01,
	RDMA_CM_INVALID_RECFMT = 0x02,
	RDMA_CM_INVALID_QID = 0x03,
	RDMA_CM_INVALID_HSQSIZE = 0x04,
	RDMA_CM_INVALID_HRQSIZE = 0x05,
	RDMA_CM_NO_RESOURCES = 0x06,
	RDMA_CM_INVALID_IRD = 0x07,
	RDMA_CM_INVALID_ORD = 0x08,
	RDMA_CM_INVALID_CNTLID = 0x09,
};

#define RDMA_CM_RECFMT        0
#define RDMA_CM_REQUEST_BYTES 32u
#define RDMA_CM_ACCEPT_BYTES  32u
#define RDMA_CM_REJECT_BYTES  4u

struct rdma_cm_request_wire {
	struct le16 recfmt;
	struct le16 qid;
	struct le16 hrqsize;
	struct le16 hsqsize_0based;
	struct le16 cntlid;
	uint8_t reserved10[22];
};
_Static_assert(sizeof(struct rdma_cm_request_wire) == RDMA_CM_REQUEST_BYTES, "RDMA 1.1 §3.1");

struct rdma_cm_accept_wire {
	struct le16 recfmt;
	struct le16 crqsize;
	uint8_t reserved4[28];
};
_Static_assert(sizeof(struct rdma_cm_accept_wire) == RDMA_CM_ACCEPT_BYTES, "RDMA 1.1 §3.1");

struct rdma_cm_reject_wire {
	struct le16 recfmt;
	struct le16 sts;
};
_Static_assert(sizeof(struct rdma_cm_reject_wire) == RDMA_CM_REJECT_BYTES, "RDMA 1.1 §3.1");

/* ------------------------------------------------------------------ what a controller receives */

/* What a port offers. */
struct rdma_cm_limits {
	uint16_t qid_max;
	uint32_t admin_entries; /* of a submission queue, at most */
	uint32_t io_entries;
};

struct rdma_cm_request {
	uint16_t qid;      /* 0 … qid_max */
	uint16_t receives; /* HRQSIZE: what the host holds ready for our responses; 1 or more */
	uint32_t entries;  /* HSQSIZE + 1: of the submission queue; 2 … as the limits say */
	uint16_t
		cntlid; /* of an I/O queue's controller; 0: the host did not say (1.0 has it not) */
};

/* RDMA_CM_ACCEPTABLE, or why the request is to be rejected; then nothing is written. */
enum rdma_cm_status rdma_cm_read_request(const void *bytes, size_t length,
                                         const struct rdma_cm_limits *limits,
                                         struct rdma_cm_request *ret_request);

/* The Inbound RDMA Read Queue Depth that the host offers in the request itself: without one no
 * data can be fetched from it. */
static inline enum rdma_cm_status rdma_cm_check_ird(uint32_t ird)
{
	return ird > 0 ? RDMA_CM_ACCEPTABLE : RDMA_CM_INVALID_IRD;
}

/* receives: CRQSIZE, what we hold ready for the host's capsules. */
struct rdma_cm_accept_wire rdma_cm_write_accept(uint16_t receives);
struct rdma_cm_reject_wire rdma_cm_write_reject(enum rdma_cm_status status);

/* ------------------------------------------------------------------ what a host receives */

struct rdma_cm_request_wire rdma_cm_write_request(const struct rdma_cm_request *request);

/* Is it an accept? Its CRQSIZE is 1 or more. Returns 0 or -EPROTO. */
int rdma_cm_read_accept(const void *bytes, size_t length, uint16_t *ret_receives);
/* ret_status: whatever the controller says, also what is no enum rdma_cm_status. Returns 0 or
 * -EPROTO. */
int rdma_cm_read_reject(const void *bytes, size_t length, uint16_t *ret_status);

/* As the specification calls it, for a log; "unknown status" for others. */
const char *rdma_cm_status_words(uint16_t status);
