/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/histogram.h"
#include "tests/chaos/fault.h"
#include "tests/chaos/findings.h"

/*
 * journal - which faults were when, what they allow, and the pauses that there were.
 *
 * Shape     The occurrences of the schedule, with the times at which they began and ended. A pause
 * is a time of a host without any answer while it waits for one. Promise   A pause, or the time of
 * one I/O, may be as long as quiet_ms and what each fault allows that was on, or recovering, at
 * some time of it. What is longer is a finding. Trust     none Threads   any Lifetime  Borrows the
 * occurrences.
 */
#define JOURNAL_PAUSE_NS (20 * 1000000ull) /* what is shorter is no pause */
/* A pause may come from a fault that ended no longer ago. */
#define JOURNAL_NEAR_NS  (1500 * 1000000ull)

struct journal {
	pthread_mutex_t lock;
	struct findings *findings;
	struct occurrence *occurrences;
	unsigned n;
	unsigned quiet_ms; /* with no fault */
	double patience;   /* times quiet_ms and each recovery */
	struct histogram pauses;
};

/* findings, occurrences, n, quiet_ms and patience are the caller's. */
void journal_init(struct journal *journal);

void journal_begins(struct journal *journal, struct occurrence *occurrence);
void journal_ends(struct journal *journal, struct occurrence *occurrence);

/* Some fault of this effect is on, or recovering, at a time between these. */
bool journal_allows(struct journal *journal, enum fault_effect effect, uint64_t from_ns,
                    uint64_t to_ns);
/* None was between these, or can have left something to be seen then. */
bool journal_is_quiet(struct journal *journal, uint64_t from_ns, uint64_t to_ns);
/* How long a pause between these may be. */
uint64_t journal_allowance_ns(struct journal *journal, uint64_t from_ns, uint64_t to_ns);
/* Whether what was between these may come from it. */
bool journal_is_near(const struct occurrence *occurrence, uint64_t from_ns, uint64_t to_ns);
/* A pause of a host is over. It is put down to a fault if it can come from no other. */
void journal_pause(struct journal *journal, const char *host, uint64_t from_ns, uint64_t to_ns);
/* An I/O was answered in the end. */
void journal_io(struct journal *journal, const char *host, uint64_t from_ns, uint64_t to_ns);
/* "kill-io kill-tcp": what was on, for a finding. */
void journal_describe(struct journal *journal, uint64_t from_ns, uint64_t to_ns, char *text,
                      size_t size);
