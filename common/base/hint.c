/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/base/hint.h"

#include <stdio.h>
#include <string.h>

#define LENGTH_MAX   48u /* longer names are not compared */
#define DISTANCE_MAX 2u
#define NAME_SHOWN   96

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters are to be put in, taken out, or replaced (Levenshtein). */
static unsigned distance_of(const char *a, const char *b)
{
	unsigned row[LENGTH_MAX + 1], above_left, above;
	unsigned n_a = (unsigned)strlen(a), n_b = (unsigned)strlen(b);

	for (unsigned j = 0; j <= n_b; j++)
		row[j] = j;
	for (unsigned i = 1; i <= n_a; i++) {
		above_left = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= n_b; j++) {
			above = row[j];
			row[j] = least(least(row[j - 1], above) + 1,
			               above_left + (a[i - 1] != b[j - 1]));
			above_left = above;
		}
	}
	return row[n_b];
}

void hint_begin(struct hint *hint, const char *wanted)
{
	*hint = (struct hint){.wanted = wanted, .distance = DISTANCE_MAX + 1};
}

/* Of short names each other one is near. */
static bool may_be_near(const struct hint *hint, const char *name)
{
	size_t length = strlen(hint->wanted);

	return hint->count <= HINT_COMPARED && length > DISTANCE_MAX && length <= LENGTH_MAX &&
	       strnlen(name, LENGTH_MAX + 1) <= LENGTH_MAX;
}

void hint_offer(struct hint *hint, const char *name)
{
	unsigned distance;

	if (hint->count < HINT_LISTED)
		hint->listed[hint->count] = name;
	hint->count++;
	if (!may_be_near(hint, name))
		return;
	distance = distance_of(hint->wanted, name);
	if (distance >= hint->distance)
		return;
	hint->distance = distance;
	hint->nearest = name;
}

static void add(char *buffer, const char *before, const char *name)
{
	size_t used = strlen(buffer);

	snprintf(buffer + used, HINT_SIZE - used, "%s%.*s", before, NAME_SHOWN, name);
}

const char *hint_words(const struct hint *hint, char buffer[static HINT_SIZE])
{
	unsigned listed = least(hint->count, HINT_LISTED);
	char more[40];

	buffer[0] = '\0';
	if (hint->nearest) {
		snprintf(buffer, HINT_SIZE, ": did you mean \"%s\"?", hint->nearest);
		return buffer;
	}
	for (unsigned i = 0; i < listed; i++)
		add(buffer,
		    i == 0 ? (hint->count == 1 ? "; there is " : "; there are ") : ", ",
		    hint->listed[i]);
	if (hint->count > listed) {
		snprintf(more, sizeof(more), "%u more", hint->count - listed);
		add(buffer, " and ", more);
	}
	return buffer;
}
