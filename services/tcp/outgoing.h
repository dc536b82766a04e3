/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base/list.h"
#include "common/nvme/tcp_pdu.h"

/*
 * outgoing - what is to be sent of one command: PDUs around data that stays where it is.
 *
 * Shape     head | padding | data | tail. For a read: the header of C2HData, its padding, the
 *           data in the arena, the data digest with the CapsuleResp. Others are a head alone.
 * Promise   A list of them is sent in order, any number at once, cut anywhere.
 * Trust     none
 * Threads   one at a time; pure
 * Lifetime  Embedded. The data is borrowed until all is sent.
 */
#define OUTGOING_HEAD_MAX 28 /* 24 bytes of header, HDGST */
#define OUTGOING_TAIL_MAX 32 /* DDGST, and a head */

struct request;

struct outgoing {
	struct list link;        /* in the list; to itself: in none */
	struct request *request; /* for the owner: finished when all is sent; NULL */
	const uint8_t *data;
	uint32_t data_bytes;
	uint8_t head_bytes;
	uint8_t pad_bytes;
	uint8_t tail_bytes;
	uint8_t head[OUTGOING_HEAD_MAX];
	uint8_t tail[OUTGOING_TAIL_MAX];
};

/* The answer to a command. data_bytes 0: CapsuleResp alone. Otherwise C2HData, and CapsuleResp
 * unless the SUCCESS flag can say it: `may_omit` (SQ flow control is off), and there is nothing
 * to say but that all is well (§3.3.2.1). */
void outgoing_answer(struct outgoing *outgoing, const struct tcp_agreement *agreement,
                     const struct nvme_completion *completion, const uint8_t *data,
                     uint32_t data_bytes, bool may_omit);

void outgoing_r2t(struct outgoing *outgoing, const struct tcp_agreement *agreement,
                  const struct tcp_transfer *transfer);

/* Bytes that are complete already. */
void outgoing_plain(struct outgoing *outgoing, const uint8_t *bytes, uint32_t length);

size_t outgoing_bytes(const struct outgoing *outgoing);

/* All of it, to where outgoing_bytes() fit: so many. */
size_t outgoing_copy(const struct outgoing *outgoing, uint8_t *to);

/* Fills at most `max` (4 or more) iovecs from the list, without its first `skip` bytes, which
 * lie in the first member; adds no member once they hold `enough` bytes. Returns how many;
 * ret_bytes says what they hold. */
unsigned outgoing_gather(const struct list *list, size_t skip, struct iovec *iov, unsigned max,
                         size_t enough, size_t *ret_bytes);
