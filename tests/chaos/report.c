/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/report.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/chaos/service.h"

/* ------------------------------------------------------------------ by fault */

struct summary {
	unsigned n;       /* that were */
	unsigned failed;  /* that could not be */
	unsigned alone;   /* that were, with no other near: only those have a pause of their own */
	double median_ms; /* of the longest pause of each of these */
	double worst_ms;
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static bool was_alone(const struct schedule *schedule, const struct occurrence *occurrence)
{
	uint64_t to_ns = occurrence->end_ns + JOURNAL_NEAR_NS;

	for (unsigned i = 0; i < schedule->n; i++)
		if (&schedule->occurrences[i] != occurrence &&
		    journal_is_near(&schedule->occurrences[i], occurrence->begin_ns, to_ns))
			return false;
	return true;
}

static struct summary summary_of(const struct schedule *schedule, const struct fault *fault)
{
	double *pauses = calloc(schedule->n + 1, sizeof(*pauses));
	struct summary summary = {0};

	for (unsigned i = 0; i < schedule->n; i++) {
		const struct occurrence *occurrence = &schedule->occurrences[i];

		if (occurrence->fault != fault || !occurrence->begin_ns)
			continue;
		summary.failed += occurrence->failure != 0;
		summary.n += occurrence->failure == 0;
		if (!occurrence->failure && pauses && was_alone(schedule, occurrence))
			pauses[summary.alone++] = (double)occurrence->longest_pause_ns / 1e6;
	}
	if (summary.alone) {
		qsort(pauses, summary.alone, sizeof(*pauses), compare);
		summary.median_ms = pauses[summary.alone / 2];
		summary.worst_ms = pauses[summary.alone - 1];
	}
	free(pauses);
	return summary;
}

/* ------------------------------------------------------------------ text */

static void say_faults(const struct chaos *chaos, FILE *file)
{
	fprintf(file,
	        "\n  %-16s %6s %8s %6s %12s %8s\n",
	        "fault",
	        "times",
	        "not now",
	        "alone",
	        "pause ms p50",
	        "worst");
	for (unsigned i = 0; i < n_faults; i++) {
		struct summary summary = summary_of(&chaos->schedule, faults[i]);

		if (summary.n + summary.failed)
			fprintf(file,
			        "  %-16s %6u %8u %6u %12.0f %8.0f\n",
			        faults[i]->name,
			        summary.n,
			        summary.failed,
			        summary.alone,
			        summary.median_ms,
			        summary.worst_ms);
	}
	if (chaos->left_out)
		fprintf(file, "  %u of the schedule were left out, see above\n", chaos->left_out);
}

static uint64_t count_within(const struct histogram *histogram, double least_ms, double most_ms)
{
	uint64_t n = 0;

	/* 64 buckets for each power of two; see histogram.c */
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint32_t exponent = i / HISTOGRAM_SUB ? i / HISTOGRAM_SUB - 1 : 0;
		double ns = i < HISTOGRAM_SUB
		                    ? i
		                    : (double)((uint64_t)(HISTOGRAM_SUB + i % HISTOGRAM_SUB)
		                               << exponent);

		if (ns >= least_ms * 1e6 && ns < most_ms * 1e6)
			n += histogram->buckets[i];
	}
	return n;
}

static const double edges_ms[] = {0, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 1e9};
#define N_EDGES (sizeof(edges_ms) / sizeof(edges_ms[0]) - 1)

static void say_pauses(const struct chaos *chaos, FILE *file)
{
	const struct histogram *pauses = &chaos->journal.pauses;

	fprintf(file,
	        "\n  pauses of a host of 20 ms and more: %llu, the longest %.0f ms\n",
	        (unsigned long long)pauses->count,
	        (double)pauses->max_ns / 1e6);
	for (unsigned i = 0; i < N_EDGES; i++) {
		uint64_t n = count_within(pauses, edges_ms[i], edges_ms[i + 1]);

		if (!n)
			continue;
		fprintf(file,
		        i + 1 < N_EDGES ? "    up to %5.0f ms %6llu  "
		                        : "    longer than %.0f ms %6llu  ",
		        i + 1 < N_EDGES ? edges_ms[i + 1] : edges_ms[i],
		        (unsigned long long)n);
		for (uint64_t bar = 0; bar < 50 * n / pauses->count; bar++)
			fputc('#', file);
		fputc('\n', file);
	}
}

static void say_hosts(const struct chaos *chaos, FILE *file)
{
	fprintf(file,
	        "\n  %-16s %10s %11s %8s %8s\n",
	        "host",
	        "I/Os",
	        "reconnects",
	        "retries",
	        "errors");
	for (unsigned i = 0; i < chaos->n_hosts; i++)
		fprintf(file,
		        "  %-16s %10llu %11llu %8llu %8llu\n",
		        chaos->hosts[i].name,
		        (unsigned long long)atomic_load(&chaos->hosts[i].ios),
		        (unsigned long long)atomic_load(&chaos->hosts[i].reconnects),
		        (unsigned long long)atomic_load(&chaos->hosts[i].retries),
		        (unsigned long long)atomic_load(&chaos->hosts[i].errors));
	fprintf(file,
	        "\n  %-16s %10s %11s %24s\n",
	        "blocks of",
	        "written",
	        "read",
	        "torn beside a write");
	for (unsigned i = 0; i < chaos->n_loads; i++)
		fprintf(file,
		        "  %-16s %10llu %11llu %24llu\n",
		        chaos->spaces[i].name,
		        (unsigned long long)chaos->spaces[i].writes,
		        (unsigned long long)chaos->spaces[i].reads,
		        (unsigned long long)chaos->spaces[i].torn_beside_a_write);
}

void report_text(struct chaos *chaos, FILE *file)
{
	unsigned kept = chaos->findings.n < FINDINGS_KEPT ? chaos->findings.n : FINDINGS_KEPT;

	fprintf(file,
	        "nvmetd-chaos: seed %llu, %.1f s\n",
	        (unsigned long long)chaos->options.seed,
	        (double)(chaos->end_ns - chaos->begin_ns) / 1e9);
	say_faults(chaos, file);
	say_pauses(chaos, file);
	say_hosts(chaos, file);
	fprintf(file,
	        "\n  quiet moments looked at: %u; answers of nvmetctl status: %u\n",
	        chaos->watch.quiet_moments,
	        chaos->watch.answers);
	for (unsigned i = 0; i < kept; i++)
		fprintf(file,
		        "\n  %s, at %.3f s: %s\n",
		        chaos->findings.kept[i].invariant,
		        (double)(chaos->findings.kept[i].at_ns - chaos->findings.begin_ns) / 1e9,
		        chaos->findings.kept[i].text);
	fprintf(file,
	        chaos->findings.n ? "\n%u findings\n" : "\nall invariants held\n",
	        chaos->findings.n);
}

/* ------------------------------------------------------------------ JSON */

static void put_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(file, "\\u%04x", *text);
		else
			fputc(*text, file);
	fputc('"', file);
}

static void put_faults(const struct chaos *chaos, FILE *file)
{
	const char *separator = "";

	fprintf(file, "  \"faults\": {");
	for (unsigned i = 0; i < n_faults; i++) {
		struct summary summary = summary_of(&chaos->schedule, faults[i]);

		if (!summary.n && !summary.failed)
			continue;
		fprintf(file,
		        "%s\n    \"%s\": {\"times\": %u, \"failed\": %u, \"alone\": %u, "
		        "\"pause_ms_p50\": %.1f, "
		        "\"pause_ms_worst\": %.1f}",
		        separator,
		        faults[i]->name,
		        summary.n,
		        summary.failed,
		        summary.alone,
		        summary.median_ms,
		        summary.worst_ms);
		separator = ",";
	}
	fprintf(file, "},\n");
}

static void put_schedule(const struct chaos *chaos, FILE *file)
{
	fprintf(file, "  \"schedule\": [");
	for (unsigned i = 0; i < chaos->schedule.n; i++) {
		const struct occurrence *occurrence = &chaos->schedule.occurrences[i];

		fprintf(file,
		        "%s\n    {\"at_ms\": %u, \"fault\": \"%s\", \"length_ms\": %u, \"amount\": "
		        "%u, "
		        "\"was\": %s, \"longest_pause_ms\": %.1f}",
		        i ? "," : "",
		        occurrence->at_ms,
		        occurrence->fault->name,
		        occurrence->length_ms,
		        occurrence->amount,
		        occurrence->begin_ns && !occurrence->failure ? "true" : "false",
		        (double)occurrence->longest_pause_ns / 1e6);
	}
	fprintf(file, "],\n");
}

static void put_hosts(const struct chaos *chaos, FILE *file)
{
	fprintf(file, "  \"hosts\": [");
	for (unsigned i = 0; i < chaos->n_hosts; i++)
		fprintf(file,
		        "%s\n    {\"name\": \"%s\", \"ios\": %llu, \"reconnects\": %llu, "
		        "\"retries\": "
		        "%llu, \"errors\": %llu}",
		        i ? "," : "",
		        chaos->hosts[i].name,
		        (unsigned long long)atomic_load(&chaos->hosts[i].ios),
		        (unsigned long long)atomic_load(&chaos->hosts[i].reconnects),
		        (unsigned long long)atomic_load(&chaos->hosts[i].retries),
		        (unsigned long long)atomic_load(&chaos->hosts[i].errors));
	fprintf(file, "],\n");
}

void report_json(struct chaos *chaos, FILE *file)
{
	const struct histogram *pauses = &chaos->journal.pauses;
	unsigned kept = chaos->findings.n < FINDINGS_KEPT ? chaos->findings.n : FINDINGS_KEPT;

	fprintf(file,
	        "{\n  \"seed\": %llu,\n  \"seconds\": %.3f,\n  \"left_out\": %u,\n",
	        (unsigned long long)chaos->options.seed,
	        (double)(chaos->end_ns - chaos->begin_ns) / 1e9,
	        chaos->left_out);
	put_faults(chaos, file);
	put_schedule(chaos, file);
	put_hosts(chaos, file);
	fprintf(file,
	        "  \"pauses\": {\"count\": %llu, \"longest_ms\": %.1f, \"up_to_ms\": {",
	        (unsigned long long)pauses->count,
	        (double)pauses->max_ns / 1e6);
	for (unsigned i = 0; i < N_EDGES; i++)
		fprintf(file,
		        "%s\"%.0f\": %llu",
		        i ? ", " : "",
		        edges_ms[i + 1],
		        (unsigned long long)count_within(pauses, edges_ms[i], edges_ms[i + 1]));
	fprintf(file, "}},\n  \"quiet_moments\": %u,\n", chaos->watch.quiet_moments);
	fprintf(file, "  \"n_findings\": %u,\n  \"findings\": [", chaos->findings.n);
	for (unsigned i = 0; i < kept; i++) {
		fprintf(file,
		        "%s\n    {\"invariant\": \"%s\", \"at_seconds\": %.3f, \"what\": ",
		        i ? "," : "",
		        chaos->findings.kept[i].invariant,
		        (double)(chaos->findings.kept[i].at_ns - chaos->findings.begin_ns) / 1e9);
		put_text(file, chaos->findings.kept[i].text);
		fprintf(file, "}");
	}
	fprintf(file, "]\n}\n");
}

/* ------------------------------------------------------------------ --list */

void report_tables(FILE *file)
{
	static const char *const whens[] = {
		[INVARIANT_WITH_EACH_IO] = "with each I/O",
		[INVARIANT_ALWAYS] = "all the time",
		[INVARIANT_QUIET] = "in quiet moments",
		[INVARIANT_END] = "at the end",
	};

	fprintf(file, "services\n");
	for (unsigned i = 0; i < SERVICES; i++)
		fprintf(file, "  %-16s %s\n", service_kinds[i].name, service_kinds[i].program);
	fprintf(file, "\nloads\n");
	for (unsigned i = 0; i < n_load_kinds; i++)
		fprintf(file,
		        "  %-16s %s%s\n",
		        load_kinds[i]->name,
		        load_kinds[i]->what,
		        load_kinds[i]->is_optional ? " (only by name)" : "");
	fprintf(file, "\nfaults\n");
	for (unsigned i = 0; i < n_faults; i++)
		fprintf(file,
		        "  %-16s %s%s\n",
		        faults[i]->name,
		        faults[i]->what,
		        faults[i]->weight ? "" : " (only by name)");
	fprintf(file, "\ninvariants\n");
	for (unsigned i = 0; i < n_invariants; i++)
		fprintf(file,
		        "  %-16s %s (%s)\n",
		        invariants[i].name,
		        invariants[i].what,
		        whens[invariants[i].when]);
}
