/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sys/types.h>

/*
 * load - nvmetd-bench on the scene's set, while a test does something else.
 *
 * Shape     The first subsystem on the first port, without pinning. What it prints goes to a file
 *           `load` in the set's directory.
 * Promise   It ends with the test.
 * Trust     ours
 * Threads   one, and one load at a time
 * Lifetime  harness_end_program() or harness_await() of its pid
 */

/* Starts it with these further arguments, NULL at the end. */
pid_t load_start(const char *argument, ...) __attribute__((sentinel));
/* The same, with reads and writes at random, which are verified: 32 at a time, of 8 KiB, in the
 * first 16 MiB of the namespace. What the further arguments say holds instead. */
pid_t load_start_verified(const char *nsid, const char *seconds, ...) __attribute__((sentinel));
/* Waits for its end: it has verified all that it read, and nothing was wrong. */
void load_expect_good_end(pid_t load);
