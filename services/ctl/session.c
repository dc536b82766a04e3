/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hint.h"
#include "services/ctl/commands.h"
#include "services/ctl/need.h"
#include "services/ctl/words.h"

#define ENTRY(name_, takes_, arguments_, summary_)                                                 \
	{                                                                                          \
		.name = #name_, .arguments = (arguments_), .summary = (summary_),                  \
		.takes = (takes_), .run = verb_##name_                                             \
	}

const struct verb verbs[] = {
	ENTRY(ls, VERB_PATH, "[PATH] [DEPTH] [--json]", "show what is there, as a tree"),
	ENTRY(get, VERB_GROUP, "[PATH] [GROUP] [NAME...] [--json]", "print attributes"),
	ENTRY(set, VERB_GROUP, "[PATH] [GROUP] NAME=VALUE...", "change attributes"),
	ENTRY(create, VERB_NAME, "[PATH] [NAME]", "make an object"),
	ENTRY(delete, VERB_NAME, "[PATH] [NAME]", "take an object away"),
	ENTRY(link, VERB_NOTHING, "[PATH] NQN", "export a subsystem, allow a host"),
	ENTRY(unlink, VERB_NOTHING, "[PATH] NQN", "end that"),
	ENTRY(enable, VERB_PATH, "[PATH]", "set enable=1"),
	ENTRY(disable, VERB_PATH, "[PATH]", "set enable=0"),
	ENTRY(grpid, VERB_NOTHING, "[PATH] N", "give it another ANA group"),
	ENTRY(saveconfig, VERB_NOTHING, "[FILE]", "save the configuration"),
	ENTRY(restoreconfig, VERB_NOTHING, "[FILE] [clear_existing]", "restore one"),
	ENTRY(begin, VERB_NOTHING, "", "collect changes"),
	ENTRY(commit, VERB_NOTHING, "", "make them, all or none"),
	ENTRY(abort, VERB_NOTHING, "", "forget them"),
	ENTRY(pending, VERB_NOTHING, "", "say how many there are"),
	ENTRY(cd, VERB_PATH, "[PATH]", "go there"),
	ENTRY(pwd, VERB_NOTHING, "", "say where this is"),
	ENTRY(refresh, VERB_NOTHING, "", "nothing: all is always new"),
	ENTRY(help, VERB_NOTHING, "[COMMAND]", "explain"),
	ENTRY(exit, VERB_NOTHING, "", "leave"),
};

const unsigned n_verbs = sizeof(verbs) / sizeof(verbs[0]);

bool verb_is_of_session(const struct verb *verb)
{
	return verb >= verb_find("begin");
}

const struct verb *verb_find(const char *name)
{
	if (strcmp(name, "quit") == 0)
		name = "exit";
	for (unsigned i = 0; i < n_verbs; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* ------------------------------------------------------------------ saying */

const char *session_prefix(struct session *session)
{
	static char prefix[512];

	if (session->is_interactive)
		return "";
	if (!session->file)
		return "nvmetctl: ";
	snprintf(prefix, sizeof(prefix), "%.400s:%u: ", session->file, session->line);
	return prefix;
}

enum ctl_exit session_refuse(struct session *session, enum ctl_exit code, const char *format, ...)
{
	char words[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	ctl_say(session_prefix(session), words);
	return code;
}

enum ctl_exit session_refuse_command(struct session *session, const char *word)
{
	const char *otherwise = session->is_interactive ? ": see help" : ": see nvmetctl --help";
	char words[HINT_SIZE];
	struct hint hint;

	hint_begin(&hint, word);
	for (unsigned i = 0; i < n_verbs; i++)
		hint_offer(&hint, verbs[i].name);
	for (unsigned i = 0; i < n_commands; i++)
		hint_offer(&hint, commands[i]->name);
	return session_refuse(session,
	                      CTL_USAGE,
	                      "'%s' is not a command%s",
	                      word,
	                      hint.nearest ? hint_words(&hint, words) : otherwise);
}

/* ------------------------------------------------------------------ running */

void session_init(struct session *session, const struct ctl *ctl)
{
	*session = (struct session){.ctl = ctl};
}

void session_deinit(struct session *session)
{
	path_deinit(&session->here);
	edits_deinit(&session->pending);
}

/* Takes those that stand anywhere. */
static size_t take_options(struct session *session, char **words, size_t n_words)
{
	size_t kept = 0;

	session->as_json = false;
	session->check_only = false;
	session->wants_help = false;
	for (size_t i = 0; i < n_words; i++) {
		if (strcmp(words[i], "--json") == 0)
			session->as_json = true;
		else if (strcmp(words[i], "--dry-run") == 0)
			session->check_only = true;
		else if (strcmp(words[i], "--help") == 0)
			session->wants_help = true;
		else
			words[kept++] = words[i];
	}
	return kept;
}

bool verb_takes_path(const struct verb *verb, const char *word)
{
	switch (verb->takes) {
	case VERB_PATH:
		return true;
	case VERB_NAME:
		return path_is_one(word);
	case VERB_GROUP: /* no group, no attribute has a "/" in its name */
		return path_is_one(word) || strcspn(word, "/") < strcspn(word, "=");
	case VERB_NOTHING:
		break;
	}
	return false;
}

static enum ctl_exit run_it(struct session *session, const struct verb *verb, struct path *path,
                            bool has_path, char **words, size_t n_words)
{
	if (session->wants_help) {
		verb_print_help(verb);
		return CTL_GOOD;
	}
	for (size_t i = 0; i < n_words; i++)
		if (strncmp(words[i], "--", 2) == 0)
			return session_refuse(session,
			                      CTL_USAGE,
			                      "%s: '%s' is not known: usage: %s %s",
			                      verb->name,
			                      words[i],
			                      verb->name,
			                      verb->arguments);
	return verb->run(session, path, has_path, words, n_words);
}

static enum ctl_exit run_verb(struct session *session, const struct verb *verb, struct path *path,
                              bool has_path, char **words, size_t n_words)
{
	if (!has_path && n_words > 0 && verb_takes_path(verb, words[0])) {
		path_enter(path, words[0]);
		has_path = true;
		words++;
		n_words--;
	}
	return run_it(session, verb, path, has_path, words, n_words);
}

static enum ctl_exit run_at_path(struct session *session, struct path *path, char **words,
                                 size_t n_words)
{
	const struct verb *verb = n_words > 1 ? verb_find(words[1]) : NULL;

	if (n_words > 1 && !verb)
		return session_refuse_command(session, words[1]);
	path_enter(path, words[0]);
	if (!verb)
		verb = verb_find(session->file || session->is_interactive ? "cd" : "ls");
	return run_it(session,
	              verb,
	              path,
	              true,
	              words + (n_words > 1 ? 2 : 1),
	              n_words - (n_words > 1 ? 2 : 1));
}

static enum ctl_exit run_words(struct session *session, struct path *path, char **words,
                               size_t n_words)
{
	const struct verb *verb = verb_find(words[0]);
	bool is_known = false;
	enum ctl_exit r;

	if (verb)
		return run_verb(session, verb, path, false, words + 1, n_words - 1);
	if (path_is_one(words[0]) || (n_words > 1 && verb_find(words[1])))
		return run_at_path(session, path, words, n_words);
	if (session->run_other) {
		r = session->run_other(session->ctl, (int)n_words, words, &is_known);
		if (is_known)
			return r;
	}
	return session_refuse_command(session, words[0]);
}

enum ctl_exit session_run(struct session *session, char **words, size_t n_words)
{
	_cleanup_(path_deinit) struct path path = path_copy(&session->here);
	char **all = words;

	/* those of other commands are their own */
	if (!session->run_other || verb_find(words[0]) || path_is_one(words[0]) ||
	    (n_words > 1 && verb_find(words[1])))
		n_words = take_options(session, all, n_words);
	if (n_words == 0)
		return CTL_GOOD;
	return run_words(session, &path, all, n_words);
}

enum ctl_exit session_run_line(struct session *session, const char *line)
{
	_cleanup_(words_deinit) struct words words;

	words_split(&words, line);
	if (words.is_open)
		return session_refuse(session, CTL_USAGE, "a quote is not closed");
	return words.count > 0 ? session_run(session, words.word, words.count) : CTL_GOOD;
}
