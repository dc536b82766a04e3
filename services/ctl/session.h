/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "services/ctl/ctl.h"
#include "services/ctl/edits.h"
#include "services/ctl/path.h"

/*
 * session - commands on the objects of nvmetcli's tree, one after the other.
 *
 * Shape     Where it is in the tree; what waits for `commit`. A command is words: [PATH] VERB
 *           ARGUMENT…, or VERB [PATH] ARGUMENT…
 * Promise   A command that says it failed has changed nothing. What was wrong is on stderr,
 *           with the line of the file, if there is one.
 * Trust     the words are an operator's
 * Threads   one
 * Lifetime  session_init() … session_deinit()
 */
struct session {
	const struct ctl *ctl;
	struct path here;
	struct edits pending;
	bool in_transaction; /* edits wait for commit */
	bool is_interactive; /* a person reads what it says */
	bool is_batch;       /* which is one transaction, without begin and commit */
	bool is_over;        /* exit was said */
	const char *file;    /* NULL: none */
	unsigned line;
	bool check_only; /* --dry-run */
	bool as_json;    /* --json */
	bool wants_help; /* --help */
	/* A word that is none of these commands: one of nvmetctl's own? NULL: there are none. */
	enum ctl_exit (*run_other)(const struct ctl *ctl, int argc, char **argv,
	                           bool *ret_is_known);
};

void session_init(struct session *session, const struct ctl *ctl);
void session_deinit(struct session *session);

/* The words are the caller's, and may be moved about. */
enum ctl_exit session_run(struct session *session, char **words, size_t n_words);
enum ctl_exit session_run_line(struct session *session, const char *line);

/* What has been collected is done, or refused. */
enum ctl_exit session_commit(struct session *session);

/* "FILE:LINE: ", "nvmetctl: ", or, for a person, nothing. */
const char *session_prefix(struct session *session);
/* Said with it. */
/* It is no command: asks for one that is like it. */
enum ctl_exit session_refuse_command(struct session *session, const char *word);
enum ctl_exit session_refuse(struct session *session, enum ctl_exit code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * verb - what the session's commands are.
 */
enum verb_takes {
	VERB_NOTHING, /* its arguments are what they are */
	VERB_PATH,    /* may begin with a path, from where it is */
	VERB_NAME,    /* may begin with a path, or a name below where it is */
	VERB_GROUP,   /* may begin with a path that has a "/" */
};

struct verb {
	const char *name;
	const char *arguments;
	const char *summary;
	enum verb_takes takes;
	/* path: that it is for; where no path was given, where the session is. has_path: it was. */
	enum ctl_exit (*run)(struct session *session, struct path *path, bool has_path,
	                     char **words, size_t n_words);
};

extern const struct verb verbs[];
extern const unsigned n_verbs;
/* NULL: none. */
const struct verb *verb_find(const char *name);
/* It makes sense only where another command follows; those are the last. */
bool verb_is_of_session(const struct verb *verb);
/* The first word after it is a path. */
bool verb_takes_path(const struct verb *verb, const char *word);
void verb_print_help(const struct verb *verb);

/* Those that change something (verb_edit.c), and those that do not (verb_look.c). */
#define UNUSED __attribute__((unused))
#define VERB(name_)                                                                                \
	enum ctl_exit verb_##name_(struct session *session UNUSED,                                 \
	                           struct path *path UNUSED,                                       \
	                           bool has_path UNUSED,                                           \
	                           char **words UNUSED,                                            \
	                           size_t n_words UNUSED)
VERB(create);
VERB(delete);
VERB(set);
VERB(enable);
VERB(disable);
VERB(grpid);
VERB(link);
VERB(unlink);
VERB(begin);
VERB(commit);
VERB(abort);
VERB(pending);
VERB(ls);
VERB(get);
VERB(cd);
VERB(pwd);
VERB(refresh);
VERB(help);
VERB(exit);
VERB(saveconfig);
VERB(restoreconfig);
