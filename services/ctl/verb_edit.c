/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/ctl/need.h"
#include "services/ctl/session.h"

/* The commands that change something. */

static enum ctl_exit refuse_usage(struct session *session, const char *name)
{
	const struct verb *verb = verb_find(name);

	return session_refuse(session, CTL_USAGE, "usage: %s %s", name, verb->arguments);
}

/* ------------------------------------------------------------------ sending */

static enum ctl_exit send(struct session *session, const struct edits *edits)
{
	const struct edits_options options = {
		.file = session->file,
		.prefix = session_prefix(session),
		.check_only = session->check_only,
	};

	return edits_send(edits, session->ctl, &options);
}

/* To the transaction, or at once. Takes what the edits have. */
static enum ctl_exit finish(struct session *session, struct edits *edits)
{
	enum ctl_exit r = session->in_transaction ? CTL_GOOD : send(session, edits);

	if (!session->in_transaction)
		edits_deinit(edits);
	return r;
}

/* Where a command's operations go. */
static struct edits *target_of(struct session *session, struct edits *alone)
{
	*alone = (struct edits){0};
	return session->in_transaction ? &session->pending : alone;
}

/* ------------------------------------------------------------------ create, delete */

/* In a list a name, as it is; in an object the way on. */
static void enter_name(struct path *path, const char *word)
{
	if (path->count % 2 == 1)
		path_add(path, word);
	else
		path_enter(path, word);
}

VERB(create)
{
	struct edits alone, *edits = target_of(session, &alone);

	if (n_words > 1)
		return refuse_usage(session, "create");
	if (n_words == 1)
		enter_name(path, words[0]);
	edits_add(edits, NVMETD__CTL_VERB__CTL_CREATE, path, session->line);
	return finish(session, edits);
}

VERB(delete)
{
	struct edits alone, *edits = target_of(session, &alone);

	if (n_words > 1 || (n_words == 0 && !has_path))
		return refuse_usage(session, "delete");
	if (n_words == 1)
		enter_name(path, words[0]);
	edits_add(edits, NVMETD__CTL_VERB__CTL_DELETE, path, session->line);
	return finish(session, edits);
}

/* A port has subsystems, all else has hosts that are allowed. */
static enum ctl_exit change_link(struct session *session, struct path *path, bool has_path,
                                 char **words, size_t n_words, Nvmetd__CtlVerb verb,
                                 const char *name)
{
	struct edits alone, *edits = target_of(session, &alone);

	if (!has_path && n_words == 2) {
		path_enter(path, *words++);
		n_words--;
	}
	if (n_words != 1)
		return refuse_usage(session, name);
	if (path->count % 2 == 0 && path->count > 0)
		path_add(path,
		         path->count == 2 && strcmp(path->component[0], "ports") == 0
		                 ? "subsystems"
		                 : "allowed_hosts");
	path_add(path, words[0]);
	edits_add(edits, verb, path, session->line);
	return finish(session, edits);
}

VERB(link)
{
	return change_link(
		session, path, has_path, words, n_words, NVMETD__CTL_VERB__CTL_CREATE, "link");
}

VERB(unlink)
{
	return change_link(
		session, path, has_path, words, n_words, NVMETD__CTL_VERB__CTL_DELETE, "unlink");
}

/* ------------------------------------------------------------------ set */

/* NULL: all are NAME=VALUE. */
static const char *find_no_pair(char **words, size_t n_words)
{
	for (size_t i = 0; i < n_words; i++)
		if (!strchr(words[i], '=') || words[i][0] == '=')
			return words[i];
	return NULL;
}

VERB(set)
{
	struct edits alone, *edits = target_of(session, &alone);
	const char *group = NULL, *word;
	Nvmetd__CtlOperation *operation;

	if (n_words > 0 && !strchr(words[0], '=')) {
		group = *words++;
		n_words--;
	}
	word = find_no_pair(words, n_words);
	if (word)
		return session_refuse(session,
		                      CTL_USAGE,
		                      "set: '%s' says no value: usage: set %s",
		                      word,
		                      verb_find("set")->arguments);
	if (n_words == 0)
		return session_refuse(session,
		                      CTL_USAGE,
		                      "usage: set %s: `get` shows what there is to be set",
		                      verb_find("set")->arguments);
	operation = edits_add(edits, NVMETD__CTL_VERB__CTL_SET, path, session->line);
	if (group)
		operation->group = need(strdup(group));
	for (size_t i = 0; i < n_words; i++) {
		char *value = strchr(words[i], '=');

		*value++ = '\0';
		edits_set(operation, words[i], value);
	}
	return finish(session, edits);
}

static enum ctl_exit set_one(struct session *session, const struct path *path, const char *group,
                             const char *name, const char *value)
{
	struct edits alone, *edits = target_of(session, &alone);
	Nvmetd__CtlOperation *operation = edits_add(
		edits, NVMETD__CTL_VERB__CTL_SET, path, session->line);

	if (group)
		operation->group = need(strdup(group));
	edits_set(operation, name, value);
	return finish(session, edits);
}

VERB(enable)
{
	return n_words ? refuse_usage(session, "enable")
	               : set_one(session, path, NULL, "enable", "1");
}

VERB(disable)
{
	return n_words ? refuse_usage(session, "disable")
	               : set_one(session, path, NULL, "enable", "0");
}

VERB(grpid)
{
	if (!has_path && n_words == 2) {
		path_enter(path, *words++);
		n_words--;
	}
	return n_words == 1 ? set_one(session, path, "ana", "grpid", words[0])
	                    : refuse_usage(session, "grpid");
}

/* ------------------------------------------------------------------ transactions */

/* They need commands that follow each other, and a batch has no other. */
static enum ctl_exit expect_turn(struct session *session, const char *name, bool is_begun,
                                 bool has_path, size_t n_words)
{
	if (n_words > 0 || has_path)
		return refuse_usage(session, name);
	if (session->is_batch || !(session->file || session->is_interactive))
		return session_refuse(session, CTL_USAGE, "'%s' is for the shell", name);
	if (session->in_transaction == is_begun)
		return CTL_GOOD;
	return session_refuse(session,
	                      CTL_USAGE,
	                      is_begun ? "nothing has begun" : "a transaction has begun already");
}

VERB(begin)
{
	enum ctl_exit r = expect_turn(session, "begin", false, has_path, n_words);

	session->in_transaction |= r == CTL_GOOD;
	return r;
}

enum ctl_exit session_commit(struct session *session)
{
	enum ctl_exit r = send(session, &session->pending);

	if (r != CTL_GOOD)
		fprintf(stderr, "none of %zu changes is made\n", session->pending.count);
	session->in_transaction = false;
	edits_deinit(&session->pending);
	return r;
}

VERB(commit)
{
	enum ctl_exit r = expect_turn(session, "commit", true, has_path, n_words);

	return r == CTL_GOOD ? session_commit(session) : r;
}

VERB(abort)
{
	enum ctl_exit r = expect_turn(session, "abort", true, has_path, n_words);

	if (r != CTL_GOOD)
		return r;
	session->in_transaction = false;
	edits_deinit(&session->pending);
	return CTL_GOOD;
}

VERB(pending)
{
	if (n_words)
		return refuse_usage(session, "pending");
	printf("%zu\n", session->pending.count);
	return CTL_GOOD;
}
