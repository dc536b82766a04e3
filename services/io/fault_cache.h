/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base/list.h"

/*
 * fault_cache - the volatile cache of a disk: blocks that were written, and may be lost.
 *
 * Shape     Blocks by their number, and in the order in which they came.
 * Promise   Holds at most its limit of blocks. What does not fit, or finds no memory, is refused
 *           whole. A block is whole: of one write.
 * Trust     pieces are in shared memory: copied once
 * Threads   one at a time
 * Lifetime  fault_cache_clear() frees all that it holds
 * Returns   0, -EFAULT (a piece is not there), -ENOMEM
 */
#define FAULT_CACHE_HEADS 4096u

struct fault_cache {
	uint8_t block_shift;
	uint64_t limit; /* blocks */
	uint64_t used;
	struct list by_age; /* the oldest first */
	struct list heads[FAULT_CACHE_HEADS];
};

/* A run of blocks that follow each other. */
struct fault_run {
	uint64_t first;
	uint64_t count;
};

void fault_cache_init(struct fault_cache *cache, uint8_t block_shift);
void fault_cache_clear(struct fault_cache *cache);

/* The pieces' bytes become these blocks, the youngest. There must be room for count blocks. */
int fault_cache_put(struct fault_cache *cache, struct fault_run run, const struct iovec *pieces);

/* Those of these blocks that it has go to the pieces. */
int fault_cache_get(const struct fault_cache *cache, struct fault_run run,
                    const struct iovec *pieces);

/* The oldest block and those behind it, as far as the memory reaches; count 0: it is empty. */
struct fault_run fault_cache_oldest(const struct fault_cache *cache, void *memory, size_t size);

/* Forgets these blocks. Returns how many it had. */
uint64_t fault_cache_drop(struct fault_cache *cache, struct fault_run run);
