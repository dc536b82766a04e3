/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/state/config.h"

struct shape *shape_free(struct shape *shape)
{
	struct shape *next;

	if (!shape)
		return NULL;
	for (struct shape *at = shape->members; at; at = next) {
		next = at->next;
		shape_free(at);
	}
	free(shape);
	return NULL;
}

const struct shape *shape_member(const struct shape *shape, const char *key)
{
	for (const struct shape *at = shape->members; at; at = at->next)
		if (strcmp(at->key, key) == 0)
			return at;
	return NULL;
}

const struct shape *shape_name(const struct shape *list)
{
	for (const struct shape *at = list->members; at; at = at->next)
		if (at->is_name)
			return at;
	return NULL;
}

bool shape_is_open(const struct shape *list)
{
	return list->kind == SHAPE_LIST && (!list->members || shape_name(list));
}

/* ------------------------------------------------------------------ making it */

static struct shape *add_member(struct shape_probe *probe, struct shape *parent, const char *key)
{
	struct shape *member = calloc(1, sizeof(*member));

	if (!member) {
		probe->lacks_memory = true;
		return NULL;
	}
	snprintf(member->key, sizeof(member->key), "%s", key);
	if (parent->last)
		parent->last->next = member;
	else
		parent->members = member;
	parent->last = member;
	return member;
}

/* An element of a list is of the list's shape. NULL: there is no memory. */
static struct shape *find(struct shape_probe *probe, const struct json_place *place)
{
	struct shape *parent, *member;

	if (!place)
		return probe->root;
	parent = find(probe, place->up);
	if (!parent || !place->key)
		return parent;
	member = (struct shape *)shape_member(parent, place->key);
	return member ? member : add_member(probe, parent, place->key);
}

void shape_note(struct shape_probe *probe, const struct json_place *place, enum shape_kind kind,
                int64_t least, int64_t most)
{
	struct shape *shape = find(probe, place);

	if (!shape || kind < shape->kind)
		return;
	shape->kind = kind;
	shape->least = least;
	shape->most = most;
}

void shape_note_name(struct shape_probe *probe, const struct json_place *place)
{
	struct shape *shape = find(probe, place);

	if (shape)
		shape->is_name = true;
}

void shape_note_value(struct shape_probe *probe, const struct json_place *place, const char *value)
{
	struct shape *shape = find(probe, place);

	if (shape && shape->n_values < SHAPE_VALUES_MAX)
		shape->values[shape->n_values++] = value;
}

static void read_nothing(struct shape_probe *probe)
{
	struct report report = {.file = "", .probe = probe};
	struct config config = CONFIG_NULL;

	/* which is refused, as nothing in it has a name */
	if (config_read(&config, probe->object, &report) == 0)
		config_deinit(&config);
	probe->lacks_memory |= report.lacks_memory;
	report_deinit(&report);
}

struct shape *shape_new(void)
{
	struct shape_probe probe = {
		.root = calloc(1, sizeof(*probe.root)),
		.object = json_object(),
		.array = json_array(),
	};

	if (probe.root && probe.object && json_array_append_new(probe.array, json_object()) == 0) {
		probe.root->kind = SHAPE_GROUP;
		read_nothing(&probe);
	} else {
		probe.lacks_memory = true;
	}
	json_decref(probe.object);
	json_decref(probe.array);
	return probe.lacks_memory ? shape_free(probe.root) : probe.root;
}
