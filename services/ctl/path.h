/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * path - the way to an object of the configuration: "/subsystems/nqn…/namespaces/1".
 *
 * Shape     Components. In a text "/" separates them, "." is none, ".." takes the last away; a "\"
 *           before a "/" or "\" makes it part of a name.
 * Promise   path_text() of what path_enter() took gives the same again.
 * Trust     the text is an operator's
 * Threads   any
 * Lifetime  path_deinit(); PATH_ROOT is the root, and may be deinitialised
 */
struct path {
	char **component;
	size_t count;
};

#define PATH_ROOT ((struct path){0})

/* From where it is, or, if the text begins with "/", from the root. */
void path_enter(struct path *path, const char *text);
/* A name as it is. */
void path_add(struct path *path, const char *name);
void path_leave(struct path *path);
struct path path_copy(const struct path *path);
void path_deinit(struct path *path);

/* free() it. */
char *path_text(const struct path *path);
/* One component, as in a path's text. free() it. */
char *path_escape(const char *name);

/* Can be nothing but a path: "/…", "./…", "../…", ".", "..". */
bool path_is_one(const char *word);
