/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * context - the process's ZeroMQ context.
 *
 * Shape     One for all sockets of the process, with one I/O thread.
 * Promise   Its threads take no signals: those are the main loop's. The process may open as
 *           many descriptors as its hard limit allows. Where too few are left for a context, none
 *           is made, with EMFILE: libzmq would end the process. A child of fork() starts with a
 *           context of its own.
 * Trust     none
 * Threads   any
 * Lifetime  Each ipc_context_hold() that succeeded is paired with an ipc_context_release(),
 *           after the sockets made in between were closed; the last one ends the threads, and
 *           returns when all connections are closed.
 */

/* NULL, with errno set. */
void *ipc_context_hold(void);
void ipc_context_release(void);
