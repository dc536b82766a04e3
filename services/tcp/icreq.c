/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "services/tcp/connection.h"

bool icreq_header(struct connection *connection)
{
	struct receiver *receiver = &connection->receiver;
	struct tcp_violation violation;
	struct tcp_icresp icresp;

	if (tcp_icreq_decode(&receiver->pdu.icreq, &receiver->agreement, &violation)) {
		refuse(connection, &violation);
		return true;
	}
	tcp_icresp_encode(&icresp, &receiver->agreement);
	memcpy(connection->icresp_bytes, &icresp, sizeof(icresp));
	outgoing_plain(&connection->icresp, connection->icresp_bytes, sizeof(icresp));
	send_queue(connection, &connection->icresp);
	receiver_place(receiver, NULL, 0);
	/* a digest is of what is sent, so the data must not change behind it */
	connection->queue.may_borrow = !receiver->agreement.data_digest;
	connection_event(connection, LIFE_ON_INITIALIZED);
	return true;
}
