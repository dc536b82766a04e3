/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/traits.h"

#include <stdio.h>

#include "common/nvme/identify.h"

static const struct traits tcp = {
	.trtype = "tcp",
	.sgls = NVME_SGLS_SUPPORTED | NVME_SGLS_OFFSET,
	.descriptors_max = 1,
};

struct traits traits_of(const Nvmetd__TransportTraits *message)
{
	struct traits traits = tcp;

	if (!message)
		return traits;
	snprintf(traits.trtype, sizeof(traits.trtype), "%s", message->trtype);
	traits.sgls = message->sgls;
	traits.descriptors_max = message->descriptors_max > UINT8_MAX
	                                 ? UINT8_MAX
	                                 : (uint8_t)message->descriptors_max;
	traits.packs_rights = message->packs_rights;
	return traits;
}
