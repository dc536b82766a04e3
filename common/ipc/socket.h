/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/envelope.h"
#include "common/loop/loop.h"

/*
 * socket - a ZeroMQ socket that a loop waits for.
 *
 * Shape     A ROUTER that listens, or a DEALER that connects once, with its monitor. Messages
 *           have one frame. libzmq's descriptors tell edges, not levels: whatever may have
 *           swallowed one is followed by another look, through a timer that is due at once.
 * Promise   Nothing blocks. A round takes a bounded number of messages. Messages are bounded
 *           in size (ENVELOPE_MAX) and number; nothing is sent after the close.
 * Trust     the other side may be broken: what has more than one frame is passed over
 * Threads   the loop's
 * Lifetime  ipc_socket_close(), not from within one of its calls
 */

/* The ROUTER's name of one connection; never used again for another one. */
struct ipc_route {
	uint8_t bytes[5];
};

enum ipc_change {
	IPC_CHANGE_UP,   /* DEALER: the connection stands */
	IPC_CHANGE_DOWN, /* ROUTER: one of the connections has ended; DEALER: the one, or the
	                    attempt */
};

struct ipc_socket {
	void *zmq;
	void *monitor;
	bool is_router;
	unsigned connections; /* ROUTER: that stand, whether heard of or not */
	struct loop *loop;
	struct loop_source source;
	struct loop_source monitor_source;
	struct loop_timer again;
	/* From a DEALER `from` is NULL. The bytes are valid during the call. */
	void (*received)(struct ipc_socket *socket, const struct ipc_route *from, const void *bytes,
	                 size_t length);
	void (*changed)(struct ipc_socket *socket, enum ipc_change change);
};

/* The caller has set received and changed. */
int ipc_socket_open_router(struct ipc_socket *socket, struct loop *loop);
int ipc_socket_connect(struct ipc_socket *socket, struct loop *loop, const char *path);
void ipc_socket_close(struct ipc_socket *socket); /* idempotent */

/* ROUTER: takes connections from a listening UNIX socket, which becomes its own when 0 is
 * returned; or takes none any more, and ends those that there are. */
int ipc_socket_listen(struct ipc_socket *socket, int listener, const char *path);
void ipc_socket_deafen(struct ipc_socket *socket, const char *path);

/* 0, -EAGAIN (the queue is full), -EHOSTUNREACH (the connection is gone), -EMSGSIZE, -ENOMEM. */
int ipc_socket_send(struct ipc_socket *socket, const struct ipc_route *to, const envelope *message);

/* A DEALER without a loop, for ipc_ask(). NULL, with errno set. */
void *ipc_dealer_open(void *context, const char *path);
int ipc_dealer_send(void *dealer, const envelope *message);

/* 0 or -ENAMETOOLONG, which is logged. */
int ipc_path_check(const char *path);
