/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "services/state/state.h"

/*
 * change - tells hosts what has changed for them, and ends the associations that must end.
 *
 * Shape     Two configurations compared, and each session told of the differences that it sees.
 * Promise   A host hears of what it can see, and of nothing else. Each session that changes
 *           goes to its transport, to be kept there. A session that was away meanwhile hears of
 *           what it has missed when it is presented.
 * Trust     none
 * Threads   one
 * Lifetime  none
 */

/* What hosts see of a subsystem's namespaces differs. NULL: the subsystem is not there. */
bool change_of_namespaces(const struct config_subsystem *before,
                          const struct config_subsystem *after);
/* The ANA states of a port differ. */
bool change_of_groups(const struct config_port *before, const struct config_port *after);

/* What Identify Controller and Connect have told the host does not hold any more. */
bool change_of_attributes(const struct config_subsystem *before,
                          const struct config_subsystem *after);
/* Its listener is another one, or what its hosts see. */
bool change_of_address(const struct config_port *before, const struct config_port *after);

/* After target.config was replaced: tells all sessions, or ends them. */
void change_announce(struct state *state, const struct config *before);

/* Its transport is told to end it; it goes when that says so. */
void change_end(struct session *session, const char *reason);

/* No session may go on. */
void change_end_all(struct state *state, const char *reason);

/* A namespace has become visible, or is another to its hosts. with_ana: has them look at the ANA
 * log again, too, as Linux does before it takes a namespace in. */
void change_announce_namespace(struct state *state, const struct backing *backing, bool with_ana);

/* A session that was just presented: ended if it may not be, told what it has missed. */
void change_catch_up(struct state *state, struct session *session);

/* Answers parked requests with what waits, and sends sessions that have changed to their
 * transports. reconcile() calls it after the views are out: a host that is told of a namespace
 * may use it at once. */
void change_deliver(struct state *state);
