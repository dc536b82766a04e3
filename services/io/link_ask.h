/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * link_ask - what a transport may say on a link that is up, and the answer.
 *
 * Shape     proto/nvmetd.proto: LinkAsk, LinkGrant with one descriptor or none
 * Promise   Reads one packet of a bounded size, whose descriptors are closed; never waits.
 * Trust     The transport may say anything. Whether it may have what it asks for is the
 *           caller's to know.
 * Threads   any; makes system calls, allocates
 * Lifetime  none: the descriptor that is sent stays the caller's
 * Returns   0, or
 */
enum link_ask_error {
	LINK_ASK_E_LATER = 1, /* nothing there yet */
	LINK_ASK_E_CLOSED,    /* the other side has closed */
	LINK_ASK_E_BAD,       /* too long, malformed, or with descriptors */
};

int link_ask_receive(int connection, uint32_t *ret_handle);

/* What is given; reason: NULL, or why nothing is. */
struct link_gift {
	uint32_t handle;
	const char *reason;
	uint64_t bytes;
	uint8_t block_shift;
	int fd; /* -1: it needs no memory */
};

/* False: the transport does not take it. */
bool link_grant_send(int connection, const struct link_gift *gift);

/* For link_ask_receive(), and for tests. */
int link_ask_decode(const void *bytes, uint64_t length, uint32_t *ret_handle);
