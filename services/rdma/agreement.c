/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/agreement.h"

#include "common/nvme/spec.h"

/* RDMA 1.1 §3.1: what Linux, and nvmet, have for the admin queue is 32; others may want more. */
#define ADMIN_ENTRIES 128u

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* For each command an answer and, before it, its data; and the completions of both, and of its
 * receive. */
uint32_t agreement_io_entries(const struct agreement_limits *limits)
{
	uint32_t commands = least(limits->send_requests / 2, limits->completions / 3);

	return commands <= AGREEMENT_SPARE ? 0
	                                   : least(limits->queue_size, commands - AGREEMENT_SPARE);
}

enum rdma_cm_status agreement_make(const void *private_data, size_t private_bytes,
                                   uint8_t host_reads, const struct agreement_limits *limits,
                                   struct agreement *ret_agreement)
{
	struct agreement agreement = {.io_entries = agreement_io_entries(limits)};
	struct rdma_cm_limits asked = {.qid_max = UINT16_MAX,
	                               .admin_entries = ADMIN_ENTRIES,
	                               .io_entries = agreement.io_entries};
	enum rdma_cm_status status = rdma_cm_read_request(
		private_data, private_bytes, &asked, &agreement.asked);

	if (agreement.io_entries < 2)
		return RDMA_CM_NO_RESOURCES;
	if (status == RDMA_CM_ACCEPTABLE)
		status = rdma_cm_check_ird(host_reads);
	if (status != RDMA_CM_ACCEPTABLE)
		return status;
	agreement.in_capsule_bytes = agreement.asked.qid == 0 ? 0 : limits->in_capsule_bytes;
	agreement.receives = agreement.asked.entries + AGREEMENT_SPARE;
	agreement.sends = 2 * (agreement.asked.entries + AGREEMENT_SPARE);
	agreement.reads = host_reads < limits->reads ? host_reads : limits->reads;
	*ret_agreement = agreement;
	return RDMA_CM_ACCEPTABLE;
}
