/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

#include "tests/chaos/fault.h"

/*
 * schedule - which fault is when, how long, and how much of it.
 *
 * Shape     Occurrences in the order of their beginning. As text, a line for each: milliseconds
 * from the beginning, the fault's name, its length in milliseconds, its amount. Promise   What the
 * seed, the length of the run and the choice of faults say, and nothing else, makes the schedule;
 * so it does not depend on the machine. Where two faults concern the same service, one is over
 * before the other begins. Now and then there is a rest without any, and at the end. Trust     a
 * file is the operator's: each line is checked Threads   one Lifetime  schedule_deinit() frees;
 * safe on zeroes Returns   0, a negative errno, or
 */
enum schedule_error {
	SCHEDULE_E_BAD = 1, /* read: what is wrong was said */
};

struct schedule {
	struct occurrence *occurrences;
	unsigned n;
};

struct schedule_wishes {
	uint64_t seed;
	unsigned length_ms;
	unsigned every_ms; /* one begins after the other, on average */
	unsigned overlap;  /* so many at a time, at most */
	const struct fault *const *faults;
	unsigned n_faults;
};

#define SCHEDULE_TAIL_MS 4000u /* no fault is on in the last of the run */

int schedule_make(struct schedule *schedule, const struct schedule_wishes *wishes);
int schedule_read(struct schedule *schedule, const char *path);
void schedule_write(const struct schedule *schedule, FILE *file);
void schedule_deinit(struct schedule *schedule);
