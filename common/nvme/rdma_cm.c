/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nvme/rdma_cm.h"

#include <errno.h>
#include <string.h>

/* A submission queue has two entries at least (Base 2.1 §3.3.3.1). */
#define ENTRIES_MIN 2u

static enum rdma_cm_status check_sizes(const struct rdma_cm_request *request,
                                       const struct rdma_cm_limits *limits)
{
	uint32_t most = request->qid == 0 ? limits->admin_entries : limits->io_entries;

	if (request->receives == 0)
		return RDMA_CM_INVALID_HRQSIZE;
	if (request->entries < ENTRIES_MIN || request->entries > most)
		return RDMA_CM_INVALID_HSQSIZE;
	return RDMA_CM_ACCEPTABLE;
}

enum rdma_cm_status rdma_cm_read_request(const void *bytes, size_t length,
                                         const struct rdma_cm_limits *limits,
                                         struct rdma_cm_request *ret_request)
{
	struct rdma_cm_request_wire wire;
	struct rdma_cm_request request;
	enum rdma_cm_status status;

	if (!bytes || length < sizeof(wire))
		return RDMA_CM_INVALID_LENGTH;
	memcpy(&wire, bytes, sizeof(wire));
	if (le16_get(wire.recfmt) != RDMA_CM_RECFMT)
		return RDMA_CM_INVALID_RECFMT;
	request = (struct rdma_cm_request){
		.qid = le16_get(wire.qid),
		.receives = le16_get(wire.hrqsize),
		.entries = le16_get(wire.hsqsize_0based) + 1u,
	};
	if (request.qid > limits->qid_max)
		return RDMA_CM_INVALID_QID;
	status = check_sizes(&request, limits);
	if (status)
		return status;
	/* an admin queue's controller has no identifier yet, whatever stands there */
	if (request.qid != 0)
		request.cntlid = le16_get(wire.cntlid);
	if (request.cntlid > NVME_CNTLID_MAX)
		return RDMA_CM_INVALID_CNTLID;
	*ret_request = request;
	return RDMA_CM_ACCEPTABLE;
}

struct rdma_cm_accept_wire rdma_cm_write_accept(uint16_t receives)
{
	return (struct rdma_cm_accept_wire){
		.recfmt = le16_of(RDMA_CM_RECFMT),
		.crqsize = le16_of(receives),
	};
}

struct rdma_cm_reject_wire rdma_cm_write_reject(enum rdma_cm_status status)
{
	return (struct rdma_cm_reject_wire){
		.recfmt = le16_of(RDMA_CM_RECFMT),
		.sts = le16_of((uint16_t)status),
	};
}

struct rdma_cm_request_wire rdma_cm_write_request(const struct rdma_cm_request *request)
{
	return (struct rdma_cm_request_wire){
		.recfmt = le16_of(RDMA_CM_RECFMT),
		.qid = le16_of(request->qid),
		.hrqsize = le16_of(request->receives),
		.hsqsize_0based = le16_of((uint16_t)(request->entries - 1)),
		.cntlid = le16_of(request->cntlid),
	};
}

int rdma_cm_read_accept(const void *bytes, size_t length, uint16_t *ret_receives)
{
	struct rdma_cm_accept_wire wire;

	if (!bytes || length < sizeof(wire))
		return -EPROTO;
	memcpy(&wire, bytes, sizeof(wire));
	if (le16_get(wire.recfmt) != RDMA_CM_RECFMT || le16_get(wire.crqsize) == 0)
		return -EPROTO;
	*ret_receives = le16_get(wire.crqsize);
	return 0;
}

int rdma_cm_read_reject(const void *bytes, size_t length, uint16_t *ret_status)
{
	struct rdma_cm_reject_wire wire;

	if (!bytes || length < sizeof(wire))
		return -EPROTO;
	memcpy(&wire, bytes, sizeof(wire));
	if (le16_get(wire.recfmt) != RDMA_CM_RECFMT)
		return -EPROTO;
	*ret_status = le16_get(wire.sts);
	return 0;
}

const char *rdma_cm_status_words(uint16_t status)
{
	static const char *const words[] = {
		[RDMA_CM_INVALID_LENGTH] = "Invalid Private Data Length",
		[RDMA_CM_INVALID_RECFMT] = "Invalid RECFMT",
		[RDMA_CM_INVALID_QID] = "Invalid QID",
		[RDMA_CM_INVALID_HSQSIZE] = "Invalid HSQSIZE",
		[RDMA_CM_INVALID_HRQSIZE] = "Invalid HRQSIZE",
		[RDMA_CM_NO_RESOURCES] = "No Resources",
		[RDMA_CM_INVALID_IRD] = "Invalid IRD",
		[RDMA_CM_INVALID_ORD] = "Invalid ORD",
		[RDMA_CM_INVALID_CNTLID] = "Invalid CNTLID",
	};

	if (status >= sizeof(words) / sizeof(words[0]) || !words[status])
		return "unknown status";
	return words[status];
}
