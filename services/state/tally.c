/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/state/deferred.h"

/* One that is not answered yet. */
struct question {
	struct list link;
	struct ipc_peer *peer;
	uint64_t request_id;
};

struct tally {
	struct list link; /* in state->tallies */
	struct state *state;
	struct ipc_peer *peer; /* the transport that waits */
	uint64_t request_id;
	uint32_t subsystem;
	uint16_t cntlid;
	struct nvme_command command;
	uint32_t handle;
	struct list questions;
	struct loop_timer deadline;
	bool lacks; /* somebody has not said what it has counted */
	struct log_counts sum;
};

static void question_free(struct question *question)
{
	list_remove(&question->link);
	free(question);
}

static void tally_free(struct tally *tally)
{
	loop_timer_clear(&tally->deadline);
	list_for_each_safe (at, &tally->questions)
		question_free(container_of(at, struct question, link));
	list_remove(&tally->link);
	free(tally);
}

/* ------------------------------------------------------------------ answering */

/* The configuration may be another one by now: all is looked up anew. NULL: the controller is gone.
 */
static struct session *execute(const struct tally *tally, struct admin_reply *reply)
{
	struct state *state = tally->state;
	struct transport *transport = tally->peer->user;
	struct session *session = session_find(
		&state->sessions, transport, tally->subsystem, tally->cntlid);
	struct admin_request request = {
		.state = state,
		.target = &state->target,
		.sessions = &state->sessions,
		.session = session,
		.traits = &transport->traits,
		.subsystem = target_find_config(&state->target, tally->subsystem),
		.port = session ? config_find_port(&state->target.config, session->port_id) : NULL,
		.command = &tally->command,
		.is_tallied = true,
	};

	if (request.port && request.subsystem)
		admin_execute(&request, reply);
	else
		reply->status = status_of(NVME_SC_INTERNAL);
	return session;
}

static void finish(struct tally *tally)
{
	struct backing *backing = target_find_backing(&tally->state->target, tally->handle);
	struct admin_reply reply = {0};
	struct session *session;

	if (backing && !tally->lacks && list_is_empty(&tally->questions))
		backing->counts = tally->sum;
	session = execute(tally, &reply);
	admin_answer(
		tally->peer, tally->request_id, &reply, reply.session_changed ? session : NULL);
	admin_reply_deinit(&reply);
	tally_free(tally);
}

static void deadline_passed(struct loop_timer *timer)
{
	finish(container_of(timer, struct tally, deadline));
}

/* ------------------------------------------------------------------ asking */

/* peer: NULL: it is not there. */
static void ask(struct tally *tally, struct ipc_peer *peer)
{
	envelope message = NVMETD__ENVELOPE__INIT;
	Nvmetd__StatusRequest request = NVMETD__STATUS_REQUEST__INIT;
	struct question *question = peer ? calloc(1, sizeof(*question)) : NULL;

	if (!question) {
		tally->lacks = true;
		return;
	}
	question->peer = peer;
	question->request_id = ipc_server_request_id(peer->server);
	list_append(&tally->questions, &question->link);
	request.handle = tally->handle;
	message.body_case = NVMETD__ENVELOPE__BODY_STATUS_REQUEST;
	message.status_request = &request;
	ipc_server_send(peer, question->request_id, &message);
}

static void ask_all(struct tally *tally, const struct backing *backing, bool has_grant)
{
	const struct worker *worker = state_find_worker(tally->state, backing->worker);

	ask(tally, worker ? worker->peer : NULL);
	if (!has_grant)
		return;
	list_for_each (at, &tally->state->transports)
		ask(tally, container_of(at, struct transport, link)->peer);
}

int tally_begin(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                const struct admin_request *request, const struct config_namespace *namespace)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return error_origin(-ENOMEM);
	tally->state = state;
	tally->peer = peer;
	tally->request_id = request_id;
	tally->subsystem = request->session->subsystem;
	tally->cntlid = request->session->cntlid;
	tally->command = *request->command;
	tally->handle = namespace->backing->handle;
	tally->deadline = LOOP_TIMER(deadline_passed);
	list_init(&tally->questions);
	list_append(&state->tallies, &tally->link);
	ask_all(tally, namespace->backing, namespace->io_grant);
	if (list_is_empty(&tally->questions) ||
	    loop_timer_set(state->loop, &tally->deadline, clock_now_ns() + TALLY_NS) != 0)
		finish(tally);
	return 0;
}

/* ------------------------------------------------------------------ answers */

static void add(struct log_counts *sum, const Nvmetd__Counters *counters)
{
	if (!counters)
		return;
	sum->reads += counters->reads;
	sum->writes += counters->writes;
	sum->read_bytes += counters->read_bytes;
	sum->write_bytes += counters->write_bytes;
	sum->errors += counters->errors;
}

static void take_worker(struct tally *tally, const Nvmetd__WorkerStatus *status)
{
	for (size_t i = 0; i < status->n_namespaces; i++)
		if (status->namespaces[i]->handle == tally->handle)
			add(&tally->sum, status->namespaces[i]->counters);
}

static void take_transport(struct tally *tally, const Nvmetd__TransportStatus *status)
{
	for (size_t i = 0; i < status->n_direct; i++)
		if (status->direct[i]->handle == tally->handle)
			add(&tally->sum, status->direct[i]->counters);
}

static struct question *find_question(const struct tally *tally, const struct ipc_peer *peer,
                                      uint64_t request_id)
{
	list_for_each (at, (struct list *)&tally->questions) {
		struct question *question = container_of(at, struct question, link);

		if (question->peer == peer && question->request_id == request_id)
			return question;
	}
	return NULL;
}

bool tally_answer(struct state *state, struct ipc_peer *peer, const envelope *message)
{
	list_for_each (at, &state->tallies) {
		struct tally *tally = container_of(at, struct tally, link);
		struct question *question = find_question(tally, peer, message->request_id);

		if (!question)
			continue;
		question_free(question);
		if (message->body_case == NVMETD__ENVELOPE__BODY_WORKER_STATUS)
			take_worker(tally, message->worker_status);
		else
			take_transport(tally, message->transport_status);
		if (list_is_empty(&tally->questions))
			finish(tally);
		return true;
	}
	return false;
}

bool tally_cancel(struct state *state, const struct ipc_peer *peer, uint64_t request_id)
{
	list_for_each_safe (at, &state->tallies) {
		struct tally *tally = container_of(at, struct tally, link);

		if (tally->peer != peer || tally->request_id != request_id)
			continue;
		tally_free(tally);
		return true;
	}
	return false;
}

static void forget_questions(struct tally *tally, const struct ipc_peer *peer)
{
	list_for_each_safe (at, &tally->questions) {
		struct question *question = container_of(at, struct question, link);

		if (question->peer != peer)
			continue;
		question_free(question);
		tally->lacks = true;
	}
	if (list_is_empty(&tally->questions))
		finish(tally);
}

void tally_forget(struct state *state, const struct ipc_peer *peer)
{
	list_for_each_safe (at, &state->tallies) {
		struct tally *tally = container_of(at, struct tally, link);

		if (tally->peer == peer)
			tally_free(tally);
		else
			forget_questions(tally, peer);
	}
}

void tally_forget_all(struct state *state)
{
	list_for_each_safe (at, &state->tallies)
		tally_free(container_of(at, struct tally, link));
}
