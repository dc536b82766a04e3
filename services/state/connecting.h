/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * connecting - Connect commands that transports ask about.
 *
 * Shape     Each is checked (connect.h) and answered at once; or it waits while the state service
 *           is not open yet, and is answered when it is.
 * Promise   A host that comes while we recover waits, and is not refused. At most
 *           CONNECTING_MAX wait; one more is answered with Controller Busy, which a host may
 *           try again after.
 * Trust     command and data are a host's, the rest is a transport's
 * Threads   one; a new controller may write to the database (cntlid.h)
 * Lifetime  one that waits is forgotten with its transport, or when it is cancelled
 */
#define CONNECTING_MAX 1024

void connecting_ask(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                    const Nvmetd__ConnectRequest *asked);

/* The state service is open: answers all that wait. */
void connecting_release(struct state *state);

/* True: it was one of them. */
bool connecting_cancel(struct state *state, const struct ipc_peer *peer, uint64_t request_id);
void connecting_forget(struct state *state, const struct ipc_peer *peer);
