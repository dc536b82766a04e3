/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "common/nvme/spec.h"
#include "common/transport/port.h"

/*
 * poster - the send queue of a queue pair.
 *
 * Shape     Work requests are gathered, and posted together: each post is a doorbell, on soft
 *           devices a system call. Of the work requests of a request only the last one asks for
 *           a completion; it says that those before it are over, too.
 * Promise   Never more work requests than the send queue has room for: who adds has asked
 *           poster_has_room() for all of a request's before the first.
 * Trust     none
 * Threads   the reactor's
 * Lifetime  that of the queue pair
 */
#define POSTER_BATCH 32u

struct post {
	struct ibv_send_wr wr;
	struct ibv_sge part, rest; /* side by side, as one list */
	struct nvme_completion completion;
	struct request *request; /* whose last one it is, or NULL */
};

struct poster {
	struct ibv_qp *pair;
	uint32_t key;  /* of the arena */
	uint32_t room; /* work requests that can be added */
	bool is_inline;
	bool is_broken;      /* something could not be posted: nothing is, from then on */
	bool signals_writes; /* each of them */
	/* Otherwise, where completions lie until they are sent: one for each work request. */
	uint8_t *answers;
	uint32_t n_answers;
	uint32_t next_answer;
	uint32_t n;
	struct post posts[POSTER_BATCH];
	/* Before anything is posted. */
	void (*before)(struct poster *poster);
	/* Those from `failed` on could not be posted, as far as is known: some of them the adapter
	 * may have all the same, and give back. */
	void (*failed)(struct poster *poster, struct post *failed, uint32_t n);
};

/* One by one; the last of a request's says whose. */
void poster_read(struct poster *poster, struct sgl_block from, uint8_t *to, uint32_t length,
                 struct request *last_of);
void poster_write(struct poster *poster, const uint8_t *from, struct sgl_block to, uint32_t length);
/* invalidate: the key in it is to be no good any more; NULL: none */
void poster_answer(struct poster *poster, const struct nvme_completion *completion,
                   const uint32_t *invalidate, struct request *last_of);

static inline bool poster_has_room(const struct poster *poster, uint32_t n)
{
	return poster->room >= n;
}

/* Those of a request have been completed. */
static inline void poster_is_over(struct poster *poster, uint32_t n)
{
	poster->room += n;
}

void poster_flush(struct poster *poster);

/* Of a completion: whose it is; NULL: it is one before the last. */
static inline struct request *poster_request(uint64_t wr_id)
{
	return (struct request *)(uintptr_t)(wr_id == 2 ? 0 : wr_id);
}
