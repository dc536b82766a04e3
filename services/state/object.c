/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/object.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hint.h"

/* ------------------------------------------------------------------ names */

const char *object_name(const struct shape *list, const json_t *element,
                        char buffer[static OBJECT_NUMBER_SIZE])
{
	const struct shape *name = shape_name(list);
	const json_t *value = name ? json_object_get(element, name->key) : element;

	if (json_is_integer(value)) {
		snprintf(buffer,
		         OBJECT_NUMBER_SIZE,
		         "%" JSON_INTEGER_FORMAT,
		         json_integer_value(value));
		return buffer;
	}
	return json_is_string(value) ? json_string_value(value) : "?";
}

static bool is_number(const char *text, long long *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoll(text, &end, 0);
	return errno == 0 && end != text && *end == '\0';
}

bool object_number(const struct shape *list, const json_t *element, long long *ret_number)
{
	const struct shape *name = shape_name(list);
	const json_t *value = name ? json_object_get(element, name->key) : element;

	if (json_is_integer(value)) {
		*ret_number = json_integer_value(value);
		return true;
	}
	return json_is_string(value) && is_number(json_string_value(value), ret_number);
}

/* What an object is to be called. There may be very many of them, so it is read once for all. */
struct wanted {
	const char *text;
	long long number;
	bool is_number;
};

static bool is_called(const struct shape *list, const json_t *element, const struct wanted *wanted)
{
	const struct shape *name = shape_name(list);
	char buffer[OBJECT_NUMBER_SIZE];
	long long number;

	if (!name || name->kind != SHAPE_NUMBER)
		return strcmp(object_name(list, element, buffer), wanted->text) == 0;
	return wanted->is_number && object_number(list, element, &number) &&
	       number == wanted->number;
}

/* ------------------------------------------------------------------ finding */

/* ret_group: what it is in; NULL: nothing but the object. */
static const struct shape *find_list(const struct shape *shape, const char *key,
                                     const char **ret_group)
{
	const struct shape *list = shape_member(shape, key);

	*ret_group = NULL;
	if (list && shape_is_open(list))
		return list;
	for (const struct shape *at = shape->members; at; at = at->next) {
		list = at->kind == SHAPE_GROUP ? shape_member(at, key) : NULL;
		*ret_group = at->key;
		if (list && shape_is_open(list))
			return list;
	}
	return NULL;
}

static bool enter_list(struct object *at, const char *key)
{
	const char *group;
	const struct shape *list = find_list(at->shape, key, &group);
	const json_t *holder = group ? json_object_get(at->json, group) : at->json;

	if (!list)
		return false;
	*at = (struct object){
		.json = json_object_get(holder, key),
		.shape = list,
		.around = at->json,
		.group = group,
		.depth = at->depth + 1,
	};
	at->list = at->json;
	return true;
}

/* False: it has none of that name, but might. */
static bool enter_element(struct object *at, const char *name)
{
	struct wanted wanted = {.text = name};
	json_t *list = at->list, *element;
	size_t index;

	wanted.is_number = is_number(name, &wanted.number);
	at->is_element = true;
	at->json = NULL;
	json_array_foreach(list, index, element)
	{
		if (!is_called(at->shape, element, &wanted))
			continue;
		at->json = element;
		at->index = index;
		at->depth++;
		return true;
	}
	return false;
}

int object_find(const struct object_tree *tree, char *const *path, size_t n_path,
                struct object *ret_object)
{
	*ret_object = (struct object){.json = tree->root, .shape = tree->shape};
	for (size_t i = 0; i < n_path; i++) {
		if (i % 2 == 0) {
			if (!enter_list(ret_object, path[i]))
				return OBJECT_E_UNKNOWN;
		} else if (!enter_element(ret_object, path[i])) {
			ret_object->is_last = i + 1 == n_path;
			return OBJECT_E_NONE;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------ what is not there */

static void offer_lists(struct hint *hint, const struct shape *shape)
{
	for (const struct shape *at = shape->members; at; at = at->next)
		if (at->kind == SHAPE_LIST && shape_is_open(at))
			hint_offer(hint, at->key);
		else if (at->kind == SHAPE_GROUP)
			offer_lists(hint, at);
}

/* A number is listed, but not compared: none is like another. */
static void offer_elements(struct hint *hint, const struct object *at,
                           char numbers[static HINT_LISTED][OBJECT_NUMBER_SIZE])
{
	char dropped[OBJECT_NUMBER_SIZE];
	json_t *element;
	size_t index;

	json_array_foreach(at->list, index, element)
	{
		char *number = index < HINT_LISTED ? numbers[index] : dropped;
		const char *name = object_name(at->shape, element, number);

		if (name == dropped)
			hint->count++;
		else
			hint_offer(hint, name);
	}
}

const char *object_missing_words(char buffer[static OBJECT_MISSING_SIZE], int error,
                                 const struct object *at, char *const *path)
{
	const struct shape *name = shape_name(at->shape);
	char numbers[HINT_LISTED][OBJECT_NUMBER_SIZE], words[HINT_SIZE];
	const char *wanted = path[at->depth];
	struct hint hint;

	if (error == OBJECT_E_UNKNOWN) {
		hint_begin(&hint, wanted);
		offer_lists(&hint, at->shape);
	} else {
		hint_begin(&hint, name && name->kind == SHAPE_NUMBER ? "" : wanted);
		offer_elements(&hint, at, numbers);
	}
	snprintf(buffer,
	         OBJECT_MISSING_SIZE,
	         "%s%s",
	         error == OBJECT_E_UNKNOWN ? "is not known" : "there is no such object",
	         hint.count == 0 && error == OBJECT_E_NONE
	                 ? ", nor any other: it must be created first"
	                 : hint_words(&hint, words));
	return buffer;
}

/* ------------------------------------------------------------------ words */

static void add(char *buffer, size_t size, const char *before, const char *word)
{
	size_t used = strlen(buffer);

	snprintf(buffer + used, size - used, "%s%s", before, word);
}

static void add_component(char *buffer, size_t size, const char *name)
{
	size_t used = strlen(buffer);

	if (used + 1 < size)
		buffer[used++] = '/';
	for (; *name && used + 2 < size; name++) {
		if (*name == '/' || *name == '\\')
			buffer[used++] = '\\';
		buffer[used++] = *name;
	}
	buffer[used < size ? used : size - 1] = '\0';
}

const char *object_path_words(char *buffer, size_t size, char *const *path, size_t n_path)
{
	snprintf(buffer, size, "%s", n_path == 0 ? "/" : "");
	for (size_t i = 0; i < n_path; i++)
		add_component(buffer, size, path[i]);
	return buffer;
}

/* Where a chain of places has come to. */
struct walk {
	const json_t *json;
	const struct shape *shape; /* NULL: no reader knows it */
	const char *group;         /* which is not said yet: it may have a list */
	bool in_attribute;
};

static void say_attribute(struct walk *walk, char *buffer, size_t size, const char *key)
{
	if (!walk->in_attribute && buffer[0] == '\0')
		add(buffer, size, "/", "");
	add(buffer, size, walk->in_attribute ? " " : ": ", key);
	walk->in_attribute = true;
}

static void say_group(struct walk *walk, char *buffer, size_t size)
{
	if (walk->group)
		say_attribute(walk, buffer, size, walk->group);
	walk->group = NULL;
}

static void step(struct walk *walk, char *buffer, size_t size, const struct json_place *place)
{
	char number[OBJECT_NUMBER_SIZE];

	if (!place->key) {
		walk->json = json_array_get(walk->json, place->index);
		add_component(buffer,
		              size,
		              walk->shape ? object_name(walk->shape, walk->json, number) : "?");
		return;
	}
	walk->json = json_object_get(walk->json, place->key);
	walk->shape = walk->shape ? shape_member(walk->shape, place->key) : NULL;
	if (walk->shape && walk->shape->kind == SHAPE_LIST) {
		walk->group = NULL;
		add_component(buffer, size, place->key);
		return;
	}
	say_group(walk, buffer, size);
	if (walk->shape && walk->shape->kind == SHAPE_GROUP)
		walk->group = place->key;
	else
		say_attribute(walk, buffer, size, place->key);
}

static void walk_to(struct walk *walk, char *buffer, size_t size, const struct json_place *place)
{
	if (!place)
		return;
	walk_to(walk, buffer, size, place->up);
	step(walk, buffer, size, place);
}

const char *object_place_words(char *buffer, size_t size, const struct object_tree *tree,
                               const struct json_place *place)
{
	struct walk walk = {.json = tree->root, .shape = tree->shape};

	snprintf(buffer, size, "%s", place ? "" : "/");
	walk_to(&walk, buffer, size, place);
	say_group(&walk, buffer, size);
	return buffer;
}
