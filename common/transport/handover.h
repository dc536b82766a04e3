/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cleanup.h"

/*
 * handover - asking a worker for the memory of a namespace, and its answer.
 *
 * Shape     LinkAsk there, LinkGrant back, with a descriptor if there is memory
 *           (proto/nvmetd.proto), over the connection of a link that is up.
 * Promise   Never blocks. What comes out of handover_hear() has a block size that may be, and a
 *           descriptor just where one belongs.
 * Trust     The worker may answer anything: the size is what it says, and to be compared with
 *           what is there (region_adopt()) before anything is read or written.
 * Threads   any; makes system calls, allocates
 * Lifetime  handover_deinit() closes the descriptor
 * Returns   0, a negative errno, or
 */
enum handover_error {
	HANDOVER_E_MALFORMED = 1,
	HANDOVER_E_ENDED, /* the worker closed the connection */
};

struct handover {
	uint32_t handle;
	bool good;
	bool has_memory; /* false: the namespace reads as zeroes, and forgets what is written */
	uint8_t block_shift;
	uint64_t bytes;
	int fd;           /* -1: none */
	char reason[128]; /* when not good: why, in the worker's words, escaped */
};

#define HANDOVER_NULL ((struct handover){.fd = -1})

/* What was asked for on a connection, one thing at a time. */
struct handover_wish {
	bool is_open; /* the answer has not come */
	uint32_t handle;
};

#define HANDOVER_NO_WISH ((struct handover_wish){.is_open = false})

/* -EBUSY: the answer to the last wish has not come. */
int handover_ask(int connection, struct handover_wish *wish, uint32_t handle);
/* An answer to another wish is HANDOVER_E_MALFORMED. */
int handover_hear(int connection, struct handover_wish *wish, struct handover *ret_handover);
void handover_deinit(struct handover *handover);

/* For handover_hear(), and for tests: what the packet says, without the descriptor. */
int handover_decode(const void *bytes, uint64_t length, struct handover *ret_handover);
