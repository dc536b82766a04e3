/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "services/state/json_place.h"
#include "services/state/shape.h"

/*
 * object - a place in the configuration, as nvmetcli's tree has it:
 * "/subsystems/nqn…/namespaces/1".
 *
 * Shape     A path is its components: lists and the names of what is in them take turns; a list
 *           that is in a group ("discovery") is said without it. As people write it a "/" or "\"
 *           within a name has a "\" before it.
 * Promise   object_find() says how far it came: what is there, or what would be there if it were
 *           made. Numbers are compared as numbers. Words are cut to fit.
 * Trust     the components are an operator's: anything
 * Threads   any
 * Lifetime  borrows the tree
 * Returns   object_find(): 0, or
 */
enum object_error {
	OBJECT_E_UNKNOWN = 1, /* there is no such list at all */
	OBJECT_E_NONE,        /* an object, which might be there, is not: the last, if is_last */
};

struct object_tree {
	json_t *root;
	const struct shape *shape;
};

struct object {
	json_t *json; /* of the last component; NULL: an empty list, or the name of none */
	const struct shape *shape;
	bool is_element;   /* of a list: json, in `list`, at `index` */
	json_t *around;    /* the object that the list is in */
	const char *group; /* and the group of it; NULL: none */
	json_t *list;      /* NULL: not there yet */
	size_t index;
	size_t depth; /* components that were found */
	bool is_last; /* only the last was not */
};

int object_find(const struct object_tree *tree, char *const *path, size_t n_path,
                struct object *ret_object);

/* Why object_find() did not find it, and what there is: for people. */
#define OBJECT_MISSING_SIZE 400
const char *object_missing_words(char buffer[static OBJECT_MISSING_SIZE], int error,
                                 const struct object *at, char *const *path);

/* What an element is called by: in the buffer, if it is a number. Never NULL. */
#define OBJECT_NUMBER_SIZE 24
const char *object_name(const struct shape *list, const json_t *element,
                        char buffer[static OBJECT_NUMBER_SIZE]);

/* The same as a number; false: it is none. */
bool object_number(const struct shape *list, const json_t *element, long long *ret_number);

/* "/ports/1"; "/" for none. Returns buffer. */
const char *object_path_words(char *buffer, size_t size, char *const *path, size_t n_path);

/* "/ports/1: addr traddr". */
const char *object_place_words(char *buffer, size_t size, const struct object_tree *tree,
                               const struct json_place *place);
