/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * sockets - who may say what to the state service.
 *
 * Shape     transport.sock, worker.sock, ctl.sock, announce.sock, each in a folder of the run
 *           directory, whose owner and mode say who may open it, and each with its table of
 *           messages (transport_socket.c, worker_socket.c, ctl_socket.c, announce_socket.c). The
 *           context of all handlers is struct state.
 * Promise   A message that is not in the table of its socket does nothing.
 * Trust     who can open the socket may say what its table has; what it says is checked
 * Threads   one
 * Lifetime  state_deinit() closes them
 */
extern const struct ipc_role transport_role;
extern const struct ipc_role worker_role;
extern const struct ipc_role ctl_role;
extern const struct ipc_role announce_role;

/* 0 or a negative errno. */
int sockets_open(struct state *state);
