/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of a queue's host that has a key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rdma/parts.h"

#define ALIGNMENT 4096u

static void memory_free(struct wire_memory *memory)
{
	if (memory->region)
		ibv_dereg_mr(memory->region);
	free(memory->bytes);
	free(memory);
}

void wire_windows_free(struct wire_queue *queue)
{
	for (struct wire_memory *memory = queue->memories; memory; memory = memory->next) {
		if (memory->window)
			ibv_dealloc_mw(memory->window);
		memory->window = NULL;
	}
}

void wire_memories_free(struct wire_queue *queue)
{
	while (queue->memories) {
		struct wire_memory *memory = queue->memories;

		queue->memories = memory->next;
		memory_free(memory);
	}
}

bool wire_queue_has_windows(const struct wire_queue *queue)
{
	struct ibv_device_attr attributes;

	return !ibv_query_device(queue->id->verbs, &attributes) &&
	       attributes.device_cap_flags & IBV_DEVICE_MEM_WINDOW_TYPE_2B;
}

struct wire_memory *wire_memory_new(struct wire_queue *queue, size_t size)
{
	struct wire_memory *memory = calloc(1, sizeof(*memory));
	int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE;

	if (!memory)
		return NULL;
	memory->size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	memory->bytes = aligned_alloc(ALIGNMENT, memory->size);
	if (!memory->bytes) {
		free(memory);
		return NULL;
	}
	memset(memory->bytes, 0, memory->size);
	if (wire_queue_has_windows(queue))
		access |= IBV_ACCESS_MW_BIND;
	memory->region = ibv_reg_mr(queue->id->pd, memory->bytes, memory->size, access);
	if (!memory->region) {
		wire_queue_says(queue, -errno, "cannot register %zu bytes", memory->size);
		memory_free(memory);
		return NULL;
	}
	memory->key = memory->region->rkey;
	memory->next = queue->memories;
	queue->memories = memory;
	return memory;
}
