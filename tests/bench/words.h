/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * words - what stands on a command line, as values.
 *
 * Shape     functions over strings
 * Promise   False for anything but a whole word that means a value in its range; what was in a
 *           list may have been changed then, and nothing else.
 * Trust     the operator's
 * Threads   any; pure
 * Lifetime  none
 */

/* With K, M, G, T (powers of 1024) if has_unit. */
bool words_number(const char *text, bool has_unit, uint64_t least, uint64_t most, uint64_t *ret);
bool words_unsigned(const char *text, unsigned least, unsigned most, unsigned *ret);

/* "1,32,128": 1 to `most_of_them` numbers, each within its range. */
bool words_list(const char *text, unsigned least, unsigned most, unsigned most_of_them,
                unsigned *ret_values, unsigned *ret_n);

/* What --rw takes. */
struct pattern {
	const char *word;
	unsigned read_percent;
	bool is_sequential;
};
#define WORDS_PATTERNS 6u

/* "randread,randrw". */
bool words_patterns(const char *text, const struct pattern *ret_patterns[WORDS_PATTERNS],
                    unsigned *ret_n);

/* A CPU, or -1. */
bool words_cpu(const char *text, int *ret);
