/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/nvme/spec.h"
#include "common/nvme/status.h"

/*
 * properties - a controller's registers, as fabrics commands read and write them.
 *
 * Shape     CAP and VS, which never change; CC, which the host writes; CSTS, which follows
 *           from it (Base 2.1 §3.1.4, §3.5): at once when the controller is enabled; when its
 *           owner says so, once a reset or a shutdown is over. CC may be written any number of
 *           times before EN is set in it; then MPS, AMS and CSS stay. NSSR and CSTS.NSSRO can be
 *           written where CAP.NSSRS says so.
 * Promise   Reading changes nothing. A controller that is enabled with what it cannot do says
 *           CSTS.CFS and is not ready. What is reserved in CC reads as zero.
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
	PROPERTIES_ENABLED,       /* CC.EN 0 -> 1; CSTS says whether it came up */
	PROPERTIES_DISABLED,      /* CC.EN 1 -> 0: Controller Reset, until properties_are_reset() */
	PROPERTIES_SHUT_DOWN,     /* CC.SHN normal, until properties_are_shut_down() */
	PROPERTIES_SHUT_DOWN_NOW, /* CC.SHN abrupt: the same */
	PROPERTIES_SUBSYSTEM_RESET, /* NSSR: nothing has changed here yet */
};

/* What CSTS says is not what CC asks for: the owner is at it. */
static inline bool properties_are_resetting(const struct properties *properties)
{
	return !(properties->cc & NVME_CC_EN) && (properties->csts & NVME_CSTS_RDY);
}

static inline bool properties_are_shutting_down(const struct properties *properties)
{
	return (properties->csts & (NVME_CSTS_SHST | NVME_CSTS_CFS)) == NVME_CSTS_SHST_OCCURS;
}

/* It is over; in_time: else CSTS.CFS says that it is not what it should be. */
void properties_are_reset(struct properties *properties, bool in_time);
void properties_are_shut_down(struct properties *properties, bool in_time);

/* NVM Subsystem Reset: as if EN had been cleared, and CSTS.NSSRO says what has been. */
void properties_reset_subsystem(struct properties *properties);

struct nvme_status properties_get(const struct properties *properties,
                                  const struct nvme_command *command, uint64_t *ret_value,
                                  uint16_t *ret_location);

struct nvme_status properties_set(struct properties *properties, const struct nvme_command *command,
                                  enum properties_change *ret_change, uint16_t *ret_location);

static inline bool properties_are_ready(const struct properties *properties)
{
	return (properties->cc & NVME_CC_EN) && (properties->csts & NVME_CSTS_RDY);
}

/* I/O queues may be there: not any more once it is being shut down. */
static inline bool properties_allow_io(const struct properties *properties)
{
	return properties_are_ready(properties) && !(properties->csts & NVME_CSTS_SHST);
}
