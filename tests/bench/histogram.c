/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/histogram.h"

/* Values below 64 have a bucket each; then the six bits after the leading one choose. */
static uint32_t bucket_of(uint64_t ns)
{
	uint32_t exponent, index;

	if (ns < HISTOGRAM_SUB)
		return (uint32_t)ns;
	exponent = 63u - (uint32_t)__builtin_clzll(ns) - 6;
	index = (exponent + 1) * HISTOGRAM_SUB + (uint32_t)((ns >> exponent) & (HISTOGRAM_SUB - 1));
	return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that falls into it. */
static uint64_t top_of(uint32_t bucket)
{
	uint32_t exponent;

	if (bucket < HISTOGRAM_SUB)
		return bucket;
	exponent = bucket / HISTOGRAM_SUB - 1;
	return ((uint64_t)(HISTOGRAM_SUB + bucket % HISTOGRAM_SUB + 1) << exponent) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	if (!histogram->count || ns < histogram->min_ns)
		histogram->min_ns = ns;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
	histogram->count++;
	histogram->sum_ns += ns;
	histogram->buckets[bucket_of(ns)]++;
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, uint32_t per_100000)
{
	uint64_t wanted = (histogram->count * per_100000 + 99999) / 100000;
	uint64_t seen = 0;

	if (!histogram->count)
		return 0;
	if (!wanted)
		wanted = 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= wanted)
			return top_of(i) < histogram->max_ns ? top_of(i) : histogram->max_ns;
	}
	return histogram->max_ns;
}

double histogram_mean_ns(const struct histogram *histogram)
{
	return histogram->count ? (double)histogram->sum_ns / (double)histogram->count : 0;
}
