/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/subsystem_reset.h"

#include <string.h>

static void tell(const struct transport *transport, uint32_t subsystem, uint64_t at_ns)
{
	Nvmetd__SubsystemReset reset = NVMETD__SUBSYSTEM_RESET__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	if (!transport->peer || !transport->presented)
		return;
	reset.subsystem = subsystem;
	reset.at_ns = at_ns;
	message.body_case = NVMETD__ENVELOPE__BODY_SUBSYSTEM_RESET;
	message.subsystem_reset = &reset;
	ipc_server_send(transport->peer, 0, &message);
}

static bool is_late(uint64_t at_ns)
{
	return clock_boot_ns() - at_ns > SUBSYSTEM_RESET_AGE_NS;
}

/* While the database is not the one that hosts are served by, it cannot be asked. */
static bool is_allowed(const struct state *state, uint32_t number)
{
	const struct config_subsystem *subsystem = target_find_config(&state->target, number);

	return state->held || (subsystem && subsystem->enable_nssr);
}

/* False: it is known already. */
static bool is_news(const struct state *state, struct transport *from, uint32_t number,
                    uint64_t at_ns)
{
	struct subsystem *subsystem = target_find_subsystem(&state->target, number);

	if (!subsystem || state->held)
		return true;
	if (subsystem->reset_ns >= at_ns)
		return false;
	subsystem->reset_ns = at_ns;
	if (log_allowed(&from->associations, STATE_LINES, STATE_LINES_MS))
		log_warn("subsystem %s: reset by a host of transport %s",
		         subsystem->nqn,
		         from->name);
	return true;
}

void subsystem_reset_take(struct state *state, struct transport *from,
                          const Nvmetd__SubsystemReset *message)
{
	uint64_t now_ns = clock_boot_ns();
	uint64_t at_ns = message->at_ns < now_ns ? message->at_ns : now_ns;

	if (!is_allowed(state, message->subsystem) || is_late(at_ns) ||
	    !is_news(state, from, message->subsystem, at_ns)) {
		tell(from, message->subsystem, message->at_ns);
		return;
	}
	list_for_each (link, &state->transports)
		tell(container_of(link, struct transport, link), message->subsystem, at_ns);
}

/* ------------------------------------------------------------------ of the release before */

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
	return request->subsystem && request->subsystem->enable_nssr
	               ? STATUS_OK
	               : status_dnr(NVME_SC_INVALID_FIELD);
}

void subsystem_reset_execute(struct state *state, const struct session *session)
{
	Nvmetd__SubsystemReset now = NVMETD__SUBSYSTEM_RESET__INIT;

	now.subsystem = session->subsystem;
	now.at_ns = clock_boot_ns();
	subsystem_reset_take(state, session->transport, &now);
}

/* ------------------------------------------------------------------ who was away */

void subsystem_reset_tell_those_of_late(const struct state *state,
                                        const struct transport *transport)
{
	list_for_each (link, (struct list *)&state->target.subsystems) {
		const struct subsystem *subsystem = container_of(link, struct subsystem, link);

		if (subsystem->reset_ns && !is_late(subsystem->reset_ns))
			tell(transport, subsystem->number, subsystem->reset_ns);
	}
}
