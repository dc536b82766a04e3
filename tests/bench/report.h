/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/bench/load.h"

/*
 * report - what nvmetd-bench says at its end, on stdout.
 *
 * Shape     text for people, or one JSON object
 * Promise   The JSON keys iops, mean_us, p50_us, p99_us, p999_us, errors and ceiling_percent stay;
 *           others may come.
 * Trust     none
 * Threads   one
 * Lifetime  none
 */
struct report {
	const struct load *load;
	bool has_ceiling;
	double ceiling_iops;
	double ceiling_percent; /* median of the rounds */
	double ceiling_least;
	double ceiling_most;
};

void report_print(const struct report *report);
