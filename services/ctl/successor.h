/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/ctl/status.h"

/*
 * successor - whether a process that was restarted has one that does what it did.
 *
 * Shape     Compares the status from before with one from now.
 * Promise   What was not good before does not need to be so afterwards; what is no longer there
 *           (the configuration may change meanwhile) is not waited for, except processes.
 * Trust     both are what the state service says
 * Threads   any
 * Lifetime  what is returned points into the reply
 */

/* NULL: there is none of that name. */
const Nvmetd__ProcessStatus *successor_find(const Nvmetd__CtlStatusReply *status, const char *name);

/* Another instance of it is there, and answers. */
bool successor_is_there(const Nvmetd__ProcessStatus *before, const Nvmetd__CtlStatusReply *now);

/* All processes are there again, and all their links; what was listening listens, and what was
 * ready is ready. */
bool successor_works(const Nvmetd__CtlStatusReply *before, const Nvmetd__CtlStatusReply *now);

/* Connections of hosts that are queues of a controller; and how many of these are there now. */
unsigned successor_connections(const Nvmetd__ProcessStatus *process);
unsigned successor_kept(const Nvmetd__ProcessStatus *before, const Nvmetd__ProcessStatus *now);
