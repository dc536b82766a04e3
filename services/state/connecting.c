/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/connecting.h"

#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "services/state/change.h"
#include "services/state/cntlid.h"
#include "services/state/connect.h"
#include "services/state/discovery.h"
#include "services/state/reconcile.h"
#include "services/state/retained.h"

/* One that waits. */
struct connecting {
	struct list link;
	struct ipc_peer *peer;
	uint64_t request_id;
	Nvmetd__ConnectRequest *asked;
};

static void answer_connect(struct ipc_peer *peer, uint64_t request_id,
                           const struct connect_answer *answer, const struct session *session)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__ConnectReply reply = NVMETD__CONNECT_REPLY__INIT;
	struct session_message packed;

	reply.status = answer->status.value;
	reply.result = answer->result;
	reply.at_once = answer->is_refusal;
	if (session) {
		session_pack(&packed, session);
		reply.session = &packed.message;
	}
	message.body_case = NVMETD__ENVELOPE__BODY_CONNECT_REPLY;
	message.connect_reply = &reply;
	ipc_server_send(peer, request_id, &message);
}

static void fill_addresses(struct session *session, const Nvmetd__ConnectRequest *asked)
{
	snprintf(session->host_address, sizeof(session->host_address), "%s", asked->host_address);
	snprintf(
		session->local_address, sizeof(session->local_address), "%s", asked->local_address);
	snprintf(
		session->local_service, sizeof(session->local_service), "%s", asked->local_service);
}

/* While sessions may be missing, one of them may have any that seems to be free. */
static int give_cntlid(struct state *state, struct session *session,
                       const struct connect_answer *answer)
{
	const struct config_subsystem *subsystem = answer->subsystem;

	if (subsystem && !reconcile_is_everybody_here(state))
		return CNTLID_E_NONE_FREE;
	if (answer->cntlid) {
		session->cntlid = answer->cntlid;
		return cntlid_is_free(&state->sessions, session->subsystem, session->cntlid)
		               ? 0
		               : CNTLID_E_NONE_FREE;
	}
	return cntlid_allocate(subsystem ? subsystem->subsystem : state->target.discovery,
	                       subsystem ? subsystem->cntlid_min : 1,
	                       subsystem ? subsystem->cntlid_max : NVME_CNTLID_MAX,
	                       &state->sessions,
	                       state->database,
	                       &session->cntlid);
}

/* One of its controllers is about to be free, or may be. */
static bool may_be_free_soon(const struct state *state, uint32_t subsystem)
{
	if (!reconcile_is_everybody_here(state))
		return true;
	list_for_each (at, (struct list *)&state->sessions) {
		const struct session *session = container_of(at, struct session, link);

		if (session->subsystem == subsystem && session->is_ending)
			return true;
	}
	return false;
}

/* The new controller; NULL: not now, and the host may try again. */
static struct session *make_session(struct state *state, struct transport *transport,
                                    const struct connect_request *request,
                                    const Nvmetd__ConnectRequest *asked,
                                    struct connect_answer *answer)
{
	struct session *session = session_new();

	if (!session)
		return NULL;
	connect_fill(session, &state->target, request, answer);
	fill_addresses(session, asked);
	if (session->discovery)
		session->discovery_sum = discovery_sum(&state->target.config, session);
	session->transport = transport;
	if (give_cntlid(state, session, answer) != 0) {
		answer->is_refusal = !may_be_free_soon(state, session->subsystem);
		return session_free(session);
	}
	if (answer->subsystem && answer->subsystem->is_static)
		retained_give(state->database, session);
	list_append(&state->sessions, &session->link);
	return session;
}

/* Discovery is anyone's, and as often as one likes. */
static bool is_news(struct transport *transport, const struct connect_answer *answer)
{
	if (!status_is_ok(answer->status))
		return log_allowed(&transport->refusals, STATE_LINES, STATE_LINES_MS);
	if (answer->session && answer->session->discovery)
		return log_is_debug();
	return log_allowed(&transport->associations, STATE_LINES, STATE_LINES_MS);
}

static void log_connect(struct transport *transport, const struct connect_request *request,
                        const Nvmetd__ConnectRequest *asked, const struct connect_answer *answer)
{
	char host[NVME_NQN_SIZE], subsystem[NVME_NQN_SIZE], from[80];
	bool is_association = le16_get(request->command->qid) == 0;

	if ((status_is_ok(answer->status) && !is_association) || !is_news(transport, answer))
		return;
	log_safe(host, sizeof(host), request->data->hostnqn, NVME_NQN_MAX);
	log_safe(subsystem, sizeof(subsystem), request->data->subnqn, NVME_NQN_MAX);
	log_safe(from, sizeof(from), asked->host_address, strlen(asked->host_address));
	if (!status_is_ok(answer->status))
		log_warn("host %s at %s: Connect to %s, queue %u, is refused: %s, at %s %u",
		         host,
		         from,
		         subsystem,
		         le16_get(request->command->qid),
		         status_words(answer->status),
		         answer->result >> 16 ? "data byte" : "byte",
		         answer->result & 0xffff);
	else
		log_info("controller %u of %s: host %s at %s has connected",
		         answer->result,
		         subsystem,
		         host,
		         from);
}

static void connect_admin(struct state *state, struct transport *transport,
                          const struct connect_request *request,
                          const Nvmetd__ConnectRequest *asked, struct connect_answer *answer)
{
	struct session *older;

	while (answer->replaces && (older = connect_older(&state->sessions, request)))
		change_end(older, "its host has connected anew");
	answer->session = make_session(state, transport, request, asked, answer);
	if (answer->session)
		answer->result = answer->session->cntlid;
	else
		answer->status = status_of(NVME_SC_CONNECT_BUSY);
}

static void execute(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                    const Nvmetd__ConnectRequest *asked)
{
	struct transport *transport = peer->user;
	const struct connect_request request = {
		.transport = transport,
		.port_id = asked->port_id,
		.command = (const struct nvme_connect_command *)asked->command.data,
		.data = (const struct nvme_connect_data *)asked->data.data,
	};
	struct connect_answer answer = connect_check(&state->target, &state->sessions, &request);

	if (status_is_ok(answer.status) && !answer.session)
		connect_admin(state, transport, &request, asked, &answer);
	log_connect(transport, &request, asked, &answer);
	answer_connect(peer, request_id, &answer, answer.session);
}

/* ------------------------------------------------------------------ waiting */

static void free_waiting(struct connecting *connecting)
{
	list_remove(&connecting->link);
	nvmetd__connect_request__free_unpacked(connecting->asked, NULL);
	free(connecting);
}

static Nvmetd__ConnectRequest *copy(const Nvmetd__ConnectRequest *asked)
{
	size_t length = nvmetd__connect_request__get_packed_size(asked);
	_cleanup_(cleanup_free) uint8_t *bytes = malloc(length + 1);

	if (!bytes)
		return NULL;
	nvmetd__connect_request__pack(asked, bytes);
	return nvmetd__connect_request__unpack(NULL, length, bytes);
}

static unsigned count_waiting(const struct state *state)
{
	unsigned count = 0;

	list_for_each (at, (struct list *)&state->connecting)
		count++;
	return count;
}

static bool wait(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                 const Nvmetd__ConnectRequest *asked)
{
	struct connecting *connecting;

	if (count_waiting(state) >= CONNECTING_MAX)
		return false;
	connecting = calloc(1, sizeof(*connecting));
	if (!connecting)
		return false;
	list_init(&connecting->link);
	connecting->peer = peer;
	connecting->request_id = request_id;
	connecting->asked = copy(asked);
	if (!connecting->asked) {
		free(connecting);
		return false;
	}
	list_append(&state->connecting, &connecting->link);
	return true;
}

void connecting_ask(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                    const Nvmetd__ConnectRequest *asked)
{
	const struct connect_answer busy = {.status = status_of(NVME_SC_CONNECT_BUSY)};

	if (asked->command.len != sizeof(struct nvme_connect_command) ||
	    asked->data.len != sizeof(struct nvme_connect_data))
		ipc_server_refuse(
			peer, request_id, "a Connect command has 64 bytes, its data 1024");
	else if (state->open)
		execute(state, peer, request_id, asked);
	else if (!wait(state, peer, request_id, asked))
		answer_connect(peer, request_id, &busy, NULL);
}

void connecting_release(struct state *state)
{
	while (!list_is_empty(&state->connecting)) {
		struct connecting *first = container_of(
			state->connecting.next, struct connecting, link);

		execute(state, first->peer, first->request_id, first->asked);
		free_waiting(first);
	}
}

bool connecting_cancel(struct state *state, const struct ipc_peer *peer, uint64_t request_id)
{
	list_for_each_safe (at, &state->connecting) {
		struct connecting *connecting = container_of(at, struct connecting, link);

		if (connecting->peer != peer || connecting->request_id != request_id)
			continue;
		free_waiting(connecting);
		return true;
	}
	return false;
}

void connecting_forget(struct state *state, const struct ipc_peer *peer)
{
	list_for_each_safe (at, &state->connecting) {
		struct connecting *connecting = container_of(at, struct connecting, link);

		if (connecting->peer == peer)
			free_waiting(connecting);
	}
}
