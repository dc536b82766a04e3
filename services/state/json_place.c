/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/json_place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The parser that took the text tells lines only of what it refuses; so the text is scanned
 * again for the place of a value that turned out wrong later. Slow, but only for messages. */

const char *json_place_words(char *buffer, size_t size, const struct json_place *place)
{
	size_t used;

	buffer[0] = '\0';
	if (!place)
		return buffer;
	json_place_words(buffer, size, place->up);
	used = strlen(buffer);
	if (place->key)
		snprintf(buffer + used, size - used, "%s%s", used ? "." : "", place->key);
	else
		snprintf(buffer + used, size - used, "[%zu]", place->index);
	return buffer;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* at: the opening quote. Returns what follows the closing one. */
static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
	unsigned depth = 0;

	at = skip_blanks(at);
	do {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		else if (depth == 0)
			return at + strcspn(at, ",]} \t\r\n"); /* a number, true, false, null */
		if (*at)
			at++;
	} while (*at && depth > 0);
	return at;
}

/* at: the opening quote of a member's name. */
static bool is_named(const char *at, const char *key)
{
	size_t length = strlen(key);

	return strncmp(at + 1, key, length) == 0 && at[1 + length] == '"';
}

/* The value of that name in the object at `at`; NULL if there is none. */
static const char *find_member(const char *at, const char *key)
{
	if (*at != '{')
		return NULL;
	for (at = skip_blanks(at + 1); *at == '"'; at = skip_blanks(at + (*at == ','))) {
		bool found = is_named(at, key);

		at = skip_blanks(skip_string(at));
		if (*at != ':')
			return NULL;
		at = skip_blanks(at + 1);
		if (found)
			return at;
		at = skip_blanks(skip_value(at));
	}
	return NULL;
}

static const char *find_element(const char *at, size_t index)
{
	if (*at != '[')
		return NULL;
	at = skip_blanks(at + 1);
	for (; *at && *at != ']'; index--) {
		if (index == 0)
			return at;
		at = skip_blanks(skip_value(at));
		if (*at != ',')
			return NULL;
		at = skip_blanks(at + 1);
	}
	return NULL;
}

/* What is at the place, or around it. */
static const char *find(const char *text, const struct json_place *place, bool *ret_exact)
{
	const char *around, *found;

	*ret_exact = true;
	if (!place)
		return skip_blanks(text);
	around = find(text, place->up, ret_exact);
	if (!*ret_exact)
		return around;
	found = place->key ? find_member(around, place->key) : find_element(around, place->index);
	*ret_exact = found != NULL;
	return found ? found : around;
}

unsigned json_place_line(const char *text, const struct json_place *place)
{
	unsigned line = 1;
	bool exact;
	const char *found = find(text, place, &exact);

	for (const char *at = text; at < found; at++)
		line += *at == '\n';
	return line;
}
