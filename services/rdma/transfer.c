/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data moves between the arena and the host's memory by RDMA READ and RDMA WRITE, as many as the
 * command has keyed blocks. An answer follows its data in the same send queue, so the host has all
 * of it when it has the answer (RDMA 1.1 §3.4).
 */
#include "common/base/error.h"
#include "services/rdma/connection.h"

/* request->wire_u32 */
enum stage { STAGE_NONE, STAGE_READ, STAGE_ANSWER };

static void set_stage(struct request *request, enum stage stage)
{
	request->wire_u32[REQUEST_STAGE] = stage;
}

static enum stage stage_of(const struct request *request)
{
	return (enum stage)request->wire_u32[REQUEST_STAGE];
}

/* ------------------------------------------------------------------ the host's memory */

static const struct nvme_keyed_sgl *blocks_of(struct request *request, uint32_t *ret_n)
{
	if (request->n_listed == 0) {
		*ret_n = 1;
		return sgl_only_block(&request->command);
	}
	*ret_n = request->n_listed;
	return (const struct nvme_keyed_sgl *)(const void *)rdma_request_of(request)
	        ->receive->holder_room;
}

/* Work requests that its data takes. */
static uint32_t n_moves(struct request *request)
{
	uint32_t n, moves = 0;
	const struct nvme_keyed_sgl *blocks = blocks_of(request, &n);

	for (uint32_t i = 0; i < n; i++)
		moves += sgl_block(&blocks[i]).length > 0;
	return moves;
}

static void read_blocks(struct poster *poster, struct request *request)
{
	uint32_t n, done = 0;
	const struct nvme_keyed_sgl *blocks = blocks_of(request, &n);

	for (uint32_t i = 0; i < n; i++) {
		struct sgl_block block = sgl_block(&blocks[i]);

		if (block.length == 0)
			continue;
		poster_read(poster,
		            block,
		            request->data + done,
		            block.length,
		            done + block.length == request->length ? request : NULL);
		done += block.length;
	}
}

static void write_blocks(struct poster *poster, struct request *request)
{
	uint32_t n, done = 0;
	const struct nvme_keyed_sgl *blocks = blocks_of(request, &n);

	for (uint32_t i = 0; i < n; i++) {
		struct sgl_block block = sgl_block(&blocks[i]);

		if (block.length > 0)
			poster_write(poster, request->data + done, block, block.length);
		done += block.length;
	}
}

/* ------------------------------------------------------------------ posting */

static void fly(struct connection *connection, struct request *request)
{
	rdma_request_of(request)->flew_ns = loop_now_ns(connection->lane->loop);
	list_append(&connection->flying, &request->wire_link);
}

static void post_answer(struct connection *connection, struct request *request)
{
	struct rdma_request *own = rdma_request_of(request);

	if (request->wire_u32[REQUEST_POSTS] > 1)
		write_blocks(&connection->poster, request);
	poster_answer(&connection->poster,
	              &own->completion,
	              request->wire_u32[REQUEST_HAS_KEY] ? &request->wire_u32[REQUEST_KEY] : NULL,
	              request);
}

/* The list has been read, for good. */
static void let_go_of_list(struct request *request)
{
	struct rdma_request *own = rdma_request_of(request);

	if (own->receive && request->n_listed && request_regain(request))
		receive_again(take(&own->receive));
}

static void post(struct connection *connection, struct request *request)
{
	fly(connection, request);
	if (stage_of(request) == STAGE_READ)
		read_blocks(&connection->poster, request);
	else
		post_answer(connection, request);
	let_go_of_list(request);
}

/* In the order in which they are answered. */
static void post_or_wait(struct connection *connection, struct request *request)
{
	if (!connection->poster.is_broken && list_is_empty(&connection->waiting) &&
	    poster_has_room(&connection->poster, request->wire_u32[REQUEST_POSTS]))
		post(connection, request);
	else
		list_append(&connection->waiting, &request->wire_link);
	connection_mark(connection);
}

void transfer_go_on(struct connection *connection)
{
	while (!connection->poster.is_broken && !list_is_empty(&connection->waiting)) {
		struct request *request = container_of(
			connection->waiting.next, struct request, wire_link);

		if (!poster_has_room(&connection->poster, request->wire_u32[REQUEST_POSTS]))
			return;
		list_remove(&request->wire_link);
		post(connection, request);
	}
}

void transfer_receive(struct poster *poster)
{
	struct connection *connection = container_of(poster, struct connection, poster);

	if (receives_post(connection->receives))
		connection->is_broken |= connection->has_own_receives;
}

uint64_t transfer_oldest_ns(const struct connection *connection)
{
	const struct list *first = connection->flying.next;

	if (first == &connection->flying)
		return 0;
	return rdma_request_of(container_of(first, struct request, wire_link))->flew_ns;
}

void transfer_failed(struct poster *poster, struct post *failed, uint32_t n)
{
	struct connection *connection = container_of(poster, struct connection, poster);

	for (uint32_t i = 0; i < n; i++) {
		struct request *request = failed[i].request;

		if (!request)
			continue;
		list_remove(&request->wire_link);
		list_append(&connection->waiting, &request->wire_link);
	}
	connection->is_broken = true;
	connection_mark(connection);
}

/* ------------------------------------------------------------------ from the host, to the host */

void transfer_begin(struct connection *connection, struct request *request)
{
	set_stage(request, STAGE_READ);
	request->wire_u32[REQUEST_POSTS] = n_moves(request);
	post_or_wait(connection, request);
}

void transfer_fetch(struct request *request)
{
	struct connection *connection = connection_of(request->queue);

	list_remove(&request->wire_link);
	transfer_begin(connection, request);
}

bool transfer_is_awaited(const struct request *request)
{
	return stage_of(request) == STAGE_READ;
}

void transfer_respond(struct request *request)
{
	struct connection *connection = connection_of(request->queue);
	struct rdma_request *own = rdma_request_of(request);
	bool has_data;

	if (connection->state >= LIFE_FLUSHING) {
		request_finish(request);
		return;
	}
	if (!request->n_listed && request_regain(request))
		receive_again(take(&own->receive));
	has_data = request_complete(request, &own->completion);
	set_stage(request, STAGE_ANSWER);
	request->wire_u32[REQUEST_POSTS] = 1 + (has_data ? n_moves(request) : 0);
	post_or_wait(connection, request);
}

/* ------------------------------------------------------------------ and back */

static void note_failure(struct connection *connection, const struct ibv_wc *wc)
{
	if (wc->status != IBV_WC_WR_FLUSH_ERR && connection->state < LIFE_FLUSHING)
		connection_warn(connection,
		                "connection closed: its memory, or an answer: %s",
		                ibv_wc_status_str(wc->status));
	connection->is_broken = true;
}

static void go_on(struct request *request, enum stage stage)
{
	if (stage == STAGE_READ) {
		request_execute(request);
		return;
	}
	request_stamp(request, TRACE_SENT);
	request_finish(request);
}

void transfer_done(struct connection *connection, const struct ibv_wc *wc)
{
	struct request *request = poster_request(wc->wr_id);
	bool is_good = wc->status == IBV_WC_SUCCESS;

	connection_mark(connection);
	if (!is_good)
		note_failure(connection, wc);
	/* soft-iWARP gives back some RDMA READs of a queue pair that fails twice */
	if (!request || (!is_good && list_is_empty(&request->wire_link)))
		return;
	poster_is_over(&connection->poster, request->wire_u32[REQUEST_POSTS]);
	list_remove(&request->wire_link);
	if (is_good && connection->state < LIFE_FLUSHING)
		go_on(request, stage_of(request));
	else
		request_finish(request);
}
