/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * stamp - the content of a logical block, from which can be told whose, where and when it is.
 *
 * Shape     64 bytes of stamp at the head (magic, namespace, block, sequence, seed of the run,
 * CRC32C of the block), then random words that follow from them; so any block is different from any
 * other, and from itself at another time. Promise   stamp_check() looks at every byte. What it says
 * of a wrong block: the first byte that differs, and what the block says it is. Trust     what is
 * checked may be anything Threads   any; pure Lifetime  values
 */
struct stamp {
	uint32_t nsid;
	uint64_t lba;
	uint64_t sequence; /* of the write in the run, from 1 */
	uint64_t seed;
};

/* block_bytes: a multiple of 8, 512 at least, 65,536 at most. */
void stamp_write(const struct stamp *stamp, void *block, size_t block_bytes);
bool stamp_check(const struct stamp *stamp, const void *block, size_t block_bytes);
/* The sequence that the block claims, whatever it holds; stamp_check() tells whether it is true. */
uint64_t stamp_sequence(const void *block);
/* Why not: a sentence. */
void stamp_explain(const struct stamp *stamp, const void *block, size_t block_bytes, char *text,
                   size_t text_size);
