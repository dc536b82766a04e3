/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/ctl/node.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/base/hint.h"
#include "common/base/log.h"
#include "services/ctl/tree.h"

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

enum ctl_exit node_finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CTL_GOOD;
	perror("nvmetctl: standard output");
	return CTL_FAILED;
}

#define TRY_MS 2000u /* a person waits */

/* ------------------------------------------------------------------ asking */

static void ask_for(const struct path *path, bool with_text, Nvmetd__CtlLook *ret_look,
                    envelope *ret_question)
{
	nvmetd__ctl_look__init(ret_look);
	ret_look->path = path->component;
	ret_look->n_path = path->count;
	ret_look->with_text = with_text;
	nvmetd__envelope__init(ret_question);
	ret_question->body_case = NVMETD__ENVELOPE__BODY_CTL_LOOK;
	ret_question->ctl_look = ret_look;
}

enum ctl_exit node_find(const struct ctl *ctl, const struct path *path, bool with_text,
                        const char *prefix, envelope **ret_answer)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	const Nvmetd__CtlLookReply *reply;
	Nvmetd__CtlLook look;
	envelope question;
	char safe[1024];
	enum ctl_exit r;

	ask_for(path, with_text, &look, &question);
	r = ctl_ask(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_LOOK_REPLY, &answer);
	if (r != CTL_GOOD)
		return r;
	reply = answer->ctl_look_reply;
	if (!reply->good) {
		fprintf(stderr,
		        "%s%s: %s\n",
		        prefix,
		        log_safe(safe, sizeof(safe), reply->path, strlen(reply->path)),
		        reply->reason);
		return CTL_FAILED;
	}
	*ret_answer = take(&answer);
	return CTL_GOOD;
}

envelope *node_try(const struct ctl *ctl, const struct path *path)
{
	Nvmetd__CtlLook look;
	envelope question, *answer;

	ask_for(path, false, &look, &question);
	answer = ctl_try(ctl, &question, NVMETD__ENVELOPE__BODY_CTL_LOOK_REPLY, TRY_MS);
	if (answer && !answer->ctl_look_reply->good)
		answer = envelope_free(answer);
	return answer;
}

/* ------------------------------------------------------------------ ls */

enum ctl_exit node_list(const struct ctl *ctl, const struct path *path, int depth, bool as_json,
                        const char *prefix)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	enum ctl_exit r = node_find(ctl, path, true, prefix, &answer);
	const char *name = path->count > 0 ? path->component[path->count - 1] : "/";

	if (r != CTL_GOOD)
		return r;
	if (as_json) {
		puts(answer->ctl_look_reply->text);
	} else if (!tree_print_node(stdout, name, answer->ctl_look_reply->text, depth)) {
		fprintf(stderr, "%swhat nvmetd gave is not JSON\n", prefix);
		return CTL_FAILED;
	}
	return node_finish_output();
}

/* ------------------------------------------------------------------ get */

struct get {
	const Nvmetd__CtlLookReply *reply;
	const char *group;
	char **names;
	size_t n_names;
	bool with_group; /* printed with it */
};

/* name NULL: any. An attribute that has its default may be in no text. */
static bool is_known(const Nvmetd__CtlLookReply *reply, const char *group, const char *name)
{
	for (size_t i = 0; i < reply->n_attributes; i++)
		if (strcmp(reply->attributes[i]->group, group) == 0 &&
		    (!name || strcmp(reply->attributes[i]->name, name) == 0))
			return true;
	return false;
}

static bool is_wanted(const struct get *get, const char *name)
{
	for (size_t i = 0; i < get->n_names; i++)
		if (strcmp(get->names[i], name) == 0)
			return true;
	return get->n_names == 0;
}

static void print_attribute(struct get *get, const char *group, const char *name,
                            const json_t *value)
{
	if (!is_wanted(get, name) || !is_known(get->reply, group, name))
		return;
	if (get->with_group && group[0])
		printf("%s ", group);
	printf("%s=", name);
	tree_print_value(stdout, name, value);
	putchar('\n');
}

static void print_group(struct get *get, const char *group, const json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		if (json_is_object(value)) {
			if (!group[0] && (!get->group || strcmp(get->group, name) == 0))
				print_group(get, name, value);
		} else if (!json_is_array(value) &&
		           (group[0] || !get->group || get->group[0] == '\0')) {
			print_attribute(get, group, name, value);
		}
	}
}

/* The first is a group, or an attribute that is in none; the others are of the group. */
static enum ctl_exit refuse_unknown(const struct get *get, const char *unknown, const char *prefix)
{
	char safe[1024], words[HINT_SIZE], line[1024];
	const char *last = "";
	struct hint hint;

	hint_begin(&hint, unknown);
	for (size_t i = 0; i < get->reply->n_attributes; i++) {
		const Nvmetd__CtlAttribute *attribute = get->reply->attributes[i];
		const bool is_in_it = strcmp(attribute->group, get->group) == 0;

		if (unknown != get->group && is_in_it)
			hint_offer(&hint, attribute->name);
		else if (unknown == get->group && attribute->group[0] == '\0')
			hint_offer(&hint, attribute->name);
		else if (unknown == get->group && strcmp(attribute->group, last) != 0)
			hint_offer(&hint, last = attribute->group);
	}
	snprintf(line,
	         sizeof(line),
	         "%s: %.200s: is not known%s",
	         get->reply->path,
	         unknown,
	         hint_words(&hint, words));
	fprintf(stderr, "%s%s\n", prefix, log_safe(safe, sizeof(safe), line, strlen(line)));
	return CTL_FAILED;
}

static enum ctl_exit check_known(const struct get *get, const char *prefix)
{
	const char *unknown = NULL;

	if (get->group && get->group[0] && !is_known(get->reply, get->group, NULL))
		unknown = get->group;
	for (size_t i = 0; !unknown && get->group && i < get->n_names; i++)
		if (!is_known(get->reply, get->group, get->names[i]))
			unknown = get->names[i];
	if (!unknown)
		return CTL_GOOD;
	return refuse_unknown(get, unknown, prefix);
}

static enum ctl_exit print_json(const json_t *object, const char *group)
{
	const json_t *part = group && group[0] ? json_object_get(object, group) : object;

	if (!part)
		puts("{}");
	else if (json_dumpf(part, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) == 0)
		putchar('\n');
	return node_finish_output();
}

/* The first word is a group, or an attribute that is in none. */
static void take_words(struct get *get, char **words, size_t n_words)
{
	bool is_group;

	if (n_words == 0)
		return;
	is_group = is_known(get->reply, words[0], NULL) || !is_known(get->reply, "", words[0]);
	get->group = is_group ? words[0] : "";
	get->names = words + is_group;
	get->n_names = n_words - is_group;
	get->with_group = false;
}

enum ctl_exit node_get(const struct ctl *ctl, const struct path *path, char **words, size_t n_words,
                       bool as_json, const char *prefix)
{
	_cleanup_(envelope_freep) envelope *answer = NULL;
	_cleanup_(cleanup_json) json_t *object = NULL;
	struct get get = {.with_group = true};
	enum ctl_exit r = node_find(ctl, path, true, prefix, &answer);

	if (r != CTL_GOOD)
		return r;
	get.reply = answer->ctl_look_reply;
	take_words(&get, words, n_words);
	r = check_known(&get, prefix);
	if (r != CTL_GOOD)
		return r;
	object = json_loads(get.reply->text, JSON_DECODE_ANY, NULL);
	if (as_json)
		return print_json(object, get.group);
	if (json_is_object(object))
		print_group(&get, "", object);
	return node_finish_output();
}
