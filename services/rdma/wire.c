/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/wire.h"

#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "services/rdma/connection.h"
#include "services/rdma/listener.h"
#include "services/rdma/options.h"

static const struct service_option options[] = {
	{
         .name = "srq",
         .argument = "on|off|auto",
         .help = "one receive queue for all queues of a thread; auto: but on iWARP (auto)",
         .take = options_take_srq,
	 },
	{
         .name = "srq-size",
         .argument = "N",
         .help = "capsules that it has room for: 64 to 65536 (1024)",
         .take = options_take_srq_size,
	 },
};

const struct wire rdma_wire = {
	.role =
		{
                       .program = "nvmetd-rdma",
                       .default_name = "rdma",
                       .purpose = "Speaks NVMe/RDMA with hosts, and routes their commands.",
                       .options = options,
                       .n_options = sizeof(options) / sizeof(options[0]),
		       },
	.trtype = "rdma",
	.trtype_code = NVME_TRTYPE_RDMA,
	.sgls = NVME_SGLS_SUPPORTED | NVME_SGLS_KEYED | NVME_SGLS_OFFSET,
	.descriptors_max = SGL_BLOCKS_MAX,
	.admin_in_capsule = 0,
	.listen = listener_new,
	.unlisten = listener_free,
	.adopt = connection_adopt,
	.respond = transfer_respond,
	.fetch = transfer_fetch,
	.awaits = transfer_is_awaited,
	.resume = connection_resume,
	.flush = lane_flush,
	.regain = capsule_regain,
	.terminate = connection_terminate,
	.closed = connection_closed,
};
