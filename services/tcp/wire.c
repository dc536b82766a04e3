/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/wire.h"

#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "common/nvme/tcp_pdu.h"
#include "services/tcp/congestion.h"
#include "services/tcp/connection.h"
#include "services/tcp/listener.h"

static const struct service_option options[] = {
	{
         .name = "congestion",
         .argument = "NAME",
         .help = "TCP congestion control of connections (the system's)",
         .take = congestion_take,
	 },
};

const struct wire tcp_wire = {
	.role =
		{
                       .program = "nvmetd-tcp",
                       .default_name = "tcp",
                       .purpose = "Speaks NVMe/TCP with hosts, and routes their commands.",
                       .options = options,
                       .n_options = sizeof(options) / sizeof(options[0]),
		       },
	.trtype = "tcp",
	.trtype_code = NVME_TRTYPE_TCP,
	.descriptors_max = 1,
	.sgls = NVME_SGLS_SUPPORTED | NVME_SGLS_OFFSET,
	.admin_in_capsule = TCP_ADMIN_IN_CAPSULE,
	.listen = listener_new,
	.unlisten = listener_free,
	.adopt = connection_adopt,
	.respond = send_respond,
	.fetch = transfer_fetch,
	.awaits = transfer_is_awaited,
	.resume = connection_resume,
	.flush = lane_flush,
	.keep = send_keep,
	.terminate = connection_terminate,
	.closed = connection_closed,
	.freeze = connection_freeze,
	.leave = heir_leave,
	.inherit = connection_inherit,
	.describe = connection_describe,
};
