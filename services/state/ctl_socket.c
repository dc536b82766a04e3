/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/sockets.h"

#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/state/apply.h"
#include "services/state/edit.h"
#include "services/state/fault.h"
#include "services/state/hold.h"
#include "services/state/look.h"
#include "services/state/reconcile.h"
#include "services/state/restart.h"
#include "services/state/status.h"

/*
 * What nvmetctl asks for. A change is in the database before it is answered; one that is refused
 * names the file, the line, the place and the reason, or the object and the attribute, and nothing
 * has changed.
 */

/* What an envelope needs beside the text of a configuration. */
#define SAVE_ROOM 1024

static void answer(struct ipc_peer *peer, uint64_t request_id, Nvmetd__CtlReply *reply)
{
	envelope message = NVMETD__ENVELOPE__INIT;

	message.body_case = NVMETD__ENVELOPE__BODY_CTL_REPLY;
	message.ctl_reply = reply;
	ipc_server_send(peer, request_id, &message);
}

/* The lines, and one that says how many more there are. Returns how many. */
static size_t put_lines(char **ret_lines, char *more, size_t more_size,
                        const struct report_lines *lines)
{
	size_t count = 0;

	for (unsigned i = 0; i < report_kept(lines); i++)
		if (lines->line[i])
			ret_lines[count++] = lines->line[i];
	if (lines->count > count) {
		snprintf(more, more_size, "and %zu more", lines->count - count);
		ret_lines[count++] = more;
	}
	return count;
}

static void answer_line(struct ipc_peer *peer, uint64_t request_id, Nvmetd__CtlReply *reply,
                        const char *line)
{
	char *lines[] = {(char *)line};

	reply->messages = lines;
	reply->n_messages = 1;
	answer(peer, request_id, reply);
}

static void answer_failure(const struct state *state, struct ipc_peer *peer, uint64_t request_id,
                           int r)
{
	const char *trouble = database_health(state->database).trouble;
	Nvmetd__CtlReply reply = NVMETD__CTL_REPLY__INIT;
	char words[DATABASE_WORDS_SIZE + 32];

	snprintf(words,
	         sizeof(words),
	         "nothing is changed: %s",
	         trouble[0] ? trouble : error_words(r));
	answer_line(peer, request_id, &reply, words);
}

/* A change was made, but. NULL: it was made, and that is all. */
static char *find_but(const struct state *state)
{
	const char *trouble = database_health(state->database).copy_trouble;

	return trouble[0] ? (char *)trouble : NULL;
}

static void on_restore(void *context, struct ipc_peer *peer, const envelope *message)
{
	const struct state *state = context;
	_cleanup_(report_deinit) struct report report = {
		.file = message->ctl_restore->file,
		.text = message->ctl_restore->text,
	};
	Nvmetd__CtlReply reply = NVMETD__CTL_REPLY__INIT;
	char *lines[REPORT_LINES + 2], more[64], *but;
	int r = apply_text(context, message->ctl_restore->text, &report, &reply.revision);

	if (r < 0) {
		answer_failure(state, peer, message->request_id, r);
		return;
	}
	reply.good = r == 0;
	reply.messages = lines;
	reply.n_messages = put_lines(
		lines, more, sizeof(more), reply.good ? &report.warnings : &report.errors);
	but = reply.good ? find_but(state) : NULL;
	if (but)
		lines[reply.n_messages++] = but;
	answer(peer, message->request_id, &reply);
}

static void answer_edit(const struct state *state, struct ipc_peer *peer, const envelope *message,
                        const struct report *report, const struct edit_result *result)
{
	Nvmetd__CtlReply reply = NVMETD__CTL_REPLY__INIT;
	char *lines[REPORT_LINES + 2], more[64];

	reply.good = report_is_good(report);
	reply.messages = lines;
	reply.n_messages = put_lines(
		lines, more, sizeof(more), reply.good ? &report->warnings : &report->errors);
	if (reply.good && !message->ctl_edit->check_only && find_but(state))
		lines[reply.n_messages++] = find_but(state);
	reply.revision = result->revision;
	reply.operation = result->operation;
	if (reply.good) {
		reply.created = result->created;
		reply.n_created = result->n_created;
	}
	answer(peer, message->request_id, &reply);
}

static void on_edit(void *context, struct ipc_peer *peer, const envelope *message)
{
	_cleanup_(report_deinit) struct report report = {0};
	_cleanup_(edit_result_deinit) struct edit_result result = {0};
	int r = edit_apply(context, message->ctl_edit, &report, &result);

	if (r < 0)
		answer_failure(context, peer, message->request_id, r);
	else
		answer_edit(context, peer, message, &report, &result);
}

static void on_look(void *context, struct ipc_peer *peer, const envelope *message)
{
	const struct state *state = context;
	envelope reply = NVMETD__ENVELOPE__INIT;
	_cleanup_(look_deinit) struct look look;

	if (look_at(&look, &state->target.config, message->ctl_look) != 0) {
		ipc_server_refuse(peer, message->request_id, "there is not enough memory");
		return;
	}
	reply.body_case = NVMETD__ENVELOPE__BODY_CTL_LOOK_REPLY;
	reply.ctl_look_reply = &look.reply;
	if (nvmetd__envelope__get_packed_size(&reply) > ENVELOPE_MAX - SAVE_ROOM)
		ipc_server_refuse(
			peer, message->request_id, "what is there is too large for one message");
	else
		ipc_server_send(peer, message->request_id, &reply);
}

static void on_clear(void *context, struct ipc_peer *peer, const envelope *message)
{
	const struct state *state = context;
	Nvmetd__CtlReply reply = NVMETD__CTL_REPLY__INIT;
	int r = apply_clear(context, &reply.revision);

	if (r < 0) {
		answer_failure(state, peer, message->request_id, r);
		return;
	}
	reply.good = true;
	if (find_but(state))
		answer_line(peer, message->request_id, &reply, find_but(state));
	else
		answer(peer, message->request_id, &reply);
}

static void on_acknowledge(void *context, struct ipc_peer *peer, const envelope *message)
{
	struct state *state = context;
	Nvmetd__CtlReply reply = NVMETD__CTL_REPLY__INIT;
	int r = database_acknowledge(state->database);

	if (r < 0) {
		answer_failure(state, peer, message->request_id, r);
		return;
	}
	if (state->held) {
		hold_end(state);
		reconcile(state);
	}
	state_copy_soon(state);
	reply.good = true;
	answer(peer, message->request_id, &reply);
}

static void on_save(void *context, struct ipc_peer *peer, const envelope *message)
{
	const struct state *state = context;
	_cleanup_(cleanup_free) char *text = config_text(&state->target.config);
	Nvmetd__CtlReply reply = NVMETD__CTL_REPLY__INIT;

	if (!text || strlen(text) > ENVELOPE_MAX - SAVE_ROOM) {
		ipc_server_refuse(peer,
		                  message->request_id,
		                  text ? "the configuration is too large for one message"
		                       : "there is not enough memory for the configuration");
		return;
	}
	reply.good = true;
	reply.text = text;
	reply.revision = state->target.revision;
	answer(peer, message->request_id, &reply);
}

static void on_restart(void *context, struct ipc_peer *peer, const envelope *message)
{
	Nvmetd__CtlReply reply = NVMETD__CTL_REPLY__INIT;
	char reason[RESTART_REASON_BYTES], *line = reason;

	reply.good = restart_process(context, peer, message->ctl_restart->name, reason);
	if (!reply.good) {
		reply.messages = &line;
		reply.n_messages = 1;
	}
	answer(peer, message->request_id, &reply);
}

static void on_status(void *context, struct ipc_peer *peer, const envelope *message)
{
	status_ask(context, peer, message->request_id);
}

static void on_fault(void *context, struct ipc_peer *peer, const envelope *message)
{
	fault_ask(context, peer, message);
}

static void gone(void *context, struct ipc_peer *peer, const char *reason)
{
	(void)reason;
	status_forget(context, peer);
	restart_forget(context, peer);
	fault_forget(context, peer);
}

static const struct ipc_rule rules[] = {
	{NVMETD__ENVELOPE__BODY_CTL_RESTORE,     IPC_ANY_TIME, on_restore    },
	{NVMETD__ENVELOPE__BODY_CTL_CLEAR,       IPC_ANY_TIME, on_clear      },
	{NVMETD__ENVELOPE__BODY_CTL_SAVE,        IPC_ANY_TIME, on_save       },
	{NVMETD__ENVELOPE__BODY_CTL_STATUS,      IPC_ANY_TIME, on_status     },
	{NVMETD__ENVELOPE__BODY_CTL_RESTART,     IPC_ANY_TIME, on_restart    },
	{NVMETD__ENVELOPE__BODY_CTL_ACKNOWLEDGE, IPC_ANY_TIME, on_acknowledge},
	{NVMETD__ENVELOPE__BODY_CTL_FAULT,       IPC_ANY_TIME, on_fault      },
	{NVMETD__ENVELOPE__BODY_CTL_EDIT,        IPC_ANY_TIME, on_edit       },
	{NVMETD__ENVELOPE__BODY_CTL_LOOK,        IPC_ANY_TIME, on_look       },
};

const struct ipc_role ctl_role = {
	.name = "ctl",
	.mode = 0600,
	.needs_hello = false,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.gone = gone,
};
