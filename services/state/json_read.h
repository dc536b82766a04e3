/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "services/state/json_place.h"
#include "services/state/report.h"
#include "services/state/shape.h"

/*
 * json_read - takes members out of a JSON object, as the types that the caller wants.
 *
 * Shape     An object, where it stands, and the report for what is wrong with it.
 * Promise   A member that is not there leaves the variable as it is, and is no error. Numbers
 *           and flags are taken as numbers or as strings, as nvmetcli writes both. What is of
 *           the wrong type, too long or out of range is reported and leaves the variable.
 * Trust     the values are whoever's wrote the file: texts are bounded and free of control
 *           characters, or refused
 * Threads   one
 * Lifetime  borrows everything
 */
struct json_object {
	const json_t *json;
	const struct json_place *place;
	struct report *report;
};

/* True: it was there and good. */
bool json_read_text(const struct json_object *object, const char *key, char *ret_text, size_t size);
bool json_read_number(const struct json_object *object, const char *key, int64_t least,
                      int64_t most, int64_t *ret_number);
bool json_read_flag(const struct json_object *object, const char *key, bool *ret_flag);

/* A member that is itself an object; false (and reported, if it is something else) if not. */
bool json_read_object(const struct json_object *object, const char *key,
                      const struct json_place *place, struct json_object *ret_object);

/* A member that is an array; 0 if it is not there, and (reported) if it has more than `most`. */
size_t json_read_array(const struct json_object *object, const char *key, size_t most,
                       const json_t **ret_array);

/* For whoever wants to know what there may be (shape.h): the member that an object is called by,
 * and what a member may be, a constant. */
void json_tell_name(const struct json_object *object, const char *key);
void json_tell_value(const struct json_object *object, const char *key, const char *value);

/* Warns of each member whose name is not in the list, which ends in NULL. */
void json_warn_unknown(const struct json_object *object, const char *const *known);
