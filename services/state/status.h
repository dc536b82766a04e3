/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "services/state/state.h"

/*
 * status - gathers what all processes say of themselves, for an operator.
 *
 * Shape     A gather for each question: it asks every peer, collects, and answers when all have
 *           answered or STATUS_DEADLINE_NS have passed. Who has not is shown as such.
 * Promise   At most STATUS_GATHERS at once; one more is refused.
 * Trust     peers' statuses are passed on as they are; nvmetctl escapes what it prints
 * Threads   one
 * Lifetime  ends by itself, or with the one who asked, or with status_deinit()
 */
#define STATUS_DEADLINE_NS NS_PER_S
#define STATUS_GATHERS     16

void status_ask(struct state *state, struct ipc_peer *asker, uint64_t request_id);

/* An answer of a peer to StatusRequest. */
void status_answer(struct state *state, struct ipc_peer *peer, const envelope *message);

/* The asker, or one who was asked, is gone. */
void status_forget(struct state *state, const struct ipc_peer *peer);

void status_deinit(struct state *state);
