/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/report.h"

#include <stdio.h>

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

static double iops_of(const struct load *load)
{
	const struct load_totals *totals = &load->totals;

	return totals->measured_ns
	               ? (double)totals->latency.count * 1e9 / (double)totals->measured_ns
	               : 0;
}

static double mib_of(const struct load *load)
{
	return iops_of(load) * load->options->block_bytes / (1 << 20);
}

static void print_json(const struct report *report)
{
	const struct load *load = report->load;
	const struct load_totals *totals = &load->totals;
	const struct histogram *latency = &totals->latency;

	printf("{\"iops\": %.1f, \"mean_us\": %.2f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
	       "\"p999_us\": %.2f, \"errors\": %llu, ",
	       iops_of(load),
	       histogram_mean_ns(latency) / 1000,
	       us(histogram_percentile_ns(latency, 50000)),
	       us(histogram_percentile_ns(latency, 99000)),
	       us(histogram_percentile_ns(latency, 99900)),
	       (unsigned long long)(totals->errors + load->verify.mismatches));
	if (report->has_ceiling)
		printf("\"ceiling_percent\": %.1f, \"ceiling_iops\": %.1f, ",
		       report->ceiling_percent,
		       report->ceiling_iops);
	else
		printf("\"ceiling_percent\": null, ");
	printf("\"min_us\": %.2f, \"max_us\": %.2f, \"mib_s\": %.1f, \"reads\": %llu, "
	       "\"writes\": %llu, \"seconds\": %.3f, \"failed_ios\": %llu, "
	       "\"checked_blocks\": %llu, \"wrong_blocks\": %llu, \"reconnects\": %llu, "
	       "\"longest_gap_ms\": %.1f}\n",
	       us(latency->min_ns),
	       us(latency->max_ns),
	       mib_of(load),
	       (unsigned long long)totals->reads,
	       (unsigned long long)totals->writes,
	       (double)totals->measured_ns / 1e9,
	       (unsigned long long)totals->errors,
	       (unsigned long long)load->verify.checked,
	       (unsigned long long)load->verify.mismatches,
	       (unsigned long long)totals->reconnects,
	       (double)totals->longest_gap_ns / 1e6);
}

static void print_text(const struct report *report)
{
	const struct load *load = report->load;
	const struct options *options = load->options;
	const struct load_totals *totals = &load->totals;
	const struct histogram *latency = &totals->latency;

	printf("%s, %u bytes, %u%% reads, %u connection%s x QD %u, %.1f s\n",
	       options->pattern->is_sequential ? "sequential" : "random",
	       options->block_bytes,
	       options->read_percent,
	       options->connections,
	       options->connections == 1 ? "" : "s",
	       options->depth,
	       (double)totals->measured_ns / 1e9);
	printf("  IOPS        %.0f (%.1f MiB/s)\n", iops_of(load), mib_of(load));
	printf("  latency us  mean %.2f  min %.2f  p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n",
	       histogram_mean_ns(latency) / 1000,
	       us(latency->min_ns),
	       us(histogram_percentile_ns(latency, 50000)),
	       us(histogram_percentile_ns(latency, 99000)),
	       us(histogram_percentile_ns(latency, 99900)),
	       us(latency->max_ns));
	if (report->has_ceiling)
		printf("  ceiling     %.1f %% of the %.0f IOPS of bare TCP (rounds: %.1f to %.1f "
		       "%%)\n",
		       report->ceiling_percent,
		       report->ceiling_iops,
		       report->ceiling_least,
		       report->ceiling_most);
	if (options->verify)
		printf("  verified    %llu blocks read, %llu wrong\n",
		       (unsigned long long)load->verify.checked,
		       (unsigned long long)load->verify.mismatches);
	if (options->reconnect_seconds)
		printf("  reconnects  %llu\n", (unsigned long long)totals->reconnects);
	printf("  longest gap %.1f ms without an answer\n", (double)totals->longest_gap_ns / 1e6);
	printf("  errors      %llu\n", (unsigned long long)totals->errors);
}

void report_print(const struct report *report)
{
	if (report->load->options->json)
		print_json(report);
	else
		print_text(report);
	fflush(stdout);
}
