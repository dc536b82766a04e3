/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "services/tcp/connection.h"

static void say(struct connection *connection, const struct tcp_violation *violation)
{
	const struct tcp_pdu_header *header = &connection->receiver.pdu.header;

	connection_warn(connection,
	                "connection refused: %s (FES %u, FEI %xh): PDU type %02xh flags %02xh "
	                "HLEN %u PDO %u PLEN %u",
	                tcp_fes_words((uint16_t)violation->fes),
	                violation->fes,
	                violation->fei,
	                header->type,
	                header->flags,
	                header->hlen,
	                header->pdo,
	                le32_get(header->plen));
}

void refuse(struct connection *connection, const struct tcp_violation *violation)
{
	const struct receiver *receiver = &connection->receiver;
	uint32_t header_bytes = receiver_header_bytes(receiver);
	struct tcp_term term;

	say(connection, violation);
	tcp_c2h_term_encode(&term, violation, header_bytes);
	memcpy(connection->term_bytes, &term, sizeof(term));
	memcpy(connection->term_bytes + sizeof(term), receiver->pdu.bytes, header_bytes);
	outgoing_plain(
		&connection->term, connection->term_bytes, (uint32_t)sizeof(term) + header_bytes);
	send_queue(connection, &connection->term);
	connection->mute = true;
	connection_event(connection, LIFE_ON_REFUSED);
}

bool refused_by_host(struct connection *connection)
{
	const struct tcp_term *term = &connection->receiver.pdu.term;

	connection_warn(connection,
	                "the host ends the connection: %s (H2CTermReq, FES %u, FEI %xh)",
	                tcp_fes_words(le16_get(term->fes)),
	                le16_get(term->fes),
	                le32_get(term->fei));
	connection_event(connection, LIFE_ON_HUNG_UP);
	return true;
}
