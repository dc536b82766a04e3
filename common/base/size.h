/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/*
 * size - a count of bytes, as people write it.
 *
 * Shape     Decimal digits, and at most one suffix: K, M, G, T, P, powers of 1024; lower case too.
 * Promise   Nothing but the whole text is taken: no sign, no space, no fraction, no overflow.
 * Trust     an operator's text
 * Threads   any; pure
 * Lifetime  none
 * Returns   0, or
 */
enum size_error {
	SIZE_E_FORM = 1, /* not such a text */
	SIZE_E_RANGE,    /* more than 64 bits can say */
};

int size_parse(const char *text, uint64_t *ret_bytes);
