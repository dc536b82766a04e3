/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/scratch.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)16 << 10)

struct scratch_chunk {
	struct scratch_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char memory[];
};

void scratch_deinit(struct scratch *scratch)
{
	struct scratch_chunk *next;

	for (struct scratch_chunk *chunk = scratch->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	*scratch = SCRATCH_NULL;
}

static struct scratch_chunk *add_chunk(struct scratch *scratch, size_t least)
{
	size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
	struct scratch_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk) {
		scratch->failed = true;
		return NULL;
	}
	chunk->size = size;
	chunk->next = scratch->chunks;
	scratch->chunks = chunk;
	return chunk;
}

void *scratch_take(struct scratch *scratch, size_t size)
{
	struct scratch_chunk *chunk = scratch->chunks;
	void *taken;

	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(scratch, size);
	if (!chunk)
		return NULL;
	taken = chunk->memory + chunk->used;
	chunk->used += size;
	return taken;
}

char *scratch_text(struct scratch *scratch, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = scratch_take(scratch, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void **scratch_array(struct scratch *scratch, size_t count, size_t element_size)
{
	void **pointers = scratch_take(scratch, count * sizeof(*pointers));
	char *elements = scratch_take(scratch, count * element_size);

	if (!pointers || !elements)
		return NULL;
	for (size_t i = 0; i < count; i++)
		pointers[i] = elements + i * element_size;
	return pointers;
}
