/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "services/state/announce.h"
#include "services/state/status_message.h"

struct gather {
	struct list link;
	struct state *state;
	struct ipc_peer *asker;
	uint64_t request_id; /* the asker's */
	struct loop_timer deadline;
	struct list asked; /* struct status_peer */
};

static void gather_free(struct gather *gather)
{
	loop_timer_clear(&gather->deadline);
	list_for_each_safe (at, &gather->asked)
		status_peer_free(container_of(at, struct status_peer, link));
	list_remove(&gather->link);
	free(gather);
}

static void finish(struct gather *gather)
{
	_cleanup_(scratch_deinit) struct scratch scratch = SCRATCH_NULL;
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__CtlStatusReply *reply = status_message_build(
		&scratch, gather->state, &gather->asked);

	if (reply) {
		message.body_case = NVMETD__ENVELOPE__BODY_CTL_STATUS_REPLY;
		message.ctl_status_reply = reply;
		ipc_server_send(gather->asker, gather->request_id, &message);
	} else {
		ipc_server_refuse(gather->asker,
		                  gather->request_id,
		                  "there is not enough memory for the status");
	}
	gather_free(gather);
}

static void deadline_passed(struct loop_timer *timer)
{
	finish(container_of(timer, struct gather, deadline));
}

static bool is_complete(const struct gather *gather)
{
	list_for_each (at, (struct list *)&gather->asked)
		if (container_of(at, struct status_peer, link)->peer)
			return false;
	return true;
}

/* ------------------------------------------------------------------ asking */

/* body: of the answer, NVMETD__ENVELOPE__BODY_… */
static bool ask_peer(struct gather *gather, struct ipc_peer *peer, int body, uint64_t revision)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__StatusRequest request = NVMETD__STATUS_REQUEST__INIT;
	struct status_peer *asked = status_peer_new(peer, body, revision);

	if (!asked)
		return false;
	list_append(&gather->asked, &asked->link);
	asked->request_id = ipc_server_request_id(peer->server);
	message.body_case = NVMETD__ENVELOPE__BODY_STATUS_REQUEST;
	message.status_request = &request;
	ipc_server_send(peer, asked->request_id, &message);
	return true;
}

static bool ask_all(struct gather *gather)
{
	bool good = true;

	list_for_each (at, &gather->state->transports) {
		struct transport *transport = container_of(at, struct transport, link);

		if (transport->peer)
			good &= ask_peer(gather,
			                 transport->peer,
			                 NVMETD__ENVELOPE__BODY_TRANSPORT_STATUS,
			                 transport->drained);
	}
	list_for_each (at, &gather->state->workers) {
		struct worker *worker = container_of(at, struct worker, link);

		if (worker->peer)
			good &= ask_peer(gather,
			                 worker->peer,
			                 NVMETD__ENVELOPE__BODY_WORKER_STATUS,
			                 worker->served);
	}
	list_for_each (at, &gather->state->announcers) {
		struct announcer *announcer = container_of(at, struct announcer, link);

		good &= ask_peer(gather,
		                 announcer->peer,
		                 NVMETD__ENVELOPE__BODY_ANNOUNCE_STATUS,
		                 announcer->revision);
	}
	return good;
}

static unsigned count_gathers(const struct state *state)
{
	unsigned count = 0;

	list_for_each (at, (struct list *)&state->gathers)
		count++;
	return count;
}

void status_ask(struct state *state, struct ipc_peer *asker, uint64_t request_id)
{
	struct gather *gather;

	if (count_gathers(state) >= STATUS_GATHERS) {
		ipc_server_refuse(asker, request_id, "too many ask for the status at once");
		return;
	}
	gather = calloc(1, sizeof(*gather));
	if (!gather) {
		ipc_server_refuse(asker, request_id, "there is not enough memory for the status");
		return;
	}
	gather->state = state;
	gather->asker = asker;
	gather->request_id = request_id;
	gather->deadline = LOOP_TIMER(deadline_passed);
	list_init(&gather->asked);
	list_append(&state->gathers, &gather->link);
	ask_all(gather); /* who could not be asked is not shown */
	if (is_complete(gather) ||
	    loop_timer_set(state->loop, &gather->deadline, clock_now_ns() + STATUS_DEADLINE_NS) !=
	            0)
		finish(gather);
}

/* ------------------------------------------------------------------ answers */

static void take_answer(struct gather *gather, struct ipc_peer *peer, const envelope *message)
{
	list_for_each (at, &gather->asked) {
		struct status_peer *asked = container_of(at, struct status_peer, link);

		if (asked->peer == peer && asked->request_id == message->request_id)
			status_peer_answer(asked, message);
	}
	if (is_complete(gather))
		finish(gather);
}

void status_answer(struct state *state, struct ipc_peer *peer, const envelope *message)
{
	list_for_each_safe (at, &state->gathers)
		take_answer(container_of(at, struct gather, link), peer, message);
}

void status_forget(struct state *state, const struct ipc_peer *peer)
{
	list_for_each_safe (at, &state->gathers) {
		struct gather *gather = container_of(at, struct gather, link);

		if (gather->asker == peer) {
			gather_free(gather);
			continue;
		}
		list_for_each (of, &gather->asked) {
			struct status_peer *asked = container_of(of, struct status_peer, link);

			if (asked->peer == peer)
				asked->peer = NULL;
		}
		if (is_complete(gather))
			finish(gather);
	}
}

void status_deinit(struct state *state)
{
	list_for_each_safe (at, &state->gathers)
		gather_free(container_of(at, struct gather, link));
}
