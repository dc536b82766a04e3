/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/nvme/identify.h"
#include "services/state/session.h"
#include "services/state/target.h"

/*
 * endurance - endurance groups: of what hosts are told how it wears.
 *
 * Shape     What is below a namespace is the operator's, and may be shared or not: so each
 *           namespace is a group of its own, whose ENDGID is its NSID.
 * Promise   A namespace that the session's host may not see has no group for it.
 * Trust     ENDGID is a host's
 * Threads   one; pure
 * Lifetime  none
 */
_Static_assert(NVME_MAX_ENDURANCE_GROUPS <= UINT16_MAX, "an ENDGID has 16 bits");

static inline uint16_t endurance_group_of(const struct config_namespace *namespace)
{
	return (uint16_t) namespace->nsid;
}

/* The namespace whose group it is; NULL: there is none. */
static inline const struct config_namespace *
endurance_group_find(const struct config_subsystem *subsystem, const struct session *session,
                     uint16_t endgid)
{
	return subsystem_find_active(subsystem, session, endgid);
}

/* Those from `from` on, ascending. Returns how many. */
unsigned endurance_groups_list(const struct config_subsystem *subsystem,
                               const struct session *session, uint16_t from,
                               uint16_t ret_endgids[static NVME_MAX_ENDURANCE_GROUPS]);
