/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/nvme/spec.h"
#include "common/nvme/tcp_pdu.h"

/*
 * receiver - what a controller sends to its host over NVMe/TCP (TCP 1.1 §3.6), as far as a host
 * with one command at a time, and without digests, has to understand it.
 *
 * Shape     A buffer for one PDU, which the caller reads into, and the answer to the one command
 *           under way: its data, gathered from its PDUs, and its completion.
 * Promise   receiver_room() never asks for more than the PDU that has begun, and that is never
 *           longer than the buffer. Data is taken in order, and no more than was asked for. An
 *           answer that nobody has asked for is an error.
 * Trust     the controller is hostile
 * Threads   any; pure
 * Lifetime  values
 * Returns   receiver_take(): 0, go on reading; or
 */
enum receiver_error {
	RECEIVER_E_READY = 1, /* ICResp has come: commands may be sent */
	RECEIVER_E_ANSWER,    /* completion, data and data_bytes are those of the command */
	RECEIVER_E_BROKEN,    /* reason says why: the connection is to be given up */
};

#define RECEIVER_DATA_MAX NVME_IDENTIFY_SIZE
/* header, the padding that PDO may make, and data */
#define RECEIVER_PDU_MAX  (sizeof(struct tcp_data) + 128 + RECEIVER_DATA_MAX)

struct receiver {
	bool is_ready; /* ICResp has come */
	bool is_asked; /* a command is under way */
	uint8_t cpda;  /* 0's based, dwords: alignment of the data in our capsules */
	uint16_t cid;
	uint32_t data_most;  /* that it may bring */
	uint32_t data_bytes; /* that have come */
	uint32_t have;       /* bytes of the PDU */
	const char *reason;
	struct nvme_completion completion;
	uint8_t data[RECEIVER_DATA_MAX];
	uint8_t pdu[RECEIVER_PDU_MAX];
};

void receiver_init(struct receiver *receiver);

/* A command is on its way; before its answer there is no other one. */
void receiver_expect(struct receiver *receiver, uint16_t cid, uint32_t data_most);

/* Where the next bytes belong, and how many may come. */
uint8_t *receiver_room(struct receiver *receiver, size_t *ret_room);
int receiver_take(struct receiver *receiver, size_t n);
