/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/nvme/tcp_pdu.h"

/*
 * receiver - cuts a host's byte stream into PDUs.
 *
 * Shape     Fed with bytes as they come, it says what they mean: a header is complete, a PDU
 *           is over, this is no NVMe/TCP. It holds one header; data goes where its owner
 *           says, either through receiver_take() or straight from the socket into
 *           receiver_gap().
 * Promise   What is said depends on the bytes alone, not on the pieces in which they come.
 *           Header digests are checked before the header is shown, data digests before the
 *           end is. After RECEIVER_VIOLATION or RECEIVER_HANGUP it takes nothing more.
 * Trust     The bytes are a host's. Nothing is written outside of what receiver_place() gave.
 * Threads   one at a time; no system calls, no allocation
 * Lifetime  embedded; the place for data must stay until the end of the PDU
 */
enum receiver_event {
	RECEIVER_HUNGRY,    /* all bytes are used up */
	RECEIVER_HEADER,    /* receiver->pdu and ->shape are good; said again until placed */
	RECEIVER_END,       /* the PDU is over; ->data_is_good */
	RECEIVER_VIOLATION, /* ->violation */
	RECEIVER_HANGUP,    /* close, without an answer */
};

/* What the next byte is. The names are for logs. */
#define RECEIVER_STEPS(X)                                                                          \
	X(COMMON, "common header")                                                                 \
	X(HEADER, "header")                                                                        \
	X(DECIDING, "header, seen")                                                                \
	X(PAD, "padding")                                                                          \
	X(DATA, "data")                                                                            \
	X(DIGEST, "data digest")                                                                   \
	X(OVER, "end")                                                                             \
	X(VIOLATED, "not NVMe/TCP")                                                                \
	X(HUNG_UP, "not even a TermReq")

enum receiver_step {
#define X(name, words) RECEIVER_STEP_##name,
	RECEIVER_STEPS(X)
#undef X
};

struct receiver {
	enum receiver_step step;
	struct tcp_agreement agreement; /* kept true by the owner, between PDUs */
	struct tcp_pdu_shape shape;
	struct tcp_violation violation;
	union {
		struct tcp_pdu_header header;
		struct tcp_icreq icreq;
		struct tcp_term term;
		struct tcp_capsule_command capsule;
		struct tcp_data data;
		uint8_t bytes[TCP_PDU_HEADER_MAX + TCP_DIGEST_SIZE];
	} pdu;
	uint32_t have;        /* bytes of this step; of the whole header in HEADER */
	uint8_t *place;       /* for data; NULL: it is dropped */
	uint32_t place_bytes; /* more is dropped */
	uint32_t digest;
	struct le32 data_digest; /* as received */
	bool data_is_good;
};

void receiver_init(struct receiver *receiver);

/* Takes bytes from *at up to end, and moves *at behind what it took. */
enum receiver_event receiver_take(struct receiver *receiver, const uint8_t **at,
                                  const uint8_t *end);

/* The answer to RECEIVER_HEADER: where the data goes. */
void receiver_place(struct receiver *receiver, uint8_t *place, uint32_t place_bytes);

/* Where the next bytes of the stream could be put directly, and how many; 0: nowhere. */
size_t receiver_gap(const struct receiver *receiver, uint8_t **ret_gap);
/* They were: `length` of them, at most the gap. */
void receiver_filled(struct receiver *receiver, size_t length);

/* The rest of a PDU whose header has been placed: of what comes behind it this much has been taken,
 * with the digest of the data so far. False: that cannot be. */
struct receiver_progress {
	uint32_t pad_bytes;
	uint32_t data_bytes;
	uint32_t digest;
	uint32_t digest_bytes; /* of data_digest */
	struct le32 data_digest;
};
struct receiver_progress receiver_progress(const struct receiver *receiver);
bool receiver_go_on(struct receiver *receiver, const struct receiver_progress *progress);

/* What receiver_header_taken() bytes of pdu.bytes were, of a receiver that has taken nothing yet.
 * False: it was no header that a receiver goes on with. */
bool receiver_reread(struct receiver *receiver, const uint8_t *header, size_t length);

/* Bytes of the header, with its digest, that have come: all of them once it is placed. */
uint32_t receiver_header_taken(const struct receiver *receiver);
bool receiver_is_placed(const struct receiver *receiver);

/* Between two PDUs: nothing of the next one has come. */
bool receiver_is_idle(const struct receiver *receiver);

/* Bytes of the header that have come, without its digest; until it is placed. */
uint32_t receiver_header_bytes(const struct receiver *receiver);
