/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "common/base/cleanup.h"
#include "services/state/json_place.h"

/*
 * shape - what a configuration may hold: which lists, groups and attributes there are.
 *
 * Shape     A tree of members, the root being the configuration's object. Nobody writes it down:
 *           shape_new() has the readers of the configuration (config_json.c and its parts) read one
 *           that is empty, and json_read notes what they ask for.
 * Promise   What a reader asks for is there, and is as it asked: one place for both. Below a
 *           list of objects are the members of each, below a list of texts there is nothing.
 * Trust     ours
 * Threads   one
 * Lifetime  shape_new() … shape_free()
 */
#define SHAPE_KEY_SIZE   40
#define SHAPE_VALUES_MAX 16

enum shape_kind {
	SHAPE_UNTYPED, /* a reader knows its name */
	SHAPE_TEXT,
	SHAPE_NUMBER,
	SHAPE_GROUP, /* an object in an object */
	SHAPE_LIST,  /* of objects, or of texts */
};

struct shape {
	char key[SHAPE_KEY_SIZE]; /* empty: the root */
	enum shape_kind kind;
	bool is_name;                         /* what the object in a list is called by */
	int64_t least, most;                  /* of a number */
	const char *values[SHAPE_VALUES_MAX]; /* what it may be, where that is known */
	unsigned n_values;
	struct shape *members, *last, *next;
};

/* NULL: there is no memory. */
struct shape *shape_new(void);
struct shape *shape_free(struct shape *shape);
DEFINE_CLEANUP(struct shape *, shape_free)

/* NULL: no reader asks for it. */
const struct shape *shape_member(const struct shape *shape, const char *key);
/* Of a list of objects: the member that names them; NULL of a list of texts. */
const struct shape *shape_name(const struct shape *list);
/* Objects may be made in it. */
bool shape_is_open(const struct shape *list);

/*
 * probe - the reading that makes a shape; for json_read.
 */
struct shape_probe {
	struct shape *root;
	json_t *object; /* what an object, and an array, is taken to be */
	json_t *array;
	bool lacks_memory;
};

void shape_note(struct shape_probe *probe, const struct json_place *place, enum shape_kind kind,
                int64_t least, int64_t most);
void shape_note_name(struct shape_probe *probe, const struct json_place *place);
/* value: a constant. */
void shape_note_value(struct shape_probe *probe, const struct json_place *place, const char *value);
