/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/words.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static const struct pattern patterns[WORDS_PATTERNS] = {
	{"randread",  100, false},
	{"randwrite", 0,   false},
	{"randrw",    50,  false},
	{"read",      100, true },
	{"write",     0,   true },
	{"rw",        50,  true },
};

bool words_number(const char *text, bool has_unit, uint64_t least, uint64_t most, uint64_t *ret)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t value;
	unsigned shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || text[0] < '0' || text[0] > '9')
		return false;
	if (has_unit && *end && (unit = strchr(units, *end)) != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (*end || value > UINT64_MAX >> shift || value << shift < least || value << shift > most)
		return false;
	*ret = value << shift;
	return true;
}

bool words_unsigned(const char *text, unsigned least, unsigned most, unsigned *ret)
{
	uint64_t value;

	if (!words_number(text, false, least, most, &value))
		return false;
	*ret = (unsigned)value;
	return true;
}

/* Moves *at behind the word of that length, and the comma. True: it was the last. */
static bool pass_word(const char **at, size_t length)
{
	*at += length;
	if (!**at)
		return true;
	++*at;
	return false;
}

bool words_list(const char *text, unsigned least, unsigned most, unsigned most_of_them,
                unsigned *ret_values, unsigned *ret_n)
{
	for (unsigned n = 0; n < most_of_them; n++) {
		size_t length = strcspn(text, ",");
		char word[16];

		if (length >= sizeof(word))
			return false;
		memcpy(word, text, length);
		word[length] = '\0';
		if (!words_unsigned(word, least, most, &ret_values[n]))
			return false;
		if (pass_word(&text, length)) {
			*ret_n = n + 1;
			return true;
		}
	}
	return false;
}

static const struct pattern *find_pattern(const char *text, size_t length)
{
	for (unsigned i = 0; i < WORDS_PATTERNS; i++)
		if (strlen(patterns[i].word) == length && !memcmp(patterns[i].word, text, length))
			return &patterns[i];
	return NULL;
}

bool words_patterns(const char *text, const struct pattern *ret_patterns[WORDS_PATTERNS],
                    unsigned *ret_n)
{
	for (unsigned n = 0; n < WORDS_PATTERNS; n++) {
		size_t length = strcspn(text, ",");

		ret_patterns[n] = find_pattern(text, length);
		if (!ret_patterns[n])
			return false;
		if (pass_word(&text, length)) {
			*ret_n = n + 1;
			return true;
		}
	}
	return false;
}

bool words_cpu(const char *text, int *ret)
{
	unsigned value;

	if (!strcmp(text, "-1")) {
		*ret = -1;
		return true;
	}
	if (!words_unsigned(text, 0, CPU_SETSIZE - 1, &value))
		return false;
	*ret = (int)value;
	return true;
}
