/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * hold - a database that is new, while others serve what an earlier one had: nothing is changed
 * for them until an operator has decided.
 *
 * Shape     state->held, and in the database a mark and the notice, so that a successor holds back
 *           as well.
 * Promise   While it is held, no views go out, so that hosts' I/O goes on with what transports and
 *           workers have; Connects wait, and so do events; other admin commands are to be sent
 *           again; and no copy is written, so that none that is put back is lost. It ends with a
 *           change or with `nvmetctl acknowledge`; the associations of before, whose numbers may
 *           mean something else now, end with it. Or the earlier database is put back, and found
 *           at the next start.
 * Trust     peers say which revision they have; a wrong one makes us hold back
 * Threads   one; writes the database
 * Lifetime  none
 */

/* At the start, before anything else is made of what the database holds. 0 or a negative errno. */
int hold_load(struct state *state);

/* A peer has come, and has a view of that revision. Before state_has_seen(). */
void hold_consider(struct state *state, const char *peer, uint64_t revision);

/* The new database is the one. The caller reconciles. */
void hold_end(struct state *state);
