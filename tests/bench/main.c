/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvmetd-bench - loads an NVMe/TCP namespace, and measures or verifies it.
 *
 * Holds     its connections. All of it is the host's side; it shares no code with the target.
 */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/bench/ceiling.h"
#include "tests/bench/report.h"

#define ROUNDS_LEAST  5u
#define ROUNDS_MOST   101u
#define ROUND_SECONDS 2u                /* a long run has more rounds, not longer ones */
#define GLIMPSE_NS    (200 * NS_PER_MS) /* of the load, to see how the target answers */
#define RAMP_NS       (20 * NS_PER_MS)  /* of each round, not measured */

enum { EXIT_BAD_IO = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		perror("nvmetd-bench: cannot run on the CPU that --cpu says");
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), ascending);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

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
		r = ceiling_run(ceiling, RAMP_NS);
	if (!r)
		r = ceiling_run(ceiling, duration_ns);
	if (r)
		return r;
	iops = (double)done * 1e9 / (double)ns;
	*ret_ceiling_iops = (double)ceiling->done * 1e9 / (double)ceiling->measured_ns;
	*ret_percent = 100 * iops / *ret_ceiling_iops;
	return 0;
}

/* The two loads must have moved the same bytes, or they cannot be compared. */
static void compare_bytes(const struct load *load, const struct ceiling *ceiling,
                          uint64_t bytes_before, uint64_t answers_before)
{
	const struct load_totals *totals = &load->totals;
	const struct host_queue *queue = &load->queues[0];
	double answers = (double)(queue->completions - answers_before);
	double ours = (double)(queue->connection.bytes_sent + queue->connection.bytes_received -
	                       bytes_before);
	double reads = (double)totals->reads / (double)(totals->reads + totals->writes);
	double theirs = ceiling_bytes_per_io(ceiling, reads);

	if (fabs(ours / answers - theirs) > theirs / 100)
		fprintf(stderr,
		        "nvmetd-bench: an I/O has %.0f bytes on the wire, and %.0f in the "
		        "ceiling: the target cuts its PDUs otherwise, so compare with care\n",
		        ours / answers,
		        theirs);
}

static int run_with_ceiling(struct load *load, struct ceiling *ceiling, struct report *report)
{
	unsigned seconds = load->options->seconds;
	unsigned n = seconds / ROUND_SECONDS;
	double percents[ROUNDS_MOST], iops[ROUNDS_MOST];
	uint64_t bytes, answers;
	int r;

	n = n < ROUNDS_LEAST ? ROUNDS_LEAST : n > ROUNDS_MOST ? ROUNDS_MOST : n;
	r = load_run(load, LOAD_RUN, GLIMPSE_NS, false);
	if (!r)
		r = ceiling_init(ceiling, load);
	pin(load->options->cpu);
	bytes = load->queues[0].connection.bytes_sent + load->queues[0].connection.bytes_received;
	answers = load->queues[0].completions;
	for (unsigned i = 0; !r && i < n; i++)
		r = round_of(load, ceiling, seconds * NS_PER_S / n, &percents[i], &iops[i]);
	if (r)
		return r;
	compare_bytes(load, ceiling, bytes, answers);
	report->has_ceiling = true;
	report->ceiling_percent = median(percents, n);
	report->ceiling_least = percents[0];
	report->ceiling_most = percents[n - 1];
	report->ceiling_iops = median(iops, n);
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

int main(int argc, char **argv)
{
	struct options options;
	struct load load = LOAD_NULL;
	struct ceiling ceiling = {0};
	struct report report = {.load = &load};
	int r = options_parse(&options, argc, argv);

	if (r)
		return r == OPTIONS_E_DONE ? EXIT_SUCCESS : EXIT_USAGE;
	r = load_init(&load, &options);
	if (!options.ceiling)
		pin(options.cpu);
	if (!r)
		r = run_load(&load, &ceiling, &report);
	r = finish(&load, &report, r);
	ceiling_deinit(&ceiling);
	load_deinit(&load);
	return r;
}
