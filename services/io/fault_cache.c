/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/fault_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/shm/memory.h"

struct block {
	struct list by_age;
	struct list by_number;
	uint64_t number;
	unsigned char bytes[];
};

/* Where in a chain of pieces somebody is. */
struct cursor {
	const struct iovec *piece;
	size_t done; /* of the piece */
};

void fault_cache_init(struct fault_cache *cache, uint8_t block_shift)
{
	*cache = (struct fault_cache){.block_shift = block_shift};
	list_init(&cache->by_age);
	for (unsigned i = 0; i < FAULT_CACHE_HEADS; i++)
		list_init(&cache->heads[i]);
}

static struct list *head_of(struct fault_cache *cache, uint64_t number)
{
	return &cache->heads[number % FAULT_CACHE_HEADS];
}

static struct block *find(const struct fault_cache *cache, uint64_t number)
{
	list_for_each (link, head_of((struct fault_cache *)cache, number)) {
		struct block *block = container_of(link, struct block, by_number);

		if (block->number == number)
			return block;
	}
	return NULL;
}

static void forget(struct fault_cache *cache, struct block *block)
{
	list_remove(&block->by_age);
	list_remove(&block->by_number);
	cache->used--;
	free(block);
}

void fault_cache_clear(struct fault_cache *cache)
{
	list_for_each_safe (link, &cache->by_age)
		forget(cache, container_of(link, struct block, by_age));
}

/* ------------------------------------------------------------------ pieces */

enum way { TO_PIECES, FROM_PIECES, NOWHERE };

/* Moves on by so many bytes, and copies them on the way. */
static int move(struct cursor *cursor, unsigned char *bytes, size_t length, enum way way)
{
	int r = 0;

	while (!r && length > 0) {
		size_t left = cursor->piece->iov_len - cursor->done;
		size_t some = left < length ? left : length;
		unsigned char *there = (unsigned char *)cursor->piece->iov_base + cursor->done;

		if (way == TO_PIECES)
			r = memory_copy(there, bytes, some);
		else if (way == FROM_PIECES)
			r = memory_copy(bytes, there, some);
		bytes = bytes ? bytes + some : NULL;
		length -= some;
		cursor->done += some;
		if (cursor->done == cursor->piece->iov_len)
			*cursor = (struct cursor){.piece = cursor->piece + 1};
	}
	return r;
}

/* ------------------------------------------------------------------ putting */

static void free_all(struct list *blocks)
{
	list_for_each_safe (link, blocks) {
		list_remove(link);
		free(container_of(link, struct block, by_age));
	}
}

/* The blocks, not in the cache yet. */
static int make_blocks(struct list *ret_blocks, struct fault_run run, unsigned shift,
                       const struct iovec *pieces)
{
	struct cursor cursor = {.piece = pieces};
	int r = 0;

	for (uint64_t i = 0; !r && i < run.count; i++) {
		struct block *block = malloc(sizeof(*block) + ((size_t)1 << shift));

		if (!block)
			return error_origin(-ENOMEM);
		block->number = run.first + i;
		list_append(ret_blocks, &block->by_age);
		r = move(&cursor, block->bytes, (size_t)1 << shift, FROM_PIECES);
	}
	return r;
}

int fault_cache_put(struct fault_cache *cache, struct fault_run run, const struct iovec *pieces)
{
	struct list blocks, *link;
	int r;

	list_init(&blocks);
	r = make_blocks(&blocks, run, cache->block_shift, pieces);
	if (r) {
		free_all(&blocks);
		return r;
	}
	fault_cache_drop(cache, run);
	while ((link = list_take_first(&blocks))) {
		struct block *block = container_of(link, struct block, by_age);

		list_append(&cache->by_age, &block->by_age);
		list_append(head_of(cache, block->number), &block->by_number);
		cache->used++;
	}
	return 0;
}

/* ------------------------------------------------------------------ getting */

int fault_cache_get(const struct fault_cache *cache, struct fault_run run,
                    const struct iovec *pieces)
{
	struct cursor cursor = {.piece = pieces};
	int r = 0;

	for (uint64_t i = 0; !r && i < run.count; i++) {
		struct block *block = find(cache, run.first + i);

		r = move(&cursor,
		         block ? block->bytes : NULL,
		         (size_t)1 << cache->block_shift,
		         block ? TO_PIECES : NOWHERE);
	}
	return r;
}

struct fault_run fault_cache_oldest(const struct fault_cache *cache, void *memory, size_t size)
{
	struct fault_run run = {0};
	struct block *block;

	if (list_is_empty(&cache->by_age))
		return run;
	block = container_of(cache->by_age.next, struct block, by_age);
	run.first = block->number;
	while (block && (run.count + 1) << cache->block_shift <= size) {
		memcpy((char *)memory + (run.count << cache->block_shift),
		       block->bytes,
		       (size_t)1 << cache->block_shift);
		run.count++;
		block = find(cache, run.first + run.count);
	}
	return run;
}

/* ------------------------------------------------------------------ dropping */

static bool is_in(const struct block *block, struct fault_run run)
{
	return block->number >= run.first && block->number - run.first < run.count;
}

uint64_t fault_cache_drop(struct fault_cache *cache, struct fault_run run)
{
	uint64_t before = cache->used;

	if (run.count > cache->used) {
		list_for_each_safe (link, &cache->by_age) {
			struct block *block = container_of(link, struct block, by_age);

			if (is_in(block, run))
				forget(cache, block);
		}
		return before - cache->used;
	}
	for (uint64_t i = 0; i < run.count; i++) {
		struct block *block = find(cache, run.first + i);

		if (block)
			forget(cache, block);
	}
	return before - cache->used;
}
