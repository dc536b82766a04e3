/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

#include "common/base/cleanup.h"
#include "proto/nvmetd.pb-c.h"
#include "services/io/lane.h"

/*
 * link_hello - the first packet on a link's connection, and the answer to it.
 *
 * Shape     proto/nvmetd.proto: LinkHello with four descriptors, LinkWelcome; or, of another
 *           worker, LinkHello.memory_of without any
 * Promise   What link_hello_receive() hands out has a known version and shape, and memory
 *           that is sealed and of the size said. Descriptors of a bad hello are closed.
 * Trust     anybody who can connect
 * Threads   any; makes system calls, none of which waits
 * Lifetime  the lane is the caller's
 * Returns   0, or
 */
enum link_hello_error {
	LINK_HELLO_E_LATER = 1, /* nothing there yet */
	LINK_HELLO_E_CLOSED,    /* the other side has closed */
	LINK_HELLO_E_BAD,       /* the reason is said */
};

#define LINK_TOKEN_MAX 64

struct link_hello {
	struct lane *lane;
	unsigned char token[LINK_TOKEN_MAX];
	size_t token_size;
	uint32_t memory_of; /* then it is no transport's, and has no lane; 0: it has */
};

int link_hello_receive(int fd, struct link_hello *ret_hello, const char **ret_reason);

/* reason: NULL when welcome. False: it could not be said. */
bool link_welcome_send(int fd, const char *reason, unsigned thread);
