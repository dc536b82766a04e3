/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/ana_change.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/state/event.h"
#include "services/state/revisions.h"

struct ana_change {
	struct list link;
	struct barrier barrier;
	uint32_t port_id;
	bool loses[NVME_MAX_ANA_GROUPS + 1]; /* by group */
};

static struct ana_change *change_at(struct list *link)
{
	return container_of(link, struct ana_change, link);
}

static bool has_access(enum nvme_ana_state state)
{
	return state == NVME_ANA_OPTIMIZED || state == NVME_ANA_NON_OPTIMIZED;
}

/* ------------------------------------------------------------------ what loses access */

static bool find_groups(struct ana_change *change, const struct config_port *before,
                        const struct config_port *after)
{
	bool found = false;

	for (uint32_t group = 1; group <= NVME_MAX_ANA_GROUPS; group++) {
		change->loses[group] = has_access(config_ana_state(before, group)) &&
		                       !has_access(config_ana_state(after, group));
		found |= change->loses[group];
	}
	return found;
}

/* A namespace that was, and is, and has gone into a group without access. */
static bool has_namespace(const struct config_subsystem *was, const struct config_subsystem *is,
                          const struct config_port *before, const struct config_port *after)
{
	for (size_t i = 0; i < is->n_namespaces; i++) {
		const struct config_namespace *namespace = &is->namespaces[i];
		const struct config_namespace *old =
			has_access(config_ana_state(after, namespace->ana_group))
				? NULL
				: subsystem_find_active(was, NULL, namespace->nsid);

		if (old && old->ana_group != namespace->ana_group &&
		    has_access(config_ana_state(before, old->ana_group)))
			return true;
	}
	return false;
}

static bool have_namespaces(const struct config *before, const struct config *after,
                            const struct config_port *old, const struct config_port *port)
{
	for (size_t i = 0; i < port->n_links; i++) {
		const struct config_subsystem *was = config_find_subsystem(before,
		                                                           port->links[i].nqn);
		const struct config_subsystem *is = config_find_subsystem(after,
		                                                          port->links[i].nqn);

		if (was && is && has_namespace(was, is, old, port))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ while it drains */

static bool is_changing(const struct state *state, uint32_t port_id)
{
	list_for_each (at, (struct list *)&state->ana_changes)
		if (change_at(at)->port_id == port_id)
			return true;
	return false;
}

/* What the port's log shows, by all that are under way there. */
static void show(const struct state *state, struct config_port *port)
{
	memset(port->changing, 0, sizeof(port->changing));
	list_for_each (at, (struct list *)&state->ana_changes) {
		const struct ana_change *change = change_at(at);

		for (uint32_t group = 1; group <= NVME_MAX_ANA_GROUPS; group++)
			if (change->port_id == port->port_id && change->loses[group])
				port->changing[group] = true;
	}
}

static bool is_of_port(const struct session *session, uint32_t port_id)
{
	return !session->discovery && session->port_id == port_id;
}

static void hold_events(struct state *state, uint32_t port_id)
{
	list_for_each (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);

		if (is_of_port(session, port_id))
			session->holds_ana = true;
	}
}

static void tell(struct state *state, struct config_port *port)
{
	uint64_t revision = state_next_revision(state);

	if (revisions_store_ana(state->database, port, revision) != 0)
		log_warn("port %u: that its ANA states have changed cannot be written",
		         port->port_id);
	list_for_each (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);

		if (!is_of_port(session, port->port_id))
			continue;
		session->holds_ana = false;
		event_raise(session, SESSION_EVENT_ANA);
		session->revision = revision;
		session->untold = true;
	}
}

static struct config_port *find_port(struct state *state, uint32_t port_id)
{
	return (struct config_port *)config_find_port(&state->target.config, port_id);
}

static void end(struct state *state, struct barrier *barrier, bool drained)
{
	struct ana_change *change = container_of(barrier, struct ana_change, barrier);
	uint32_t port_id = change->port_id;
	struct config_port *port = find_port(state, port_id);

	list_remove(&change->link);
	free(change);
	if (!drained)
		log_warn("port %u: what is in flight of groups without access does not come to an "
		         "end: hosts are told of their new states all the same",
		         port_id);
	if (!port)
		return;
	show(state, port);
	if (!is_changing(state, port_id))
		tell(state, port);
}

static void add(struct state *state, struct ana_change *change, uint32_t port_id)
{
	change->port_id = port_id;
	list_append(&state->ana_changes, &change->link);
	barrier_begin(state, &change->barrier, ANA_CHANGE_NS, end);
	hold_events(state, port_id);
}

static void begin(struct state *state, const struct config *before, struct config_port *port)
{
	const struct config_port *old = config_find_port(before, port->port_id);
	struct ana_change *change = old ? calloc(1, sizeof(*change)) : NULL;
	bool groups;

	if (!change)
		return; /* without memory they are told at once */
	groups = find_groups(change, old, port);
	if (!groups && !have_namespaces(before, &state->target.config, old, port)) {
		free(change);
		return;
	}
	add(state, change, port->port_id);
}

void ana_change_begin(struct state *state, const struct config *before)
{
	struct config *config = &state->target.config;

	for (size_t i = 0; i < config->n_ports; i++) {
		begin(state, before, &config->ports[i]);
		show(state, &config->ports[i]);
	}
}

/* What our predecessor had begun, we cannot know but by the events that were not handed on; those
 * of hosts that do not want to hear of it wait for ever. */
void ana_change_adopt(struct state *state, struct session *session)
{
	bool is_new = clock_now_ns() - state->born_ns < ANA_CHANGE_NS &&
	              session->async_event_config & NVME_OAES_ANA;
	struct ana_change *change;

	if (session->discovery || !(session->events & SESSION_EVENT_ANA))
		return;
	if (is_changing(state, session->port_id)) {
		session->holds_ana = true;
		return;
	}
	change = is_new ? calloc(1, sizeof(*change)) : NULL;
	if (change)
		add(state, change, session->port_id);
}

void ana_change_forget_all(struct state *state)
{
	list_for_each_safe (at, &state->ana_changes) {
		struct ana_change *change = change_at(at);

		barrier_cancel(&change->barrier);
		list_remove(&change->link);
		free(change);
	}
}
