/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/shm/region.h"

/*
 * arena - the memory that the data of I/O commands lies in.
 *
 * Shape     A region, divided by a buddy allocator into blocks of ARENA_BLOCK_MIN to
 *           ARENA_BLOCK_MAX bytes, powers of two, aligned to their own size. The allocator's
 *           own state is private to the process that made the arena: the peer cannot touch it.
 * Promise   Constant-bounded time, no allocation after arena_new(). When everything is given
 *           back, a block of any size is free. What was given back last is used first, else
 *           low addresses: what is in use stays in few pages, and in the caches.
 * Trust     nothing in the shared part is believed
 * Threads   one (each reactor has its own arena)
 * Lifetime  arena_free() unmaps the region
 * Returns   0, a negative errno, or
 */
#define ARENA_BLOCK_MIN 4096u
#define ARENA_BLOCK_MAX (1u << 20)

enum arena_error {
	ARENA_E_FULL = 1, /* take: no block of that size now; one given back may help */
};

struct arena;

/* size: a multiple of ARENA_BLOCK_MAX */
int arena_new(struct arena **ret_arena, const char *name, size_t size);
struct arena *arena_free(struct arena *arena);
DEFINE_CLEANUP(struct arena *, arena_free)

/* A block of at least length (1 … ARENA_BLOCK_MAX) bytes. */
int arena_take(struct arena *arena, uint32_t length, uint64_t *ret_offset);

/* Gives back a block; offset as taken. */
void arena_give(struct arena *arena, uint64_t offset);

void *arena_at(struct arena *arena, uint64_t offset);
size_t arena_bytes_taken(const struct arena *arena);
const struct region *arena_region(const struct arena *arena);
