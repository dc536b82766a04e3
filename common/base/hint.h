/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * hint - what somebody may have meant who has named what there is not.
 *
 * Shape     hint_begin() with the name that was said, hint_offer() with each that there is, then
 *           hint_words().
 * Promise   A name that differs in a letter or two is asked for; else the first ones that there
 *           are are listed, and how many more. However many are offered, the words fit, and
 *           only HINT_COMPARED of them are looked at closely.
 * Trust     names may hold anything, and are cut; whoever prints the words escapes them
 * Threads   any; pure
 * Lifetime  borrows the names until hint_words()
 */
#define HINT_SIZE     320
#define HINT_LISTED   8u
#define HINT_COMPARED 256u

struct hint {
	const char *wanted;
	const char *nearest; /* NULL: none is near */
	unsigned distance;
	unsigned count;
	const char *listed[HINT_LISTED];
};

void hint_begin(struct hint *hint, const char *wanted);
void hint_offer(struct hint *hint, const char *name);

/* ": did you mean "x"?", or "; there are a, b and 3 more", or "" if nothing was offered. */
const char *hint_words(const struct hint *hint, char buffer[static HINT_SIZE]);
