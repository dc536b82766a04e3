/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

#include "common/transport/port.h"

/*
 * listener - a TCP port on which hosts may connect.
 *
 * Shape     One listening socket on the control thread's loop.
 * Promise   Connections are handed to reactors as they come; where descriptors run short,
 *           they wait in the kernel's queue, and the process goes on. The socket outlives the
 *           process (kept_socket.h): meanwhile hosts wait in that queue, too.
 * Trust     The address is the operator's; who connects is not.
 * Threads   the control thread
 * Lifetime  listener_new() to listener_free(); connections are independent of it
 */
struct listener;

/* 0, or negative errno: reason says why. */
int listener_new(struct transport *transport, const struct listener_address *address,
                 struct listener **ret_listener, char *reason, size_t reason_size);
void listener_free(struct listener *listener);
