/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/*
 * histogram - counts latencies, finely for short ones and coarsely for long ones.
 *
 * Shape     For each power of two 64 buckets of equal width: any nanosecond figure up to 2^40
 *           is kept to 1.6 % (as HdrHistogram does it).
 * Promise   Adding takes constant time and no memory.
 * Trust     none
 * Threads   one
 * Lifetime  zeroed at first; a value
 */
#define HISTOGRAM_SUB     64u
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * 36u)

struct histogram {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t ns);
/* What `per_100000` of 100,000 did not exceed; 99,900 is p99.9. 0 of an empty one. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, uint32_t per_100000);
double histogram_mean_ns(const struct histogram *histogram);
