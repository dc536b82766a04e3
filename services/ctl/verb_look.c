/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "services/ctl/need.h"
#include "services/ctl/node.h"
#include "services/ctl/session.h"

/* The commands that change no object. */

#define CONFIG_FILE "/etc/nvmet/config.json" /* nvmetcli's */

static enum ctl_exit refuse_usage(struct session *session, const char *name)
{
	return session_refuse(session, CTL_USAGE, "usage: %s %s", name, verb_find(name)->arguments);
}

VERB(ls)
{
	int depth = -1;
	char *end;

	if (n_words > 1)
		return refuse_usage(session, "ls");
	if (n_words == 1) {
		long number = strtol(words[0], &end, 10);

		if (end == words[0] || *end || number < 0 || number > 100)
			return refuse_usage(session, "ls");
		depth = (int)number;
	}
	return node_list(session->ctl, path, depth, session->as_json, session_prefix(session));
}

VERB(get)
{
	return node_get(
		session->ctl, path, words, n_words, session->as_json, session_prefix(session));
}

/* In a transaction it may not be there yet. */
VERB(cd)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit r = CTL_GOOD;
	struct path old;

	if (n_words > 0)
		return refuse_usage(session, "cd");
	if (!has_path)
		path_deinit(path);
	if (!session->in_transaction)
		r = node_find(session->ctl, path, false, session_prefix(session), &answer);
	if (r != CTL_GOOD)
		return r;
	old = session->here;
	session->here = path_copy(path);
	path_deinit(&old);
	return CTL_GOOD;
}

VERB(pwd)
{
	char *text, safe[1024];

	if (n_words > 0)
		return refuse_usage(session, "pwd");
	text = path_text(path);
	puts(log_safe(safe, sizeof(safe), text, strlen(text)));
	free(text);
	return CTL_GOOD;
}

VERB(refresh)
{
	return n_words > 0 ? refuse_usage(session, "refresh") : CTL_GOOD;
}

VERB(exit)
{
	if (n_words > 0)
		return refuse_usage(session, "exit");
	session->is_over = true;
	return CTL_GOOD;
}

/* ------------------------------------------------------------------ help */

static void print_verb(const struct verb *verb)
{
	printf("  %-14s %-34s %s\n", verb->name, verb->arguments, verb->summary);
}

void verb_print_help(const struct verb *verb)
{
	printf("Usage: %s %s\n%s.\n", verb->name, verb->arguments, verb->summary);
}

/* What `set` takes here, one group a line. */
static void print_groups(const Nvmetd__CtlLookReply *reply)
{
	const char *group = NULL;

	for (size_t i = 0; i < reply->n_attributes; i++) {
		const Nvmetd__CtlAttribute *attribute = reply->attributes[i];

		if (!group || strcmp(group, attribute->group) != 0) {
			group = attribute->group;
			printf("%s  set%s%s", i ? "\n" : "", group[0] ? " " : "", group);
		}
		printf(" %s=", attribute->name);
	}
	if (reply->n_attributes > 0)
		putchar('\n');
}

static void print_children(const Nvmetd__CtlLookReply *reply)
{
	printf("  cd");
	for (size_t i = 0; i < reply->n_children; i++)
		printf(" %s%s", i ? "| " : "", reply->children[i]);
	putchar('\n');
}

static bool has_attribute(const Nvmetd__CtlLookReply *reply, const char *group, const char *name)
{
	for (size_t i = 0; i < reply->n_attributes; i++)
		if (strcmp(reply->attributes[i]->group, group) == 0 &&
		    strcmp(reply->attributes[i]->name, name) == 0)
			return true;
	return false;
}

/* What can be done at a place. */
static void print_place(const Nvmetd__CtlLookReply *reply)
{
	printf("Here, at %s:\n", reply->path);
	if (reply->is_list)
		printf("  create [NAME]\n  delete NAME\n");
	else if (reply->n_children > 0)
		print_children(reply);
	print_groups(reply);
	if (has_attribute(reply, "", "enable"))
		printf("  enable\n  disable\n");
	if (has_attribute(reply, "ana", "grpid"))
		printf("  grpid N\n");
	putchar('\n');
}

VERB(help)
{
	const struct verb *verb = n_words == 1 ? verb_find(words[0]) : NULL;
	envelope *answer;

	if (n_words > 1 || (n_words == 1 && !verb))
		return session_refuse_command(session, words[0]);
	if (verb) {
		verb_print_help(verb);
		return CTL_GOOD;
	}
	answer = node_try(session->ctl, path);
	if (answer) {
		print_place(answer->ctl_look_reply);
		envelope_free(answer);
	}
	printf("Everywhere:\n");
	for (unsigned i = 0; i < n_verbs; i++)
		print_verb(&verbs[i]);
	printf("\nand the commands of nvmetctl --help.\n");
	return CTL_GOOD;
}

/* ------------------------------------------------------------------ files */

VERB(saveconfig)
{
	char *file[] = {n_words ? words[0] : (char *)CONFIG_FILE};

	return n_words > 1 ? refuse_usage(session, "saveconfig") : ctl_save(session->ctl, 1, file);
}

/* As nvmetcli does, only where there is nothing, or where it was said that it may go. */
static enum ctl_exit expect_nothing(struct session *session)
{
	static const char *const lists[] = {"hosts", "ports", "subsystems"};

	for (unsigned i = 0; i < 3; i++) {
		_cleanup_(envelope_freep) envelope *answer = NULL;
		_cleanup_(path_deinit) struct path list = PATH_ROOT;
		enum ctl_exit r;

		path_add(&list, lists[i]);
		r = node_find(session->ctl, &list, false, session_prefix(session), &answer);
		if (r != CTL_GOOD)
			return r;
		if (answer->ctl_look_reply->n_children > 0)
			return session_refuse(
				session,
				CTL_FAILED,
				"there is a configuration already: say clear_existing as well");
	}
	return CTL_GOOD;
}

VERB(restoreconfig)
{
	char *file[] = {(char *)CONFIG_FILE};
	bool clears = n_words > 0 && strcmp(words[n_words - 1], "clear_existing") == 0;
	enum ctl_exit r;

	n_words -= clears;
	if (n_words > 1)
		return refuse_usage(session, "restoreconfig");
	if (session->in_transaction)
		return session_refuse(session, CTL_USAGE, "is a transaction by itself");
	if (n_words == 1)
		file[0] = words[0];
	r = clears ? CTL_GOOD : expect_nothing(session);
	return r == CTL_GOOD ? ctl_restore(session->ctl, 1, file) : r;
}
