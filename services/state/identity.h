/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/database.h"
#include "services/state/target.h"
#include "services/state/uuid_set.h"

/*
 * identity - gives the objects of a configuration what is theirs for good.
 *
 * Shape     Numbers, serials, UUIDs and handles, found in the target's records and the database,
 *           or made. New records are kept apart until the configuration is in force.
 * Promise   The same object, named by NQN, nsid and path, gets the same again: after a restart,
 *           and after it was taken away and given back. What the file says wins over what was
 *           made earlier. No two namespaces get one UUID.
 * Trust     the configuration has been checked
 * Threads   one; writes to the database, within the caller's transaction
 * Lifetime  identity_deinit() frees what identity_install() has not moved to the target
 * Returns   0 or a negative errno
 */
struct identity {
	struct list subsystems; /* new records */
	struct list backings;
	/* while it resolves */
	struct backing **sorted; /* the target's */
	size_t n_sorted;
	struct uuid_set uuids; /* of the configuration */
};

void identity_init(struct identity *identity);
void identity_deinit(struct identity *identity);

/* Fills the config in. Backings that it has are `wanted`, all others are not. */
int identity_resolve(struct identity *identity, struct config *config, struct target *target,
                     struct database *database);

/* After the commit. */
void identity_install(struct identity *identity, const struct config *config,
                      struct target *target);

/* The discovery subsystem's record, made if there is none. */
int identity_discovery(struct target *target, struct database *database);
