/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/shm/link.h"
#include "proto/nvmetd.pb-c.h"

/*
 * greeting - the first packets of a data link, on the transport's side.
 *
 * Shape     A connection to a worker's SOCK_SEQPACKET socket; LinkHello with four descriptors
 *           there, LinkWelcome back (proto/nvmetd.proto).
 * Promise   Never blocks.
 * Trust     the worker may answer anything
 * Threads   any; makes system calls, allocates
 * Lifetime  the caller closes the connection
 * Returns   0, a descriptor, or a negative errno; and
 */
enum greeting_error {
	GREETING_E_REFUSED = 1, /* hear: *ret_reason says why, in the worker's words, escaped */
	GREETING_E_MALFORMED,
	GREETING_E_ENDED, /* the worker closed the connection */
};

/* The connection, or a negative errno. */
int greeting_connect(const char *path);

int greeting_say(int connection, const Nvmetd__LinkHello *hello, const struct link *link,
                 int arena_fd);

/* What the worker knows beside requests. */
struct greeting_words {
	bool can_cancel; /* LINK_CANCEL */
	bool can_doubt;  /* LINK_DOUBT */
};

int greeting_hear(int connection, struct greeting_words *ret_words, char *ret_reason,
                  size_t reason_size);
