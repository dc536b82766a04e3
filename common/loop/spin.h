/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/*
 * spin - how long it pays to look for work before going to sleep.
 *
 * Shape     A budget that doubles when spinning found work, or would have, and halves when
 *           it did not; between 0 and a maximum. Beside it a rest, during which it counts as 0.
 * Promise   What comes seldom soon costs no spinning; what comes often soon costs no sleep. Where
 *           somebody else computes on the same processor, a yield gives it away for a whole slice
 *           of the scheduler's, milliseconds, while who sleeps is woken at once: when that
 *           happens twice in a row it rests, from 50 ms to 1 s, and tries again.
 * Trust     none
 * Threads   the loop's; pure
 * Lifetime  a value
 */
struct spin {
	uint64_t max_ns;
	uint64_t budget_ns;
	uint64_t robbed_ns;     /* when a yield took too long, the last time */
	uint64_t rest_ns;       /* the last rest */
	uint64_t rest_until_ns; /* of clock_now_ns() */
};

/* A yield that took longer gave the processor to a stranger. */
#define SPIN_ROBBED_NS UINT64_C(300000)

/* Starts with half of the maximum. */
struct spin spin_of(uint64_t max_ns);

/* For how long to look, now. */
uint64_t spin_budget_ns(const struct spin *spin, uint64_t now_ns);

void spin_found(struct spin *spin);
void spin_found_nothing(struct spin *spin);

/* A yield took longer than SPIN_ROBBED_NS. */
void spin_robbed(struct spin *spin, uint64_t now_ns);

/* Work ended a sleep that had lasted so long. */
void spin_slept(struct spin *spin, uint64_t slept_ns);
