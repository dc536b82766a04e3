/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

void look_deinit(struct look *look)
{
	free(look->reply.children);
	free(look->reply.candidates);
	free(look->reply.attributes);
	free(look->attributes);
	free(look->numbers);
	free(look->text);
	json_decref(look->tree.root);
	shape_free(look->shape);
}

/* ------------------------------------------------------------------ lists */

/* Names of what is in a list; those that are texts are the JSON's own. */
static int name_elements(const struct object *at, char (*numbers)[OBJECT_NUMBER_SIZE],
                         char ***ret_names, size_t *ret_count)
{
	size_t count = json_array_size(at->list), index;
	char **names = calloc(count + 1, sizeof(*names));
	json_t *element;

	if (!names)
		return error_origin(-ENOMEM);
	json_array_foreach(at->list, index, element)
	{
		names[index] = (char *)object_name(at->shape, element, numbers[index]);
	}
	*ret_names = names;
	*ret_count = count;
	return 0;
}

/* A link is to a host or a subsystem: one that is there. */
static int find_candidates(struct look *look, const struct object *at)
{
	const bool is_of_hosts = strcmp(at->shape->key, "allowed_hosts") == 0;
	char *path[] = {(char *)(is_of_hosts ? "hosts" : "subsystems")};
	char number[1][OBJECT_NUMBER_SIZE];
	struct object all;

	if (at->shape->members || (!is_of_hosts && strcmp(at->shape->key, "subsystems") != 0) ||
	    object_find(&look->tree, path, 1, &all) != 0 || !shape_name(all.shape) ||
	    shape_name(all.shape)->kind == SHAPE_NUMBER)
		return 0;
	/* none of them is a number, so that nothing is written there */
	return name_elements(&all, number, &look->reply.candidates, &look->reply.n_candidates);
}

static int look_at_list(struct look *look, const struct object *at)
{
	int r;

	look->reply.is_list = true;
	look->numbers = calloc(json_array_size(at->list) + 1, sizeof(*look->numbers));
	if (!look->numbers)
		return error_origin(-ENOMEM);
	r = name_elements(at, look->numbers, &look->reply.children, &look->reply.n_children);
	return r ? r : find_candidates(look, at);
}

/* ------------------------------------------------------------------ objects */

static unsigned count_members(const struct shape *shape)
{
	unsigned count = 0;

	for (const struct shape *at = shape->members; at; at = at->next)
		count += 1 + (at->kind == SHAPE_GROUP ? count_members(at) : 0);
	return count;
}

static void add_attribute(struct look *look, const char *group, const struct shape *member)
{
	Nvmetd__CtlAttribute *attribute = &look->attributes[look->reply.n_attributes];

	nvmetd__ctl_attribute__init(attribute);
	attribute->group = (char *)group;
	attribute->name = (char *)member->key;
	attribute->is_number = member->kind == SHAPE_NUMBER;
	attribute->least = member->least;
	attribute->most = member->most;
	attribute->values = (char **)member->values;
	attribute->n_values = member->n_values;
	look->reply.attributes[look->reply.n_attributes++] = attribute;
}

/* First what is in no group. */
static void add_members(struct look *look, const char *group, const struct shape *shape)
{
	for (const struct shape *at = shape->members; at; at = at->next) {
		if (at->kind == SHAPE_LIST && shape_is_open(at))
			look->reply.children[look->reply.n_children++] = (char *)at->key;
		else if (at->kind < SHAPE_GROUP && !(at->is_name && group[0] == '\0'))
			add_attribute(look, group, at);
	}
	for (const struct shape *at = shape->members; at; at = at->next)
		if (at->kind == SHAPE_GROUP && group[0] == '\0')
			add_members(look, at->key, at);
}

static int look_at_object(struct look *look, const struct object *at)
{
	unsigned count = count_members(at->shape) + 1;

	look->reply.children = calloc(count, sizeof(*look->reply.children));
	look->reply.attributes = calloc(count, sizeof(*look->reply.attributes));
	look->attributes = calloc(count, sizeof(*look->attributes));
	if (!look->reply.children || !look->reply.attributes || !look->attributes)
		return error_origin(-ENOMEM);
	if (json_is_object(at->json))
		add_members(look, "", at->shape);
	return 0;
}

/* ------------------------------------------------------------------ either */

static int add_text(struct look *look, const struct object *at)
{
	look->text = at->json ? json_dumps(at->json,
	                                   JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII |
	                                           JSON_ENCODE_ANY)
	                      : strdup("[]");
	if (!look->text)
		return error_origin(-ENOMEM);
	look->reply.text = look->text;
	return 0;
}

int look_at(struct look *ret_look, const struct config *config, const Nvmetd__CtlLook *question)
{
	struct object at;
	int r;

	*ret_look = (struct look){.tree.root = config_save(config), .shape = shape_new()};
	nvmetd__ctl_look_reply__init(&ret_look->reply);
	ret_look->tree.shape = ret_look->shape;
	if (!ret_look->tree.root || !ret_look->shape)
		return error_origin(-ENOMEM);
	object_path_words(ret_look->path, sizeof(ret_look->path), question->path, question->n_path);
	ret_look->reply.path = ret_look->path;
	r = object_find(&ret_look->tree, question->path, question->n_path, &at);
	ret_look->reply.good = r == 0;
	if (r) {
		object_missing_words(ret_look->reason, r, &at, question->path);
		ret_look->reply.reason = ret_look->reason;
		object_path_words(
			ret_look->path, sizeof(ret_look->path), question->path, at.depth + 1);
		return 0;
	}
	r = at.shape->kind == SHAPE_LIST && !at.is_element ? look_at_list(ret_look, &at)
	                                                   : look_at_object(ret_look, &at);
	return r || !question->with_text ? r : add_text(ret_look, &at);
}
