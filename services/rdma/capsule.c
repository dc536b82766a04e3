/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capsule is a command, and what follows it: data, or a list of SGL descriptors. The command is
 * in the head of a receive, the rest in its body, which is in the arena: data that came in a
 * capsule is where the I/O worker finds it. Such a receive stays with its request; all others are
 * received again at once.
 *
 * I/O workers may write to the arena: a list is copied before it is looked at.
 */
#include <string.h>

#include "services/rdma/connection.h"

/* Of a worker: LINK_ALIGNMENT */
#define DATA_ALIGNMENT 512u

_Static_assert(sizeof(struct nvme_keyed_sgl) * SGL_BLOCKS_MAX <= RECEIVE_ROOM_BYTES,
               "a receive has room for a list");
_Static_assert(sizeof(struct nvme_command) == RECEIVE_HEAD_BYTES, "a command is the head");

/* ------------------------------------------------------------------ what is in it */

static uint32_t data_bytes(const struct receive *receive)
{
	return receive->length - RECEIVE_HEAD_BYTES;
}

static const struct nvme_keyed_sgl *copy_list(struct receive *receive)
{
	uint32_t bytes = data_bytes(receive);

	if (bytes > RECEIVE_ROOM_BYTES)
		bytes = RECEIVE_ROOM_BYTES;
	if (bytes > 0)
		memcpy(receive->holder_room, receive->body, bytes);
	return (const struct nvme_keyed_sgl *)receive->holder_room;
}

/* What the answer makes no good any more, if the host wants that and the adapter can: of several
 * such keys that of the last block (RDMA 1.1 §3.6). */
static void note_key(struct connection *connection, struct request *request,
                     const struct nvme_keyed_sgl *blocks, uint32_t n)
{
	for (uint32_t i = 0; i < n && connection->adapter->can_invalidate; i++) {
		struct sgl_block block = sgl_block(&blocks[i]);

		if (!block.invalidate)
			continue;
		request->wire_u32[REQUEST_KEY] = block.key;
		request->wire_u32[REQUEST_HAS_KEY] = 1;
	}
}

/* ------------------------------------------------------------------ to the core */

/* Its data begins where the worker can have it. */
static void bring(struct request *request, struct receive *receive)
{
	uint32_t offset = request->offset;

	if (offset % DATA_ALIGNMENT != 0) {
		memmove(receive->body, receive->body + offset, request->length);
		offset = 0;
	}
	rdma_request_of(request)->receive = receive;
	request_bring(request, receive->body + offset, receive->body_offset + offset);
	request_execute(request);
}

static void fetch(struct connection *connection, struct request *request)
{
	if (request_reserve(request) == 0)
		transfer_begin(connection, request);
	else
		list_append(&connection->unfetched, &request->wire_link);
}

static void start(struct connection *connection, struct request *request, struct receive *receive)
{
	struct nvme_command command;
	struct sgl_capsule capsule = {.bytes = data_bytes(receive)};
	enum request_source source;

	memcpy(&command, receive->head, sizeof(command));
	if (sgl_is_segment(&command))
		capsule.list = copy_list(receive);
	rdma_request_of(request)->receive = NULL;
	source = request_decode(request, &command, &capsule);
	if (source == REQUEST_IN_CAPSULE) {
		bring(request, receive);
		return;
	}
	if (source != REQUEST_FAILED && request->length > 0)
		note_key(connection,
		         request,
		         request->n_listed ? capsule.list : sgl_only_block(&request->command),
		         request->n_listed ? request->n_listed : 1);
	if (source != REQUEST_FAILED && request->n_listed) {
		rdma_request_of(request)->receive = receive;
		request_tie(request);
	} else {
		receive_again(receive);
	}
	if (source == REQUEST_TRANSFER)
		fetch(connection, request);
	else
		request_execute(request);
}

/* False: there is no request for it. */
static bool try_start(struct connection *connection, struct receive *receive)
{
	struct request *request = queue_begin(&connection->queue);

	if (request)
		start(connection, request, receive);
	return request;
}

/* ------------------------------------------------------------------ from the host */

/* A host has a slot for its next command as soon as it has an answer, and we have one when the
 * adapter says that it has: so as many may be held for a moment as the queue has entries (for how
 * long: connection.c). Before Connect nobody has anything to say beyond it. */
static bool may_hold(const struct connection *connection)
{
	return connection->queue.connected && connection->n_held <= connection->queue.size;
}

static void hold(struct connection *connection, struct receive *receive)
{
	if (connection->n_held++ == 0)
		connection->held_since_ns = loop_now_ns(connection->lane->loop);
	list_append(&connection->held, &receive->link);
	if (may_hold(connection))
		return;
	connection_warn(connection, "connection closed: more commands than its queue has entries");
	connection->is_broken = true;
}

void capsule_go_on(struct connection *connection)
{
	while (!list_is_empty(&connection->held) && connection_is_live(connection)) {
		struct receive *receive = container_of(connection->held.next, struct receive, link);

		if (connection->queue.starved)
			return;
		list_remove(&receive->link);
		if (!try_start(connection, receive)) {
			list_append(connection->held.next, &receive->link); /* the first again */
			return;
		}
		connection->n_held--;
		connection->held_since_ns = loop_now_ns(connection->lane->loop);
	}
}

static bool is_good(struct connection *connection, const struct ibv_wc *wc)
{
	if (wc->status != IBV_WC_SUCCESS) {
		if (wc->status != IBV_WC_WR_FLUSH_ERR && connection->state < LIFE_FLUSHING)
			connection_warn(connection,
			                "connection closed: a capsule: %s",
			                ibv_wc_status_str(wc->status));
		connection->is_broken = true;
		return false;
	}
	if (wc->byte_len >= RECEIVE_HEAD_BYTES)
		return true;
	connection_warn(connection, "connection closed: a capsule of %u bytes", wc->byte_len);
	connection->is_broken = true;
	return false;
}

void capsule_arrived(struct connection *connection, struct receive *receive,
                     const struct ibv_wc *wc)
{
	connection_mark(connection);
	if (!is_good(connection, wc) || connection->state > LIFE_LIVE || connection->is_broken) {
		receive_again(receive);
		return;
	}
	connection_event(connection, LIFE_ON_ESTABLISHED); /* its word may come later */
	receive->length = wc->byte_len;
	if (!list_is_empty(&connection->held) || connection->queue.starved ||
	    !try_start(connection, receive))
		hold(connection, receive);
}

void capsule_regain(struct request *request, bool is_lost)
{
	struct receive *receive = take(&rdma_request_of(request)->receive);

	if (is_lost)
		receive_lost(receive);
	else
		receive_again(receive);
}
