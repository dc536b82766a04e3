/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * history - what was written to and read from each block, and whether that can be.
 *
 * Shape     A block is a register: a read gives what the last write put. Each write puts a version
 *           that no other write of the block has. What is known of a version is its zone: when the
 *           first operation with it (its write, or a read that gave it) ended, and when the last
 *           one began. A history is linearizable if and only if no read gave a version before
 *           its write began, and of no two versions each must be before the other: "v before u" is
 *           forced where an operation with v ended before one with u began (Gibbons and Korach,
 *           "Testing shared memories", 1997, for registers whose versions are unique).
 * Promise   A window of the last HISTORY_WINDOW versions for each block, and nothing else: a
 * version leaves it only when any read that is yet to end and gives it would be wrong. So the
 *           verdict is exact. Where the window is full of what must stay, history_has_room() says
 * no. Trust     Times are ours: an operation begins no later, and ends no earlier, than we say.
 * Threads   one at a time
 * Lifetime  history_deinit() frees; safe on zeroes
 * Returns   what a read was:
 */
enum history_verdict {
	HISTORY_GOOD,
	HISTORY_E_UNKNOWN, /* no write of this version has begun, or not yet when the read ended */
	HISTORY_E_GONE,    /* it was overwritten before the read began, and long ago */
	HISTORY_E_STALE, /* it was overwritten: two versions, each of which must be before the other
	                  */
};

enum { HISTORY_WINDOW = 6 };
#define HISTORY_NEVER UINT64_MAX

struct history_version {
	uint64_t version; /* 0: none */
	uint64_t begin_ns;
	uint64_t end_ns;       /* the write was answered, good or bad; NEVER until then */
	uint64_t first_end_ns; /* of what is known to have been done; NEVER: nothing is */
	uint64_t last_begin_ns;
};

struct history_block {
	struct history_version window[HISTORY_WINDOW]; /* in the order of their beginning */
	uint8_t n;
	uint16_t readers;          /* reads in flight */
	uint64_t readers_since_ns; /* the oldest of them began no earlier */
	uint64_t newest_gone;      /* the last version that left the window; 0: none */
};

struct history {
	struct history_block *blocks;
	uint64_t n;
};

int history_init(struct history *history, uint64_t blocks);
void history_deinit(struct history *history);

/* Whether another write may begin. */
bool history_has_room(struct history *history, uint64_t block, uint64_t now_ns);
/* There must be room. A block has one write in flight at a time. */
void history_write_begins(struct history *history, uint64_t block, uint64_t version,
                          uint64_t now_ns);
/* Bad: it may have been done or not, and if it was, then before now. */
void history_write_ends(struct history *history, uint64_t block, uint64_t version, bool is_good,
                        uint64_t now_ns);

void history_read_begins(struct history *history, uint64_t block, uint64_t now_ns);
/* begin_ns as in history_read_begins(). ret_other: with E_STALE, the version that it contradicts.
 */
enum history_verdict history_read_ends(struct history *history, uint64_t block, uint64_t version,
                                       uint64_t begin_ns, uint64_t end_ns, uint64_t *ret_other);
/* A read ends that has given nothing. */
void history_read_fails(struct history *history, uint64_t block);

/* Whether a write of it was under way at some time between these. */
bool history_is_written_between(const struct history *history, uint64_t block, uint64_t begin_ns,
                                uint64_t end_ns);

/* A verdict as words. */
const char *history_words(enum history_verdict verdict);
