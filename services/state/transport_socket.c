/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/sockets.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/state/admin.h"
#include "services/state/ana_change.h"
#include "services/state/announce.h"
#include "services/state/barrier.h"
#include "services/state/change.h"
#include "services/state/connecting.h"
#include "services/state/deferred.h"
#include "services/state/event.h"
#include "services/state/hold.h"
#include "services/state/journal.h"
#include "services/state/protect.h"
#include "services/state/reconcile.h"
#include "services/state/reservation_imprint.h"
#include "services/state/reservations.h"
#include "services/state/retained.h"
#include "services/state/status.h"
#include "services/state/subsystem_reset.h"
#include "services/state/tally.h"

/* More than this a transport has no use for. */
#define LISTENERS_MAX 1024

/* ------------------------------------------------------------------ coming, going */

static void arrived(void *context, struct ipc_peer *peer, const Nvmetd__Hello *hello)
{
	struct state *state = context;
	struct transport *transport = state_add_transport(state, peer->name);

	if (!transport) {
		log_err("transport %s: there is not enough memory for it", peer->name);
		ipc_server_start_over(peer, "there was not enough memory for it");
		return;
	}
	state_forget_sessions(state, transport);
	peer->user = transport;
	/* One that begins its life has nothing in flight, under whatever revision. */
	transport->drained = 0;
	if (hello->revision == 0)
		barrier_note_birth(transport, peer->instance, clock_now_ns());
	transport->peer = peer;
	transport->arrived_ns = clock_now_ns();
	transport->instance = peer->instance;
	transport->traits = traits_of(hello->traits);
	hold_consider(state, peer->name, hello->revision);
	state_has_seen(state, hello->revision);
	transport->presenting = false;
	transport->presented = false;
	transport->view_revision = 0;
	free(transport->view.bytes);
	transport->view = (struct last_message){0};
	reconcile(state); /* workers learn its token */
}

static void gone(void *context, struct ipc_peer *peer, const char *reason)
{
	struct state *state = context;
	struct transport *transport = peer->user;

	(void)reason;
	status_forget(state, peer);
	connecting_forget(state, peer);
	deferred_forget(state, peer);
	tally_forget(state, peer);
	if (!transport || transport->peer != peer)
		return;
	state_forget_sessions(state, transport);
	transport->peer = NULL;
	transport->presented = false;
	transport->gone_ns = clock_now_ns();
	reconcile(state);
}

/* Before this process began, it may have been asked. */
static void note_identified(struct state *state, const struct session *session)
{
	struct subsystem *subsystem = target_find_subsystem(&state->target, session->subsystem);

	if (subsystem)
		subsystem->identified = true;
}

static void present(struct state *state, struct transport *transport,
                    const Nvmetd__Session *message)
{
	struct session *session;

	if (session_unpack(&session, message) != 0) {
		log_warn("transport %s: presents a session that makes no sense", transport->name);
		return;
	}
	if (session_find(&state->sessions, transport, session->subsystem, session->cntlid)) {
		log_warn("transport %s: presents controller %u twice",
		         transport->name,
		         session->cntlid);
		session_free(session);
		return;
	}
	session->transport = transport;
	note_identified(state, session);
	state_has_seen(state, session->revision);
	list_append(&state->sessions, &session->link);
	if (!state->held)
		change_catch_up(state, session);
	ana_change_adopt(state, session);
}

/* It has begun its life without a controller, and there is no other transport that has some: all
 * that there were are no more. */
static void begin_anew(struct state *state, const struct transport *transport, size_t n_sessions)
{
	if (transport->drained != UINT64_MAX || n_sessions > 0)
		return;
	list_for_each (at, &state->transports) {
		const struct transport *other = container_of(at, struct transport, link);

		if (other != transport && other->peer && other->presented)
			return;
	}
	journal_power_on(&state->target);
}

static void on_present(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct state *state = context;
	struct transport *transport = peer->user;
	const Nvmetd__SessionPresent *presented = message->session_present;

	if (!transport)
		return;
	if (!transport->presenting)
		state_forget_sessions(state, transport);
	for (size_t i = 0; i < presented->n_sessions; i++)
		present(state, transport, presented->sessions[i]);
	transport->presenting = presented->more;
	transport->presented = !presented->more;
	if (presented->more)
		return;
	begin_anew(state, transport, presented->n_sessions);
	subsystem_reset_tell_those_of_late(state, transport);
	reconcile(state);
}

/* NULL, and refused, if the transport has not presented its sessions. */
static struct transport *presented_transport(struct ipc_peer *peer, const envelope *message)
{
	struct transport *transport = peer->user;

	if (transport && transport->presented)
		return transport;
	ipc_server_refuse(peer, message->request_id, "present your sessions first");
	return NULL;
}

/* ------------------------------------------------------------------ admin commands */

static struct log_counts counts_of(const Nvmetd__Counters *counters)
{
	if (!counters)
		return (struct log_counts){0};
	return (struct log_counts){
		.reads = counters->reads,
		.writes = counters->writes,
		.read_bytes = counters->read_bytes,
		.write_bytes = counters->write_bytes,
		.errors = counters->errors,
	};
}

/* A controller that is being ended: its host may come again. */
static void answer_orphan(struct ipc_peer *peer, uint64_t request_id)
{
	const struct admin_reply reply = {.status = status_of(NVME_SC_INTERNAL)};

	admin_answer(peer, request_id, &reply, NULL);
}

/* True: it is answered later. */
static bool execute_later(struct state *state, struct ipc_peer *peer, const envelope *message,
                          const struct admin_request *request, struct admin_reply *reply)
{
	if (reply->parked && event_park(request->session, message->request_id) == 0)
		return true;
	if (reply->drains && deferred_begin(state, peer, message->request_id, reply) == 0)
		return true;
	if (reply->tallies &&
	    tally_begin(state, peer, message->request_id, request, reply->tallies) == 0)
		return true;
	if (reply->tallies)
		reply->status = status_of(NVME_SC_INTERNAL);
	if (reply->parked)
		reply->status = status_of(NVME_SC_INTERNAL);
	if (reply->drains) /* done, but nobody can wait for it */
		reply->status = status_of(NVME_SC_COMMAND_INTERRUPTED);
	if (reply->drains && reply->has_imprint)
		reservation_imprint_keep(state->database, reply->imprint);
	return false;
}

static void reset_subsystem(struct state *state, struct ipc_peer *peer, const envelope *message,
                            const struct admin_request *request)
{
	const struct admin_reply reply = {.status = subsystem_reset_check(request)};

	admin_answer(peer, message->request_id, &reply, NULL);
	if (status_is_ok(reply.status))
		subsystem_reset_execute(state, request->session);
}

/* A static controller has them in its next association too. */
static void keep_features(struct state *state, const struct session *session)
{
	retained_keep(
		state->database, target_find_config(&state->target, session->subsystem), session);
}

static void execute_admin(struct state *state, struct ipc_peer *peer, const envelope *message,
                          const struct admin_request *request)
{
	struct admin_reply reply;

	if (message->admin_request->qid > 0)
		reservations_execute(request, message->admin_request, &reply);
	else
		admin_execute(request, &reply);
	if (reply.protects)
		protect_execute(state, request, &reply);
	if (reply.session_changed)
		keep_features(state, request->session);
	if (!execute_later(state, peer, message, request, &reply))
		admin_answer(peer,
		             message->request_id,
		             &reply,
		             reply.session_changed ? request->session : NULL);
	if (reply.drains)
		reconcile(state);
	else if (request->session->untold)
		change_deliver(state);
	admin_reply_deinit(&reply);
}

/* The configuration that would answer it may come back. */
static void hold_admin(struct ipc_peer *peer, const envelope *message, struct session *session)
{
	const Nvmetd__AdminRequest *asked = message->admin_request;
	const struct nvme_command *command = (const struct nvme_command *)asked->command.data;
	const struct admin_reply reply = {.status = status_of(NVME_SC_COMMAND_INTERRUPTED)};

	if (command->opcode != NVME_ADMIN_ASYNC_EVENT ||
	    event_park(session, message->request_id) != 0)
		admin_answer(peer, message->request_id, &reply, NULL);
}

static void on_connect(void *context, struct ipc_peer *peer, const envelope *message)
{
	if (presented_transport(peer, message))
		connecting_ask(context, peer, message->request_id, message->connect_request);
}

static void on_admin(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct state *state = context;
	const Nvmetd__AdminRequest *asked = message->admin_request;
	struct transport *transport = presented_transport(peer, message);
	struct session *session;
	struct admin_request request;

	if (!transport)
		return;
	if (asked->command.len != sizeof(struct nvme_command)) {
		ipc_server_refuse(peer, message->request_id, "a command has 64 bytes");
		return;
	}
	session = session_find(&state->sessions, transport, asked->subsystem, asked->cntlid);
	request = (struct admin_request){
		.state = state,
		.target = &state->target,
		.sessions = &state->sessions,
		.session = session,
		.traits = &transport->traits,
		.subsystem = target_find_config(&state->target, asked->subsystem),
		.port = session ? config_find_port(&state->target.config, session->port_id) : NULL,
		.id = message->request_id,
		.command = (const struct nvme_command *)asked->command.data,
		.data = asked->data.data,
		.data_bytes = asked->data.len,
		.counts = counts_of(asked->counters),
		.error_entries = asked->error_entries.data,
		.error_entries_bytes = asked->error_entries.len,
	};
	if (session && state->held)
		hold_admin(peer, message, session);
	else if (!session || !request.port || (!session->discovery && !request.subsystem))
		answer_orphan(peer, message->request_id);
	else if (subsystem_reset_is(request.command))
		reset_subsystem(state, peer, message, &request);
	else
		execute_admin(state, peer, message, &request);
}

static void on_cancel(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct state *state = context;

	if (connecting_cancel(state, peer, message->request_cancel->request_id) ||
	    deferred_cancel(state, peer, message->request_cancel->request_id) ||
	    tally_cancel(state, peer, message->request_cancel->request_id))
		return;
	list_for_each (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);

		if (session->transport == peer->user &&
		    event_unpark(session, message->request_cancel->request_id))
			return;
		if (session->transport == peer->user &&
		    event_take_back(session, message->request_cancel->request_id)) {
			session->untold = true;
			change_deliver(state);
			return;
		}
	}
}

/* ------------------------------------------------------------------ notices */

static void on_session_gone(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct state *state = context;
	const Nvmetd__SessionGone *notice = message->session_gone;
	struct session *session = session_find(
		&state->sessions, peer->user, notice->subsystem, notice->cntlid);
	char reason[128];

	if (!session)
		return;
	if (session->discovery
	            ? log_is_debug()
	            : log_allowed(&session->transport->associations, STATE_LINES, STATE_LINES_MS))
		log_info("controller %u of %s: is gone: %s",
		         session->cntlid,
		         session->subsystem_nqn,
		         log_safe(reason, sizeof(reason), notice->reason, strlen(notice->reason)));
	state_forget_session(session);
}

static void on_session_reset(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct state *state = context;
	const Nvmetd__SessionReset *notice = message->session_reset;
	struct session *session = session_find(
		&state->sessions, peer->user, notice->subsystem, notice->cntlid);

	if (!session)
		return;
	session_reset(session);
	keep_features(state, session);
	session->untold = true;
	change_deliver(state);
}

static void on_subsystem_reset(void *context, struct ipc_peer *peer, const envelope *message)
{
	if (peer->user)
		subsystem_reset_take(context, peer->user, message->subsystem_reset);
}

static void on_drained(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct transport *transport = peer->user;

	if (!transport)
		return;
	transport->drained = message->drained->revision;
	reconcile(context);
}

static void on_report(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct transport *transport = peer->user;
	const Nvmetd__TransportReport *report = message->transport_report;
	struct listener_report *listeners;

	if (!transport || report->n_listeners > LISTENERS_MAX)
		return;
	listeners = calloc(report->n_listeners + 1, sizeof(*listeners));
	if (!listeners)
		return;
	for (size_t i = 0; i < report->n_listeners; i++) {
		listeners[i].port_id = report->listeners[i]->port_id;
		listeners[i].listening = report->listeners[i]->listening;
		snprintf(listeners[i].reason,
		         sizeof(listeners[i].reason),
		         "%s",
		         report->listeners[i]->reason);
	}
	free(transport->listeners);
	transport->listeners = listeners;
	transport->n_listeners = report->n_listeners;
	announce_update(context);
}

static void on_status(void *context, struct ipc_peer *peer, const envelope *message)
{
	if (!tally_answer(context, peer, message))
		status_answer(context, peer, message);
}

static const struct ipc_rule rules[] = {
	{NVMETD__ENVELOPE__BODY_SESSION_PRESENT,  IPC_AFTER_HELLO, on_present        },
	{NVMETD__ENVELOPE__BODY_CONNECT_REQUEST,  IPC_AFTER_HELLO, on_connect        },
	{NVMETD__ENVELOPE__BODY_ADMIN_REQUEST,    IPC_AFTER_HELLO, on_admin          },
	{NVMETD__ENVELOPE__BODY_REQUEST_CANCEL,   IPC_AFTER_HELLO, on_cancel         },
	{NVMETD__ENVELOPE__BODY_SESSION_GONE,     IPC_AFTER_HELLO, on_session_gone   },
	{NVMETD__ENVELOPE__BODY_SESSION_RESET,    IPC_AFTER_HELLO, on_session_reset  },
	{NVMETD__ENVELOPE__BODY_SUBSYSTEM_RESET,  IPC_AFTER_HELLO, on_subsystem_reset},
	{NVMETD__ENVELOPE__BODY_DRAINED,          IPC_AFTER_HELLO, on_drained        },
	{NVMETD__ENVELOPE__BODY_TRANSPORT_REPORT, IPC_AFTER_HELLO, on_report         },
	{NVMETD__ENVELOPE__BODY_TRANSPORT_STATUS, IPC_AFTER_HELLO, on_status         },
};

const struct ipc_role transport_role = {
	.name = "transport",
	.mode = 0660,
	.needs_hello = true,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.arrived = arrived,
	.gone = gone,
};
