/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/connection.h"

/* A request for the capsule, with its decision; false: none is free. Stays until the capsule is
 * complete, so that a second try after a pause finds it. */
static bool begin(struct connection *connection)
{
	struct receiver *receiver = &connection->receiver;
	struct sgl_capsule capsule = {.bytes = receiver->shape.data_bytes};

	if (connection->incoming)
		return true;
	connection->incoming = queue_begin(&connection->queue);
	if (!connection->incoming)
		return false;
	connection->origin = request_decode(
		connection->incoming, &receiver->pdu.capsule.command, &capsule);
	return true;
}

bool command_header(struct connection *connection)
{
	struct receiver *receiver = &connection->receiver;
	struct request *request;

	if (!begin(connection))
		return false;
	request = connection->incoming;
	if (connection->origin != REQUEST_IN_CAPSULE) {
		receiver_place(receiver, NULL, 0);
		return true;
	}
	if (request_reserve(request))
		return false;
	receiver_place(receiver, request->data, request->length);
	return true;
}

void command_end(struct connection *connection)
{
	struct request *request = take(&connection->incoming);

	if (!connection->receiver.data_is_good) {
		request_fail(request, status_of(NVME_SC_TRANSIENT_TRANSPORT));
		return;
	}
	if (connection->origin == REQUEST_TRANSFER)
		transfer_begin(connection, request, request_reserve(request) == 0);
	else
		request_execute(request);
}
