/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/announce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <uuid.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "services/state/scratch.h"

#define HOST_NQN_PREFIX "nqn.2014-08.org.nvmexpress:uuid:"
#define RETRY_NS        NS_PER_S

/* ------------------------------------------------------------------ who there is */

struct announcer *announce_arrived(struct state *state, struct ipc_peer *peer)
{
	struct announcer *announcer = calloc(1, sizeof(*announcer));

	if (!announcer)
		return NULL;
	announcer->peer = peer;
	list_append(&state->announcers, &announcer->link);
	return announcer;
}

void announce_gone(struct announcer *announcer)
{
	list_remove(&announcer->link);
	free(announcer->view.bytes);
	free(announcer);
}

struct announcer *announce_find(const struct state *state, const char *name)
{
	list_for_each (at, (struct list *)&state->announcers) {
		struct announcer *announcer = container_of(at, struct announcer, link);

		if (strcmp(announcer->peer->name, name) == 0)
			return announcer;
	}
	return NULL;
}

void announce_deinit(struct state *state)
{
	loop_timer_clear(&state->announce_timer);
	list_for_each_safe (at, &state->announcers)
		announce_gone(container_of(at, struct announcer, link));
}

/* ------------------------------------------------------------------ listeners */

/* The transport need not be connected now: it may be coming back. */
static const struct listener_report *find_report(const struct state *state,
                                                 const struct config_port *port)
{
	list_for_each (at, (struct list *)&state->transports) {
		const struct transport *transport = container_of(at, struct transport, link);

		if (strcmp(transport->traits.trtype, port->address.trtype) != 0)
			continue;
		for (size_t i = 0; i < transport->n_listeners; i++)
			if (transport->listeners[i].port_id == port->port_id)
				return &transport->listeners[i];
	}
	return NULL;
}

static bool have_all_reported(const struct state *state)
{
	const struct config *config = &state->target.config;

	for (size_t i = 0; i < config->n_ports; i++)
		if (config->ports[i].n_links > 0 && !find_report(state, &config->ports[i]))
			return false;
	return true;
}

static void time_has_come(struct loop_timer *timer)
{
	announce_update(container_of(timer, struct state, announce_timer));
}

static void come_again(struct state *state, uint64_t due_ns)
{
	state->announce_timer.expired = time_has_come;
	loop_timer_set(state->loop, &state->announce_timer, due_ns);
}

static bool is_settled(struct state *state)
{
	uint64_t until_ns = state->born_ns + ANNOUNCE_SETTLE_NS;

	if (state->held)
		return false;
	if (clock_now_ns() >= until_ns || have_all_reported(state))
		return true;
	come_again(state, until_ns);
	return false;
}

/* ------------------------------------------------------------------ the view */

static void put_subsystems(struct scratch *scratch, Nvmetd__AnnounceListener *listener,
                           const struct config_port *port)
{
	listener->subsystems = scratch_take(scratch, port->n_links * sizeof(char *));
	for (size_t i = 0; listener->subsystems && i < port->n_links; i++)
		listener->subsystems[listener->n_subsystems++] = port->links[i].nqn;
}

static void put_listener(Nvmetd__AnnounceListener *listener, const struct config_port *port)
{
	nvmetd__announce_listener__init(listener);
	listener->port_id = port->port_id;
	listener->trtype = (char *)port->address.trtype;
	listener->adrfam = (char *)port->address.adrfam;
	listener->traddr = (char *)port->address.traddr;
	listener->trsvcid = (char *)port->address.trsvcid;
}

static void put_listeners(struct scratch *scratch, Nvmetd__AnnounceView *view,
                          const struct state *state)
{
	const struct config *config = &state->target.config;

	view->listeners = (Nvmetd__AnnounceListener **)scratch_array(
		scratch, config->n_ports, sizeof(**view->listeners));
	for (size_t i = 0; view->listeners && i < config->n_ports; i++) {
		const struct config_port *port = &config->ports[i];
		const struct listener_report *report = find_report(state, port);

		if (port->n_links == 0 || !report || !report->listening)
			continue;
		put_listener(view->listeners[view->n_listeners], port);
		if (view->n_cdcs > 0) /* mDNS has no use for them */
			put_subsystems(scratch, view->listeners[view->n_listeners], port);
		view->n_listeners++;
	}
}

static void put_cdcs(struct scratch *scratch, Nvmetd__AnnounceView *view,
                     const struct config_announce *announce)
{
	view->cdcs = (Nvmetd__AnnounceCdc **)scratch_array(
		scratch, announce->n_cdcs, sizeof(**view->cdcs));
	for (size_t i = 0; view->cdcs && i < announce->n_cdcs; i++) {
		struct config_cdc *cdc = &announce->cdcs[i];
		Nvmetd__AnnounceCdc *put = view->cdcs[view->n_cdcs++];

		nvmetd__announce_cdc__init(put);
		put->traddr = cdc->traddr;
		put->trsvcid = cdc->trsvcid;
		put->nqn = cdc->nqn[0] ? cdc->nqn : NVME_DISCOVERY_NQN;
		put->host_nqn = cdc->hostnqn;
	}
}

/* Made once in the life of a target. Where the database cannot be written, it lasts as long as this
 * process. */
static void put_host(struct scratch *scratch, Nvmetd__AnnounceView *view, struct state *state)
{
	char text[UUID_STR_LEN] = "", nqn[sizeof(HOST_NQN_PREFIX) + UUID_STR_LEN];

	if (uuid_is_null(state->host_id)) {
		(void)database_get_text(state->database, "host_id", text, sizeof(text));
		if (uuid_parse(text, state->host_id) != 0) {
			uuid_generate_random(state->host_id);
			uuid_unparse_lower(state->host_id, text);
			(void)database_set_text(state->database, "host_id", text);
		}
	}
	uuid_unparse_lower(state->host_id, text);
	snprintf(nqn, sizeof(nqn), HOST_NQN_PREFIX "%s", text);
	view->host_nqn = scratch_text(scratch, nqn);
	view->host_id.data = state->host_id;
	view->host_id.len = sizeof(state->host_id);
}

/* NULL if there is no memory. */
static Nvmetd__AnnounceView *build(struct scratch *scratch, struct state *state)
{
	const struct config *config = &state->target.config;
	Nvmetd__AnnounceView *view = scratch_take(scratch, sizeof(*view));

	if (!view)
		return NULL;
	nvmetd__announce_view__init(view);
	view->discovery_nqn = (char *)config->discovery_nqn;
	view->mdns = config->announce.mdns;
	put_cdcs(scratch, view, &config->announce);
	if (view->mdns || view->n_cdcs > 0) /* or nothing of it matters */
		put_listeners(scratch, view, state);
	if (view->n_cdcs > 0)
		put_host(scratch, view, state);
	return scratch->failed ? NULL : view;
}

/* 1: it says something new, and is the last one now. */
static int replace_last(struct last_message *last, const ProtobufCMessage *message)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(length + 1);

	if (!bytes)
		return error_origin(-ENOMEM);
	protobuf_c_message_pack(message, bytes);
	if (last->bytes && last->length == length && memcmp(last->bytes, bytes, length) == 0) {
		free(bytes);
		return 0;
	}
	free(last->bytes);
	*last = (struct last_message){bytes, length};
	return 1;
}

static int send_view(struct state *state, struct announcer *announcer, Nvmetd__AnnounceView *view)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	int r;

	view->revision = 0; /* is no part of what is compared */
	r = replace_last(&announcer->view, &view->base);
	if (r <= 0)
		return r;
	view->revision = state->target.revision;
	announcer->revision = view->revision;
	message.body_case = NVMETD__ENVELOPE__BODY_ANNOUNCE_VIEW;
	message.announce_view = view;
	ipc_server_send(announcer->peer, 0, &message);
	return 0;
}

void announce_update(struct state *state)
{
	_cleanup_(scratch_deinit) struct scratch scratch = SCRATCH_NULL;
	Nvmetd__AnnounceView *view;
	bool good = true;

	if (list_is_empty(&state->announcers) || !is_settled(state))
		return;
	view = build(&scratch, state);
	list_for_each (at, &state->announcers)
		good &= view &&
		        send_view(state, container_of(at, struct announcer, link), view) == 0;
	if (!good)
		come_again(state, clock_now_ns() + RETRY_NS);
}
