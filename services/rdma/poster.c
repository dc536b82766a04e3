/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/poster.h"

#include <string.h>

#include "common/base/error.h"
#include "hw-drivers/rdma/adapter.h"

/* wr_id: a request, or this; receives have bit 0. */
#define NOT_THE_LAST 2

void poster_flush(struct poster *poster)
{
	struct ibv_send_wr *bad = NULL;
	uint32_t n = poster->n, posted;
	int r;

	if (n == 0)
		return;
	poster->posts[n - 1].wr.next = NULL;
	poster->n = 0;
	if (poster->is_broken) {
		poster->failed(poster, &poster->posts[0], n);
		return;
	}
	poster->before(poster);
	r = ibv_post_send(poster->pair, &poster->posts[0].wr, &bad);
	if (r == 0)
		return;
	error_origin(adapter_error(r));
	poster->is_broken = true;
	posted = bad ? (uint32_t)(container_of(bad, struct post, wr) - poster->posts) : 0;
	poster->failed(poster, &poster->posts[posted], n - posted);
}

static struct post *add(struct poster *poster, enum ibv_wr_opcode opcode, struct request *last_of)
{
	struct post *post;

	if (poster->n == POSTER_BATCH)
		poster_flush(poster);
	post = &poster->posts[poster->n];
	if (poster->n > 0)
		poster->posts[poster->n - 1].wr.next = &post->wr;
	poster->n++;
	poster->room--;
	post->request = last_of;
	post->wr.wr_id = last_of ? (uintptr_t)last_of : NOT_THE_LAST;
	post->wr.opcode = opcode;
	post->wr.send_flags = last_of ? IBV_SEND_SIGNALED : 0;
	post->wr.sg_list = &post->part;
	post->wr.num_sge = 1;
	post->part.lkey = poster->key;
	return post;
}

static void move(struct post *post, const uint8_t *local, struct sgl_block remote, uint32_t length)
{
	post->part.addr = (uintptr_t)local;
	post->part.length = length;
	post->wr.wr.rdma.remote_addr = remote.address;
	post->wr.wr.rdma.rkey = remote.key;
}

void poster_read(struct poster *poster, struct sgl_block from, uint8_t *to, uint32_t length,
                 struct request *last_of)
{
	move(add(poster, IBV_WR_RDMA_READ, last_of), to, from, length);
}

void poster_write(struct poster *poster, const uint8_t *from, struct sgl_block to, uint32_t length)
{
	struct post *post = add(poster, IBV_WR_RDMA_WRITE, NULL);

	if (poster->signals_writes)
		post->wr.send_flags |= IBV_SEND_SIGNALED;
	move(post, from, to, length);
}

/* In two parts, though they are side by side: siw copies what is short and in one part from the
 * process, also where a thread of the kernel does it, which has none (its siw_try_1seg()). */
static void place_apart(struct poster *poster, struct post *post,
                        const struct nvme_completion *completion)
{
	uint8_t *place = poster->answers + poster->next_answer * sizeof(*completion);

	poster->next_answer = (poster->next_answer + 1) % poster->n_answers;
	memcpy(place, completion, sizeof(*completion));
	post->wr.num_sge = 2;
	post->part.addr = (uintptr_t)place;
	post->part.length = sizeof(*completion) / 2;
	post->rest = post->part;
	post->rest.addr += post->part.length;
}

static void place_inline(struct post *post, const struct nvme_completion *completion)
{
	post->completion = *completion;
	post->wr.send_flags |= IBV_SEND_INLINE;
	post->part.addr = (uintptr_t)&post->completion;
	post->part.length = sizeof(*completion);
}

void poster_answer(struct poster *poster, const struct nvme_completion *completion,
                   const uint32_t *invalidate, struct request *last_of)
{
	struct post *post = add(poster, invalidate ? IBV_WR_SEND_WITH_INV : IBV_WR_SEND, last_of);

	if (poster->is_inline)
		place_inline(post, completion);
	else
		place_apart(poster, post, completion);
	if (!invalidate)
		return;
	post->wr.invalidate_rkey = *invalidate;
	post->wr.wr.rdma.rkey = *invalidate; /* where siw's provider looks for it */
}
