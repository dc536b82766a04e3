/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/admin.h"
#include "services/state/state.h"

/*
 * protect - write protection of namespaces, as hosts set it (Base 2.1 §8.1.16).
 *
 * Shape     A mark at the namespace's backing, which is in the database. Set Features decodes and
 *           says so in its reply; this carries it out.
 * Promise   The mark is in the database before anybody sees it, and with it that it is news. It
 *           stays with the namespace, also while that is disabled or out of the configuration, as
 *           long as it comes back with the same number, path, buffered_io and block_size. When
 *           the host has its answer, no write is in flight that was admitted before, on any
 *           transport. All hosts hear of it.
 * Trust     the command has been checked
 * Threads   one; waits for the disk
 * Lifetime  none
 */

/* After a command whose reply says `protects`: its status is set to Internal Error where the
 * database cannot be written, else the reply drains. The caller reconciles. */
void protect_execute(struct state *state, const struct admin_request *request,
                     struct admin_reply *reply);
