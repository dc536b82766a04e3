/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "services/state/state.h"

/*
 * assign - which worker serves which namespace.
 *
 * Shape     A name in each backing, kept in the database.
 * Promise   A namespace goes to the worker that the configuration names for it, else to the
 *           connected one that has the fewest, and stays there. Only
 *           when its worker has not come for ASSIGN_PATIENCE_NS since the start (the set has
 *           fewer workers than before) it goes to another; not if it lies in that worker's memory.
 *           That a worker is only late does no harm: its files are locked by it.
 * Trust     none
 * Threads   one
 * Lifetime  none
 */
#define ASSIGN_PATIENCE_NS (30 * NS_PER_S)

/* What is assigned is marked as unsaved. */
void assign_workers(struct state *state, uint64_t now_ns);

/* The worker that it is to be moved to (move.h), if it is not there already: the one that the
 * configuration names, or another one than that which is out of service. NULL: it stays. */
struct worker *assign_wanted(const struct state *state, const struct backing *backing);

/* A namespace has no worker, or one that has not come yet. */
bool assign_is_waiting(const struct state *state);
