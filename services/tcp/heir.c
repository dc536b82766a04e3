/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A planned restart: what a connection is between any two bytes, as a message
 * (proto/handover.proto) and back. What is queued for the host becomes plain bytes; so commands
 * that are answered are over. A PDU that is being received goes along as its header, which the
 * successor's receiver reads again, and how much of its data has come.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "services/tcp/connection.h"

/* ------------------------------------------------------------------ leaving */

static void leave_agreement(const struct tcp_agreement *agreement, Nvmetd__HandoverTcp *left)
{
	left->initialized = agreement->initialized;
	left->header_digest = agreement->header_digest;
	left->data_digest = agreement->data_digest;
	left->hpda = agreement->hpda;
	left->maxr2t_0based = agreement->maxr2t_0based;
	left->h2c_data_max = agreement->h2c_data_max;
}

static uint32_t placed_bytes(const struct receiver *receiver)
{
	uint32_t bytes = receiver_progress(receiver).data_bytes;

	return bytes < receiver->place_bytes ? bytes : receiver->place_bytes;
}

/* A command that is seen, but not placed, is begun anew. */
static bool leave_incoming(const struct connection *connection, Nvmetd__HandoverTcp *left)
{
	const struct receiver *receiver = &connection->receiver;

	if (!connection->incoming || !left->placed)
		return true;
	left->origin = connection->origin;
	left->incoming = request_leave(
		connection->incoming, connection->incoming->data, placed_bytes(receiver));
	return left->incoming;
}

static bool leave_receiver(const struct connection *connection, Nvmetd__HandoverTcp *left)
{
	const struct receiver *receiver = &connection->receiver;
	struct receiver_progress progress = receiver_progress(receiver);

	if (receiver->step == RECEIVER_STEP_VIOLATED || receiver->step == RECEIVER_STEP_HUNG_UP)
		return false;
	left->placed = receiver_is_placed(receiver);
	left->pad_bytes = progress.pad_bytes;
	left->data_bytes = progress.data_bytes;
	left->digest = progress.digest;
	return handover_copy(&left->header, receiver->pdu.bytes, receiver_header_taken(receiver)) &&
	       handover_copy(
		       &left->data_digest_bytes, &progress.data_digest, progress.digest_bytes) &&
	       leave_incoming(connection, left);
}

static size_t count(const struct list *list)
{
	size_t n = 0;

	list_for_each (link, (struct list *)list)
		n++;
	return n;
}

static bool leave_transfers(const struct connection *connection, Nvmetd__HandoverTcp *left)
{
	left->asked = calloc(count(&connection->asked) + 1, sizeof(left->asked[0]));
	left->unasked = calloc(count(&connection->unasked) + 1, sizeof(left->unasked[0]));
	if (!left->asked || !left->unasked)
		return false;
	list_for_each (link, (struct list *)&connection->asked) {
		const struct request *request = container_of(link, struct request, wire_link);
		bool arrives = request == connection->arriving;
		Nvmetd__HandoverTransfer *transfer = transfer_leave(
			request, arrives ? placed_bytes(&connection->receiver) : 0);

		if (!transfer)
			return false;
		left->asked[left->n_asked++] = transfer;
		if (arrives)
			left->arriving = (uint32_t)left->n_asked;
	}
	left->arriving_last = connection->arriving_last;
	list_for_each (link, (struct list *)&connection->unasked) {
		Nvmetd__HandoverRequest *request = request_leave(
			container_of(link, struct request, wire_link), NULL, 0);

		if (!request)
			return false;
		left->unasked[left->n_unasked++] = request;
	}
	return true;
}

static bool leave_unsent(const struct connection *connection, ProtobufCBinaryData *ret)
{
	size_t bytes = 0;

	list_for_each (link, (struct list *)&connection->sending)
		bytes += outgoing_bytes(container_of(link, struct outgoing, link));
	if (bytes == 0)
		return true;
	ret->data = malloc(bytes);
	if (!ret->data)
		return false;
	list_for_each (link, (struct list *)&connection->sending)
		ret->len += outgoing_copy(container_of(link, struct outgoing, link),
		                          ret->data + ret->len);
	ret->len -= connection->sent_bytes;
	memmove(ret->data, ret->data + connection->sent_bytes, ret->len);
	return true;
}

int heir_leave(struct queue *queue, Nvmetd__HandoverConnection *message)
{
	const struct connection *connection = connection_of(queue);
	Nvmetd__HandoverTcp *left;

	if ((connection->state != LIFE_AWAIT_ICREQ && connection->state != LIFE_READY) ||
	    connection->mute || connection->is_broken)
		return -1;
	left = malloc(sizeof(*left));
	if (!left)
		return -1;
	nvmetd__handover_tcp__init(left);
	message->wire_case = NVMETD__HANDOVER_CONNECTION__WIRE_TCP;
	message->tcp = left;
	leave_agreement(&connection->receiver.agreement, left);
	if (!leave_receiver(connection, left) || !leave_transfers(connection, left) ||
	    !leave_unsent(connection, &left->unsent) ||
	    !handover_copy(&left->unread,
	                   connection->stash + connection->stash_taken,
	                   connection->stash_bytes - connection->stash_taken))
		return -1;
	return connection->fd;
}

/* ------------------------------------------------------------------ taking */

static bool take_agreement(struct connection *connection, const Nvmetd__HandoverTcp *left)
{
	struct tcp_agreement *agreement = &connection->receiver.agreement;

	if (left->hpda > TCP_HPDA_MAX || left->h2c_data_max < TCP_MAXH2CDATA_MIN)
		return false;

	agreement->initialized = left->initialized;
	agreement->header_digest = left->header_digest;
	agreement->data_digest = left->data_digest;
	agreement->hpda = (uint8_t)left->hpda;
	agreement->maxr2t_0based = left->maxr2t_0based;
	agreement->h2c_data_max = left->h2c_data_max;
	if (!left->initialized)
		return true;
	connection->queue.may_borrow = !left->data_digest;
	connection_event(connection, LIFE_ON_INITIALIZED);
	return true;
}

/* It has given this connection up, whatever of it is still to be read. */
static bool has_host_gone(const struct connection *connection)
{
	struct pollfd end = {.fd = connection->fd, .events = POLLRDHUP};

	return poll(&end, 1, 0) > 0;
}

static bool take_transfers(struct connection *connection, const Nvmetd__HandoverTcp *left)
{
	for (size_t i = 0; i < left->n_asked; i++) {
		struct request *request = transfer_take(connection, left->asked[i]);

		if (!request)
			return false;
		if (i + 1 == left->arriving)
			connection->arriving = request;
	}
	connection->arriving_last = left->arriving_last;
	for (size_t i = 0; i < left->n_unasked; i++) {
		struct request *request = queue_inherit_request(
			&connection->queue, left->unasked[i], false);

		if (!request)
			return false;
		transfer_begin(connection, request, false);
	}
	return true;
}

/* Where the data of the PDU goes whose header has been read again. */
static bool place(struct connection *connection, const Nvmetd__HandoverTcp *left)
{
	struct receiver *receiver = &connection->receiver;
	struct request *request = connection->arriving;
	uint32_t received;

	switch (receiver->pdu.header.type) {
	case TCP_PDU_CAPSULE_COMMAND:
		request = queue_inherit_request(&connection->queue, left->incoming, true);
		if (!request)
			return false;
		connection->incoming = request;
		connection->origin = (enum request_source)left->origin;
		if (left->origin == REQUEST_IN_CAPSULE && !request->data)
			return false;
		receiver_place(receiver,
		               left->origin == REQUEST_IN_CAPSULE ? request->data : NULL,
		               request->length);
		return left->origin <= REQUEST_FAILED;
	case TCP_PDU_H2C_DATA:
		if (!request)
			return false;
		received = tcp_request_of(request)->transfer.received;
		if (receiver->shape.data_bytes > request->length - received)
			return false;
		receiver_place(receiver, request->data + received, receiver->shape.data_bytes);
		return true;
	default:
		return false;
	}
}

static bool go_on(struct connection *connection, const Nvmetd__HandoverTcp *left)
{
	struct receiver_progress progress = {
		.pad_bytes = left->pad_bytes,
		.data_bytes = left->data_bytes,
		.digest = left->digest,
		.digest_bytes = (uint32_t)left->data_digest_bytes.len,
	};

	if (left->data_digest_bytes.len > sizeof(progress.data_digest))
		return false;
	if (left->data_digest_bytes.len > 0)
		memcpy(&progress.data_digest,
		       left->data_digest_bytes.data,
		       left->data_digest_bytes.len);
	return place(connection, left) && receiver_go_on(&connection->receiver, &progress);
}

static bool take_receiver(struct connection *connection, const Nvmetd__HandoverTcp *left)
{
	struct receiver *receiver = &connection->receiver;

	receiver->agreement.in_capsule_max = connection->queue.in_capsule_bytes;
	if (!receiver_reread(receiver, left->header.data, left->header.len))
		return false;
	if (!left->placed)
		return true;
	return receiver->step == RECEIVER_STEP_DECIDING && go_on(connection, left);
}

static bool take_unsent(struct connection *connection, const ProtobufCBinaryData *unsent)
{
	if (unsent->len == 0)
		return true;
	if (unsent->len > UINT32_MAX)
		return false;
	connection->inherited = malloc(unsent->len);
	if (!connection->inherited)
		return false;
	memcpy(connection->inherited, unsent->data, unsent->len);
	outgoing_plain(&connection->unsent, connection->inherited, (uint32_t)unsent->len);
	send_queue(connection, &connection->unsent);
	return true;
}

static bool take_unread(struct connection *connection, const ProtobufCBinaryData *unread)
{
	connection->paused = true; /* until resume() comes */
	connection->paused_ns = loop_now_ns(connection->lane->loop);
	connection_stash(connection, unread->data, unread->len);
	return connection->state != LIFE_CLOSED;
}

bool heir_take(struct connection *connection, const Nvmetd__HandoverConnection *message,
               struct controller *controller)
{
	const Nvmetd__HandoverTcp *left = message->tcp;

	if (message->wire_case != NVMETD__HANDOVER_CONNECTION__WIRE_TCP)
		return false;
	if (has_host_gone(connection) || !take_agreement(connection, left))
		return false;
	if (queue_inherit(&connection->queue, controller, message))
		return false;
	/* what is unsent goes first: an R2T for what there was no memory for may follow */
	return take_unsent(connection, &left->unsent) && take_transfers(connection, left) &&
	       take_receiver(connection, left) && take_unread(connection, &left->unread);
}
