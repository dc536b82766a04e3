/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

/*
 * findings - the invariants that did not hold, with what was seen.
 *
 * Shape     A list of the first FINDINGS_KEPT, in the order they came; all are counted.
 * Promise   Each is said on stderr at once too, those that are kept.
 * Trust     none
 * Threads   any
 * Lifetime  a static value, FINDINGS_NULL
 */
enum { FINDINGS_KEPT = 50 };

struct finding {
	uint64_t at_ns;
	const char *invariant;
	char text[1200];
};

struct findings {
	pthread_mutex_t lock;
	uint64_t begin_ns; /* of the run: times are said from it on */
	unsigned n;        /* all of them */
	struct finding kept[FINDINGS_KEPT];
};

#define FINDINGS_NULL ((struct findings){.lock = PTHREAD_MUTEX_INITIALIZER})

/* `invariant`: its name, a literal. */
void findings_add(struct findings *findings, const char *invariant, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
unsigned findings_count(struct findings *findings);
