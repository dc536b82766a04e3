/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/bench/options.h"

/*
 * measure - nvmetd-bench without a verb: one load on one target, and what it came to.
 *
 * Shape     a function
 * Promise   All that went wrong was said on stderr.
 * Trust     the target may be wrong
 * Threads   one
 * Lifetime  holds nothing afterwards
 * Returns   the exit status
 */
int measure(const struct options *options);
