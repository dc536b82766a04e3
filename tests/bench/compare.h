/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/bench/options.h"

/*
 * compare - nvmetd-bench compare: the same works on two targets, and the ratios.
 *
 * Shape     a function
 * Promise   All that went wrong was said on stderr, and of which side. What was paused goes on.
 * Trust     the targets may be wrong
 * Threads   one
 * Lifetime  holds nothing afterwards
 * Returns   the exit status
 */
int compare(const struct options *options);
