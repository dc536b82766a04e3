/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "services/state/state.h"

/*
 * subsystem_reset - NVM Subsystem Reset (Base 2.1 §3.7.1), which a host asks for by NSSR.
 *
 * Shape     The transport of that host has begun it; all that are connected are told, that one too,
 *           which hears so that it has been taken. It has a time: what has begun, or was reset,
 *           since then it does not concern, so that it may be told more than once.
 * Promise   Only where the subsystem's enable_nssr says so. A transport that is away just then, or
 *           leaves without hearing it, is told when it has presented what it took over from its
 *           predecessor; what is older than SUBSYSTEM_RESET_AGE_NS is not told any more.
 * Trust     a transport's word; one that says a time to come is taken to say now
 * Threads   one
 * Lifetime  the last of each subsystem is kept with that
 */
#define SUBSYSTEM_RESET_AGE_NS (30 * NS_PER_S) /* a transport keeps no connections so long */

void subsystem_reset_take(struct state *state, struct transport *from,
                          const Nvmetd__SubsystemReset *message);

/* It has presented its sessions. */
void subsystem_reset_tell_those_of_late(const struct state *state,
                                        const struct transport *transport);
