/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * cpu - where we run.
 *
 * Shape     Of the process: cpu_pin() and back.
 * Promise   cpu_unpin() gives what we had before the first cpu_pin(), so that a process that is
 *           forked then may choose another CPU.
 * Trust     the operator's
 * Threads   one
 * Lifetime  the process
 */

/* -1: anywhere. What does not work is said, and changes nothing. */
void cpu_pin(int cpu);
void cpu_unpin(void);
