/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data that does not come in the capsule: one R2T asks for all of it (MAXR2T is 1 at least), and
 * the host sends it in order, in H2CData PDUs of MAXH2CDATA at most. The transfer tag is the
 * request's index in its queue.
 */
#include <stdlib.h>

#include "services/tcp/connection.h"

/* request->wire_u32[0], which queue_begin() clears. */
enum stage {
	STAGE_NONE,
	STAGE_ASKED,   /* its data may come */
	STAGE_SPOILED, /* so it may, but a digest was wrong: it will fail when all is here */
};

static enum stage stage_of(const struct request *request)
{
	return (enum stage)request->wire_u32[0];
}

static void set_stage(struct request *request, enum stage stage)
{
	request->wire_u32[0] = stage;
}

static uint32_t now_ms(const struct connection *connection)
{
	return (uint32_t)(loop_now_ns(connection->lane->loop) / NS_PER_MS);
}

static void begin(struct connection *connection, struct request *request)
{
	struct tcp_request *own = tcp_request_of(request);

	own->transfer = (struct tcp_transfer){
		.cid = le16_get(request->command.cid),
		.ttag = request->index,
		.length = request->length,
	};
	own->since_ms = now_ms(connection);
	set_stage(request, STAGE_ASKED);
	list_append(&connection->asked, &request->wire_link);
}

/* ------------------------------------------------------------------ R2T */

static void ask(struct connection *connection, struct request *request)
{
	struct tcp_request *own = tcp_request_of(request);

	begin(connection, request);
	outgoing_r2t(&own->outgoing, &connection->receiver.agreement, &own->transfer);
	own->outgoing.request = NULL;
	send_queue(connection, &own->outgoing);
}

void transfer_begin(struct connection *connection, struct request *request, bool has_room)
{
	if (has_room)
		ask(connection, request);
	else
		list_append(&connection->unasked, &request->wire_link);
}

void transfer_fetch(struct request *request)
{
	struct connection *connection = connection_of(request->queue);

	if (connection->mute) /* behind a TermReq nothing is said */
		return;
	list_remove(&request->wire_link);
	ask(connection, request);
	connection_mark(connection);
}

bool transfer_is_awaited(const struct request *request)
{
	return stage_of(request) != STAGE_NONE ||
	       connection_of(request->queue)->incoming == request;
}

uint64_t transfer_oldest_ns(const struct connection *connection)
{
	const struct list *first = connection->asked.next;
	uint64_t now_ns = loop_now_ns(connection->lane->loop);
	uint32_t age_ms;

	if (list_is_empty(&connection->asked))
		return 0;
	age_ms = now_ms(connection) -
	         tcp_request_of(container_of(first, struct request, wire_link))->since_ms;
	return now_ns - age_ms * NS_PER_MS;
}

bool transfer_is_large(const struct connection *connection)
{
	const struct list *first = connection->asked.next;

	return !list_is_empty(&connection->asked) &&
	       container_of(first, struct request, wire_link)->length >= CONNECTION_LARGE_BYTES;
}

void transfer_forgive_pause(struct connection *connection)
{
	uint32_t pause_ms = (uint32_t)(connection->paused_ns / NS_PER_MS);

	list_for_each (at, &connection->asked) {
		struct tcp_request *own = tcp_request_of(
			container_of(at, struct request, wire_link));
		uint32_t before_ms = pause_ms - own->since_ms;

		own->since_ms = now_ms(connection);
		if ((int32_t)before_ms > 0)
			own->since_ms -= before_ms;
	}
}

/* ------------------------------------------------------------------ H2CData */

/* Whose data that is; NULL: nobody's. An R2T that is not sent yet cannot have been answered. */
static struct request *find(struct connection *connection, uint16_t ttag)
{
	struct request *request = queue_at(&connection->queue, ttag);

	if (!request || stage_of(request) == STAGE_NONE ||
	    !list_is_empty(&tcp_request_of(request)->outgoing.link))
		return NULL;
	return request;
}

bool transfer_header(struct connection *connection)
{
	struct receiver *receiver = &connection->receiver;
	const struct tcp_data *pdu = &receiver->pdu.data;
	struct request *request = find(connection, le16_get(pdu->ttag));
	struct tcp_transfer *transfer = request ? &tcp_request_of(request)->transfer : NULL;
	struct tcp_violation violation;

	if (tcp_h2c_data_decode(pdu,
	                        receiver->shape.data_bytes,
	                        transfer,
	                        &connection->arriving_last,
	                        &violation)) {
		refuse(connection, &violation);
		return true;
	}
	connection->arriving = request;
	receiver_place(receiver, request->data + transfer->received, receiver->shape.data_bytes);
	return true;
}

void transfer_end(struct connection *connection)
{
	struct request *request = take(&connection->arriving);

	tcp_request_of(request)->transfer.received += connection->receiver.shape.data_bytes;
	if (!connection->receiver.data_is_good)
		set_stage(request, STAGE_SPOILED);
	if (!connection->arriving_last)
		return;
	list_remove(&request->wire_link);
	if (stage_of(request) == STAGE_SPOILED) {
		set_stage(request, STAGE_NONE);
		request_fail(request, status_of(NVME_SC_TRANSIENT_TRANSPORT));
		return;
	}
	set_stage(request, STAGE_NONE);
	request_execute(request);
}

/* ------------------------------------------------------------------ a planned restart */

Nvmetd__HandoverTransfer *transfer_leave(const struct request *request, uint32_t arriving)
{
	const struct tcp_transfer *transfer =
		&((const struct tcp_request *)(const void *)request->wire_room)->transfer;
	Nvmetd__HandoverTransfer *left = malloc(sizeof(*left));

	if (!left)
		return NULL;
	nvmetd__handover_transfer__init(left);
	left->received = transfer->received;
	left->spoiled = stage_of(request) == STAGE_SPOILED;
	left->request = request_leave(request, request->data, transfer->received + arriving);
	if (left->request)
		return left;
	free(left);
	return NULL;
}

struct request *transfer_take(struct connection *connection, const Nvmetd__HandoverTransfer *left)
{
	struct request *request = queue_inherit_request(&connection->queue, left->request, true);
	struct tcp_request *own;

	if (!request)
		return NULL;
	if (request->source != REQUEST_TRANSFER || left->received > left->request->data.len) {
		request_finish(request);
		return NULL;
	}
	own = tcp_request_of(request);
	begin(connection, request);
	own->transfer.received = left->received;
	list_init(&own->outgoing.link); /* R2T is sent, or goes before all else */
	if (left->spoiled)
		set_stage(request, STAGE_SPOILED);
	return request;
}
