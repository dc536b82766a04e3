/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "services/ctl/ctl.h"
#include "services/ctl/file.h"
#include "services/ctl/settle.h"

static enum ctl_exit send_text(const struct ctl *ctl, const char *path, char *text)
{
	Nvmetd__CtlRestore body = NVMETD__CTL_RESTORE__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit r;

	body.file = strcmp(path, "-") == 0 ? (char *)"<stdin>" : (char *)path;
	body.text = text;
	question.body_case = NVMETD__ENVELOPE__BODY_CTL_RESTORE;
	question.ctl_restore = &body;
	r = ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_REPLY, &answer);
	if (r != CTL_GOOD)
		return r;
	/* As a compiler says it: "file:line: what" */
	r = ctl_say_reply(answer->ctl_reply, answer->ctl_reply->good ? "warning: " : "");
	if (r != CTL_GOOD)
		fprintf(stderr, "nvmetctl: '%s' is not restored, and nothing is changed\n", path);
	return r;
}

enum ctl_exit ctl_restore(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(cleanup_free) char *text = NULL;
	const char *path = argv[0];
	enum ctl_exit exit_code;
	int r;

	(void)argc;
	r = file_read(&text, path);
	if (r != 0) {
		fprintf(stderr, "%s: cannot be read: %s\n", path, file_words(r));
		return CTL_FAILED;
	}
	exit_code = send_text(ctl, path, text);
	if (exit_code == CTL_GOOD)
		settle(ctl, NULL); /* for whoever goes on as soon as the command returns */
	return exit_code;
}
