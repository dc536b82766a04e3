/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * restart - tells a process to leave to a successor, for an operator.
 *
 * Shape     A worker or a transport is told by Leave. The state service itself leaves when the
 *           operator's command has its answer, which is when it has gone, or after a second.
 * Promise   Nobody is told who has no keeper: there would be no successor.
 * Trust     the operator's
 * Threads   one
 * Lifetime  of the state
 */
#define RESTART_REASON_BYTES 512

/* False: it was not told, and this is why. */
bool restart_process(struct state *state, struct ipc_peer *asker, const char *name,
                     char ret_reason[RESTART_REASON_BYTES]);

/* The asker is gone. */
void restart_forget(struct state *state, const struct ipc_peer *peer);
