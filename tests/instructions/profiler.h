/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/support/harness.h"

/*
 * profiler - nvmetd-tcp and nvmetd-io under callgrind, in a set that is otherwise as usual.
 *
 * Shape     A folder of programs for the launcher: two of them are scripts that start the real
 *           one under valgrind. callgrind's counters are written and set to 0 by its monitor
 *           (vgdb), so that what lies before does not count.
 * Promise   Every wait has a deadline; what goes wrong ends the test with words. Of each process
 *           one thread counts: the one that has done the most. The others' heartbeats would make
 *           it depend on the time that it takes.
 * Trust     ours
 * Threads   one
 * Lifetime  Between harness_new() and harness_stop(), which removes the folder.
 */

/* We, and all that we start from here on: on one processor, and who is woken waits until who runs
 * has nothing more to do. So how many commands one round finds does not depend on the time. */
void profiler_take_turns(void);
/* Makes the folder, and gives it to the harness; before its start. */
void profiler_prepare(struct harness *harness);
/* Writes what each process has come to since the last time, in callgrind's format:
 * FOLDER/NAME.PROCESS. */
void profiler_dump(const struct harness *harness, const char *folder, const char *name);
