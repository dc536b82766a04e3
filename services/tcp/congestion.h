/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * congestion - the TCP congestion control of our connections, where the operator wants another than
 * the system's.
 *
 * Shape     --congestion NAME; a listener's connections inherit it.
 * Promise   A name that this kernel does not offer us is refused at the start.
 * Trust     the operator's
 * Threads   the control thread
 * Lifetime  of the process
 */

/* For struct service_option. */
bool congestion_take(void *context, const char *value);

/* On a socket that is going to listen. 0 or a negative errno. */
int congestion_apply(int fd);
