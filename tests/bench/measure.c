/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/bench/ceiling.h"
#include "tests/bench/cpu.h"
#include "tests/bench/report.h"
#include "tests/bench/spread.h"
#include "tests/bench/wire.h"

#define ROUNDS_LEAST  5u
#define ROUNDS_MOST   101u
#define ROUND_SECONDS 2u                /* a long run has more rounds, not longer ones */
#define GLIMPSE_NS    (200 * NS_PER_MS) /* of the load, to see how the target answers */
#define RAMP_NS       (20 * NS_PER_MS)  /* of each round, not measured */

/* One turn of the load and one of bare TCP. */
static int round_of(struct load *load, struct ceiling *ceiling, uint64_t duration_ns,
                    double *ret_percent, double *ret_ceiling_iops)
{
	uint64_t done = load->totals.latency.count;
	uint64_t ns = load->totals.measured_ns;
	double iops;
	int r;

	r = load_run(load, LOAD_RUN, RAMP_NS, false);
	if (!r)
		r = load_run(load, LOAD_RUN, duration_ns, true);
	done = load->totals.latency.count - done;
	ns = load->totals.measured_ns - ns;
	if (!r)
		r = ceiling_run(ceiling, RAMP_NS, duration_ns, ret_ceiling_iops);
	if (r)
		return r;
	iops = (double)done * 1e9 / (double)ns;
	*ret_percent = 100 * iops / *ret_ceiling_iops;
	return 0;
}

static int run_with_ceiling(struct load *load, struct ceiling *ceiling, struct report *report)
{
	unsigned seconds = load->options->seconds;
	unsigned n = seconds / ROUND_SECONDS;
	double percents[ROUNDS_MOST], iops[ROUNDS_MOST];
	struct spread percent;
	struct wire since;
	int r;

	n = n < ROUNDS_LEAST ? ROUNDS_LEAST : n > ROUNDS_MOST ? ROUNDS_MOST : n;
	r = load_run(load, LOAD_RUN, GLIMPSE_NS, false);
	if (!r)
		r = ceiling_init(ceiling, load);
	cpu_pin(load->options->cpu);
	since = wire_now(load);
	for (unsigned i = 0; !r && i < n; i++)
		r = round_of(load, ceiling, seconds * NS_PER_S / n, &percents[i], &iops[i]);
	if (r)
		return r;
	wire_compare(since, load, ceiling);
	percent = spread_of(percents, n);
	report->has_ceiling = true;
	report->ceiling_percent = percent.median;
	report->ceiling_least = percent.least;
	report->ceiling_most = percent.most;
	report->ceiling_iops = spread_of(iops, n).median;
	return 0;
}

static int run_load(struct load *load, struct ceiling *ceiling, struct report *report)
{
	const struct options *options = load->options;
	int r = 0;

	if (options->verify)
		r = load_run(load, LOAD_FILL, 0, false);
	if (!r && options->warmup_seconds)
		r = load_run(load, LOAD_RUN, options->warmup_seconds * NS_PER_S, false);
	if (!r && options->ceiling)
		r = run_with_ceiling(load, ceiling, report);
	else if (!r)
		r = load_run(load, LOAD_RUN, options->seconds * NS_PER_S, true);
	if (!r && options->verify)
		r = load_run(load, LOAD_CHECK, 0, false);
	return r;
}

static int finish(struct load *load, const struct report *report, int r)
{
	if (r < 0)
		fprintf(stderr, "nvmetd-bench: %s\n", strerror(-r));
	if (r == LOAD_E_UNREACHABLE)
		return EXIT_UNREACHABLE;
	if (r == 0)
		/* a failure here takes nothing from the result */
		(void)host_controller_shutdown(&load->controller);
	report_print(report);
	return r || load->totals.errors || load->verify.mismatches ? EXIT_BAD_IO : EXIT_SUCCESS;
}

int measure(const struct options *options)
{
	struct load load = LOAD_NULL;
	struct ceiling ceiling = {0};
	struct report report = {.load = &load};
	int r = load_init(&load, options);

	if (!options->ceiling)
		cpu_pin(options->cpu);
	if (!r)
		r = run_load(&load, &ceiling, &report);
	r = finish(&load, &report, r);
	ceiling_deinit(&ceiling);
	load_deinit(&load);
	return r;
}
