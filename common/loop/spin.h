/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/*
 * spin - how long it pays to look for work before going to sleep.
 *
 * Shape     A budget that doubles when spinning found work, or would have, and halves when
 *           it did not; between 0 and a maximum.
 * Promise   What comes seldom soon costs no spinning; what comes often soon costs no sleep.
 * Trust     none
 * Threads   the loop's; pure
 * Lifetime  a value
 */
struct spin {
	uint64_t max_ns;
	uint64_t budget_ns;
};

/* Starts with half of the maximum. */
struct spin spin_of(uint64_t max_ns);

void spin_found(struct spin *spin);
void spin_found_nothing(struct spin *spin);

/* Work ended a sleep that had lasted so long. */
void spin_slept(struct spin *spin, uint64_t slept_ns);
