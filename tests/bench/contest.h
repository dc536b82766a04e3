/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/ceiling.h"
#include "tests/bench/load.h"
#include "tests/bench/pause.h"
#include "tests/bench/spread.h"
#include "tests/bench/target.h"

/*
 * contest - one work, done by two targets in turns.
 *
 * Shape     At least five pairs of rounds, each of a second at most; the order within a pair
 *           alternates, so that neither side always comes first after the other. With the ceiling,
 *           a round of it ends each pair. Figures are medians of the rounds, ratios medians
 *           of the pairs.
 * Promise   Both sides get the same options but their addresses. While one is measured, the other
 *           has nothing in flight, and is stopped where --pause says so. No side rests longer than
 *           a --kato of 10 s bears.
 * Trust     the targets may be wrong
 * Threads   one
 * Lifetime  contest_deinit() disconnects and frees; zeroed before contest_run(), whatever it
 *           returned
 * Returns   0, an enum load_error that was said, or a negative errno. `failed` is the side then.
 */
enum { CONTEST_SIDES = 2, CONTEST_RUNNERS = 3 /* and the ceiling */ };

struct contest_round {
	double iops;
	double mean_us;
	double p50_us;
	double p99_us;
};

struct contest_side {
	const struct target *target;
	struct options options;
	struct load load;
	struct contest_round figures; /* medians */
	struct spread ceiling_percent;
};

struct contest {
	const struct options *options; /* what both have in common */
	struct contest_side sides[CONTEST_SIDES];
	struct pause *pause;
	struct ceiling ceiling;
	struct contest_round *rounds[CONTEST_RUNNERS];
	double *columns[2]; /* room to sort in */
	unsigned pairs;
	unsigned failed; /* a side; CONTEST_SIDES: neither */

	struct spread iops_ratio; /* A / B */
	struct spread p99_ratio;
	double ceiling_iops;
};

int contest_run(struct contest *contest, const struct options *options,
                const struct target targets[CONTEST_SIDES], struct pause *pause);
void contest_deinit(struct contest *contest);
