/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/sockets.h"

#include "common/base/log.h"
#include "services/state/announce.h"
#include "services/state/status.h"

/* It has nothing that this process needs: it is only told. */
static void arrived(void *context, struct ipc_peer *peer, const Nvmetd__Hello *hello)
{
	(void)hello;
	peer->user = announce_arrived(context, peer);
	if (!peer->user) {
		log_err("announcer %s: there is not enough memory for it", peer->name);
		ipc_server_start_over(peer, "there was not enough memory for it");
		return;
	}
	announce_update(context);
}

static void gone(void *context, struct ipc_peer *peer, const char *reason)
{
	(void)reason;
	status_forget(context, peer);
	if (peer->user)
		announce_gone(peer->user);
	peer->user = NULL;
}

static void on_status(void *context, struct ipc_peer *peer, const envelope *message)
{
	status_answer(context, peer, message);
}

static const struct ipc_rule rules[] = {
	{NVMETD__ENVELOPE__BODY_ANNOUNCE_STATUS, IPC_AFTER_HELLO, on_status},
};

const struct ipc_role announce_role = {
	.name = "announcer",
	.mode = 0660,
	.needs_hello = true,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.arrived = arrived,
	.gone = gone,
};
