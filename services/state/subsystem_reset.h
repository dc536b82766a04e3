/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "services/state/admin.h"
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
 *           A transport of the release before asks for it as for an admin command, and begins when
 *           it is told.
 * Trust     a transport's word; one that says a time to come is taken to say now
 * Threads   one
 * Lifetime  the last of each subsystem is kept with that
 */
#define SUBSYSTEM_RESET_AGE_NS (30 * NS_PER_S) /* a transport keeps no connections so long */

void subsystem_reset_take(struct state *state, struct transport *from,
                          const Nvmetd__SubsystemReset *message);

/* The command asks for it: so does a transport of the release before. */
bool subsystem_reset_is(const struct nvme_command *command);
struct nvme_status subsystem_reset_check(const struct admin_request *request);
/* After the answer; the session's host has asked. */
void subsystem_reset_execute(struct state *state, const struct session *session);

/* It has presented its sessions. */
void subsystem_reset_tell_those_of_late(const struct state *state,
                                        const struct transport *transport);
