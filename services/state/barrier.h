/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * barrier - waits until nothing is in flight that was admitted before a change.
 *
 * Shape     Whoever has changed the target begins a barrier, and then reconciles: each transport is
 *           sent a view with the change (a new one even if it says the same), admits by it at once,
 *           and says when the last command from before is over. done() is called once, from
 *           reconcile(), when all transports have said so, or the time is over.
 * Promise   drained: no command that was admitted under what was before is in flight, nor will be.
 *           A transport that is gone has nothing in flight once its connections have had the time
 *           to end, also if a successor is there already: what it had may be at a worker still. One
 *           that only lost the state service is waited for.
 * Trust     a transport may say too early that it has drained: then its own hosts' commands are
 *           what goes wrong. It cannot hold a barrier longer than its deadline
 * Threads   one; allocates nothing
 * Lifetime  the caller's, in state->barriers until done() is called or barrier_cancel(); done() may
 *           free it
 */
struct barrier {
	struct list link;
	uint64_t revision; /* a view after this one has the change */
	uint64_t until_ns;
	void (*done)(struct state *state, struct barrier *barrier, bool drained);
};

void barrier_begin(struct state *state, struct barrier *barrier, uint64_t timeout_ns,
                   void (*done)(struct state *state, struct barrier *barrier, bool drained));
void barrier_cancel(struct barrier *barrier);

/* A transport has come, which has nothing in flight. */
void barrier_note_birth(struct transport *transport, uint64_t instance, uint64_t now_ns);

/* For reconcile(). */
void barrier_finish(struct state *state, uint64_t now_ns);
bool barrier_needs_view(const struct state *state, const struct transport *transport);

/* Of what was admitted under a view up to that revision, nothing is in flight anywhere. */
bool barrier_is_drained(const struct state *state, uint64_t revision, uint64_t now_ns);
