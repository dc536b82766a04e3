/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/database.h"

/*
 * revisions - when what a host was told of an object has changed last.
 *
 * Shape     A number of the database for each port's address and ANA states, and each
 *           subsystem's attributes; in the configuration while it is in force.
 * Promise   A session that was away while something changed is found by its own revision, also
 *           when the process that made the change has died before it told anyone.
 * Trust     none
 * Threads   one; reads and writes the database
 * Lifetime  none
 * Returns   0 or a negative errno
 */

/* Fills in those of `after`, within the caller's transaction; what has changed has `revision`. */
int revisions_store(struct database *database, const struct config *before, struct config *after,
                    uint64_t revision);

/* Its ANA states have changed once more, outside of a transaction. */
int revisions_store_ana(struct database *database, struct config_port *port, uint64_t revision);

int revisions_load(struct database *database, struct config *config);
