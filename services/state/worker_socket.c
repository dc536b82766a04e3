/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/sockets.h"

#include "common/base/log.h"
#include "services/state/fault.h"
#include "services/state/hold.h"
#include "services/state/reconcile.h"
#include "services/state/status.h"
#include "services/state/tally.h"

static void arrived(void *context, struct ipc_peer *peer, const Nvmetd__Hello *hello)
{
	struct state *state = context;
	struct worker *worker = state_add_worker(state, peer->name);

	if (!worker) {
		log_err("worker %s: there is not enough memory for it", peer->name);
		ipc_server_start_over(peer, "there was not enough memory for it");
		return;
	}
	hold_consider(state, peer->name, hello->revision);
	state_has_seen(state, hello->revision);
	peer->user = worker;
	worker->peer = peer;
	worker->reported = false;
	worker->view_revision = 0;
	free(worker->view.bytes);
	worker->view = (struct last_message){0};
	reconcile(state);
}

/* Its namespaces stay as they are: transports see for themselves that their links are gone, and
 * keep what was in flight for its successor. */
static void gone(void *context, struct ipc_peer *peer, const char *reason)
{
	struct worker *worker = peer->user;

	(void)reason;
	status_forget(context, peer);
	tally_forget(context, peer);
	fault_forget(context, peer);
	if (worker && worker->peer == peer)
		worker->peer = NULL;
}

static void on_report(void *context, struct ipc_peer *peer, const envelope *message)
{
	const struct state *state = context;

	/* What its numbers mean now is not known while it is held. */
	if (peer->user && !state->held)
		reconcile_report(context, peer->user, message->worker_report);
}

static void on_status(void *context, struct ipc_peer *peer, const envelope *message)
{
	if (!tally_answer(context, peer, message))
		status_answer(context, peer, message);
}

static void on_fault(void *context, struct ipc_peer *peer, const envelope *message)
{
	fault_answer(context, peer, message);
}

static const struct ipc_rule rules[] = {
	{NVMETD__ENVELOPE__BODY_WORKER_REPORT, IPC_AFTER_HELLO, on_report},
	{NVMETD__ENVELOPE__BODY_WORKER_STATUS, IPC_AFTER_HELLO, on_status},
	{NVMETD__ENVELOPE__BODY_FAULT_REPLY,   IPC_AFTER_HELLO, on_fault },
};

const struct ipc_role worker_role = {
	.name = "worker",
	.mode = 0660,
	.needs_hello = true,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.arrived = arrived,
	.gone = gone,
};
