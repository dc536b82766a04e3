/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/change.h"

#include <string.h>

#include "common/base/log.h"
#include "services/state/discovery.h"
#include "services/state/event.h"
#include "services/state/health.h"
#include "services/state/visibility.h"

/* ------------------------------------------------------------------ differences */

/* But for its ANA group, whose change is told by the ANA log alone (Base 2.1 §5.1.2). */
static bool is_same_to_hosts(const struct config_namespace *a, const struct config_namespace *b)
{
	return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
	       memcmp(a->nguid, b->nguid, sizeof(a->nguid)) == 0 &&
	       memcmp(a->eui64, b->eui64, sizeof(a->eui64)) == 0 &&
	       a->resv_enable == b->resv_enable && a->backing->blocks == b->backing->blocks &&
	       a->backing->block_shift == b->backing->block_shift &&
	       backing_zones_are_same(&a->backing->zones, &b->backing->zones);
}

/* What became of a namespace. */
enum difference {
	DIFFERENCE_NONE = 0,
	DIFFERENCE_OF_ACCESS = 1 << 0,    /* its ANA group */
	DIFFERENCE_OF_NAMESPACE = 1 << 1, /* it has come, gone, or has other attributes */
	DIFFERENCE_OF_HOSTS = 1 << 2,     /* who sees it */
};

/* Both of a number; NULL: it is not there, or not seen. */
static unsigned compare(const struct config_namespace *was, const struct config_namespace *is)
{
	unsigned difference = DIFFERENCE_NONE;

	if (!was || !is)
		return was == is ? DIFFERENCE_NONE : DIFFERENCE_OF_NAMESPACE;
	if (was->ana_group != is->ana_group)
		difference |= DIFFERENCE_OF_ACCESS;
	if (!is_same_to_hosts(was, is))
		difference |= DIFFERENCE_OF_NAMESPACE;
	if (!visibility_is_same(was, is))
		difference |= DIFFERENCE_OF_HOSTS;
	return difference;
}

/* Two lists of namespaces, both ascending, one number after the other. */
struct walk {
	const struct config_subsystem *before, *after; /* NULL: none */
	size_t at_before, at_after;
	uint32_t nsid;
	const struct config_namespace *was, *is;
};

static const struct config_namespace *next_of(const struct config_subsystem *subsystem, size_t at)
{
	return subsystem && at < subsystem->n_namespaces ? subsystem->sorted[at] : NULL;
}

/* False: there are no more. */
static bool walk_on(struct walk *walk)
{
	walk->was = next_of(walk->before, walk->at_before);
	walk->is = next_of(walk->after, walk->at_after);
	if (!walk->was && !walk->is)
		return false;
	if (walk->was && walk->is && walk->was->nsid < walk->is->nsid)
		walk->is = NULL;
	else if (walk->was && walk->is && walk->is->nsid < walk->was->nsid)
		walk->was = NULL;
	walk->nsid = walk->was ? walk->was->nsid : walk->is->nsid;
	walk->at_before += walk->was != NULL;
	walk->at_after += walk->is != NULL;
	return true;
}

static const struct config_namespace *seen(const struct config_namespace *namespace,
                                           const struct session *session)
{
	return namespace && namespace_is_seen(namespace, session) ? namespace : NULL;
}

bool change_of_namespaces(const struct config_subsystem *before,
                          const struct config_subsystem *after)
{
	struct walk walk = {.before = before, .after = after};

	while (walk_on(&walk))
		if (compare(seen(walk.was, NULL), seen(walk.is, NULL)))
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
	       before->enable_nssr != after->enable_nssr || before->is_static != after->is_static ||
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

void change_end(struct session *session, const char *reason)
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
	session->is_ending = true;
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
		change_end(container_of(at, struct session, link), reason);
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

/* All that this session sees of it. */
static unsigned mark_namespaces(struct session *session, const struct config_subsystem *before,
                                const struct config_subsystem *after)
{
	struct walk walk = {.before = before, .after = after};
	unsigned all = DIFFERENCE_NONE;

	while (walk_on(&walk)) {
		unsigned difference = compare(seen(walk.was, session), seen(walk.is, session));

		if (difference & DIFFERENCE_OF_NAMESPACE)
			session_mark_changed(session, walk.nsid);
		all |= difference;
	}
	return all & (DIFFERENCE_OF_NAMESPACE | DIFFERENCE_OF_ACCESS);
}

/* Namespaces that come also change the ANA log: Linux does not take a new one in before it has
 * read its group's state. */
static bool announce_io(struct state *state, const struct config *before, struct session *session)
{
	const struct config_subsystem *old = config_find_subsystem(before, session->subsystem_nqn);
	const struct config_subsystem *new = target_find_config(&state->target, session->subsystem);
	const struct config_port *new_port = config_find_port(&state->target.config,
	                                                      session->port_id);
	bool is_news = !new || new->subsystem->namespaces_revision == state->target.revision;
	unsigned difference = is_news ? mark_namespaces(session, old, new) : DIFFERENCE_NONE;
	bool groups = change_of_groups(config_find_port(before, session->port_id), new_port);

	if (difference & DIFFERENCE_OF_NAMESPACE)
		event_raise(session, SESSION_EVENT_NAMESPACE);
	if (difference || groups)
		event_raise(session, SESSION_EVENT_ANA);
	return difference || groups;
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
			change_end(session, reason);
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

void change_announce_namespace(struct state *state, const struct backing *backing, bool with_ana)
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
		if (with_ana)
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
		change_end(session, reason);
		return;
	}
	changed = session->discovery ? catch_up_discovery(state, session)
	                             : catch_up_io(state, session);
	if (!session->discovery)
		changed |= health_consider(session,
		                           target_find_config(&state->target, session->subsystem));
	if (!changed)
		return;
	session->revision = state->target.revision;
	session->discovery_counter = state->target.discovery_counter;
	session->untold = true;
}
