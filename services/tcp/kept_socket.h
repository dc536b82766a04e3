/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/transport/port.h"

/*
 * kept_socket - a listening TCP socket that outlives the process.
 *
 * Shape     Its name in the descriptor store (common/proc/store.h) says its address:
 *           listen-ipv4-192.0.2.7-4420, listen-ipv6-2001.db8..7-4420 (a store's name has no
 *           colons). A socket that systemd has opened for a socket unit is used where its
 *           address is that of the listener, whatever its name.
 * Promise   While there is no process, the kernel queues the connections of hosts; the successor
 *           accepts them. What is found in the store is looked at: only a TCP socket that
 *           listens at this very address is used; anything else is dropped and made anew.
 *           Closed, nobody listens there any more, even if the keeper still has a copy; except
 *           for systemd's own, which are systemd's, and in a planned restart (store_leave()).
 * Trust     the address is the operator's; what is in the store may be anything
 * Threads   the control thread
 * Lifetime  kept_socket_open() to kept_socket_close()
 */
#define KEPT_SOCKET_NAME_BYTES 80

struct kept_socket {
	int fd;
	bool is_systemds;
	char name[KEPT_SOCKET_NAME_BYTES]; /* in the store */
};

/* 0, or negative errno: reason says why. */
int kept_socket_open(struct kept_socket *ret_socket, const struct listener_address *address,
                     char *reason, size_t reason_size);
void kept_socket_close(struct kept_socket *socket);
