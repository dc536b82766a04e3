/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both connections of a work stay open during all of its rounds. To connect anew for each would
 * measure connecting, and young connections; and it would spare nothing: a target that sleeps when
 * it has nothing to do does so with an open connection too, and one that polls burns its core
 * without any. Where such a one shares its core with the other, its processes are to be stopped
 * (--pause-a,
 * --pause-b). An idle side gets its Keep Alive at its next turn, a few seconds later at most.
 */
#include "tests/bench/contest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "tests/bench/cpu.h"
#include "tests/bench/wire.h"

#define PAIRS_LEAST 5u
#define TRIES       5u
#define GLIMPSE_NS  (200 * NS_PER_MS) /* of the load, to see how the target answers */
#define RAMP_NS     (50 * NS_PER_MS)  /* of each round, not measured: it may have been stopped */

/* ------------------------------------------------------------------ rounds */

static int measure_load(struct load *load, uint64_t duration_ns)
{
	int r = 0;

	/* On a busy machine nobody may have run in a short round; it says nothing of the target. */
	for (unsigned i = 0; !r && i < TRIES; i++) {
		load->totals.latency = (struct histogram){0};
		load->totals.measured_ns = 0;
		r = load_run(load, LOAD_RUN, duration_ns, true);
		if (load->totals.latency.count)
			return r;
	}
	if (!r)
		fprintf(stderr, "nvmetd-bench: in %u rounds no I/O was answered well\n", TRIES);
	return r ? r : LOAD_E_LOST;
}

static int load_round(struct contest *contest, unsigned which, uint64_t duration_ns,
                      struct contest_round *ret_round)
{
	struct load *load = &contest->sides[which].load;
	const struct histogram *latency = &load->totals.latency;
	int r;

	contest->failed = which;
	r = pause_turn(contest->pause, which == 0 ? PAUSE_A_RUNS : PAUSE_B_RUNS);
	if (!r)
		r = load_run(load, LOAD_RUN, RAMP_NS, false);
	if (!r)
		r = measure_load(load, duration_ns);
	if (r)
		return r;
	*ret_round = (struct contest_round){
		.iops = (double)latency->count * 1e9 / (double)load->totals.measured_ns,
		.mean_us = histogram_mean_ns(latency) / 1000,
		.p50_us = (double)histogram_percentile_ns(latency, 50000) / 1000,
		.p99_us = (double)histogram_percentile_ns(latency, 99000) / 1000,
	};
	contest->failed = CONTEST_SIDES;
	return 0;
}

static int ceiling_round(struct contest *contest, uint64_t duration_ns,
                         struct contest_round *ret_round)
{
	int r = pause_turn(contest->pause, PAUSE_NONE_RUNS);

	if (!r)
		r = ceiling_run(&contest->ceiling, RAMP_NS, duration_ns, &ret_round->iops);
	return r;
}

static int pair_round(struct contest *contest, unsigned pair, uint64_t duration_ns)
{
	unsigned first = pair % 2;
	int r;

	r = load_round(contest, first, duration_ns, &contest->rounds[first][pair]);
	if (!r)
		r = load_round(contest, !first, duration_ns, &contest->rounds[!first][pair]);
	if (!r && contest->options->ceiling)
		r = ceiling_round(contest, duration_ns, &contest->rounds[CONTEST_SIDES][pair]);
	return r;
}

static int warm_up(struct contest *contest)
{
	struct contest_round round;
	int r = 0;

	/* in turns, as the other is not to rest for long */
	for (unsigned i = 0; !r && i < contest->options->warmup_seconds * CONTEST_SIDES; i++)
		r = load_round(contest, i % CONTEST_SIDES, NS_PER_S, &round);
	return r;
}

/* ------------------------------------------------------------------ figures */

/* One field of all rounds of a runner. */
static double *column(const struct contest *contest, unsigned which, size_t field, double *column)
{
	for (unsigned i = 0; i < contest->pairs; i++) {
		const uint8_t *round = (const uint8_t *)&contest->rounds[which][i];

		column[i] = *(const double *)(round + field);
	}
	return column;
}

#define COLUMN(which, field, to)                                                                   \
	column(contest, (which), offsetof(struct contest_round, field), (to))
#define MEDIAN(which, field)                                                                       \
	spread_of(COLUMN((which), field, contest->columns[0]), contest->pairs).median
#define RATIOS(which, by, field)                                                                   \
	spread_of_ratios(COLUMN((which), field, contest->columns[0]),                              \
	                 COLUMN((by), field, contest->columns[1]),                                 \
	                 contest->pairs)

static void compare_to_ceiling(struct contest *contest, unsigned which)
{
	struct spread *percent = &contest->sides[which].ceiling_percent;

	*percent = RATIOS(which, CONTEST_SIDES, iops);
	percent->median *= 100;
	percent->least *= 100;
	percent->most *= 100;
}

static void sum_up(struct contest *contest)
{
	for (unsigned i = 0; i < CONTEST_SIDES; i++) {
		contest->sides[i].figures = (struct contest_round){
			.iops = MEDIAN(i, iops),
			.mean_us = MEDIAN(i, mean_us),
			.p50_us = MEDIAN(i, p50_us),
			.p99_us = MEDIAN(i, p99_us),
		};
		if (contest->options->ceiling)
			compare_to_ceiling(contest, i);
	}
	contest->iops_ratio = RATIOS(0, 1, iops);
	contest->p99_ratio = RATIOS(0, 1, p99_us);
	contest->ceiling_iops = MEDIAN(CONTEST_SIDES, iops);
}

/* ------------------------------------------------------------------ life */

static int connect_side(struct contest *contest, unsigned which)
{
	struct contest_side *side = &contest->sides[which];
	int r;

	contest->failed = which;
	side->options = *contest->options;
	target_apply(side->target, &side->options);
	r = pause_turn(contest->pause, which == 0 ? PAUSE_A_RUNS : PAUSE_B_RUNS);
	if (!r)
		r = load_init(&side->load, &side->options);
	if (!r)
		contest->failed = CONTEST_SIDES;
	return r;
}

/* Its messages have the sizes of A's. */
static int make_ceiling(struct contest *contest)
{
	struct contest_round round;
	int r;

	if (!contest->options->ceiling)
		return 0;
	r = load_round(contest, 0, GLIMPSE_NS, &round);
	if (!r)
		r = ceiling_init(&contest->ceiling, &contest->sides[0].load);
	return r;
}

static int make_rounds(struct contest *contest)
{
	unsigned seconds = contest->options->seconds;

	contest->pairs = seconds < PAIRS_LEAST ? PAIRS_LEAST : seconds;
	for (unsigned i = 0; i < CONTEST_RUNNERS; i++) {
		contest->rounds[i] = calloc(contest->pairs, sizeof(**contest->rounds));
		if (!contest->rounds[i])
			return -ENOMEM;
	}
	for (unsigned i = 0; i < 2; i++) {
		contest->columns[i] = calloc(contest->pairs, sizeof(**contest->columns));
		if (!contest->columns[i])
			return -ENOMEM;
	}
	return 0;
}

static int set_up(struct contest *contest)
{
	int r;

	cpu_unpin();
	r = make_rounds(contest);
	for (unsigned i = 0; !r && i < CONTEST_SIDES; i++)
		r = connect_side(contest, i);
	if (!r)
		r = make_ceiling(contest);
	cpu_pin(contest->options->cpu);
	return r;
}

int contest_run(struct contest *contest, const struct options *options,
                const struct target targets[CONTEST_SIDES], struct pause *pause)
{
	struct wire since[CONTEST_SIDES];
	uint64_t duration_ns;
	int r;

	*contest = (struct contest){.options = options, .pause = pause, .failed = CONTEST_SIDES};
	for (unsigned i = 0; i < CONTEST_SIDES; i++) {
		contest->sides[i].target = &targets[i];
		contest->sides[i].load = LOAD_NULL;
	}
	r = set_up(contest);
	if (!r)
		r = warm_up(contest);
	if (r)
		return r;
	for (unsigned i = 0; i < CONTEST_SIDES; i++)
		since[i] = wire_now(&contest->sides[i].load);
	duration_ns = options->seconds * NS_PER_S / contest->pairs;
	for (unsigned i = 0; !r && i < contest->pairs; i++)
		r = pair_round(contest, i, duration_ns);
	for (unsigned i = 0; !r && options->ceiling && i < CONTEST_SIDES; i++)
		wire_compare(since[i], &contest->sides[i].load, &contest->ceiling);
	if (!r)
		sum_up(contest);
	return r;
}

void contest_deinit(struct contest *contest)
{
	/* first: its process has copies of our sockets */
	ceiling_deinit(&contest->ceiling);
	for (unsigned i = 0; i < CONTEST_SIDES; i++) {
		struct load *load = &contest->sides[i].load;

		/* not with a side that has failed: it may never answer. A failure here takes
		 * nothing from the result */
		if (contest->failed == CONTEST_SIDES && load->queues &&
		    pause_turn(contest->pause, i == 0 ? PAUSE_A_RUNS : PAUSE_B_RUNS) == 0)
			(void)host_controller_shutdown(&load->controller);
		load_deinit(load);
	}
	for (unsigned i = 0; i < CONTEST_RUNNERS; i++)
		free(contest->rounds[i]);
	for (unsigned i = 0; i < 2; i++)
		free(contest->columns[i]);
	*contest = (struct contest){0};
}
