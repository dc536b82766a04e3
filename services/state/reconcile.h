/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "services/state/state.h"

/*
 * reconcile - brings transports and workers to what the target says.
 *
 * Shape     reconcile() looks at all of it and sends each peer the view that it lacks; it is
 *           called after every change and when a deadline has come.
 * Promise   A worker hears of a namespace before transports do, and transports see it as ready
 *           only when the worker has said so. A namespace leaves the transports first, and its
 *           worker only when all of them have drained, or RECONCILE_DRAIN_NS have passed. After
 *           a start, transports get no view before the workers that were known have reported, or
 *           RECONCILE_OPEN_NS have passed: what they serve meanwhile goes on. Who was lost is
 *           expected back for RECONCILE_GONE_NS.
 * Trust     peers may be broken: what they report is checked
 * Threads   one; writes to the database
 * Lifetime  none
 */
#define RECONCILE_OPEN_NS  (2 * NS_PER_S)
#define RECONCILE_DRAIN_NS (30 * NS_PER_S)
#define RECONCILE_GONE_NS  (30 * NS_PER_S)

void reconcile(struct state *state);

/* At the start, after apply_load(): those whom the predecessor knew. */
int reconcile_remember(struct state *state);

/* All sessions that there may be are known: after our start, or where a transport was lost, for a
 * moment not all are here. One that has come and does not present any is not waited for for ever.
 */
bool reconcile_is_everybody_here(const struct state *state);

/* A worker's report. */
void reconcile_report(struct state *state, struct worker *worker,
                      const Nvmetd__WorkerReport *report);
