/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "services/state/config.h"
#include "services/state/session.h"

/*
 * discovery - the Discovery log, as one host sees it through one port (Base 2.1 §5.1.12.3.1).
 *
 * Shape     Header, then an entry for the discovery service itself, for each subsystem of the
 *           port that the host may use, and for each referral of the port that is enabled.
 * Promise   What a host may not use it does not see. A port that listens on a wildcard is
 *           reported with the address that the host came in on.
 * Trust     the configuration has been checked; the session's texts end
 * Threads   any; pure but for malloc()
 * Lifetime  free() what discovery_log_build() made
 * Returns   0 or -ENOMEM
 */
int discovery_log_build(uint8_t **ret_log, size_t *ret_length, const struct config *config,
                        const struct session *session, uint64_t counter);
