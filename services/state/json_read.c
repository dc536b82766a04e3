/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/json_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hint.h"
#include "common/base/log.h"

static void note(const struct json_object *object, const char *key, enum shape_kind kind,
                 int64_t least, int64_t most)
{
	if (object->report->probe)
		shape_note(object->report->probe, PLACE_KEY(object->place, key), kind, least, most);
}

void json_tell_name(const struct json_object *object, const char *key)
{
	if (object->report->probe)
		shape_note_name(object->report->probe, PLACE_KEY(object->place, key));
}

void json_tell_value(const struct json_object *object, const char *key, const char *value)
{
	if (object->report->probe)
		shape_note_value(object->report->probe, PLACE_KEY(object->place, key), value);
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

bool json_read_text(const struct json_object *object, const char *key, char *ret_text, size_t size)
{
	const struct json_place *place = PLACE_KEY(object->place, key);
	const json_t *value = json_object_get(object->json, key);
	char number[24];
	const char *text;

	note(object, key, SHAPE_TEXT, 0, (int64_t)size - 1);
	if (!value)
		return false;
	if (json_is_integer(value)) {
		snprintf(
			number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		text = number;
	} else if (json_is_string(value)) {
		text = json_string_value(value);
	} else {
		report_error(object->report, place, "is no text");
		return false;
	}
	if (strlen(text) >= size) {
		report_error(object->report, place, "is longer than %zu bytes", size - 1);
		return false;
	}
	if (!is_printable(text)) {
		report_error(object->report, place, "holds a control character");
		return false;
	}
	memcpy(ret_text, text, strlen(text) + 1);
	return true;
}

static bool number_of(const json_t *value, int64_t *ret_number)
{
	const char *text;
	char *end;

	if (json_is_integer(value)) {
		*ret_number = json_integer_value(value);
		return true;
	}
	if (json_is_boolean(value)) {
		*ret_number = json_is_true(value);
		return true;
	}
	if (!json_is_string(value))
		return false;
	text = json_string_value(value);
	errno = 0;
	*ret_number = strtoll(text, &end, 0);
	return errno == 0 && end != text && *end == '\0';
}

bool json_read_number(const struct json_object *object, const char *key, int64_t least,
                      int64_t most, int64_t *ret_number)
{
	const struct json_place *place = PLACE_KEY(object->place, key);
	const json_t *value = json_object_get(object->json, key);
	int64_t number;

	note(object, key, SHAPE_NUMBER, least, most);
	if (!value)
		return false;
	if (!number_of(value, &number)) {
		report_error(object->report,
		             place,
		             "is no number, and may be %" PRId64 " to %" PRId64,
		             least,
		             most);
		return false;
	}
	if (number < least || number > most) {
		report_error(object->report,
		             place,
		             "is %" PRId64 ", and may be %" PRId64 " to %" PRId64,
		             number,
		             least,
		             most);
		return false;
	}
	*ret_number = number;
	return true;
}

bool json_read_flag(const struct json_object *object, const char *key, bool *ret_flag)
{
	int64_t number;

	if (!json_read_number(object, key, 0, 1, &number))
		return false;
	*ret_flag = number == 1;
	return true;
}

bool json_read_object(const struct json_object *object, const char *key,
                      const struct json_place *place, struct json_object *ret_object)
{
	struct shape_probe *probe = object->report->probe;
	const json_t *value = probe ? probe->object : json_object_get(object->json, key);

	if (!value)
		return false;
	if (probe)
		shape_note(probe, place, SHAPE_GROUP, 0, 0);
	if (!json_is_object(value)) {
		report_error(object->report, place, "is no object");
		return false;
	}
	*ret_object = (struct json_object){.json = value, .place = place, .report = object->report};
	return true;
}

size_t json_read_array(const struct json_object *object, const char *key, size_t most,
                       const json_t **ret_array)
{
	const struct shape_probe *probe = object->report->probe;
	const json_t *value = probe ? probe->array : json_object_get(object->json, key);

	if (!value)
		return 0;
	note(object, key, SHAPE_LIST, 0, (int64_t)most);
	if (!json_is_array(value)) {
		report_error(object->report, PLACE_KEY(object->place, key), "is no array");
		return 0;
	}
	if (json_array_size(value) > most) {
		report_error(object->report,
		             PLACE_KEY(object->place, key),
		             "there are %zu, and may be %zu",
		             json_array_size(value),
		             most);
		return 0;
	}
	*ret_array = value;
	return json_array_size(value);
}

static bool is_in(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static void warn_unknown(const struct json_object *object, const char *key,
                         const char *const *known)
{
	char words[HINT_SIZE];
	struct hint hint;

	hint_begin(&hint, key);
	/* beyond that nobody is told */
	for (; object->report->warnings.count < REPORT_LINES && *known; known++)
		hint_offer(&hint, *known);
	report_warning(object->report,
	               PLACE_KEY(object->place, key),
	               "is not known here and has no effect%s",
	               hint.nearest ? hint_words(&hint, words) : "");
}

void json_warn_unknown(const struct json_object *object, const char *const *known)
{
	const char *key;
	json_t *value;

	for (size_t i = 0; object->report->probe && known[i]; i++)
		note(object, known[i], SHAPE_UNTYPED, 0, 0);
	json_object_foreach((json_t *)object->json, key, value) if (!is_in(known, key))
		warn_unknown(object, key, known);
}
