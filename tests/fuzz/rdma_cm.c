/* SPDX-License-Identifier: BSD-2-Clause */
/* The private data of RDMA_CM's messages: whatever comes in, what is read with success is in the
 * ranges that rdma_cm.h promises, and is read the same again when it has been written.
 *
 * Input: the private data. */
#include <string.h>

#include "common/base/error.h"
#include "common/nvme/rdma_cm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rdma_cm_limits limits = {
	.qid_max = 128,
	.admin_entries = 32,
	.io_entries = 1024,
};

static void check_request(const uint8_t *data, size_t size)
{
	struct rdma_cm_request request;
	struct rdma_cm_request again;
	struct rdma_cm_request_wire wire;
	enum rdma_cm_status status = rdma_cm_read_request(data, size, &limits, &request);

	must(status <= RDMA_CM_INVALID_CNTLID);
	must((status == RDMA_CM_INVALID_LENGTH) == (size < sizeof(wire)));
	if (status)
		return;
	must(request.qid <= limits.qid_max);
	must(request.receives > 0);
	must(request.entries >= 2);
	must(request.entries <= (request.qid == 0 ? limits.admin_entries : limits.io_entries));
	must(request.cntlid <= NVME_CNTLID_MAX && (request.qid != 0 || request.cntlid == 0));

	wire = rdma_cm_write_request(&request);
	must(rdma_cm_read_request(&wire, sizeof(wire), &limits, &again) == RDMA_CM_ACCEPTABLE);
	must(again.qid == request.qid && again.receives == request.receives &&
	     again.entries == request.entries && again.cntlid == request.cntlid);
}

static void check_answers(const uint8_t *data, size_t size)
{
	uint16_t receives = 0;
	uint16_t status = 0;

	if (rdma_cm_read_accept(data, size, &receives) == 0)
		must(size >= RDMA_CM_ACCEPT_BYTES && receives > 0);
	if (rdma_cm_read_reject(data, size, &status) == 0)
		must(size >= RDMA_CM_REJECT_BYTES);
	must(strlen(rdma_cm_status_words(status)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_request(data, size);
	check_answers(data, size);
	return 0;
}
