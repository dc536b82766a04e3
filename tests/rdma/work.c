/* SPDX-License-Identifier: BSD-2-Clause */
/* Work requests of a queue and their completions. */
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "tests/rdma/parts.h"

#define ROOM_MS 2000u

/* wr_id: what it is in the upper half, its index in the lower. */
enum work { WORK_SEND = 1, WORK_RECEIVE, WORK_BIND };

static uint64_t work_id(enum work work, uint32_t index)
{
	return (uint64_t)work << 32 | index;
}

/* A Send is over when it is acknowledged, which may be after its response. */
static int await_room(struct wire_queue *queue)
{
	uint64_t deadline_ns = clock_now_ns() + ROOM_MS * NS_PER_MS;
	int r = 0;

	while (!r && queue->n_free_sends == 0)
		r = wire_queue_wait(queue, deadline_ns);
	return r == WIRE_E_DEADLINE
	               ? wire_queue_says(queue, WIRE_E_FULL, "no room for one more capsule")
	               : r;
}

int wire_queue_send(struct wire_queue *queue, const void *bytes, size_t length)
{
	struct ibv_send_wr *bad;
	uint32_t slot;
	struct ibv_sge piece;
	struct ibv_send_wr work;

	int r;

	must(length <= WIRE_CAPSULE_MAX);
	r = await_room(queue);
	if (r)
		return r;
	slot = queue->free_sends[queue->n_free_sends - 1];
	piece = (struct ibv_sge){
		.addr = (uintptr_t)queue->out->bytes + (uint64_t)slot * WIRE_CAPSULE_MAX,
		.length = (uint32_t)length,
		.lkey = queue->out->region->lkey,
	};
	work = (struct ibv_send_wr){
		.wr_id = work_id(WORK_SEND, slot),
		.sg_list = &piece,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
	};
	memcpy(queue->out->bytes + (size_t)slot * WIRE_CAPSULE_MAX, bytes, length);
	if (ibv_post_send(queue->id->qp, &work, &bad))
		return wire_queue_says(queue, WIRE_E_CLOSED, "cannot send");
	queue->n_free_sends--;
	return 0;
}

int wire_queue_send_half(struct wire_queue *queue, size_t length)
{
	uint64_t deadline_ns = clock_now_ns() + ROOM_MS * NS_PER_MS;
	struct ibv_send_wr *bad;
	struct ibv_sge pieces[2] = {
		{.addr = (uintptr_t)queue->out->bytes,
	         .length = (uint32_t)length,
	         .lkey = queue->out->region->lkey },
		{.addr = (uintptr_t)queue->out->bytes,
	         .length = (uint32_t)length,
	         .lkey = ~queue->out->region->lkey},
	};
	struct ibv_send_wr work = {
		.wr_id = work_id(WORK_SEND, 0),
		.sg_list = pieces,
		.num_sge = 2,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
	};
	int r;

	must(length <= WIRE_CAPSULE_MAX);
	r = await_room(queue);
	if (r)
		return r;
	work.wr_id = work_id(WORK_SEND, queue->free_sends[--queue->n_free_sends]);
	if (ibv_post_send(queue->id->qp, &work, &bad))
		return wire_queue_says(queue, WIRE_E_CLOSED, "cannot send");
	while (!r && !queue->has_ended)
		r = wire_queue_wait(queue, deadline_ns);
	return queue->has_ended ? 0 : r;
}

int wire_queue_replenish(struct wire_queue *queue, uint32_t first, uint32_t count)
{
	struct ibv_recv_wr *bad;

	for (uint32_t i = first; i < first + count; i++) {
		struct ibv_sge piece = {
			.addr = (uintptr_t)queue->in->bytes + (uint64_t)i * WIRE_RESPONSE_MAX,
			.length = WIRE_RESPONSE_MAX,
			.lkey = queue->in->region->lkey,
		};
		struct ibv_recv_wr work = {
			.wr_id = work_id(WORK_RECEIVE, i),
			.sg_list = &piece,
			.num_sge = 1,
		};

		if (ibv_post_recv(queue->id->qp, &work, &bad))
			return wire_queue_says(queue, -EIO, "cannot post a receive");
	}
	return 0;
}

/* The kernel's IB_WC_WITH_INVALIDATE, which soft-RoCE hands to user space as it is, has the number
 * that verbs call IBV_WC_IP_CSUM_OK; reliable connections never have that. */
#define WITH_INVALIDATE (IBV_WC_WITH_INV | IBV_WC_IP_CSUM_OK)

static int take_response(struct wire_queue *queue, const struct ibv_wc *wc, uint32_t index)
{
	struct wire_response response = {
		.bytes = wc->byte_len,
		.invalidated = wc->wc_flags & WITH_INVALIDATE,
	};

	if (response.invalidated)
		response.key = wc->invalidated_rkey;
	memcpy(&response.completion,
	       queue->in->bytes + (size_t)index * WIRE_RESPONSE_MAX,
	       sizeof(response.completion));
	if (queue->n_stash == WIRE_STASH)
		return wire_queue_says(queue, -EPROTO, "more responses than anybody asked for");
	queue->stash[queue->n_stash++] = response;
	return queue->replenish ? wire_queue_replenish(queue, index, 1) : 0;
}

static int take_completion(struct wire_queue *queue, const struct ibv_wc *wc)
{
	uint32_t index = (uint32_t)wc->wr_id;
	enum work work = (enum work)(wc->wr_id >> 32);

	if (work == WORK_SEND)
		queue->free_sends[queue->n_free_sends++] = index;
	if (wc->status != IBV_WC_SUCCESS) {
		queue->has_ended = true;
		return wire_queue_says(queue, 0, "%s", ibv_wc_status_str(wc->status));
	}
	if (work == WORK_BIND)
		queue->bound++;
	return work == WORK_RECEIVE ? take_response(queue, wc, index) : 0;
}

int wire_queue_poll(struct wire_queue *queue)
{
	struct ibv_wc wcs[16];
	int count = ibv_poll_cq(queue->cq, 16, wcs);

	if (count < 0)
		return wire_queue_says(queue, -EIO, "the completion queue is broken");
	for (int i = 0; i < count; i++) {
		int r = take_completion(queue, &wcs[i]);

		if (r)
			return r;
	}
	return count;
}

/* ------------------------------------------------------------------ windows */

static int post_bind(struct wire_queue *queue, struct wire_memory *memory, size_t offset,
                     size_t size)
{
	struct ibv_send_wr *bad;
	struct ibv_send_wr work = {
		.wr_id = work_id(WORK_BIND, 0),
		.opcode = IBV_WR_BIND_MW,
		.send_flags = IBV_SEND_SIGNALED,
		.bind_mw = {.mw = memory->window,
	                    .rkey = ibv_inc_rkey(memory->window->rkey),
	                    .bind_info = {.mr = memory->region,
	                                  .addr = (uintptr_t)memory->bytes + offset,
	                                  .length = size,
	                                  .mw_access_flags = IBV_ACCESS_REMOTE_READ |
	                                                     IBV_ACCESS_REMOTE_WRITE}},
	};

	if (ibv_post_send(queue->id->qp, &work, &bad))
		return wire_queue_says(queue, -EIO, "cannot bind a window");
	memory->window->rkey = work.bind_mw.rkey;
	return 0;
}

int wire_memory_bind(struct wire_queue *queue, struct wire_memory *memory, size_t offset,
                     size_t size, uint32_t *ret_key)
{
	uint64_t deadline_ns = clock_now_ns() + 5 * NS_PER_S;
	uint32_t before = queue->bound;
	int r;

	if (!wire_queue_has_windows(queue)) {
		*ret_key = memory->key;
		return 0;
	}
	if (!memory->window)
		memory->window = ibv_alloc_mw(queue->id->pd, IBV_MW_TYPE_2);
	if (!memory->window)
		return wire_queue_says(queue, -errno, "no memory window");
	r = post_bind(queue, memory, offset, size);
	while (!r && queue->bound == before)
		r = wire_queue_wait(queue, deadline_ns);
	if (!r)
		*ret_key = memory->window->rkey;
	return r;
}
