/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/receiver.h"

#include <string.h>

#include "services/tcp/digest.h"

void receiver_init(struct receiver *receiver)
{
	*receiver = (struct receiver){.step = RECEIVER_STEP_COMMON};
}

static uint32_t lesser(uint32_t a, size_t b)
{
	return a < b ? a : (uint32_t)b;
}

static void go_to(struct receiver *receiver, enum receiver_step step)
{
	receiver->step = step;
	receiver->have = 0;
}

/* True once `into` holds all of the bytes wanted. */
static bool collect(struct receiver *receiver, uint8_t *into, uint32_t wanted, const uint8_t **at,
                    const uint8_t *end)
{
	uint32_t n = lesser(wanted - receiver->have, (size_t)(end - *at));

	if (n > 0)
		memcpy(into + receiver->have, *at, n);
	receiver->have += n;
	*at += n;
	return receiver->have == wanted;
}

/* ------------------------------------------------------------------ header */

/* They have a caller each for all commands, and one for a planned restart, which must not cost the
 * first a call: measured, 5 % of all instructions of a read. */
#define hot_inline inline __attribute__((always_inline))

static hot_inline void check_common(struct receiver *receiver)
{
	int r = tcp_pdu_check(&receiver->pdu.header,
	                      &receiver->agreement,
	                      &receiver->shape,
	                      &receiver->violation);

	/* HEADER goes on behind the common header: `have` is kept. */
	if (!r)
		receiver->step = RECEIVER_STEP_HEADER;
	else if (r == TCP_PDU_E_VIOLATION)
		receiver->step = RECEIVER_STEP_VIOLATED;
	else
		receiver->step = RECEIVER_STEP_HUNG_UP;
}

static hot_inline void check_header_digest(struct receiver *receiver)
{
	uint8_t header_bytes = receiver->shape.header_bytes;
	struct le32 received, computed;

	receiver->step = RECEIVER_STEP_DECIDING;
	if (receiver->shape.header_digest_bytes == 0)
		return;
	memcpy(&received, receiver->pdu.bytes + header_bytes, sizeof(received));
	computed = digest_of(receiver->pdu.bytes, header_bytes);
	if (le32_get(received) == le32_get(computed))
		return;
	receiver->violation = (struct tcp_violation){
		.fes = TCP_FES_HEADER_DIGEST,
		.fei = le32_get(received),
	};
	receiver->step = RECEIVER_STEP_VIOLATED;
}

void receiver_place(struct receiver *receiver, uint8_t *place, uint32_t place_bytes)
{
	receiver->place = place;
	receiver->place_bytes = place ? place_bytes : 0;
	receiver->digest = DIGEST_BEGIN;
	receiver->data_is_good = true;
	go_to(receiver, receiver->shape.data_bytes > 0 ? RECEIVER_STEP_PAD : RECEIVER_STEP_OVER);
}

/* ------------------------------------------------------------------ data */

static void skip_pad(struct receiver *receiver, const uint8_t **at, const uint8_t *end)
{
	uint32_t n = lesser(receiver->shape.pad_bytes - receiver->have, (size_t)(end - *at));

	receiver->have += n;
	*at += n;
	if (receiver->have == receiver->shape.pad_bytes)
		go_to(receiver, RECEIVER_STEP_DATA);
}

static void count_data(struct receiver *receiver, const uint8_t *bytes, uint32_t length)
{
	if (receiver->shape.data_digest_bytes > 0)
		receiver->digest = digest_add(receiver->digest, bytes, length);
	receiver->have += length;
	if (receiver->have < receiver->shape.data_bytes)
		return;
	go_to(receiver,
	      receiver->shape.data_digest_bytes > 0 ? RECEIVER_STEP_DIGEST : RECEIVER_STEP_OVER);
}

static void take_data(struct receiver *receiver, const uint8_t **at, const uint8_t *end)
{
	uint32_t n = lesser(receiver->shape.data_bytes - receiver->have, (size_t)(end - *at));
	const uint8_t *bytes = *at;

	if (receiver->have < receiver->place_bytes && n > 0)
		memcpy(receiver->place + receiver->have,
		       bytes,
		       lesser(receiver->place_bytes - receiver->have, n));
	*at += n;
	count_data(receiver, bytes, n);
}

size_t receiver_gap(const struct receiver *receiver, uint8_t **ret_gap)
{
	uint32_t placed = lesser(receiver->place_bytes, receiver->shape.data_bytes);

	if (receiver->step != RECEIVER_STEP_DATA || receiver->have >= placed)
		return 0;
	*ret_gap = receiver->place + receiver->have;
	return placed - receiver->have;
}

void receiver_filled(struct receiver *receiver, size_t length)
{
	if (length > 0)
		count_data(receiver, receiver->place + receiver->have, (uint32_t)length);
}

static void check_data_digest(struct receiver *receiver)
{
	receiver->data_is_good = le32_get(receiver->data_digest) ==
	                         le32_get(digest_end(receiver->digest));
	go_to(receiver, RECEIVER_STEP_OVER);
}

/* ------------------------------------------------------------------ stream */

/* One step; false: it wants more bytes than there are. */
static bool advance(struct receiver *receiver, const uint8_t **at, const uint8_t *end)
{
	uint32_t header_bytes;

	switch (receiver->step) {
	case RECEIVER_STEP_COMMON:
		if (!collect(receiver, receiver->pdu.bytes, sizeof(struct tcp_pdu_header), at, end))
			return false;
		check_common(receiver);
		return true;
	case RECEIVER_STEP_HEADER:
		header_bytes = (uint32_t)receiver->shape.header_bytes +
		               receiver->shape.header_digest_bytes;
		if (!collect(receiver, receiver->pdu.bytes, header_bytes, at, end))
			return false;
		check_header_digest(receiver);
		return true;
	case RECEIVER_STEP_PAD:
		skip_pad(receiver, at, end);
		return receiver->step != RECEIVER_STEP_PAD;
	case RECEIVER_STEP_DATA:
		take_data(receiver, at, end);
		return receiver->step != RECEIVER_STEP_DATA;
	case RECEIVER_STEP_DIGEST:
		if (!collect(receiver, receiver->data_digest.b, TCP_DIGEST_SIZE, at, end))
			return false;
		check_data_digest(receiver);
		return true;
	case RECEIVER_STEP_DECIDING:
	case RECEIVER_STEP_OVER:
	case RECEIVER_STEP_VIOLATED:
	case RECEIVER_STEP_HUNG_UP:
		return false;
	}
	return false;
}

enum receiver_event receiver_take(struct receiver *receiver, const uint8_t **at, const uint8_t *end)
{
	while (advance(receiver, at, end))
		continue;
	switch (receiver->step) {
	case RECEIVER_STEP_DECIDING:
		return RECEIVER_HEADER;
	case RECEIVER_STEP_OVER:
		go_to(receiver, RECEIVER_STEP_COMMON);
		return RECEIVER_END;
	case RECEIVER_STEP_VIOLATED:
		return RECEIVER_VIOLATION;
	case RECEIVER_STEP_HUNG_UP:
		return RECEIVER_HANGUP;
	case RECEIVER_STEP_COMMON:
	case RECEIVER_STEP_HEADER:
	case RECEIVER_STEP_PAD:
	case RECEIVER_STEP_DATA:
	case RECEIVER_STEP_DIGEST:
		return RECEIVER_HUNGRY;
	}
	return RECEIVER_HUNGRY;
}

bool receiver_is_idle(const struct receiver *receiver)
{
	return receiver->step == RECEIVER_STEP_COMMON && receiver->have == 0;
}

uint32_t receiver_header_bytes(const struct receiver *receiver)
{
	if (receiver->have > sizeof(struct tcp_pdu_header))
		return lesser(receiver->shape.header_bytes, receiver->have);
	return receiver->have;
}

/* ------------------------------------------------------------------ a planned restart */

uint32_t receiver_header_taken(const struct receiver *receiver)
{
	if (receiver->step == RECEIVER_STEP_COMMON || receiver->step == RECEIVER_STEP_HEADER)
		return receiver->have;
	return (uint32_t)receiver->shape.header_bytes + receiver->shape.header_digest_bytes;
}

bool receiver_reread(struct receiver *receiver, const uint8_t *header, size_t length)
{
	size_t whole;

	if (length > sizeof(receiver->pdu.bytes))
		return false;
	if (length > 0)
		memcpy(receiver->pdu.bytes, header, length);
	receiver->have = (uint32_t)length;
	if (length < sizeof(struct tcp_pdu_header))
		return true;
	receiver->have = sizeof(struct tcp_pdu_header);
	check_common(receiver);
	whole = (size_t)receiver->shape.header_bytes + receiver->shape.header_digest_bytes;
	if (receiver->step != RECEIVER_STEP_HEADER || length > whole)
		return false;
	receiver->have = (uint32_t)length;
	if (length == whole)
		check_header_digest(receiver);
	return receiver->step != RECEIVER_STEP_VIOLATED;
}

bool receiver_is_placed(const struct receiver *receiver)
{
	return receiver->step == RECEIVER_STEP_PAD || receiver->step == RECEIVER_STEP_DATA ||
	       receiver->step == RECEIVER_STEP_DIGEST;
}

struct receiver_progress receiver_progress(const struct receiver *receiver)
{
	struct receiver_progress progress = {
		.digest = receiver->digest,
		.data_digest = receiver->data_digest,
	};

	switch (receiver->step) {
	case RECEIVER_STEP_PAD:
		progress.pad_bytes = receiver->have;
		break;
	case RECEIVER_STEP_DATA:
		progress.pad_bytes = receiver->shape.pad_bytes;
		progress.data_bytes = receiver->have;
		break;
	case RECEIVER_STEP_DIGEST:
		progress.pad_bytes = receiver->shape.pad_bytes;
		progress.data_bytes = receiver->shape.data_bytes;
		progress.digest_bytes = receiver->have;
		break;
	default:
		break;
	}
	return progress;
}

bool receiver_go_on(struct receiver *receiver, const struct receiver_progress *progress)
{
	const struct tcp_pdu_shape *shape = &receiver->shape;

	if (receiver->step != RECEIVER_STEP_PAD || progress->pad_bytes > shape->pad_bytes ||
	    progress->data_bytes > shape->data_bytes ||
	    progress->digest_bytes >= sizeof(receiver->data_digest))
		return false;
	receiver->digest = progress->digest;
	receiver->data_digest = progress->data_digest;
	if (progress->pad_bytes < shape->pad_bytes) {
		receiver->have = progress->pad_bytes;
		return progress->data_bytes == 0;
	}
	if (progress->data_bytes < shape->data_bytes) {
		go_to(receiver, RECEIVER_STEP_DATA);
		receiver->have = progress->data_bytes;
		return true;
	}
	if (shape->data_digest_bytes == 0)
		return false;
	go_to(receiver, RECEIVER_STEP_DIGEST);
	receiver->have = progress->digest_bytes;
	return true;
}
