/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/ana.h"

#include <string.h>

#include "services/state/target.h"

static bool is_shown(const struct config_port *port, const uint32_t *members, uint32_t group)
{
	for (size_t i = 0; i < port->n_groups; i++)
		if (port->groups[i].group == group)
			return true;
	return members[group] > 0;
}

static size_t put_members(uint8_t *at, const struct config_subsystem *subsystem,
                          const struct session *session, uint32_t group)
{
	size_t used = 0;

	for (size_t i = 0; i < subsystem->n_namespaces; i++) {
		const struct config_namespace *namespace = subsystem->sorted[i];
		struct le32 nsid = le32_of(namespace->nsid);

		if (namespace->ana_group != group || !namespace_is_seen(namespace, session))
			continue;
		memcpy(at + used, &nsid, sizeof(nsid));
		used += sizeof(nsid);
	}
	return used;
}

size_t ana_log_build(uint8_t ret_log[static ANA_LOG_MAX], const struct config_port *port,
                     const struct config_subsystem *subsystem, const struct session *session,
                     uint64_t change_count, bool groups_only)
{
	uint32_t members[NVME_MAX_ANA_GROUPS + 1] = {0};
	struct nvme_log_ana head = {.chgcnt = le64_of(change_count)};
	size_t used = sizeof(head);
	uint16_t groups = 0;

	for (size_t i = 0; i < subsystem->n_namespaces; i++)
		if (namespace_is_seen(&subsystem->namespaces[i], session))
			members[subsystem->namespaces[i].ana_group]++;
	for (uint32_t group = 1; group <= NVME_MAX_ANA_GROUPS; group++) {
		struct nvme_log_ana_group descriptor = {
			.grpid = le32_of(group),
			.nnsids = le32_of(groups_only ? 0 : members[group]),
			.chgcnt = le64_of(change_count),
			.state = (uint8_t)(port->changing[group] ? NVME_ANA_CHANGE
		                                                 : config_ana_state(port, group)),
		};

		if (!is_shown(port, members, group))
			continue;
		memcpy(ret_log + used, &descriptor, sizeof(descriptor));
		used += sizeof(descriptor);
		if (!groups_only)
			used += put_members(ret_log + used, subsystem, session, group);
		groups++;
	}
	head.ngrps = le16_of(groups);
	memcpy(ret_log, &head, sizeof(head));
	return used;
}
