/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/log.h"
#include "services/state/session.h"
#include "services/state/target.h"

/*
 * health - how the devices below a controller's namespaces are, taken together.
 *
 * Shape     What workers report of each backing's device, over the namespaces that the session
 *           sees: the hottest, the most worn, the least spare, all errors. Critical warnings are
 *           the devices' own, and that of the thresholds which the host has set (feature 04h).
 * Promise   A device that has several of the namespaces is counted once. A warning is told once,
 *           when it comes; not again before it has gone meanwhile.
 * Trust     reports have been checked
 * Threads   one; pure
 * Lifetime  none
 */
struct log_health health_of(const struct config_subsystem *subsystem,
                            const struct session *session);

/* Of the device of one namespace. */
struct log_health health_of_one(const struct config_namespace *namespace,
                                const struct session *session);

/* Raises events for what is new. True: the session has changed. */
bool health_consider(struct session *session, const struct config_subsystem *subsystem);
