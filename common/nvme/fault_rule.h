/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/nvme/status.h"

/*
 * fault_rule - one kind of fault for a namespace, as an operator writes it.
 *
 * Shape     A line of words: OPERATIONS ACTION [KEY=VALUE ...]. What it means is a struct:
 *
 *           OPERATIONS  read, write, flush, zeroes, trim, with commas between; or any
 *           ACTION      error=EIO, error=0x281, delay=5ms, delay=1ms-20ms, short, hang, lose
 *           which       lba=100, lba=100-199
 *           how often   rate=0.5, rate=1%, every=3, count=2; seed=7 for the dice of rate
 *           when        from=2s, for=10s, on=1s/10s: since the rule was set
 *           of lose     cache=16M
 *
 * Promise   A line is taken whole, or refused with one reason; words that say nothing
 *           (a count of 0, a seed without dice) are refused as well.
 * Trust     an operator's text
 * Threads   any; pure
 * Lifetime  values
 * Returns   0, or
 */
enum fault_rule_error {
	FAULT_RULE_E_WRONG = 1, /* the reason says why */
};

#define FAULT_RULES_MAX     16  /* of a namespace */
#define FAULT_RULE_SIZE     256 /* of its text, with the NUL */
#define FAULT_REASON_SIZE   160 /* enough for every reason */
#define FAULT_CACHE_DEFAULT (64u << 20)
#define FAULT_CACHE_MAX     (4ull << 30)

enum fault_operation {
	FAULT_READ = 0x01,
	FAULT_WRITE = 0x02,
	FAULT_FLUSH = 0x04,
	FAULT_ZEROES = 0x08, /* Write Zeroes */
	FAULT_TRIM = 0x10,   /* Dataset Management, Deallocate */
	FAULT_ANY = 0x1f,
};

enum fault_action {
	FAULT_ERROR,
	FAULT_DELAY,
	FAULT_SHORT,
	FAULT_HANG,
	FAULT_LOSE,
};

struct fault_rule {
	uint8_t operations;
	enum fault_action action;
	int error;                 /* FAULT_ERROR: an errno; 0: the status */
	struct nvme_status status; /* FAULT_ERROR, as a host is to get it */
	uint64_t delay_min_ns;     /* FAULT_DELAY */
	uint64_t delay_max_ns;
	uint64_t cache_bytes; /* FAULT_LOSE */
	uint64_t first;       /* blocks */
	uint64_t last;        /* UINT64_MAX, with first 0: all, and what has none */
	uint64_t rate;        /* of 1 << 32 */
	uint64_t every;       /* 1: each */
	uint64_t count;       /* UINT64_MAX: without an end */
	uint64_t from_ns;
	uint64_t until_ns; /* UINT64_MAX: without an end */
	uint64_t on_ns;    /* in every period_ns; 0: always */
	uint64_t period_ns;
	uint64_t seed;
};

/* reason: FAULT_REASON_SIZE bytes. */
int fault_rule_parse(const char *text, struct fault_rule *ret_rule, char *reason);

/* "error", "delay" … */
const char *fault_action_name(enum fault_action action);

/* What stands behind "fault:" in a path (or behind "pi:fault:", "zoned:fault:"): another path.
 * NULL: the path is not of that kind. */
const char *fault_path_below(const char *path);
