/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * tree - a configuration for people to look at, as `nvmetcli ls` shows it.
 *
 * Shape     One line for each object, named by its nqn, portid, nsid, grpid or name, with its
 *           attributes in brackets; below it, its lists.
 * Promise   All that is in the text is shown, but for keys of DH-HMAC-CHAP: of these only
 *           that they are there.
 * Trust     the text may hold anything; it is printed escaped, and no deeper than TREE_DEPTH
 * Threads   any
 * Lifetime  none
 * Returns   false: the text is not a JSON object
 */
#define TREE_DEPTH 8

bool tree_print(FILE *out, const char *text);

/* Of one object, or one list, that is called `name`: as much of what is below it as is `depth`
 * levels deep, all if negative. */
bool tree_print_node(FILE *out, const char *name, const char *text, int depth);

/* A value of that name, as the tree has it: not a key. */
struct json_t;
void tree_print_value(FILE *out, const char *key, const struct json_t *value);
