/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uuid.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/hint.h"
#include "services/state/edit.h"

/* One operation, on the configuration's JSON. */

#define PATH_WORDS 300

static const char *path_of(char buffer[static PATH_WORDS], const Nvmetd__CtlOperation *operation,
                           size_t n)
{
	return object_path_words(
		buffer, PATH_WORDS, operation->path, n < operation->n_path ? n : operation->n_path);
}

static int refuse(struct report *report, const Nvmetd__CtlOperation *operation, const char *words)
{
	char path[PATH_WORDS];

	report_error_of(report, path_of(path, operation, operation->n_path), "%s", words);
	return EDIT_E_WRONG;
}

/* The object is where the path says. */
static int find(const struct object_tree *tree, const Nvmetd__CtlOperation *operation,
                struct report *report, struct object *ret_object)
{
	char path[PATH_WORDS], words[OBJECT_MISSING_SIZE];
	int r = object_find(tree, operation->path, operation->n_path, ret_object);

	if (r == 0)
		return 0;
	report_error_of(report,
	                path_of(path, operation, ret_object->depth + 1),
	                "%s",
	                object_missing_words(words, r, ret_object, operation->path));
	return EDIT_E_WRONG;
}

/* ------------------------------------------------------------------ create */

static bool is_of_numbers(const struct shape *list)
{
	const struct shape *name = shape_name(list);

	return name && name->kind == SHAPE_NUMBER;
}

/* NULL: no memory, or it is not UTF-8. */
static json_t *make_name(const struct shape *list, const char *name)
{
	long long number;
	char *end;

	if (!is_of_numbers(list))
		return json_string(name);
	errno = 0;
	number = strtoll(name, &end, 0);
	return errno == 0 && end != name && *end == '\0' ? json_integer(number) : json_string(name);
}

static json_t *make_element(const struct shape *list, const char *name)
{
	const struct shape *key = shape_name(list);
	json_t *element = key ? json_object() : json_string(name);

	if (!key || !element)
		return element;
	if (json_object_set_new(element, key->key, make_name(list, name)) == 0)
		return element;
	json_decref(element);
	return NULL;
}

/* More than its reader takes would only take time. */
static bool is_full(const struct object *at)
{
	return json_array_size(at->list) >= (size_t)at->shape->most;
}

/* The object of that name in an object; made, if it is not there. NULL: there is no memory. */
static json_t *take_group(json_t *object, const char *name)
{
	json_t *group = json_object_get(object, name);

	if (group)
		return group;
	group = json_object();
	return json_object_set_new(object, name, group) == 0 ? group : NULL;
}

static int add_element(const struct object *at, const char *name)
{
	json_t *list = at->list, *holder;

	if (!list) {
		holder = at->group ? take_group(at->around, at->group) : at->around;
		list = json_array();
		if (json_object_set_new(holder, at->shape->key, list) != 0)
			return error_origin(-ENOMEM);
	}
	return json_array_append_new(list, make_element(at->shape, name)) == 0 ? 0 : EDIT_E_WRONG;
}

/* The least number that is free: of one more than there are, one is. */
static int find_number(const struct object *at, char ret_name[static OBJECT_NUMBER_SIZE])
{
	const struct shape *name = shape_name(at->shape);
	size_t count = json_array_size(at->list), free_one = 0, index;
	_cleanup_(cleanup_free) bool *taken = calloc(count + 1, sizeof(*taken));
	long long least = name->least > 1 ? name->least : 1, number;
	json_t *element;

	if (!taken)
		return error_origin(-ENOMEM);
	json_array_foreach(at->list, index, element)
	{
		if (object_number(at->shape, element, &number) && number >= least &&
		    (unsigned long long)(number - least) <= count)
			taken[number - least] = true;
	}
	while (taken[free_one])
		free_one++;
	if (least + (long long)free_one > name->most)
		return EDIT_E_WRONG;
	snprintf(ret_name, OBJECT_NUMBER_SIZE, "%lld", least + (long long)free_one);
	return 0;
}

/* As nvmetcli does: a subsystem gets an NQN that nobody else has. */
#define NEW_NQN      "nqn.2014-08.org.nvmexpress:NVMf:uuid:"
#define NEW_NQN_SIZE (sizeof(NEW_NQN) + UUID_STR_LEN)

static int name_it(const Nvmetd__CtlOperation *operation, const struct object *list,
                   struct report *report, char ret_name[static NEW_NQN_SIZE])
{
	uuid_t uuid;
	int r;

	if (list->shape->kind != SHAPE_LIST)
		return refuse(report, operation, "cannot be created: say what, as /subsystems/NQN");
	if (is_of_numbers(list->shape)) {
		r = find_number(list, ret_name);
		return r > 0 ? refuse(report, operation, "is full") : r;
	}
	if (operation->n_path != 1 || strcmp(list->shape->key, "subsystems") != 0)
		return refuse(report, operation, "what is created there needs a name");
	memcpy(ret_name, NEW_NQN, sizeof(NEW_NQN));
	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, ret_name + strlen(ret_name));
	return 0;
}

static int say_created(const Nvmetd__CtlOperation *operation, const char *name, char **ret_created)
{
	char list[PATH_WORDS], element[PATH_WORDS];
	char *component = (char *)name;
	size_t n = operation->n_path - (operation->n_path % 2 == 0);

	object_path_words(element, sizeof(element), &component, 1);
	if (asprintf(ret_created, "%s%s", path_of(list, operation, n), element) >= 0)
		return 0;
	*ret_created = NULL;
	return error_origin(-ENOMEM);
}

/* The name that it is to have: what the path ends with, or one that we give it. */
static int choose_name(const Nvmetd__CtlOperation *operation, const struct object *at,
                       struct report *report, char buffer[static NEW_NQN_SIZE],
                       const char **ret_name)
{
	if (at->shape->kind == SHAPE_LIST && is_full(at))
		return refuse(report, operation, "is one more than there may be");
	*ret_name = at->is_element ? operation->path[operation->n_path - 1] : buffer;
	return at->is_element ? 0 : name_it(operation, at, report, buffer);
}

static int create(const struct object_tree *tree, const Nvmetd__CtlOperation *operation,
                  struct report *report, char **ret_created)
{
	char buffer[NEW_NQN_SIZE];
	const char *name;
	struct object at;
	int r = object_find(tree, operation->path, operation->n_path, &at);

	if (r == 0 && at.is_element)
		return refuse(report, operation, "is there already");
	if (r != 0 && !(r == OBJECT_E_NONE && at.is_last))
		return find(tree, operation, report, &at); /* which says what is not there */
	r = choose_name(operation, &at, report, buffer, &name);
	if (r)
		return r;
	r = add_element(&at, name);
	if (r == EDIT_E_WRONG)
		return refuse(report, operation, "has a name that is not UTF-8");
	return r ? r : say_created(operation, name, ret_created);
}

/* ------------------------------------------------------------------ delete */

static int delete (const struct object_tree *tree, const Nvmetd__CtlOperation *operation,
                   struct report *report)
{
	char number[OBJECT_NUMBER_SIZE];
	struct object at;
	int r = find(tree, operation, report, &at);

	if (r)
		return r;
	if (!at.is_element)
		return refuse(report, operation, "cannot be deleted, only what is in it");
	if (strcmp(at.shape->key, "ana_groups") == 0 &&
	    strcmp(object_name(at.shape, at.json, number), "1") == 0)
		return refuse(report, operation, "is in every port");
	json_array_remove(at.list, at.index);
	return 0;
}

/* ------------------------------------------------------------------ set */

/* What nvmet's file has in two places, of which the group holds. */
static const struct {
	const char *list, *name, *group, *key;
} doubles[] = {
	{"namespaces", "ana_grpid",   "ana",    "grpid"      },
	{"namespaces", "buffered_io", "device", "buffered_io"},
};

struct attribute {
	struct object at;
	const char *group; /* empty: none */
	const char *key;
	const char *value; /* empty: the default */
};

static void settle_double(struct attribute *attribute)
{
	for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
		bool is_first = attribute->group[0] == '\0' &&
		                strcmp(attribute->key, doubles[i].name) == 0;
		bool is_second = strcmp(attribute->group, doubles[i].group) == 0 &&
		                 strcmp(attribute->key, doubles[i].key) == 0;

		if (strcmp(attribute->at.shape->key, doubles[i].list) != 0 ||
		    !(is_first || is_second))
			continue;
		attribute->group = doubles[i].group;
		attribute->key = doubles[i].key;
		json_object_del(attribute->at.json, doubles[i].name);
		return;
	}
}

static int refuse_attribute(struct report *report, const Nvmetd__CtlOperation *operation,
                            const struct attribute *attribute, const char *words)
{
	char path[PATH_WORDS];

	report_error_of(report,
	                path_of(path, operation, operation->n_path),
	                "%s%s%.64s: %s",
	                attribute->group,
	                attribute->group[0] ? " " : "",
	                attribute->key,
	                words);
	return EDIT_E_WRONG;
}

/* Attributes of a group, or groups. */
static void offer_members(struct hint *hint, const struct shape *shape, bool groups)
{
	for (const struct shape *at = shape->members; at; at = at->next)
		if ((at->kind == SHAPE_GROUP) == groups && at->kind != SHAPE_LIST)
			hint_offer(hint, at->key);
}

/* The one that has such an attribute; NULL: none has. */
static const char *find_group(const struct shape *shape, const char *key)
{
	for (const struct shape *at = shape->members; at; at = at->next)
		if (at->kind == SHAPE_GROUP && shape_member(at, key))
			return at->key;
	return NULL;
}

/* shape: of the group, or of the object if it is in none; NULL: there is no such group. */
static int refuse_unknown(struct report *report, const Nvmetd__CtlOperation *operation,
                          const struct attribute *attribute, const struct shape *shape)
{
	const struct shape *object = attribute->at.shape;
	const char *elsewhere = find_group(object, attribute->key);
	char words[HINT_SIZE], text[HINT_SIZE + 64];
	struct hint hint;

	if (shape && elsewhere && shape == object) {
		snprintf(text,
		         sizeof(text),
		         "is not known: it is in the group %s: set %s %.64s=VALUE",
		         elsewhere,
		         elsewhere,
		         attribute->key);
		return refuse_attribute(report, operation, attribute, text);
	}
	hint_begin(&hint, shape ? attribute->key : attribute->group);
	offer_members(&hint, shape ? shape : object, !shape);
	snprintf(text,
	         sizeof(text),
	         "is not known%s%s",
	         shape ? "" : ", as there is no such group",
	         hint_words(&hint, words));
	return refuse_attribute(report, operation, attribute, text);
}

static int set_one(struct attribute *attribute, const Nvmetd__CtlOperation *operation,
                   struct report *report)
{
	const struct shape *shape = attribute->at.shape, *member;
	json_t *holder;

	if (attribute->group[0])
		shape = shape_member(shape, attribute->group);
	member = shape ? shape_member(shape, attribute->key) : NULL;
	if (!member)
		return refuse_unknown(report, operation, attribute, shape);
	if (member->kind == SHAPE_GROUP)
		return refuse_attribute(report, operation, attribute, "is a group of attributes");
	if (member->kind == SHAPE_LIST)
		return refuse_attribute(
			report, operation, attribute, "is a list: see create and delete");
	if (member->is_name && attribute->at.is_element && !attribute->group[0])
		return refuse_attribute(
			report, operation, attribute, "is what it is called by, which stays");
	settle_double(attribute);
	holder = attribute->group[0] ? take_group(attribute->at.json, attribute->group)
	                             : attribute->at.json;
	if (!holder)
		return error_origin(-ENOMEM);
	if (attribute->value[0] == '\0') {
		json_object_del(holder, attribute->key);
		return 0;
	}
	if (json_object_set_new(holder, attribute->key, json_string(attribute->value)) == 0)
		return 0;
	return refuse_attribute(report, operation, attribute, "is not UTF-8");
}

static int set(const struct object_tree *tree, const Nvmetd__CtlOperation *operation,
               struct report *report)
{
	struct attribute attribute;
	int r = find(tree, operation, report, &attribute.at);

	if (r)
		return r;
	if (!attribute.at.is_element && attribute.at.shape->kind == SHAPE_LIST)
		return refuse(report,
		              operation,
		              "has no such attributes: it is a list, and what is in it has some");
	if (!json_is_object(attribute.at.json) || operation->n_names == 0 ||
	    operation->n_names != operation->n_values)
		return refuse(report, operation, "has no such attributes");
	for (size_t i = 0; !r && i < operation->n_names; i++) {
		attribute.group = operation->group;
		attribute.key = operation->names[i];
		attribute.value = operation->values[i];
		r = set_one(&attribute, operation, report);
	}
	return r;
}

int edit_operate(const struct object_tree *tree, const Nvmetd__CtlOperation *operation,
                 struct report *report, char **ret_created)
{
	*ret_created = NULL;
	switch (operation->verb) {
	case NVMETD__CTL_VERB__CTL_CREATE:
		return create(tree, operation, report, ret_created);
	case NVMETD__CTL_VERB__CTL_DELETE:
		return delete (tree, operation, report);
	case NVMETD__CTL_VERB__CTL_SET:
		return set(tree, operation, report);
	default:
		return refuse(report, operation, "this is not known how to do");
	}
}
