/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/change.h"

#include <string.h>

#include "common/base/log.h"
#include "services/state/discovery.h"
#include "services/state/event.h"
#include "services/state/visibility.h"

/* ------------------------------------------------------------------ differences */

static bool is_same_to_hosts(const struct config_namespace *a, const struct config_namespace *b)
{
	return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
	       memcmp(a->nguid, b->nguid, sizeof(a->nguid)) == 0 && a->ana_group == b->ana_group &&
	       a->backing->blocks == b->backing->blocks &&
	       a->backing->block_shift == b->backing->block_shift;
}

/* The namespace of that number has come, gone or changed, for this session; NULL: for any. */
static bool has_changed(const struct config_subsystem *before, const struct config_subsystem *after,
                        const struct session *session, uint32_t nsid)
{
	const struct config_namespace *was = before ? subsystem_find_active(before, session, nsid)
	                                            : NULL;
	const struct config_namespace *is = after ? subsystem_find_active(after, session, nsid)
	                                          : NULL;

	if (!was || !is)
		return was != is;
	return !is_same_to_hosts(was, is) || (!session && !visibility_is_same(was, is));
}

bool change_of_namespaces(const struct config_subsystem *before,
                          const struct config_subsystem *after)
{
	for (size_t i = 0; before && i < before->n_namespaces; i++)
		if (has_changed(before, after, NULL, before->namespaces[i].nsid))
			return true;
	for (size_t i = 0; after && i < after->n_namespaces; i++)
		if (has_changed(before, after, NULL, after->namespaces[i].nsid))
			return true;
	return false;
}

bool change_of_groups(const struct config_port *before, const struct config_port *after)
{
	for (uint32_t group = 1; group <= NVME_MAX_ANA_GROUPS; group++)
		if (config_ana_state(before, group) != config_ana_state(after, group))
			return true;
	return before->n_groups != after->n_groups;
}

bool change_of_attributes(const struct config_subsystem *before,
                          const struct config_subsystem *after)
{
	return before->version != after->version || before->ieee_oui != after->ieee_oui ||
	       before->vendor_id != after->vendor_id ||
	       before->subsys_vendor_id != after->subsys_vendor_id ||
	       before->qid_max != after->qid_max || before->pi_enable != after->pi_enable ||
	       strcmp(before->serial, after->serial) != 0 ||
	       strcmp(before->model, after->model) != 0 ||
	       strcmp(before->firmware, after->firmware) != 0;
}

bool change_of_address(const struct config_port *before, const struct config_port *after)
{
	return before->pi_enable != after->pi_enable ||
	       strcmp(before->address.trtype, after->address.trtype) != 0 ||
	       strcmp(before->address.traddr, after->address.traddr) != 0 ||
	       strcmp(before->address.trsvcid, after->address.trsvcid) != 0 ||
	       strcmp(before->address.adrfam, after->address.adrfam) != 0;
}

/* ------------------------------------------------------------------ to the transport */

static void send_session(const struct session *session)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__SessionUpdate update = NVMETD__SESSION_UPDATE__INIT;
	struct session_message packed;

	session_pack(&packed, session);
	update.session = &packed.message;
	message.body_case = NVMETD__ENVELOPE__BODY_SESSION_UPDATE;
	message.session_update = &update;
	ipc_server_send(session->transport->peer, 0, &message);
}

static void answer_parked(const struct session *session, uint64_t request_id, uint32_t result)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__AdminReply reply = NVMETD__ADMIN_REPLY__INIT;
	struct session_message packed;

	session_pack(&packed, session);
	reply.session = &packed.message;
	reply.result = result;
	message.body_case = NVMETD__ENVELOPE__BODY_ADMIN_REPLY;
	message.admin_reply = &reply;
	ipc_server_send(session->transport->peer, request_id, &message);
}

static void deliver(struct session *session)
{
	bool told = false;
	uint64_t request_id;
	uint32_t result;

	if (!session->transport || !session->transport->peer)
		return;
	while (event_take_parked(session, &request_id, &result)) {
		answer_parked(session, request_id, result);
		told = true;
	}
	if (!told)
		send_session(session);
}

void change_deliver(struct state *state)
{
	list_for_each (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);

		if (!session->untold)
			continue;
		session->untold = false;
		deliver(session);
	}
}

static void end(const struct session *session, const char *reason)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__SessionEnd ending = NVMETD__SESSION_END__INIT;
	char host[NVME_NQN_SIZE];

	log_info("controller %u of %s, host %s: is ended: %s",
	         session->cntlid,
	         session->subsystem_nqn,
	         log_safe(host, sizeof(host), session->host_nqn, sizeof(session->host_nqn)),
	         reason);
	if (!session->transport || !session->transport->peer)
		return;
	ending.subsystem = session->subsystem;
	ending.cntlid = session->cntlid;
	ending.reason = (char *)reason;
	message.body_case = NVMETD__ENVELOPE__BODY_SESSION_END;
	message.session_end = &ending;
	ipc_server_send(session->transport->peer, 0, &message);
}

void change_end_all(struct state *state, const char *reason)
{
	list_for_each (at, &state->sessions)
		end(container_of(at, struct session, link), reason);
}

/* ------------------------------------------------------------------ sessions */

/* Why the association may not go on; NULL if it may. */
static const char *objection(const struct state *state, const struct session *session)
{
	const struct config *config = &state->target.config;
	const struct config_port *port = config_find_port(config, session->port_id);
	const struct config_subsystem *subsystem;

	if (!port || !config_port_listens(port))
		return "its port is not there any more";
	if (session->discovery)
		return session->subsystem == state->target.discovery->number
		               ? NULL
		               : "it is of no discovery service of this target";
	subsystem = target_find_config(&state->target, session->subsystem);
	if (!subsystem)
		return "its subsystem is not there any more";
	if (!config_port_has(port, subsystem->nqn))
		return "its subsystem is not on its port any more";
	if (!config_allows(subsystem, session->host_nqn))
		return "its host is not allowed any more";
	return NULL;
}

/* The same, for one that was there when what it was told has changed. */
static const char *objection_to_change(const struct state *state, const struct session *session)
{
	const char *reason = objection(state, session);
	const struct config_subsystem *subsystem;

	if (session->revision < state->since)
		return "it is of a database that is gone";
	if (reason)
		return reason;
	if (config_find_port(&state->target.config, session->port_id)->address_revision >
	    session->revision)
		return "its port has another address, or another pi_enable, now";
	subsystem = session->discovery ? NULL
	                               : target_find_config(&state->target, session->subsystem);
	if (subsystem && subsystem->attributes_revision > session->revision)
		return "attributes of its subsystem have changed";
	return NULL;
}

static bool mark_namespaces(struct session *session, const struct config_subsystem *before,
                            const struct config_subsystem *after)
{
	bool changed = false;

	for (uint32_t nsid = 1; nsid <= NVME_MAX_NAMESPACES; nsid++) {
		if (!has_changed(before, after, session, nsid))
			continue;
		session_mark_changed(session, nsid);
		changed = true;
	}
	return changed;
}

/* Namespaces that come also change the ANA log: Linux does not take a new one in before it has
 * read its group's state. */
static bool announce_io(struct state *state, const struct config *before, struct session *session)
{
	const struct config_subsystem *old = config_find_subsystem(before, session->subsystem_nqn);
	const struct config_subsystem *new = target_find_config(&state->target, session->subsystem);
	const struct config_port *new_port = config_find_port(&state->target.config,
	                                                      session->port_id);
	bool namespaces = mark_namespaces(session, old, new);
	bool groups = change_of_groups(config_find_port(before, session->port_id), new_port);

	if (namespaces)
		event_raise(session, SESSION_EVENT_NAMESPACE);
	if (namespaces || groups)
		event_raise(session, SESSION_EVENT_ANA);
	return namespaces || groups;
}

/* True: this host is told something else now than it was. */
static bool announce_discovery(const struct state *state, struct session *session)
{
	uint64_t sum = discovery_sum(&state->target.config, session);

	if (sum == session->discovery_sum)
		return false;
	session->discovery_sum = sum;
	event_raise(session, SESSION_EVENT_DISCOVERY);
	return true;
}

void change_announce(struct state *state, const struct config *before)
{
	list_for_each (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);
		const char *reason = objection_to_change(state, session);
		bool changed;

		if (reason) {
			end(session, reason);
			continue;
		}
		changed = session->discovery ? announce_discovery(state, session)
		                             : announce_io(state, before, session);
		session->revision = state->target.revision;
		session->discovery_counter = state->target.discovery_counter;
		if (changed)
			session->untold = true;
	}
}

void change_announce_namespace(struct state *state, const struct backing *backing, bool appeared)
{
	const struct config_subsystem *subsystem = config_find_subsystem(&state->target.config,
	                                                                 backing->nqn);

	list_for_each (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);

		if (!subsystem || session->subsystem != subsystem->subsystem->number ||
		    !subsystem_find_active(subsystem, session, backing->nsid))
			continue;
		session_mark_changed(session, backing->nsid);
		event_raise(session, SESSION_EVENT_NAMESPACE);
		if (appeared)
			event_raise(session, SESSION_EVENT_ANA);
		session->revision = state->target.revision;
		session->untold = true;
	}
}

static bool catch_up_io(struct state *state, struct session *session)
{
	const struct config_subsystem *subsystem = target_find_config(&state->target,
	                                                              session->subsystem);
	const struct config_port *port = config_find_port(&state->target.config, session->port_id);
	bool namespaces = subsystem->subsystem->namespaces_revision > session->revision;

	if (namespaces) { /* which, nobody knows any more */
		session->changed_overflow = true;
		event_raise(session, SESSION_EVENT_NAMESPACE);
	}
	if (namespaces || port->ana_revision > session->revision)
		event_raise(session, SESSION_EVENT_ANA);
	return namespaces || port->ana_revision > session->revision;
}

/* One of an earlier release has only the counter: what cannot be compared is taken to differ. */
static bool catch_up_discovery(const struct state *state, struct session *session)
{
	if (session->discovery_sum)
		return announce_discovery(state, session);
	session->discovery_sum = discovery_sum(&state->target.config, session);
	if (session->discovery_counter != state->target.discovery_counter)
		event_raise(session, SESSION_EVENT_DISCOVERY);
	return true;
}

void change_catch_up(struct state *state, struct session *session)
{
	const char *reason = objection_to_change(state, session);
	bool changed;

	if (reason) {
		end(session, reason);
		return;
	}
	changed = session->discovery ? catch_up_discovery(state, session)
	                             : catch_up_io(state, session);
	if (!changed)
		return;
	session->revision = state->target.revision;
	session->discovery_counter = state->target.discovery_counter;
	session->untold = true;
}
