/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * descriptors - how many files this process may still open.
 *
 * Shape     RLIMIT_NOFILE, as it is now: prlimit(2) may change it at any time.
 * Promise   Who serves strangers takes no descriptor out of the reserve, so that what must go on
 *           (new links, the database, the way to the state service) finds one.
 * Trust     none
 * Threads   any; a few system calls each
 * Lifetime  none
 */

/* What a process keeps for itself; never more than a quarter of what it may open. */
#define DESCRIPTORS_RESERVE 64u

unsigned descriptors_allowed(void);

/* Whether so many can be opened now; tries it. */
bool descriptors_are_free(unsigned n);

/* Whether one that was just opened is out of a reserve of so many: its number says how many are in
 * use, as the kernel gives the lowest that is free. */
bool descriptor_is_reserved(int fd, unsigned reserve);

/* Whether the next one would be. */
bool descriptors_are_scarce(unsigned reserve);
