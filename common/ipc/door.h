/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/ipc/listener.h"
#include "common/ipc/socket.h"

/*
 * door - where connections come in; it closes while there are too many.
 *
 * Shape     the listening UNIX socket of a ROUTER
 * Promise   At DOOR_CONNECTIONS_MAX connections it closes, says so, and opens again a second
 *           later: libzmq gives up the process when accept() finds no descriptor left. It can
 *           not close without ending all connections, also the good ones: these come again.
 * Trust     a sibling may connect without end
 * Threads   the loop's
 * Lifetime  the socket must outlive it; door_deinit() takes the file away
 */
#define DOOR_CONNECTIONS_MAX 1024

struct door {
	struct ipc_socket *socket; /* NULL: not initialised */
	struct loop *loop;
	char *path;
	mode_t mode;
	bool is_open;
	struct listener_file file;
	struct loop_timer reopen;
};

/* The socket is a ROUTER that is open. */
int door_init(struct door *door, struct loop *loop, struct ipc_socket *socket, const char *path,
              mode_t mode);
void door_deinit(struct door *door); /* idempotent; also of a zeroed one */

/* To be called when the number of the socket's connections has changed. True: it has closed. */
bool door_look(struct door *door);
