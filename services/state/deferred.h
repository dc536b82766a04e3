/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "services/state/admin.h"
#include "services/state/barrier.h"

/*
 * deferred - answers to admin commands that are given when a change has drained.
 *
 * Shape     A command whose reply says `drains` has changed the target; its answer goes out when
 *           nothing is in flight any more that was admitted before, on any transport.
 * Promise   The answer is the reply's, or, if a transport has not drained in time, Command
 *           Interrupted without DNR: the change holds all the same, and the host that sends the
 *           command again waits for the rest (one that would not come to the same has an imprint,
 *           by which it is known: reservation_imprint.h). A transport that asks anew after our
 *           death has the command executed again, which must then come to the same.
 * Trust     none
 * Threads   one
 * Lifetime  until answered, cancelled, or its transport is gone
 */
#define DEFERRED_NS (10 * NS_PER_S) /* a host gives up an admin command after 60 s */

/* The reply must have no data and no changed session (mark the session as untold instead). The
 * caller reconciles. -ENOMEM: the caller answers at once. */
int deferred_begin(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                   const struct admin_reply *reply);

/* False if there is none of that number. */
bool deferred_cancel(struct state *state, const struct ipc_peer *peer, uint64_t request_id);
void deferred_forget(struct state *state, const struct ipc_peer *peer);
void deferred_forget_all(struct state *state);

/* Any answer to an admin command. session: NULL, or the one that has changed. */
void admin_answer(struct ipc_peer *peer, uint64_t request_id, const struct admin_reply *reply,
                  const struct session *session);
