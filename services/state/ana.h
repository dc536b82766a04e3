/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "services/state/config.h"

/*
 * ana - the Asymmetric Namespace Access log, as one port shows one subsystem (Base 2.1
 * §5.1.12.1.13).
 *
 * Shape     Header, then for each group of the port and each that a namespace is in: a
 *           descriptor and its namespaces, ascending.
 * Promise   Groups ascending; a group's state is the port's, also where it has no namespace; in
 *           transition while what had access before is in flight (ana_change.h).
 * Trust     the configuration has been checked
 * Threads   any; pure
 * Lifetime  values
 */
#define ANA_LOG_MAX                                                                                \
	(sizeof(struct nvme_log_ana) + NVME_MAX_ANA_GROUPS * sizeof(struct nvme_log_ana_group) +   \
	 NVME_MAX_NAMESPACES * 4)

struct session;

/* Returns the length. Of the namespaces that the session sees. change_count: CHGCNT, of the log and
 * of each group. */
size_t ana_log_build(uint8_t ret_log[static ANA_LOG_MAX], const struct config_port *port,
                     const struct config_subsystem *subsystem, const struct session *session,
                     uint64_t change_count, bool groups_only);
