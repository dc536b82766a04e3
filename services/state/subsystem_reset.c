/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/subsystem_reset.h"

#include <string.h>

#include "common/base/log.h"

bool subsystem_reset_is(const struct nvme_command *command)
{
	struct nvme_property_command property;

	memcpy(&property, command, sizeof(property));
	return property.opcode == NVME_FABRICS && property.fctype == NVME_FABRICS_PROPERTY_SET &&
	       le32_get(property.ofst) == NVME_PROPERTY_NSSR &&
	       (uint32_t)le64_get(property.value) == NVME_NSSR_MAGIC;
}

struct nvme_status subsystem_reset_check(const struct admin_request *request)
{
	if (!request->subsystem || !request->subsystem->enable_nssr)
		return status_dnr(NVME_SC_INVALID_FIELD);
	return STATUS_OK;
}

void subsystem_reset_execute(const struct state *state, const struct session *session)
{
	Nvmetd__SubsystemReset reset = NVMETD__SUBSYSTEM_RESET__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	char host[NVME_NQN_SIZE];

	if (log_allowed(&session->transport->associations, STATE_LINES, STATE_LINES_MS))
		log_warn(
			"subsystem %s: reset by host %s",
			session->subsystem_nqn,
			log_safe(host, sizeof(host), session->host_nqn, sizeof(session->host_nqn)));
	reset.subsystem = session->subsystem;
	message.body_case = NVMETD__ENVELOPE__BODY_SUBSYSTEM_RESET;
	message.subsystem_reset = &reset;
	list_for_each (at, (struct list *)&state->transports) {
		const struct transport *transport = container_of(at, struct transport, link);

		if (transport->peer && transport->presented)
			ipc_server_send(transport->peer, 0, &message);
	}
}
