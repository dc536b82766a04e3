/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/deferred.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/reservation_imprint.h"

struct deferred {
	struct list link; /* in state->deferred */
	struct barrier barrier;
	struct ipc_peer *peer;
	uint64_t request_id;
	struct nvme_status status;
	uint32_t result;
	bool has_imprint;
	uint8_t imprint[ADMIN_IMPRINT_SIZE];
};

void admin_answer(struct ipc_peer *peer, uint64_t request_id, const struct admin_reply *reply,
                  const struct session *session)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__AdminReply answer = NVMETD__ADMIN_REPLY__INIT;
	struct session_message packed;

	answer.status = reply->status.value;
	answer.result = reply->result;
	answer.data.data = reply->data;
	answer.data.len = reply->length;
	answer.error_location = reply->error_location;
	answer.ask_later = reply->ask_later;
	if (session) {
		session_pack(&packed, session);
		answer.session = &packed.message;
	}
	message.body_case = NVMETD__ENVELOPE__BODY_ADMIN_REPLY;
	message.admin_reply = &answer;
	ipc_server_send(peer, request_id, &message);
}

static void forget(struct deferred *deferred)
{
	barrier_cancel(&deferred->barrier);
	list_remove(&deferred->link);
	free(deferred);
}

static void drained(struct state *state, struct barrier *barrier, bool in_time)
{
	struct deferred *deferred = container_of(barrier, struct deferred, barrier);
	const struct admin_reply reply = {
		.status = in_time ? deferred->status : status_of(NVME_SC_COMMAND_INTERRUPTED),
		.result = deferred->result,
	};

	if (deferred->has_imprint && in_time)
		reservation_imprint_forget(state->database, deferred->imprint);
	else if (deferred->has_imprint)
		reservation_imprint_keep(state->database, deferred->imprint);
	admin_answer(deferred->peer, deferred->request_id, &reply, NULL);
	forget(deferred);
}

int deferred_begin(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                   const struct admin_reply *reply)
{
	struct deferred *deferred = calloc(1, sizeof(*deferred));

	if (!deferred)
		return error_origin(-ENOMEM);
	deferred->peer = peer;
	deferred->request_id = request_id;
	deferred->status = reply->status;
	deferred->result = reply->result;
	deferred->has_imprint = reply->has_imprint;
	memcpy(deferred->imprint, reply->imprint, sizeof(deferred->imprint));
	list_append(&state->deferred, &deferred->link);
	barrier_begin(state, &deferred->barrier, DEFERRED_NS, drained);
	return 0;
}

/* A transport that does not wait any more has told the host so, or will; also one that has gone, in
 * a planned restart. */
static void give_up(struct state *state, struct deferred *deferred)
{
	if (deferred->has_imprint)
		reservation_imprint_keep(state->database, deferred->imprint);
	forget(deferred);
}

bool deferred_cancel(struct state *state, const struct ipc_peer *peer, uint64_t request_id)
{
	list_for_each_safe (at, &state->deferred) {
		struct deferred *deferred = container_of(at, struct deferred, link);

		if (deferred->peer != peer || deferred->request_id != request_id)
			continue;
		give_up(state, deferred);
		return true;
	}
	return false;
}

static bool has_imprints(const struct state *state, const struct ipc_peer *peer)
{
	list_for_each (at, (struct list *)&state->deferred) {
		const struct deferred *deferred = container_of(at, struct deferred, link);

		if (deferred->peer == peer && deferred->has_imprint)
			return true;
	}
	return false;
}

/* There may be thousands, and the disk is waited for once. */
void deferred_forget(struct state *state, const struct ipc_peer *peer)
{
	bool keeps = has_imprints(state, peer) && database_begin(state->database) == 0;

	list_for_each_safe (at, &state->deferred) {
		struct deferred *deferred = container_of(at, struct deferred, link);

		if (deferred->peer != peer)
			continue;
		if (keeps)
			give_up(state, deferred);
		else
			forget(deferred);
	}
	if (keeps && database_commit(state->database) != 0)
		database_rollback(state->database);
}

void deferred_forget_all(struct state *state)
{
	list_for_each_safe (at, &state->deferred)
		forget(container_of(at, struct deferred, link));
}
