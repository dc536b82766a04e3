/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * properties - a controller's registers, as fabrics commands read and write them.
 *
 * Shape     CAP and VS, which never change; CC, which the host writes; CSTS, which follows
 *           from it at once (Base 2.1 §3.1.4, §3.5). CC may be written any number of times
 *           before EN is set in it.
 * Promise   Reading changes nothing. A controller that is enabled with what it cannot do says
 *           CSTS.CFS and is not ready.
 * Trust     the commands are a host's
 * Threads   one at a time; pure
 * Lifetime  values
 * Returns   STATUS_OK, or what the command is to be answered with
 */
struct properties {
	uint64_t cap;
	uint32_t vs;
	uint32_t cc;
	uint32_t csts;
	bool discovery; /* queue entry sizes do not matter: there are no I/O queues */
};

enum properties_change {
	PROPERTIES_SAME,
	PROPERTIES_ENABLED,  /* CC.EN 0 -> 1; CSTS says whether it came up */
	PROPERTIES_DISABLED, /* CC.EN 1 -> 0: Controller Reset; I/O queues are no more */
	PROPERTIES_SHUT_DOWN,
};

struct nvme_status properties_get(const struct properties *properties,
                                  const struct nvme_command *command, uint64_t *ret_value,
                                  uint16_t *ret_location);

struct nvme_status properties_set(struct properties *properties, const struct nvme_command *command,
                                  enum properties_change *ret_change, uint16_t *ret_location);

static inline bool properties_are_ready(const struct properties *properties)
{
	return (properties->cc & NVME_CC_EN) && (properties->csts & NVME_CSTS_RDY);
}
