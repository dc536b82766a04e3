/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * accept - how libzmq's thread accepts connections in this process.
 *
 * Shape     A definition of accept4(2) that libzmq finds before the C library's. For a UNIX
 *           stream socket, of which libzmq alone has listening ones here, a connection that would
 *           take a descriptor of the reserve is closed; where there is none, or no memory, it
 *           waits in the kernel's queue. All else is as accept4(2) says.
 * Promise   libzmq 4.3.4 ends the process (errno_assert in ipc_listener.cpp) when accept4() finds
 *           no descriptor or no memory. It is never told of that; it looks again 20 ms later.
 * Trust     whoever may connect to a socket in the run directory may try to use up descriptors
 * Threads   any
 * Lifetime  of the process; accept_guard() is there so that the linker takes this file in
 */

/* False: libzmq would call another accept4(), and this is of no use. */
bool accept_guard(void);
