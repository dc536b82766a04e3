/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/barrier.h"
#include "services/state/state.h"

/*
 * ana_change - a change of ANA states that takes access away, until nothing is in flight that had
 * it.
 *
 * Shape     Transports refuse what comes from the moment they have the view. Until they have
 *           drained, the port's log shows the groups concerned as in transition ("change"); then it
 *           has the new states and another change count, and only now hosts are told (Base 2.1
 *           §8.1.1). What gives access, or only makes it slower, needs none of it.
 * Promise   A host that was told finds no trace of its commands from before: none is carried out
 *           any more through this port. It takes ANA_CHANGE_NS at most, less than ANATT, which
 *           hosts wait for; a device that does not answer is not waited for longer. A session has
 *           its event from the begin, and is only not handed it: so a death of this process
 *           loses none, and its successor, which does not know the groups any more, waits anew.
 * Trust     none
 * Threads   one
 * Lifetime  each ends by its barrier, or with ana_change_forget_all()
 */
#define ANA_CHANGE_NS (8 * NS_PER_S)

/* After target.config was replaced, and change_announce(). */
void ana_change_begin(struct state *state, const struct config *before);

/* A transport has presented the session, which may have an event of a change that is not over. */
void ana_change_adopt(struct state *state, struct session *session);

void ana_change_forget_all(struct state *state);
