/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The receive path of NVMe/TCP with a hostile host's bytes: the receiver and all decoders behind
 * it. The first byte of an input says in what pieces the rest comes. What is said must not depend
 * on them, so each input is fed twice: at once, and in pieces that go directly into the gaps.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "services/tcp/digest.h"
#include "services/tcp/receiver.h"

#define IN_CAPSULE_MAX 8192
#define H2C_DATA_MAX   65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A connection: one transfer is open at a time, all of it is kept for comparison as a digest. */
struct host {
	struct receiver receiver;
	struct tcp_transfer transfer;
	bool last;
	bool over;
	uint8_t *place; /* of the PDU's data, exactly as large */
	uint32_t place_bytes;
	uint32_t story;
};

static void tell(struct host *host, const void *bytes, size_t length)
{
	host->story = digest_add(host->story, bytes, length);
}

static void tell_violation(struct host *host, const struct tcp_violation *violation)
{
	tell(host, violation, sizeof(*violation));
	host->over = true;
}

static void place(struct host *host, uint32_t bytes)
{
	host->place = malloc(bytes ? bytes : 1);
	host->place_bytes = bytes;
	must(host->place);
	receiver_place(&host->receiver, bytes ? host->place : NULL, bytes);
}

static void on_header(struct host *host)
{
	struct receiver *receiver = &host->receiver;
	struct tcp_violation violation = {0};
	uint32_t data_bytes = receiver->shape.data_bytes;
	int r = 0;

	tell(host, receiver->pdu.bytes, receiver->shape.header_bytes);
	switch (receiver->pdu.header.type) {
	case TCP_PDU_ICREQ:
		r = tcp_icreq_decode(&receiver->pdu.icreq, &receiver->agreement, &violation);
		break;
	case TCP_PDU_CAPSULE_COMMAND:
		must(data_bytes <= IN_CAPSULE_MAX);
		host->transfer = (struct tcp_transfer){
			.cid = le16_get(receiver->pdu.capsule.command.cid),
			.length = le32_get(receiver->pdu.capsule.command.sgl.length),
		};
		break;
	case TCP_PDU_H2C_DATA:
		must(data_bytes > 0 && data_bytes <= H2C_DATA_MAX);
		r = tcp_h2c_data_decode(&receiver->pdu.data,
		                        data_bytes,
		                        le16_get(receiver->pdu.data.ttag) ? NULL : &host->transfer,
		                        &host->last,
		                        &violation);
		break;
	default:
		must(receiver->pdu.header.type == TCP_PDU_H2C_TERM);
	}
	if (r) {
		tell_violation(host, &violation);
		return;
	}
	/* Some places are smaller than what comes. */
	place(host, data_bytes % 16 == 12 ? data_bytes / 2 : data_bytes);
}

static void on_end(struct host *host)
{
	struct receiver *receiver = &host->receiver;

	if (receiver->pdu.header.type == TCP_PDU_H2C_DATA) {
		host->transfer.received += receiver->shape.data_bytes;
		must(host->transfer.received <= host->transfer.length);
		must(host->last == (host->transfer.received == host->transfer.length));
	}
	tell(host, &receiver->data_is_good, sizeof(receiver->data_is_good));
	tell(host, host->place, host->place_bytes);
	free(host->place);
	host->place = NULL;
}

static const uint8_t *fill_gap(struct host *host, const uint8_t *at, const uint8_t *end)
{
	uint8_t *gap;
	size_t room = receiver_gap(&host->receiver, &gap);

	if (room > (size_t)(end - at))
		room = (size_t)(end - at);
	if (room == 0)
		return at;
	memcpy(gap, at, room);
	receiver_filled(&host->receiver, room);
	return at + room;
}

static void feed(struct host *host, const uint8_t *at, const uint8_t *end)
{
	while (!host->over) {
		switch (receiver_take(&host->receiver, &at, end)) {
		case RECEIVER_HUNGRY:
			must(at == end);
			return;
		case RECEIVER_HEADER:
			on_header(host);
			break;
		case RECEIVER_END:
			on_end(host);
			break;
		case RECEIVER_VIOLATION:
			must(receiver_header_bytes(&host->receiver) <= TCP_TERM_DATA_MAX);
			tell_violation(host, &host->receiver.violation);
			break;
		case RECEIVER_HANGUP:
			host->over = true;
			break;
		}
	}
}

static struct host new_host(void)
{
	struct host host = {.story = DIGEST_BEGIN};

	receiver_init(&host.receiver);
	host.receiver.agreement.in_capsule_max = IN_CAPSULE_MAX;
	host.receiver.agreement.h2c_data_max = H2C_DATA_MAX;
	return host;
}

static uint32_t story_at_once(const uint8_t *bytes, size_t size)
{
	struct host host = new_host();

	feed(&host, bytes, bytes + size);
	free(host.place);
	return host.story;
}

static uint32_t story_in_pieces(const uint8_t *bytes, size_t size, size_t piece)
{
	struct host host = new_host();

	for (size_t from = 0; from < size; from += piece) {
		const uint8_t *end = bytes + (size - from < piece ? size : from + piece);
		const uint8_t *at = bytes + from;

		if (!host.over)
			at = fill_gap(&host, at, end);
		feed(&host, at, end);
	}
	free(host.place);
	return host.story;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	must(story_at_once(data + 1, size - 1) ==
	     story_in_pieces(data + 1, size - 1, (size_t)data[0] * data[0] / 16 + 1));
	return 0;
}
