/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/restart.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/state/announce.h"

#define SELF      "state"
#define LEAVE_NS  NS_PER_S
#define NAME_SAFE (4 * WORKER_NAME_SIZE)

/* ------------------------------------------------------------------ who there is */

static struct ipc_peer *find(const struct state *state, const char *name)
{
	const struct worker *worker = state_find_worker(state, name);
	const struct transport *transport = state_find_transport(state, name);
	const struct announcer *announcer = announce_find(state, name);

	if (announcer)
		return announcer->peer;
	if (worker && worker->peer)
		return worker->peer;
	return transport ? transport->peer : NULL;
}

static void add(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, RESTART_REASON_BYTES - length, format, arguments);
	va_end(arguments);
}

static bool refuse_unknown(const struct state *state, const char *name, char *ret_reason)
{
	char safe[NAME_SAFE];

	ret_reason[0] = '\0';
	add(ret_reason,
	    "'%s' is no process that is there now; there are: " SELF,
	    log_safe(safe, sizeof(safe), name, strlen(name)));
	list_for_each (at, (struct list *)&state->workers) {
		const struct worker *worker = container_of(at, struct worker, link);

		if (worker->peer)
			add(ret_reason, ", %s", worker->name);
	}
	list_for_each (at, (struct list *)&state->transports) {
		const struct transport *transport = container_of(at, struct transport, link);

		if (transport->peer)
			add(ret_reason, ", %s", transport->name);
	}
	list_for_each (at, (struct list *)&state->announcers)
		add(ret_reason, ", %s", container_of(at, struct announcer, link)->peer->name);
	return false;
}

static bool refuse_without_keeper(const char *name, char *ret_reason)
{
	ret_reason[0] = '\0';
	add(ret_reason,
	    "%s has no supervisor (NOTIFY_SOCKET is not set), so nobody would start it again: "
	    "it is left alone; stop and start it by hand",
	    name);
	return false;
}

/* ------------------------------------------------------------------ ourselves */

static void leave(struct state *state)
{
	loop_timer_clear(&state->leave);
	state->leave_after = NULL;
	service_leave(state->service, "nvmetctl");
}

static void waited_long_enough(struct loop_timer *timer)
{
	leave(container_of(timer, struct state, leave));
}

void restart_forget(struct state *state, const struct ipc_peer *peer)
{
	if (state->leave_after == peer)
		leave(state);
}

/* What is sent now is lost if we end now. */
static bool restart_self(struct state *state, struct ipc_peer *asker, char *ret_reason)
{
	if (!state->service || !service_has_keeper(state->service))
		return refuse_without_keeper(SELF, ret_reason);
	state->leave.expired = waited_long_enough;
	if (loop_timer_set(state->loop, &state->leave, clock_now_ns() + LEAVE_NS)) {
		snprintf(ret_reason, RESTART_REASON_BYTES, "there is not enough memory");
		return false;
	}
	state->leave_after = asker;
	return true;
}

/* ------------------------------------------------------------------ all */

bool restart_process(struct state *state, struct ipc_peer *asker, const char *name,
                     char ret_reason[RESTART_REASON_BYTES])
{
	Nvmetd__Leave body = NVMETD__LEAVE__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;
	struct ipc_peer *peer;

	if (strcmp(name, SELF) == 0)
		return restart_self(state, asker, ret_reason);
	peer = find(state, name);
	if (!peer)
		return refuse_unknown(state, name, ret_reason);
	if (!peer->has_keeper)
		return refuse_without_keeper(peer->name, ret_reason);
	log_info("%s: is to leave to a successor, as nvmetctl wants it", peer->name);
	message.body_case = NVMETD__ENVELOPE__BODY_LEAVE;
	message.leave = &body;
	ipc_server_send(peer, 0, &message);
	return true;
}
