/* SPDX-License-Identifier: BSD-2-Clause */
#include "hw-drivers/rdma/receives.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"

/* The largest piece of the arena that is asked for at a time, and so the largest of bodies. */
#define BLOCK_BYTES (1u << 20)
#define BODY_MIN    4096u

/* ------------------------------------------------------------------ bodies */

/* As many as the memory is there for; whole blocks, so that the arena does not fall into pieces. */
static void borrow_bodies(struct receives *receives, uint32_t wished)
{
	uint32_t in_block = BLOCK_BYTES / receives->body_bytes, n_blocks;

	receives->block_bytes = BLOCK_BYTES;
	if (wished < in_block) {
		in_block = wished;
		receives->block_bytes = wished * receives->body_bytes;
	}
	n_blocks = (wished + in_block - 1) / in_block;
	receives->blocks = calloc(n_blocks, sizeof(*receives->blocks));
	while (receives->blocks && receives->n_blocks < n_blocks &&
	       receives->memory.lend(receives->memory.context,
	                             receives->block_bytes,
	                             &receives->blocks[receives->n_blocks]))
		receives->n_blocks++;
	receives->n = receives->n_blocks * in_block < wished ? receives->n_blocks * in_block
	                                                     : wished;
}

static void return_bodies(struct receives *receives)
{
	if (receives->n_lost > 0) /* which block it is in does not matter: that is rare enough */
		return;
	for (uint32_t i = 0; i < receives->n_blocks; i++)
		receives->memory.take_back(
			receives->memory.context, receives->block_bytes, receives->blocks[i]);
}

static uint64_t body_at(const struct receives *receives, uint32_t index)
{
	uint32_t in_block = receives->block_bytes / receives->body_bytes;

	return receives->blocks[index / in_block] +
	       (uint64_t)(index % in_block) * receives->body_bytes;
}

/* ------------------------------------------------------------------ birth */

static int make_heads(struct receives *receives)
{
	size_t bytes = (size_t)receives->n * RECEIVE_HEAD_BYTES;
	void *heads = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (heads == MAP_FAILED)
		return error_origin(-errno);
	receives->heads = heads;
	receives->region = ibv_reg_mr(receives->adapter->pd, heads, bytes, IBV_ACCESS_LOCAL_WRITE);
	return receives->region ? 0 : error_origin(adapter_error(-1));
}

static void make_one(struct receives *receives, uint32_t index)
{
	struct receive *receive = &receives->all[index];

	receive->owner = receives;
	list_init(&receive->link);
	receive->head = receives->heads + (size_t)index * RECEIVE_HEAD_BYTES;
	receive->parts[0] = (struct ibv_sge){.addr = (uintptr_t)receive->head,
	                                     .length = RECEIVE_HEAD_BYTES,
	                                     .lkey = receives->region->lkey};
	receive->request = (struct ibv_recv_wr){
		.wr_id = (uintptr_t)receive | 1, .sg_list = receive->parts, .num_sge = 1};
	if (receives->body_bytes > 0) {
		receive->body_offset = body_at(receives, index);
		receive->body = receives->memory.base + receive->body_offset;
		receive->parts[1] = (struct ibv_sge){.addr = (uintptr_t)receive->body,
		                                     .length = receives->body_bytes,
		                                     .lkey = receives->memory.key};
		receive->request.num_sge = 2;
	}
	receive_again(receive);
}

static int share(struct receives *receives)
{
	struct ibv_srq_init_attr attributes = {
		.attr = {.max_wr = receives->n, .max_sge = receives->body_bytes > 0 ? 2 : 1}
        };

	receives->shared = ibv_create_srq(receives->adapter->pd, &attributes);
	return receives->shared ? 0 : error_origin(adapter_error(-1));
}

static int make(struct receives *receives, uint32_t wished, uint32_t least, bool is_shared)
{
	int r;

	receives->n = wished;
	if (receives->body_bytes > 0)
		borrow_bodies(receives, wished);
	if (receives->n < least || receives->n == 0)
		return error_origin(-ENOBUFS);
	receives->all = calloc(receives->n, sizeof(*receives->all));
	if (!receives->all)
		return error_origin(-ENOMEM);
	r = make_heads(receives);
	if (!r && is_shared)
		r = share(receives);
	for (uint32_t i = 0; !r && i < receives->n; i++)
		make_one(receives, i);
	return r;
}

/* Powers of two: bodies do not cross blocks, and are aligned as workers want them. */
uint32_t receive_body_bytes(uint32_t bytes)
{
	uint32_t rounded = bytes > 0 ? BODY_MIN : 0;

	while (rounded < bytes)
		rounded *= 2;
	return rounded;
}

int receives_new(struct receives **ret_receives, struct adapter *adapter,
                 const struct receives_memory *memory, uint32_t body_bytes, uint32_t wished,
                 uint32_t least, bool is_shared)
{
	struct receives *receives = calloc(1, sizeof(*receives));
	int r;

	if (!receives)
		return error_origin(-ENOMEM);
	receives->adapter = adapter;
	receives->memory = *memory;
	list_init(&receives->link);
	receives->body_bytes = receive_body_bytes(body_bytes);
	if (is_shared && wished > adapter->max_srq_wr)
		wished = adapter->max_srq_wr;
	r = make(receives, wished, least, is_shared);
	if (r) {
		receives_free(receives);
		return r;
	}
	*ret_receives = receives;
	return 0;
}

struct receives *receives_free(struct receives *receives)
{
	if (!receives)
		return NULL;
	list_remove(&receives->link);
	if (receives->shared)
		ibv_destroy_srq(receives->shared);
	if (receives->region)
		ibv_dereg_mr(receives->region);
	if (receives->heads)
		munmap(receives->heads, (size_t)receives->n * RECEIVE_HEAD_BYTES);
	return_bodies(receives);
	free(receives->blocks);
	free(receives->all);
	free(receives);
	return NULL;
}

/* ------------------------------------------------------------------ posting */

void receive_again(struct receive *receive)
{
	struct receives *receives = receive->owner;

	list_remove(&receive->link);
	receive->request.next = NULL;
	if (receives->first)
		receives->last->next = &receive->request;
	else
		receives->first = &receive->request;
	receives->last = &receive->request;
}

void receive_lost(struct receive *receive)
{
	list_remove(&receive->link);
	receive->owner->n_lost++;
}

int receives_post(struct receives *receives)
{
	struct ibv_recv_wr *first = receives->first, *bad = NULL;
	int r;

	if (!first)
		return 0;
	r = receives->shared ? ibv_post_srq_recv(receives->shared, first, &bad)
	                     : ibv_post_recv(receives->pair, first, &bad);
	receives->first = r ? bad : NULL;
	return r ? error_origin(adapter_error(r)) : 0;
}
