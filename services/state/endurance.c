/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/endurance.h"

unsigned endurance_groups_list(const struct config_subsystem *subsystem,
                               const struct session *session, uint16_t from,
                               uint16_t ret_endgids[static NVME_MAX_ENDURANCE_GROUPS])
{
	uint32_t nsids[NVME_MAX_NAMESPACES];
	unsigned count = subsystem_list_active(
		subsystem, session, from > 0 ? from - 1u : 0, nsids, NVME_MAX_NAMESPACES);

	for (unsigned i = 0; i < count; i++)
		ret_endgids[i] = (uint16_t)nsids[i];
	return count;
}
