/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/ctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/ipc/client.h"

/* Longer than what any message may become when escaped. */
#define LINE_MAX_BYTES 4096

/* What nvmetd quotes of a file it has escaped already; to do so twice makes it hard to read. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

void ctl_say(const char *prefix, const char *text)
{
	char line[LINE_MAX_BYTES];

	if (!is_plain(text))
		text = log_safe(line, sizeof(line), text, strlen(text));
	fprintf(stderr, "%s%s\n", prefix, text);
}

static enum ctl_exit check(envelope *answer, int answer_body)
{
	if ((int)answer->body_case == answer_body)
		return CTL_GOOD;
	if (answer->body_case == NVMETD__ENVELOPE__BODY_REFUSAL)
		ctl_say("nvmetctl: nvmetd refuses: ", answer->refusal->reason);
	else
		ctl_say("nvmetctl: nvmetd answers what was not asked: ",
		        envelope_body_name((int)answer->body_case));
	return CTL_FAILED;
}

static void find_socket(const struct ctl *ctl, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/ctl/ctl.sock", ctl->run_dir);
}

envelope *ctl_try(const struct ctl *ctl, envelope *question, int answer_body, unsigned timeout_ms)
{
	const char *reason;
	envelope *answer;
	char path[4096];

	find_socket(ctl, path, sizeof(path));
	answer = ipc_ask(path, question, timeout_ms, &reason);
	if (answer && (int)answer->body_case != answer_body)
		answer = envelope_free(answer);
	return answer;
}

enum ctl_exit ctl_ask(const struct ctl *ctl, envelope *question, int answer_body,
                      envelope **ret_answer)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	const char *reason = NULL;
	enum ctl_exit r;
	char path[4096];

	find_socket(ctl, path, sizeof(path));
	answer = ipc_ask(path, question, ctl->timeout_ms, &reason);
	if (!answer) {
		fprintf(stderr,
		        "nvmetctl: nvmetd is not reached at '%s': %s\n"
		        "nvmetctl: see that nvmetd runs, that --run-dir is its run directory, and "
		        "that "
		        "you may use it (root may)\n",
		        path,
		        reason);
		return CTL_UNREACHABLE;
	}
	r = check(answer, answer_body);
	if (r == CTL_GOOD)
		*ret_answer = take(&answer);
	return r;
}

enum ctl_exit ctl_say_reply(const Nvmetd__CtlReply *reply, const char *prefix)
{
	for (size_t i = 0; i < reply->n_messages; i++)
		ctl_say(prefix, reply->messages[i]);
	if (reply->good)
		return CTL_GOOD;
	if (reply->n_messages == 0)
		ctl_say(prefix, "nvmetd did not do it, and gave no reason");
	return CTL_FAILED;
}
