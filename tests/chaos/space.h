/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/chaos/dice.h"
#include "tests/chaos/findings.h"
#include "tests/chaos/history.h"

/*
 * space - the blocks of a namespace that loads write and read, and what each may hold.
 *
 * Shape     A block has at most one write in flight (it is claimed), whoever writes it; reads are
 * at any time. What is written is a stamped block (tests/bench/stamp.h) whose sequence is the
 * version, with the writer in its last eight bits. What is read must be such a block, whole, of a
 * version that the block's history allows. Promise   A block that is read while it is written may
 * be in parts of both (NVM Command Set 1.1 §2.1.4 promises whole blocks; nvmetd does not, see
 * CAVEATS): then each eight bytes must be of a version that the history has. It is counted. Any
 * other block that is not whole is a finding, as is one of a wrong version. Trust     what is read
 * may be anything Threads   any Lifetime  space_deinit() frees; safe on zeroes
 */
struct space {
	pthread_mutex_t lock;
	struct findings *findings;
	const char *name;
	uint32_t nsid;
	uint32_t block_bytes;
	uint64_t first_lba;
	uint64_t blocks;
	uint64_t seed;
	struct history history;
	bool *claimed;
	uint64_t last_version;
	uint64_t filled;    /* blocks that have been claimed by space_claim_next() */
	uint64_t looked_at; /* … that space_read_next_begins() has given */

	uint64_t writes; /* blocks */
	uint64_t reads;
	uint64_t torn_beside_a_write;
};

/* Where an I/O is. */
struct space_extent {
	uint64_t first; /* block of the space */
	uint32_t blocks;
	uint64_t version;  /* of the first block, rising; of writes */
	uint64_t begin_ns; /* when it was begun */
};

int space_init(struct space *space, struct findings *findings, const char *name, uint32_t nsid,
               uint32_t block_bytes, uint64_t blocks, uint64_t seed);
void space_deinit(struct space *space);

/* The next blocks, of those that were never written. False: there are none. */
bool space_claim_next(struct space *space, uint32_t most, struct space_extent *ret_extent);
/* Some blocks that are not being written, any but for those. False: try later. */
bool space_claim_any(struct space *space, struct dice *dice, uint32_t most,
                     struct space_extent *ret_extent);
/* What is claimed is begun: data is filled. */
void space_write_begins(struct space *space, struct space_extent *extent, unsigned writer,
                        void *data);
void space_write_ends(struct space *space, const struct space_extent *extent, bool is_good);

void space_read_begins(struct space *space, struct dice *dice, uint32_t most,
                       struct space_extent *ret_extent);
/* From now on space_read_next_begins() gives each block once; false: all have been. */
void space_look_at_all(struct space *space);
bool space_read_next_begins(struct space *space, uint32_t most, struct space_extent *ret_extent);
/* Data NULL: nothing came. `reader`: who says so in a finding. */
void space_read_ends(struct space *space, const struct space_extent *extent, const void *data,
                     const char *reader);
