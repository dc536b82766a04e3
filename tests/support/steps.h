/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * steps - kills a process at the step that a test wants.
 *
 * Shape     A step is a system call of any thread that may leave something behind: a write, a
 *           sync, a truncation, a name that is made, changed or taken away, a message. The process
 *           is traced by one of our own, and ends before the call is carried out.
 * Promise   Whatever process it is, it is not traced any more after steps_end(). Writes to
 *           eventfds and to standard output are no steps.
 * Trust     ours
 * Threads   one
 * Lifetime  steps_begin() … steps_end()
 */
struct steps;

/* From now on. kill_at: 1 for the first step; 0: never. NULL: this process may not be traced by
 * us, which is said in *ret_why. */
struct steps *steps_begin(pid_t pid, unsigned kill_at, const char **ret_why);

/* What it did, or would have done, when it was killed: "fdatasync /…/state.db-wal". */
bool steps_has_killed(const struct steps *steps);
const char *steps_last(const struct steps *steps);

/* How many there were. */
unsigned steps_end(struct steps *steps);
