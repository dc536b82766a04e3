/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "services/state/config.h"

/*
 * visibility - which of a subsystem's hosts sees which of its namespaces.
 *
 * Shape     A namespace without auto_visible, or with allowed_hosts, is masked: only the hosts
 *           that it names see it, whichever way they ask. All others see it as if it were not
 *           there.
 * Promise   One rule for all of Identify, the logs, events and admission: who answers a host asks
 *           here, mostly through subsystem_find_active() and subsystem_list_active().
 * Trust     the configuration has been checked
 * Threads   any; pure
 * Lifetime  none
 */

/* Not every host of the subsystem sees it. */
static inline bool namespace_is_masked(const struct config_namespace *namespace)
{
	return !namespace->auto_visible || namespace->n_allowed_hosts > 0;
}

bool namespace_is_visible(const struct config_namespace *namespace, const char *host_nqn);

/* The same hosts see the one as the other. */
bool visibility_is_same(const struct config_namespace *a, const struct config_namespace *b);
