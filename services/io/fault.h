/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "services/io/backing.h"
#include "services/io/fault_cache.h"
#include "services/io/fault_rules.h"
#include "services/io/request.h"

/*
 * fault - a backing that stands on another one, and does what a bad disk does.
 *
 * Shape     Rules, and a volatile cache for the writes that a `lose` rule hits. backing_fault.c
 *           opens, closes and controls it; fault_io.c carries out requests. As long as there is
 *           a cache, requests pass a gate one at a time: who has it, has the cache.
 * Promise   What is held up (delay, hang) is with nobody else: it has not reached the backing
 *           below, keeps no thread, and goes when its link ends. Blocks in the cache are read
 *           from there. A write that is answered is in the cache or below; after a Flush, and
 *           with FUA, it is on the stable storage of what is below. fault_power(false), and the
 *           death of the process, lose the cache; close writes it.
 * Trust     as backing; rules are an operator's text
 * Threads   rules, power and the gate: any, under the lock, which is never held over I/O. A
 *           request stays on its I/O thread.
 * Lifetime  as backing. A request of it has memory of its own while it lasts: this is a backing
 *           for tests, which may allocate; what finds no memory is answered as interrupted.
 */
struct fault {
	struct backing backing;
	struct backing *below;
	struct target target; /* as which requests to the one below name it */

	pthread_mutex_t lock;
	struct fault_rules rules;
	uint64_t releases; /* rises when what is held up goes on */
	uint64_t outages;  /* rises when the power goes */
	bool is_off;
	bool loses_cache;    /* who has the gate empties the cache before the next one */
	bool is_busy;        /* somebody has the gate */
	struct list waiting; /* for the gate: struct fault_work */
	uint64_t bytes;      /* as measured last */
	uint64_t cached;     /* blocks, when nobody had the gate last */
	uint64_t lost;       /* blocks */
	uint64_t hanging;    /* requests, now */
	uint64_t delayed;

	struct fault_cache cache;
	void *bounce; /* on the way from the cache down; FAULT_BOUNCE_BYTES */
};

#define FAULT_BOUNCE_BYTES (256u << 10)

void fault_start(struct backing *backing, struct request *request);
void fault_cancel(struct backing *backing, struct request *request);

/* With the lock: the cache is lost. */
void fault_lose_cache(struct fault *fault);

/* ------------------------------------------------------------------ control thread */

/* Also the one below pi:. NULL: the backing is of another kind. */
struct fault *fault_of(struct backing *backing);

/* Other rules: what is held up goes on. 0; or FAULT_RULE_E_WRONG with the reason
 * (FAULT_REASON_SIZE), and nothing has changed. */
int fault_set_rules(struct fault *fault, char *const *texts, size_t n, char *reason);

/* Without power everything fails, and the cache is lost at once. */
void fault_power(struct fault *fault, bool on);

struct fault_report {
	bool is_off;
	uint64_t cached_bytes;
	uint64_t cache_bytes;
	uint64_t lost_bytes;
	uint64_t hanging;
	uint64_t delayed;
	unsigned n_rules;
	struct {
		char text[FAULT_RULE_SIZE];
		uint64_t met;
		uint64_t hits;
	} rules[FAULT_RULES_MAX];
};

void fault_describe(struct fault *fault, struct fault_report *ret_report);
