/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/config.h"

/*
 * config_frozen - what cannot be changed just like that, since hosts rely on it.
 *
 * Shape     nvmet's rules, for changes of single objects: what a namespace is (path, block size,
 *           identifiers, buffered_io, reservations) only while it is not enabled; a port's address
 *           and parameters only while it does not listen; what a subsystem says that it is (serial,
 *           model, version …) only until a host has asked for it.
 * Promise   Each breach is in the report, with its place, why, and what to do first. What comes
 *           and goes as a whole is free: an object that is only in one of the two.
 * Trust     both have been checked by themselves
 * Threads   any; pure
 * Lifetime  none
 *
 * A whole configuration that is restored does not come here: it is applied, and ends the
 * associations that must end (change.h).
 */

/* before: the one in force. Places are of `after`. */
void config_check_frozen(const struct config *before, const struct config *after,
                         struct report *report);
