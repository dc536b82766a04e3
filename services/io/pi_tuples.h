/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/nvme/protection.h"
#include "common/nvme/status.h"

/*
 * pi_tuples - makes and checks the protection information of blocks in a row.
 *
 * Shape     Blocks lie in pieces of memory, cut anywhere; their tuples in an array.
 * Promise   A block whose application tag is FFFFh is not checked. Neither is a stored one that was
 *           never written: block and tuple are all zeroes (as a new store is).
 * Trust     Pieces may be a transport's arena: their bytes may change at any time, and a page
 *           may be missing. What is checked of interleaved data is a private copy.
 * Threads   any; pure
 * Lifetime  borrows pieces and tuples for the call
 * Returns   0 or -EFAULT, or the status that the command is to be answered with
 */

/* Where one is in pieces. */
struct pi_cursor {
	const struct iovec *piece;
	size_t at; /* in the piece */
};

/* What is said of blocks in a row. */
struct pi_blocks {
	uint64_t first;
	uint32_t count;
	unsigned shift;
};

struct pi_checks {
	bool guard;
	bool reference;
	uint16_t application;
	uint16_t application_mask; /* 0: it is not checked */
	bool are_stored; /* what is checked was on a store: it may never have been written */
};

/* The next so many bytes as pieces of their own; how many these are. Moves the cursor behind. */
uint32_t pi_pieces_of(struct pi_cursor *cursor, uint64_t bytes, struct iovec *ret_pieces);

/* The tuples of blocks as they are. Moves the cursor behind them. */
int pi_make(struct pi_cursor *cursor, const struct pi_blocks *blocks, uint16_t application,
            struct nvme_protection *ret_tuples);

/* The tuples of zeroes. */
void pi_make_zeroes(const struct pi_blocks *blocks, uint16_t application,
                    struct nvme_protection *ret_tuples);

/* Moves the cursor behind the blocks; where it says no, anywhere. */
struct nvme_status pi_check(struct pi_cursor *cursor, const struct pi_blocks *blocks,
                            const struct pi_checks *checks, const struct nvme_protection *tuples);

/* Blocks with a tuple behind each, apart: out of the pieces. */
int pi_split(struct pi_cursor *cursor, const struct pi_blocks *blocks, void *ret_data,
             struct nvme_protection *ret_tuples);

/* And into them. A block that was never written has a tuple of FFh, so that its host does not
 * check it (NVM Command Set 1.1 §5.3.2.5). */
int pi_join(struct pi_cursor *cursor, const struct pi_blocks *blocks, const void *data,
            const struct nvme_protection *tuples);
