/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "services/ctl/commands.h"
#include "services/ctl/need.h"
#include "services/ctl/node.h"
#include "services/ctl/words.h"

void complete_deinit(struct completion *completion)
{
	for (size_t i = 0; i < completion->count; i++)
		free(completion->candidate[i]);
	free(completion->candidate);
	free(completion->word);
	*completion = (struct completion){0};
}

/* before, name and after together, if that is what the word may become. */
static void offer(struct completion *completion, const char *before, const char *name,
                  const char *after)
{
	char *whole;

	if (asprintf(&whole, "%s%s%s", before, name, after) < 0)
		need(NULL);
	if (strncmp(whole, completion->word, strlen(completion->word)) != 0) {
		free(whole);
		return;
	}
	for (size_t i = 0; i < completion->count; i++)
		if (strcmp(completion->candidate[i], whole) == 0) {
			free(whole);
			return;
		}
	completion->candidate = need(realloc(
		completion->candidate, (completion->count + 1) * sizeof(*completion->candidate)));
	completion->candidate[completion->count++] = whole;
}

/* ------------------------------------------------------------------ paths, names */

static void offer_names(struct completion *completion, const char *before, char *const *names,
                        size_t count, const char *after)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_(cleanup_free) char *name = path_escape(names[i]);

		offer(completion, before, name, after);
	}
}

/* The word is a path, or may become one: completes its last component. */
static void offer_path(struct completion *completion, const struct session *session,
                       bool with_candidates)
{
	_cleanup_(cleanup_free) char *before = need(strdup(completion->word));
	_cleanup_(path_deinit) struct path path = path_copy(&session->here);
	_cleanup_(envelope_freep) envelope *answer = NULL;
	const Nvmetd__CtlLookReply *reply;
	char *slash = before + strlen(before);
	const size_t others = completion->count;

	while (slash > before && !(slash[-1] == '/' && (slash - 1 == before || slash[-2] != '\\')))
		slash--;
	*slash = '\0';
	path_enter(&path, before);
	answer = node_try(session->ctl, &path);
	if (!answer)
		return;
	reply = answer->ctl_look_reply;
	offer_names(
		completion, before, reply->children, reply->n_children, reply->is_list ? "" : "/");
	if (with_candidates)
		offer_names(completion, before, reply->candidates, reply->n_candidates, "");
	completion->is_path = completion->count > others;
}

/* Names below a path that was given: of a list its objects, or what can be linked there. */
static void offer_below(struct completion *completion, const struct session *session,
                        const struct path *path, bool is_new)
{
	_cleanup_(envelope_freep) envelope *answer = node_try(session->ctl, path);
	const Nvmetd__CtlLookReply *reply;

	if (!answer)
		return;
	reply = answer->ctl_look_reply;
	for (size_t i = 0; reply->is_list && is_new && i < reply->n_candidates; i++)
		offer(completion, "", reply->candidates[i], "");
	for (size_t i = 0; reply->is_list && !is_new && i < reply->n_children; i++)
		offer(completion, "", reply->children[i], "");
}

/* ------------------------------------------------------------------ attributes */

static void offer_value(struct completion *completion, const Nvmetd__CtlAttribute *attribute)
{
	_cleanup_(cleanup_free) char *before = NULL;

	if (asprintf(&before, "%s=", attribute->name) < 0)
		need(before = NULL);
	for (size_t i = 0; i < attribute->n_values; i++)
		offer(completion, before, attribute->values[i], "");
	if (attribute->is_number && attribute->least == 0 && attribute->most == 1) {
		offer(completion, before, "0", "");
		offer(completion, before, "1", "");
	}
}

/* group NULL: a group may come, or an attribute that is in none. */
static void offer_attributes(struct completion *completion, const struct session *session,
                             const struct path *path, const char *group, bool with_values)
{
	_cleanup_(envelope_freep) envelope *answer = node_try(session->ctl, path);
	const char *equals = strchr(completion->word, '=');
	const Nvmetd__CtlLookReply *reply;

	if (!answer)
		return;
	reply = answer->ctl_look_reply;
	for (size_t i = 0; i < reply->n_attributes; i++) {
		const Nvmetd__CtlAttribute *attribute = reply->attributes[i];
		const size_t length = strlen(attribute->name);

		if (!group && attribute->group[0] && !equals)
			offer(completion, "", attribute->group, "");
		if (strcmp(attribute->group, group ? group : "") != 0)
			continue;
		if (!equals)
			offer(completion, "", attribute->name, with_values ? "=" : "");
		else if ((size_t)(equals - completion->word) == length &&
		         strncmp(completion->word, attribute->name, length) == 0)
			offer_value(completion, attribute);
	}
}

/* ------------------------------------------------------------------ commands */

static void offer_verbs(struct completion *completion)
{
	for (unsigned i = 0; i < n_verbs; i++)
		offer(completion, "", verbs[i].name, "");
}

static void offer_first(struct completion *completion, const struct session *session)
{
	if (!path_is_one(completion->word)) {
		offer_verbs(completion);
		for (unsigned i = 0; i < n_commands; i++)
			offer(completion, "", commands[i]->name, "");
	}
	if (completion->word[0])
		offer_path(completion, session, false);
}

static bool is_verb(const struct verb *verb, const char *name)
{
	return strcmp(verb->name, name) == 0;
}

/* n_words: of the arguments that are there before the word. */
static void offer_argument(struct completion *completion, const struct session *session,
                           const struct verb *verb, struct path *path, bool has_path, char **words,
                           size_t n_words)
{
	bool is_link = is_verb(verb, "link") || is_verb(verb, "unlink");
	bool may_be_path = !has_path && n_words == 0 &&
	                   (is_link || verb_takes_path(verb, completion->word) ||
	                    (verb->takes == VERB_NAME && path->count % 2 == 0));

	if (may_be_path)
		offer_path(completion, session, is_verb(verb, "create"));
	if (!has_path && n_words > 0 && (is_link || verb_takes_path(verb, words[0]))) {
		path_enter(path, *words++);
		n_words--;
	}
	if (is_link && path->count == 2)
		path_add(path,
		         strcmp(path->component[0], "ports") == 0 ? "subsystems" : "allowed_hosts");
	if (is_link && path->count == 4)
		path_add(path, "allowed_hosts");
	if (verb->takes == VERB_NAME || is_link)
		offer_below(completion,
		            session,
		            path,
		            is_verb(verb, "create") || is_verb(verb, "link"));
	if (verb->takes == VERB_GROUP && !verb_takes_path(verb, completion->word))
		offer_attributes(completion,
		                 session,
		                 path,
		                 n_words > 0 && !strchr(words[0], '=') ? words[0]
		                 : n_words > 0                         ? ""
		                                                       : NULL,
		                 is_verb(verb, "set"));
	if (is_verb(verb, "help"))
		offer_verbs(completion);
}

static void offer_next(struct completion *completion, struct session *session, char **words,
                       size_t n_words)
{
	_cleanup_(path_deinit) struct path path = path_copy(&session->here);
	const struct verb *verb = n_words > 0 ? verb_find(words[0]) : NULL;

	if (n_words == 0) {
		offer_first(completion, session);
	} else if (verb) {
		offer_argument(completion, session, verb, &path, false, words + 1, n_words - 1);
	} else if (n_words == 1) {
		offer_verbs(completion);
	} else if ((verb = verb_find(words[1]))) {
		path_enter(&path, words[0]);
		offer_argument(completion, session, verb, &path, true, words + 2, n_words - 2);
	}
}

void complete(struct completion *ret_completion, struct session *session, const char *line)
{
	_cleanup_(words_deinit) struct words words;
	size_t length = strlen(line), before;
	bool is_new;

	words_split(&words, line);
	is_new = words.is_between;
	before = is_new ? words.count : words.count - 1;
	*ret_completion = (struct completion){
		.begin = is_new ? length : words.begin[before],
		.word = need(strdup(is_new ? "" : words.word[before])),
	};
	offer_next(ret_completion, session, words.word, before);
}

size_t complete_common(const struct completion *completion)
{
	size_t length = completion->count > 0 ? strlen(completion->candidate[0]) : 0;

	for (size_t i = 1; i < completion->count; i++)
		for (size_t j = 0; j < length; j++)
			if (completion->candidate[i][j] != completion->candidate[0][j])
				length = j;
	return length;
}

bool complete_is_whole(const struct completion *completion)
{
	const char *only = completion->count == 1 ? completion->candidate[0] : "";
	size_t length = strlen(only);

	return length > 0 && only[length - 1] != '=' && !completion->is_path;
}
