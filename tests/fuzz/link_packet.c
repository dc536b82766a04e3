/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two sides of a link say to each other once it is up: whatever comes is decoded or
 * refused, and what was decoded is what direct I/O relies on. */
#include <string.h>

#include "common/base/error.h"
#include "common/transport/handover.h"
#include "services/io/link_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handover handover = HANDOVER_NULL;
	uint32_t handle;

	link_ask_decode(data, size, &handle);
	if (handover_decode(data, size, &handover) != 0)
		return 0;
	must(handover.fd == -1);
	must(strlen(handover.reason) < sizeof(handover.reason));
	if (!handover.good) {
		must(!handover.has_memory);
		return 0;
	}
	must(handover.block_shift == 9 || handover.block_shift == 12);
	must(handover.bytes > 0 && handover.bytes % (1u << handover.block_shift) == 0);
	return 0;
}
