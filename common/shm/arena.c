/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A binary tree over the arena: the leaves are blocks of ARENA_BLOCK_MIN, node n has the
 * children 2n and 2n + 1, and says the rank of the greatest free block in its subtree (rank r:
 * ARENA_BLOCK_MIN << (r - 1) bytes; 0: none). Where a block is taken, its node says 0 while what
 * is below it stays as it was: free. That is how arena_give() finds the node, and with it the
 * size. Subtrees beyond the end of the arena say 0 from the beginning.
 *
 * In front of the tree a magazine for each rank keeps the blocks given back last, which the caches
 * still have. To the tree they are taken; it gets them back when it has nothing else.
 */
#include "common/shm/arena.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/error.h"

#define RANK_MAX 9
_Static_assert(ARENA_BLOCK_MIN << (RANK_MAX - 1) == ARENA_BLOCK_MAX, "rank of the greatest block");

#define MAGAZINE 32u /* blocks */

struct magazine {
	unsigned n;
	uint64_t offsets[MAGAZINE];
};

struct arena {
	struct region region;
	size_t bytes_taken;
	uint32_t leaves; /* a power of two, at least as many as the arena has */
	unsigned height; /* rank of the root, may be more than RANK_MAX */
	uint8_t *ranks;  /* of nodes 1 … 2 * leaves - 1 */
	uint8_t *kept;   /* by leaf: a block that begins there is in a magazine */
	struct magazine magazines[RANK_MAX + 1]; /* by rank */
};

static uint8_t max_rank(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

/* What a node says, from what its children say. */
static uint8_t rank_from_children(const struct arena *arena, uint32_t node, unsigned rank)
{
	uint8_t left = arena->ranks[2 * node], right = arena->ranks[2 * node + 1];

	if (left == right && left == rank - 1 && rank <= RANK_MAX)
		return (uint8_t)rank;
	return max_rank(left, right);
}

static void fill_ranks(struct arena *arena, size_t size)
{
	for (uint32_t leaf = 0; leaf < arena->leaves; leaf++)
		arena->ranks[arena->leaves + leaf] = leaf < size / ARENA_BLOCK_MIN;
	for (uint32_t node = arena->leaves - 1; node > 0; node--) {
		unsigned depth = 31 - (unsigned)__builtin_clz(node);

		arena->ranks[node] = rank_from_children(arena, node, arena->height - depth);
	}
}

int arena_new(struct arena **ret_arena, const char *name, size_t size)
{
	_cleanup_(arena_freep) struct arena *arena = NULL;
	int r;

	if (size == 0 || size % ARENA_BLOCK_MAX != 0 || size / ARENA_BLOCK_MIN > UINT32_MAX / 4)
		return error_origin(-EINVAL);
	arena = calloc(1, sizeof(*arena));
	if (!arena)
		return error_origin(-ENOMEM);
	arena->region = REGION_NULL;
	for (arena->leaves = 1, arena->height = 1; arena->leaves < size / ARENA_BLOCK_MIN;
	     arena->leaves *= 2)
		arena->height++;
	arena->ranks = calloc(arena->leaves, 2);
	arena->kept = calloc(arena->leaves, 1);
	if (!arena->ranks || !arena->kept)
		return error_origin(-ENOMEM);
	fill_ranks(arena, size);
	r = region_create(&arena->region, name, size, true);
	if (r)
		return error_trace(r);
	*ret_arena = take(&arena);
	return 0;
}

struct arena *arena_free(struct arena *arena)
{
	if (!arena)
		return NULL;
	region_deinit(&arena->region);
	free(arena->ranks);
	free(arena->kept);
	free(arena);
	return NULL;
}

static void update_parents(struct arena *arena, uint32_t node, unsigned rank)
{
	while (node > 1) {
		node /= 2;
		rank++;
		arena->ranks[node] = rank_from_children(arena, node, rank);
	}
}

static size_t bytes_of(unsigned rank)
{
	return (size_t)ARENA_BLOCK_MIN << (rank - 1);
}

/* The offset of a free block of that rank; false: there is none. */
static bool take_from_tree(struct arena *arena, unsigned wanted, uint64_t *ret_offset)
{
	uint32_t node = 1;
	unsigned rank = arena->height;

	if (arena->ranks[1] < wanted)
		return false;
	for (; rank > wanted; rank--) {
		node *= 2;
		if (arena->ranks[node] < wanted)
			node++;
	}
	arena->ranks[node] = 0;
	update_parents(arena, node, rank);
	*ret_offset = ((uint64_t)node << (rank - 1)) * ARENA_BLOCK_MIN -
	              (uint64_t)arena->leaves * ARENA_BLOCK_MIN;
	return true;
}

/* The node of the block that begins at offset. */
static uint32_t find_block(const struct arena *arena, uint64_t offset, unsigned *ret_rank)
{
	uint32_t node;
	unsigned rank = 1;

	must(offset < arena->region.size && offset % ARENA_BLOCK_MIN == 0);
	node = arena->leaves + (uint32_t)(offset / ARENA_BLOCK_MIN);
	for (; arena->ranks[node] != 0; node /= 2, rank++)
		must(node % 2 == 0 && rank < RANK_MAX); /* else no block begins at offset */
	*ret_rank = rank;
	return node;
}

static void give_to_tree(struct arena *arena, uint32_t node, unsigned rank)
{
	arena->ranks[node] = (uint8_t)rank;
	update_parents(arena, node, rank);
}

static void keep(struct arena *arena, struct magazine *magazine, uint64_t offset)
{
	magazine->offsets[magazine->n++] = offset;
	arena->kept[offset / ARENA_BLOCK_MIN] = true;
}

static uint64_t take_kept(struct arena *arena, struct magazine *magazine)
{
	uint64_t offset = magazine->offsets[--magazine->n];

	arena->kept[offset / ARENA_BLOCK_MIN] = false;
	return offset;
}

static void empty_magazines(struct arena *arena)
{
	for (unsigned rank = 1; rank <= RANK_MAX; rank++) {
		struct magazine *magazine = &arena->magazines[rank];

		while (magazine->n > 0) {
			unsigned found;
			uint32_t node = find_block(arena, take_kept(arena, magazine), &found);

			give_to_tree(arena, node, rank);
		}
	}
}

int arena_take(struct arena *arena, uint32_t length, uint64_t *ret_offset)
{
	struct magazine *magazine;
	unsigned rank = 1;

	must(length > 0 && length <= ARENA_BLOCK_MAX);
	while (bytes_of(rank) < length)
		rank++;
	magazine = &arena->magazines[rank];
	if (magazine->n > 0) {
		*ret_offset = take_kept(arena, magazine);
	} else if (!take_from_tree(arena, rank, ret_offset)) {
		empty_magazines(arena);
		if (!take_from_tree(arena, rank, ret_offset))
			return ARENA_E_FULL;
	}
	arena->bytes_taken += bytes_of(rank);
	return 0;
}

void arena_give(struct arena *arena, uint64_t offset)
{
	struct magazine *magazine;
	unsigned rank;
	uint32_t node = find_block(arena, offset, &rank);

	must(!arena->kept[offset / ARENA_BLOCK_MIN]);
	arena->bytes_taken -= bytes_of(rank);
	magazine = &arena->magazines[rank];
	if (magazine->n < MAGAZINE)
		keep(arena, magazine, offset);
	else
		give_to_tree(arena, node, rank);
}

void *arena_at(struct arena *arena, uint64_t offset)
{
	must(offset < arena->region.size);
	return (unsigned char *)arena->region.memory + offset;
}

size_t arena_bytes_taken(const struct arena *arena)
{
	return arena->bytes_taken;
}

const struct region *arena_region(const struct arena *arena)
{
	return &arena->region;
}
