/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/database.h"
#include "services/state/session.h"

/*
 * retained - what a static controller keeps from one association to the next (Base 2.1 §3.1.3.3).
 *
 * Shape     The features that hosts have set, in the database, by subsystem and CNTLID.
 * Promise   A session that begins has what the one before it had; also over restarts. Without a
 *           database, or where it cannot be written, it begins with the defaults. What no host
           can come to any more is deleted with the configuration that had it.
 * Trust     what is in the database was ours; what cannot be read is not there
 * Threads   one; writes to the database
 * Lifetime  none
 * Returns   0 or a negative errno
 */
void retained_give(struct database *database, struct session *session);
/* Nothing, where the subsystem has no such static controller. */
void retained_keep(struct database *database, const struct config_subsystem *subsystem,
                   const struct session *session);

/* A configuration takes the place of that in force: within its transaction. */
int retained_store(struct database *database, const struct config *after);
