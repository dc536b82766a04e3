/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "common/base/list.h"
#include "hw-drivers/rdma/adapter.h"

/*
 * receives - buffers that wait for what hosts send unasked.
 *
 * Shape     Each has a head of RECEIVE_HEAD_BYTES in memory of the process's own, and, where a
 *           body is wanted, `body_bytes` of the arena behind it: what is longer than a head is
 *           where an I/O worker finds it, without a copy. They belong to one queue pair, or to a
 *           shared receive queue.
 * Promise   A buffer is posted, or on its way to be (receives_post()), or somebody's who has
 *           taken a completion of it, and gives it back (receive_again()).
 *           A body that cannot be used any more is given up: there is one buffer less.
 * Trust     What is in a body is written by the host before its completion, and by I/O workers
 *           at any time.
 * Threads   one
 * Lifetime  receives_free() when nothing of it is posted in a queue pair any more, and
 *           nobody has one
 */
#define RECEIVE_HEAD_BYTES 64u
#define RECEIVE_ROOM_BYTES 256u

struct receives;

struct receive {
	struct receives *owner;
	struct list link; /* the holder's */
	uint8_t *head;
	uint8_t *body; /* NULL: none */
	uint64_t body_offset;
	uint32_t length; /* of what came; the holder's */
	struct ibv_sge parts[2];
	struct ibv_recv_wr request;
	_Alignas(8) uint8_t holder_room[RECEIVE_ROOM_BYTES]; /* the holder's own */
};

/* Where bodies come from, and go to. */
struct receives_memory {
	void *context;
	bool (*lend)(void *context, uint32_t bytes, uint64_t *ret_offset);
	void (*take_back)(void *context, uint32_t bytes, uint64_t offset);
	uint8_t *base; /* of the arena: offsets are from here */
	uint32_t key;
};

struct receives {
	struct adapter *adapter;
	struct receives_memory memory;
	struct ibv_srq *shared; /* NULL: of one queue pair: */
	struct ibv_qp *pair;    /* set before the first receives_post() */
	uint32_t body_bytes;
	uint32_t n;      /* buffers; may be fewer than wished */
	uint32_t n_lost; /* of them: given up */
	struct ibv_mr *region;
	uint8_t *heads;
	struct receive *all;
	struct ibv_recv_wr *first, *last; /* to be posted */
	uint32_t n_blocks;
	uint32_t block_bytes;
	uint64_t *blocks; /* of the arena */
	struct list link; /* the owner's; as the next two */
	uint32_t n_users; /* queue pairs that have it */
	uint32_t n_ends;  /* of such */
};

/* What a receive takes of the memory for that much data of a capsule. */
uint32_t receive_body_bytes(uint32_t bytes);

/* least: fewer than so many are no use. 0 or a negative errno: -ENOBUFS: there is no memory for
 * bodies now. */
int receives_new(struct receives **ret_receives, struct adapter *adapter,
                 const struct receives_memory *memory, uint32_t body_bytes, uint32_t wished,
                 uint32_t least, bool is_shared);
struct receives *receives_free(struct receives *receives);

/* Posts all that wait for it. 0 or a negative errno: those that were not posted still wait. */
int receives_post(struct receives *receives);

/* Its holder does not need it any more. */
void receive_again(struct receive *receive);
/* But for its body, which nobody may use any more. */
void receive_lost(struct receive *receive);

/* That of a completion, by its wr_id. */
static inline struct receive *receive_of(uint64_t wr_id)
{
	return (struct receive *)(uintptr_t)(wr_id & ~UINT64_C(1));
}

static inline bool receive_is(uint64_t wr_id)
{
	return wr_id & 1;
}
