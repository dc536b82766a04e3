/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * hot - the few descriptors on which something came just now: they are tried, not asked about.
 *
 * Shape     Up to HOT_MAX sources that have a try(). One that was tried HOT_MISSES times in a row
 *           in vain goes.
 * Promise   With one connection under load, trying spares a system call for each command. Where
 *           more descriptors are busy than there are places, those without one would wait until
 *           the loop asks for all: then nothing is hot, for the next HOT_REST that are ready.
 * Trust     none
 * Threads   the loop's
 * Lifetime  a value in the loop; borrows the sources, and hot_drop() forgets one
 */
#define HOT_MAX    4u
#define HOT_MISSES 256u
#define HOT_REST   256u

struct loop_source;

struct hot {
	struct loop_source *sources[HOT_MAX];
	unsigned misses[HOT_MAX];
	unsigned n;
	unsigned rest; /* so many that become ready are not noted */
};

/* n_ready: how many descriptors were ready at once when this one was. */
void hot_note(struct hot *hot, struct loop_source *source, unsigned n_ready);
void hot_drop(struct hot *hot, const struct loop_source *source);
void hot_clear(struct hot *hot);

/* True: one of them had something, and it is done. */
bool hot_try(struct hot *hot);
