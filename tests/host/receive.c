/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving: a PDU's header is looked at in the staging; its data goes to the request's buffer,
 * past the staging when there is much of it. The checks are those of Linux (nvme_tcp_recv_pdu and
 * its like), and those that it leaves out.
 */
#include <string.h>

#include "tests/host/queue.h"

#define PAST_STAGING 8192u /* bytes of data that are worth a recv() of their own */

#define broken(queue, ...) host_connection_says(&(queue)->connection, HOST_E_BROKEN, __VA_ARGS__)

static uint8_t *staged(struct host_queue *queue)
{
	return queue->connection.staging + queue->connection.head;
}

static uint32_t n_staged(const struct host_queue *queue)
{
	return (uint32_t)(queue->connection.tail - queue->connection.head);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ------------------------------------------------------------------ the kinds of PDU */

static int on_response(struct host_queue *queue, const uint8_t *pdu)
{
	const struct tcp_capsule_response *response = (const struct tcp_capsule_response *)pdu;
	uint16_t cid = le16_get(response->completion.cid);
	struct host_slot *slot = host_slot_of(queue, cid);
	const struct host_request *request;

	if (!slot)
		return broken(queue, "CapsuleResp for CID %04xh, which is not in flight", cid);
	request = slot->request;
	if (!slot->sent)
		return broken(queue, "CapsuleResp for CID %04xh, which is not sent yet", cid);
	if (request->direction == NVME_TRANSFER_TO_HOST &&
	    (le16_get(response->completion.status) >> 1) == 0 && !request->digest_error &&
	    request->received != request->length)
		return broken(queue,
		              "success for CID %04xh, and %u of %u bytes were sent",
		              cid,
		              request->received,
		              request->length);
	if (slot->in_ring) { /* refused while its data was on its way */
		slot->answered = true;
		slot->answer = response->completion;
		return 0;
	}
	host_slot_done(queue, slot, &response->completion);
	return 0;
}

static int on_r2t(struct host_queue *queue, const uint8_t *pdu)
{
	const struct tcp_r2t *r2t = (const struct tcp_r2t *)pdu;
	uint16_t cid = le16_get(r2t->cccid);
	uint32_t offset = le32_get(r2t->r2to);
	uint32_t length = le32_get(r2t->r2tl);
	struct host_slot *slot = host_slot_of(queue, cid);

	if (!slot)
		return broken(queue, "R2T for CID %04xh, which is not in flight", cid);
	if (!slot->sent)
		return broken(queue, "R2T for CID %04xh, which is not sent yet", cid);
	if (slot->request->direction != NVME_TRANSFER_TO_CONTROLLER)
		return broken(queue, "R2T for CID %04xh, which sends no data", cid);
	if (slot->transferred < slot->transfer_end)
		return broken(queue, "R2T for CID %04xh while one is served (MAXR2T is 1)", cid);
	if (!length || offset != slot->transferred || length > slot->request->length - offset)
		return broken(queue,
		              "R2T for CID %04xh: offset %u, length %u; %u of %u were sent",
		              cid,
		              offset,
		              length,
		              slot->transferred,
		              slot->request->length);
	slot->request->r2ts++;
	slot->ttag = le16_get(r2t->ttag);
	slot->transfer_end = offset + length;
	host_transmit_data(queue, slot);
	return 0;
}

static int on_data(struct host_queue *queue, const uint8_t *pdu)
{
	const struct tcp_data *data = (const struct tcp_data *)pdu;
	const struct host_connection *connection = &queue->connection;
	uint16_t cid = le16_get(data->cccid);
	uint32_t offset = le32_get(data->datao);
	uint32_t length = le32_get(data->datal);
	uint32_t header = data->header.hlen + (connection->header_digest ? TCP_DIGEST_SIZE : 0);
	uint32_t digest = connection->data_digest ? TCP_DIGEST_SIZE : 0;
	uint32_t alignment = (connection->wishes.hpda + 1u) * 4;
	struct host_slot *slot = host_slot_of(queue, cid);

	if (!slot)
		return broken(queue, "C2HData for CID %04xh, which is not in flight", cid);
	if (slot->request->direction != NVME_TRANSFER_TO_HOST)
		return broken(queue, "C2HData for CID %04xh, which takes no data", cid);
	if (!length || offset != slot->request->received || length > slot->request->length - offset)
		return broken(queue,
		              "C2HData for CID %04xh: offset %u, length %u; %u of %u came",
		              cid,
		              offset,
		              length,
		              slot->request->received,
		              slot->request->length);
	if (data->header.pdo < header || data->header.pdo % alignment)
		return broken(queue,
		              "C2HData: PDO %u (header %u, alignment %u)",
		              data->header.pdo,
		              header,
		              alignment);
	if (le32_get(data->header.plen) != data->header.pdo + length + digest)
		return broken(queue,
		              "C2HData: PLEN %u for %u bytes",
		              le32_get(data->header.plen),
		              length);
	if ((data->header.flags & TCP_PDU_SUCCESS) && !(data->header.flags & TCP_PDU_LAST))
		return broken(queue, "C2HData: SUCCESS without LAST");
	if ((data->header.flags & TCP_PDU_SUCCESS) && !queue->sqflow_disabled &&
	    !queue->connection.wishes.any_success)
		return broken(queue, "C2HData: SUCCESS with SQ flow control");
	queue->incoming.slot = slot;
	queue->incoming.padding = data->header.pdo - header;
	queue->incoming.data_left = length;
	queue->incoming.digest_left = digest;
	queue->incoming.crc = HOST_DIGEST_SEED;
	queue->incoming.flags = data->header.flags;
	return 0;
}

/* ------------------------------------------------------------------ data of a C2HData */

static void take_bytes(struct host_queue *queue, const uint8_t *bytes, uint32_t length)
{
	struct host_request *request = queue->incoming.slot->request;

	if (queue->connection.data_digest)
		queue->incoming.crc = host_digest_add(queue->incoming.crc, bytes, length);
	request->received += length;
	queue->incoming.data_left -= length;
}

static int data_complete(struct host_queue *queue)
{
	struct host_slot *slot = queue->incoming.slot;
	uint8_t flags = queue->incoming.flags;
	uint32_t crc = ~queue->incoming.crc;

	queue->incoming.slot = NULL;
	if (queue->connection.data_digest && memcmp(&crc, queue->incoming.digest, sizeof(crc)) != 0)
		slot->request->digest_error = true;
	if ((flags & TCP_PDU_LAST) && slot->request->received != slot->request->length &&
	    (flags & TCP_PDU_SUCCESS))
		return broken(queue,
		              "SUCCESS for CID %04xh after %u of %u bytes",
		              slot->cid,
		              slot->request->received,
		              slot->request->length);
	if (flags & TCP_PDU_SUCCESS)
		host_slot_done(queue, slot, NULL);
	return 0;
}

/* False: more bytes are needed. */
static bool drain_staging(struct host_queue *queue)
{
	struct host_request *request = queue->incoming.slot->request;
	uint32_t n = least(n_staged(queue), queue->incoming.padding);

	queue->incoming.padding -= n;
	queue->connection.head += n;
	n = least(n_staged(queue), queue->incoming.data_left);
	if (n && !queue->incoming.padding) {
		if (request->data)
			memcpy((uint8_t *)request->data + request->received, staged(queue), n);
		take_bytes(queue, staged(queue), n);
		queue->connection.head += n;
	}
	if (queue->incoming.padding || queue->incoming.data_left)
		return false;
	n = least(n_staged(queue), queue->incoming.digest_left);
	memcpy(queue->incoming.digest + TCP_DIGEST_SIZE - queue->incoming.digest_left,
	       staged(queue),
	       n);
	queue->incoming.digest_left -= n;
	queue->connection.head += n;
	return queue->incoming.digest_left == 0;
}

/* ------------------------------------------------------------------ headers */

static int check_header(struct host_queue *queue, const struct tcp_pdu_header *header)
{
	uint32_t digest = queue->connection.header_digest ? TCP_DIGEST_SIZE : 0;
	uint32_t plen = le32_get(header->plen);
	bool has_data = header->type == TCP_PDU_C2H_DATA;
	bool is_known = has_data || header->type == TCP_PDU_CAPSULE_RESPONSE ||
	                header->type == TCP_PDU_R2T;
	uint8_t allowed = has_data ? TCP_PDU_LAST | TCP_PDU_SUCCESS : 0;

	if (header->type == TCP_PDU_C2H_TERM)
		return plen <= sizeof(struct tcp_term) + TCP_TERM_DATA_MAX
		               ? 0
		               : broken(queue, "malformed C2HTermReq: PLEN %u", plen);
	if (!is_known)
		return broken(queue, "PDU of unknown type %02xh", header->type);
	if (header->hlen != 24)
		return broken(queue, "PDU of type %02xh: HLEN %u", header->type, header->hlen);
	if (has_data ? plen < 24 + digest : plen != 24 + digest)
		return broken(queue, "PDU of type %02xh: PLEN %u", header->type, plen);
	if (digest)
		allowed |= TCP_PDU_HDGSTF;
	if (has_data && queue->connection.data_digest)
		allowed |= TCP_PDU_DDGSTF;
	if ((header->flags & ~allowed) || (header->flags & (TCP_PDU_HDGSTF | TCP_PDU_DDGSTF)) !=
	                                          (allowed & (TCP_PDU_HDGSTF | TCP_PDU_DDGSTF)))
		return broken(queue, "PDU of type %02xh: flags %02xh", header->type, header->flags);
	return 0;
}

/* One PDU's header, wholly in the staging. */
static int on_pdu(struct host_queue *queue, uint32_t length)
{
	const uint8_t *pdu = staged(queue);
	const struct tcp_pdu_header *header = (const struct tcp_pdu_header *)pdu;
	uint32_t crc;

	queue->connection.head += length;
	if (header->type == TCP_PDU_C2H_TERM)
		return host_connection_terminated(&queue->connection, pdu, length);
	if (queue->connection.header_digest) {
		crc = host_digest(pdu, header->hlen);
		if (memcmp(&crc, pdu + header->hlen, sizeof(crc)) != 0)
			return broken(
				queue, "PDU of type %02xh: wrong header digest", header->type);
	}
	switch (header->type) {
	case TCP_PDU_CAPSULE_RESPONSE:
		return on_response(queue, pdu);
	case TCP_PDU_R2T:
		return on_r2t(queue, pdu);
	default:
		return on_data(queue, pdu);
	}
}

/* Takes what the staging holds. 0: it holds no whole header any more. */
static int take_staged(struct host_queue *queue)
{
	struct tcp_pdu_header header;
	uint32_t length;
	int r = 0;

	while (!r) {
		if (queue->incoming.slot) {
			if (!drain_staging(queue))
				return 0;
			r = data_complete(queue);
			continue;
		}
		if (n_staged(queue) < sizeof(header))
			return 0;
		memcpy(&header, staged(queue), sizeof(header));
		r = check_header(queue, &header);
		length = header.type == TCP_PDU_C2H_TERM
		                 ? le32_get(header.plen)
		                 : header.hlen + (queue->connection.header_digest ? 4u : 0);
		if (!r && n_staged(queue) < length)
			return 0;
		if (!r)
			r = on_pdu(queue, length);
	}
	return r;
}

static int fetch(struct host_queue *queue, size_t *ret_bytes)
{
	struct host_request *request;
	uint8_t *to;
	int r;

	if (!queue->incoming.slot || n_staged(queue) || queue->incoming.padding ||
	    queue->incoming.data_left < PAST_STAGING || !queue->incoming.slot->request->data)
		return host_connection_fill(&queue->connection, ret_bytes);
	request = queue->incoming.slot->request;
	to = (uint8_t *)request->data + request->received;
	r = host_connection_receive_into(
		&queue->connection, to, queue->incoming.data_left, ret_bytes);
	if (*ret_bytes)
		take_bytes(queue, to, (uint32_t)*ret_bytes);
	return r;
}

int host_receive(struct host_queue *queue)
{
	size_t bytes;
	int r;

	do {
		r = fetch(queue, &bytes);
		if (!r)
			r = take_staged(queue);
	} while (!r && bytes && !queue->connection.drained);
	return r;
}
