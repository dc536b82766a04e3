/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: a ring of pieces, each a PDU, gathered into as few sendmsg() as possible. A request has
 * one piece in the ring at most: the next H2CData of an R2T is made when the one before has left,
 * so that large transfers share the connection with small ones.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/host/queue.h"

#define GATHER 192u /* pieces of iovec; three for each PDU */

static struct host_piece *piece_at(struct host_queue *queue, uint32_t position)
{
	return &queue->pieces[position & (queue->n_pieces - 1)];
}

static struct host_piece *piece_new(struct host_queue *queue, struct host_slot *slot)
{
	struct host_piece *piece = piece_at(queue, queue->next_piece++);

	piece->slot = slot;
	slot->in_ring = true;
	piece->data = NULL;
	piece->data_length = 0;
	piece->digest_length = 0;
	return piece;
}

/* Header digest, padding up to PDO, data digest; then flags, PDO and PLEN say so. */
static void piece_finish(struct host_queue *queue, struct host_piece *piece, uint8_t hlen)
{
	const struct host_connection *connection = &queue->connection;
	struct tcp_pdu_header *header = (struct tcp_pdu_header *)piece->header;
	uint32_t length = hlen;
	uint32_t crc;

	header->hlen = hlen;
	header->pdo = 0;
	if (connection->header_digest) {
		header->flags |= TCP_PDU_HDGSTF;
		length += TCP_DIGEST_SIZE;
	}
	if (piece->data_length) {
		uint32_t alignment = (connection->cpda + 1u) * 4;
		uint32_t pdo = (length + alignment - 1) / alignment * alignment;

		memset(piece->header + length, 0, pdo - length);
		header->pdo = (uint8_t)pdo;
		length = pdo;
		if (connection->data_digest) {
			header->flags |= TCP_PDU_DDGSTF;
			crc = host_digest(piece->data, piece->data_length);
			if (piece->slot->request->spoil_data_digest)
				crc = ~crc;
			memcpy(piece->digest, &crc, sizeof(crc));
			piece->digest_length = sizeof(crc);
		}
	}
	piece->header_length = (uint16_t)length;
	header->plen = le32_of(length + piece->data_length + piece->digest_length);
	if (connection->header_digest) {
		crc = host_digest(piece->header, hlen);
		memcpy(piece->header + hlen, &crc, sizeof(crc));
	}
}

void host_transmit_capsule(struct host_queue *queue, struct host_slot *slot)
{
	struct host_piece *piece = piece_new(queue, slot);
	const struct host_request *request = slot->request;
	struct tcp_capsule_command *capsule = (struct tcp_capsule_command *)piece->header;

	capsule->header = (struct tcp_pdu_header){.type = TCP_PDU_CAPSULE_COMMAND};
	capsule->command = request->command;
	if (request->command.sgl.type == (NVME_SGL_DATA_BLOCK << 4 | NVME_SGL_SUB_OFFSET)) {
		piece->data = request->data;
		piece->data_length = request->length;
	}
	piece_finish(queue, piece, sizeof(*capsule));
}

void host_transmit_data(struct host_queue *queue, struct host_slot *slot)
{
	struct host_piece *piece = piece_new(queue, slot);
	struct tcp_data *data = (struct tcp_data *)piece->header;
	uint32_t left = slot->transfer_end - slot->transferred;
	uint32_t length = left < queue->connection.maxh2cdata ? left : queue->connection.maxh2cdata;

	*data = (struct tcp_data){
		.header = {.type = TCP_PDU_H2C_DATA, .flags = length == left ? TCP_PDU_LAST : 0},
		.cccid = le16_of(slot->cid),
		.ttag = le16_of(slot->ttag),
		.datao = le32_of(slot->transferred),
		.datal = le32_of(length),
	};
	piece->data = (const uint8_t *)slot->request->data + slot->transferred;
	piece->data_length = length;
	slot->transferred += length;
	piece_finish(queue, piece, sizeof(*data));
}

static uint32_t piece_bytes(const struct host_piece *piece)
{
	return piece->header_length + piece->data_length + piece->digest_length;
}

/* Up to three iovecs of what follows the first `skip` bytes. */
static uint32_t gather_piece(struct host_piece *piece, uint32_t skip, struct iovec *iov)
{
	const struct iovec parts[] = {
		{piece->header,                  piece->header_length},
		{(void *)(uintptr_t)piece->data, piece->data_length  },
		{piece->digest,                  piece->digest_length},
	};
	uint32_t n = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t length = (uint32_t)parts[i].iov_len;
		uint32_t skipped = skip < length ? skip : length;

		skip -= skipped;
		if (length > skipped)
			iov[n++] = (struct iovec){(uint8_t *)parts[i].iov_base + skipped,
			                          length - skipped};
	}
	return n;
}

static void piece_sent(struct host_queue *queue, struct host_slot *slot)
{
	slot->sent = true;
	slot->in_ring = false;
	if (slot->answered)
		host_slot_done(queue, slot, &slot->answer);
	else if (slot->transferred < slot->transfer_end)
		host_transmit_data(queue, slot);
}

static void advance(struct host_queue *queue, uint32_t sent)
{
	while (sent) {
		struct host_piece *piece = piece_at(queue, queue->first_piece);
		uint32_t left = piece_bytes(piece) - queue->sent_of_piece;

		if (sent < left) {
			queue->sent_of_piece += sent;
			return;
		}
		sent -= left;
		queue->sent_of_piece = 0;
		queue->first_piece++;
		piece_sent(queue, piece->slot);
	}
}

int host_queue_flush(struct host_queue *queue)
{
	while (queue->first_piece != queue->next_piece) {
		struct iovec iov[GATHER];
		struct msghdr message = {.msg_iov = iov};
		uint32_t skip = queue->sent_of_piece;
		ssize_t sent;

		for (uint32_t i = queue->first_piece;
		     i != queue->next_piece && message.msg_iovlen + 3 <= GATHER;
		     i++, skip = 0)
			message.msg_iovlen += gather_piece(
				piece_at(queue, i), skip, &iov[message.msg_iovlen]);
		sent = sendmsg(queue->connection.fd, &message, MSG_NOSIGNAL);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return host_receive(queue); /* it may have said why */
		if (sent < 0)
			return host_connection_says(
				&queue->connection, -errno, "cannot send: %s", strerror(errno));
		queue->connection.bytes_sent += (size_t)sent;
		advance(queue, (uint32_t)sent);
	}
	return 0;
}
