/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

/*
 * json_place - where in a JSON text something stands.
 *
 * Shape     A chain on the stack, from a value up to the root: each link is a key or an index.
 * Promise   json_place_words() writes "subsystems[0].namespaces[1].device.path", "" for the
 *           root, cut to fit. json_place_line() finds the line, counted from 1, of the value;
 *           where it is not there, of the nearest value around it.
 * Trust     the text is known to be valid JSON (a parser took it); one that is not gets some
 *           line of it, nothing worse
 * Threads   any; pure; json_place_line() scans the text once for each link
 * Lifetime  the caller's stack
 */
struct json_place {
	const struct json_place *up; /* NULL: a member of the root */
	const char *key;             /* NULL: an element of an array */
	size_t index;
};

#define PLACE_KEY(up_, key_)     (&(const struct json_place){.up = (up_), .key = (key_)})
#define PLACE_INDEX(up_, index_) (&(const struct json_place){.up = (up_), .index = (index_)})

const char *json_place_words(char *buffer, size_t size, const struct json_place *place);

unsigned json_place_line(const char *text, const struct json_place *place);
