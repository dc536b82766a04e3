/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/admin.h"
#include "services/state/state.h"

/*
 * subsystem_reset - NVM Subsystem Reset (Base 2.1 §3.7.1), which a host asks for by NSSR.
 *
 * Shape     A Property Set that a transport passes on; each transport that is connected is told to
 *           reset its controllers of that subsystem.
 * Promise   Only where the subsystem's enable_nssr says so. A transport that is away just now has
 *           no controllers, or hands them over as they are: its successor is not told.
 * Trust     the command is a host's
 * Threads   one
 * Lifetime  none
 */

/* Whether the command is one. */
bool subsystem_reset_is(const struct nvme_command *command);

/* The answer to it. Its host hears that before what it brings about. */
struct nvme_status subsystem_reset_check(const struct admin_request *request);
void subsystem_reset_execute(const struct state *state, const struct session *session);
