/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/ctl/ctl.h"
#include "services/ctl/file.h"
#include "services/ctl/limits.h"
#include "services/ctl/tree.h"

/* The configuration as nvmetcli's JSON. */
static enum ctl_exit ask_for_text(const struct ctl *ctl, envelope **ret_answer)
{
	Nvmetd__CtlSave body = NVMETD__CTL_SAVE__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	enum ctl_exit r;

	question.body_case = NVMETD__ENVELOPE__BODY_CTL_SAVE;
	question.ctl_save = &body;
	r = ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_REPLY, ret_answer);
	if (r != CTL_GOOD)
		return r;
	r = ctl_say_reply((*ret_answer)->ctl_reply, "nvmetctl: ");
	if (r != CTL_GOOD)
		*ret_answer = envelope_free(*ret_answer);
	return r;
}

static enum ctl_exit finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CTL_GOOD;
	perror("nvmetctl: standard output");
	return CTL_FAILED;
}

enum ctl_exit ctl_save(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit exit_code = ask_for_text(ctl, &answer);
	const char *text;
	int r;

	if (exit_code != CTL_GOOD)
		return exit_code;
	text = answer->ctl_reply->text;
	if (argc == 0 || strcmp(argv[0], "-") == 0) {
		fputs(text, stdout);
		return finish_output();
	}
	r = file_save(argv[0], text);
	if (r == 0)
		return CTL_GOOD;
	fprintf(stderr, "nvmetctl: '%s' is not saved: %s\n", argv[0], file_words(r));
	return CTL_FAILED;
}

static enum ctl_exit print_as(const struct ctl *ctl, bool (*print)(FILE *out, const char *text))
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit exit_code = ask_for_text(ctl, &answer);

	if (exit_code != CTL_GOOD)
		return exit_code;
	if (!print(stdout, answer->ctl_reply->text)) {
		fprintf(stderr, "nvmetctl: what nvmetd gave as its configuration is not JSON\n");
		return CTL_FAILED;
	}
	return finish_output();
}

enum ctl_exit ctl_show(const struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return print_as(ctl, tree_print);
}

enum ctl_exit ctl_limits(const struct ctl *ctl, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return print_as(ctl, limits_print);
}

enum ctl_exit ctl_clear(const struct ctl *ctl, int argc, char **argv)
{
	Nvmetd__CtlClear body = NVMETD__CTL_CLEAR__INIT;
	envelope question = NVMETD__ENVELOPE__INIT;
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit r;

	(void)argc;
	(void)argv;
	question.body_case = NVMETD__ENVELOPE__BODY_CTL_CLEAR;
	question.ctl_clear = &body;
	r = ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_REPLY, &answer);
	return r == CTL_GOOD ? ctl_say_reply(answer->ctl_reply, "nvmetctl: ") : r;
}
