/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/trtype.h"

#include <string.h>

#include "common/nvme/log.h"

/* RDMA: each entry of a queue has a buffer posted for its capsule, in-capsule data included, so the
 * defaults are nvmet's, which Linux hosts ask for as well: 128 entries, 4 KiB. */
static const struct trtype types[] = {
	{
         .name = "tcp",
         .code = NVME_TRTYPE_TCP,
         .is_served = true,
         .in_capsule_default = 16384,
         .in_capsule_max = 1u << 20,
         .queue_size_default = 1024,
         /* SECTYPE: none */
	},
	{
         .name = "rdma",
         .code = NVME_TRTYPE_RDMA,
         .is_served = true,
         .in_capsule_default = 4096,
         .in_capsule_max = 16384,
         .queue_size_default = 128,
         .tsas = {NVME_RDMA_QPTYPE_CONNECTED, NVME_RDMA_PRTYPE_NONE, NVME_RDMA_CMS_RDMA_CM},
	 },
	{.name = "fc",         .code = NVME_TRTYPE_FC                          },
	{.name = "pci"   },
	{.name = "loop",     .code = NVME_TRTYPE_LOOP         },
};

const struct trtype *trtype_find(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const struct trtype *trtype_of_port(const char *name)
{
	const struct trtype *type = trtype_find(name);

	return type && type->is_served ? type : &types[0];
}
