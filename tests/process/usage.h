/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sys/types.h>

#include "tests/support/harness.h"

/*
 * usage - what the processes of a set cost, as the kernel counts it.
 *
 * Shape     The process ids of a set of one worker; processor time and memory of each, and of all
 *           together, read from /proc.
 * Promise   Pages that processes share are counted once in a sum (PSS). What the kernel has in
 *           their sockets is not among it.
 * Trust     ours
 * Threads   one
 * Lifetime  of the set
 */
enum usage_of { USAGE_STATE, USAGE_TCP, USAGE_IO, USAGE_LAUNCHER, USAGE_PROCESSES };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define USAGE_IS_SANITIZED true /* most of the memory is the sanitizer's */
#else
#define USAGE_IS_SANITIZED false
#endif

struct usage {
	pid_t pids[USAGE_PROCESSES];
};

struct usage usage_of_set(struct harness *harness);

/* On a processor since their start, all threads. */
double usage_busy_seconds(const struct usage *usage);
/* Of the next seconds, in per cent of a core. */
double usage_cpu_percent(const struct usage *usage, unsigned seconds);

unsigned usage_pss_kib(pid_t pid);
unsigned usage_sum_kib(const struct usage *usage);
/* "state 1.2, tcp 3.4, io 5.6, launcher 0.7", MiB; valid until the next call. */
const char *usage_words(const struct usage *usage);

/* What the kernel's TCP sockets hold in buffers, of the whole machine. */
unsigned usage_tcp_buffers_kib(void);
