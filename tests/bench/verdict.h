/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

#include "tests/bench/contest.h"

/*
 * verdict - what nvmetd-bench compare says of a work, on stdout.
 *
 * Shape     three lines for people, or one JSON object in a line
 * Promise   The JSON keys that are in the manual page stay; others may come.
 * Trust     names are as target.h has them
 * Threads   one
 * Lifetime  none
 */

/* Who is who, before the first work. Nothing as JSON. */
void verdict_begin(const struct options *options, const struct target targets[CONTEST_SIDES]);
void verdict_print(const struct contest *contest);
/* "randrw (70 % reads)" */
void verdict_work(const struct options *options, char *ret_text, size_t text_size);
/* "4 KiB" */
void verdict_size(const struct options *options, char *ret_text, size_t text_size);
