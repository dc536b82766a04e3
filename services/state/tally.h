/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "services/state/admin.h"
#include "services/state/state.h"

/*
 * tally - asks what has been read from and written to a namespace, before a host is told.
 *
 * Shape     A command whose reply says `tallies` waits: the namespace's worker is asked, and, where
 *           it has an io grant, each transport; the sum is kept in the backing. Then the command is
 *           executed again, as one that is tallied, and answered.
 * Promise   The answer comes after TALLY_NS at the latest. Where somebody did not say what it has
 *           counted, or is not there, it is as it was known before: all zero at first.
 *           A transport that asks anew after our death has the command executed anew.
 * Trust     counts are what the peers say; answers that nobody waits for are none of ours
 * Threads   one
 * Lifetime  until answered, cancelled, or its transport is gone
 */
#define TALLY_NS NS_PER_S

/* request: of a command of the controller that the request_id is from. -ENOMEM: the caller
 * answers at once. */
int tally_begin(struct state *state, struct ipc_peer *peer, uint64_t request_id,
                const struct admin_request *request, const struct config_namespace *namespace);

/* A status from a peer. False: it answers no question of ours. */
bool tally_answer(struct state *state, struct ipc_peer *peer, const envelope *message);

/* False if there is none of that number. */
bool tally_cancel(struct state *state, const struct ipc_peer *peer, uint64_t request_id);
/* Who asked, or was asked, is gone. */
void tally_forget(struct state *state, const struct ipc_peer *peer);
void tally_forget_all(struct state *state);
