/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

#include "common/transport/port.h"

/*
 * listener - an address on which hosts may connect.
 *
 * Shape     One identifier of the connection manager for each, on one event channel for all.
 * Promise   A host's request is judged here, by its private data, the port and the adapter; what
 *           is good goes to a reactor, the rest is told why not. An adapter is opened when the
 *           first listener has its address (or, for a wildcard, when the first host comes in by
 *           it), so that what it lacks is said before hosts meet it. A listener whose device goes,
 *           or whose address moves, is given up, and opened again by the core.
 * Trust     The address is the operator's; who connects is not.
 * Threads   the control thread
 * Lifetime  listener_new() to listener_free(); connections are independent of it
 */
struct listener;

/* 0, or negative errno: reason says why. */
int listener_new(struct transport *transport, const struct listener_address *address,
                 struct listener **ret_listener, char *reason, size_t reason_size);
void listener_free(struct listener *listener);
