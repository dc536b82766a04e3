/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/proc/service.h"

/*
 * watchdog - says to the supervisor that this process is alive, as long as it is.
 *
 * Shape     A timer of the main loop: WATCHDOG=1 several times within WATCHDOG_USEC, but only
 *           while all threads have answered that service_watch() has been told of.
 * Promise   A process of which one thread hangs is killed by its supervisor within the limit and
 *           a quarter of it; which thread it is has been said before.
 * Trust     the supervisor
 * Threads   the main thread
 * Lifetime  until service_deinit() clears the timer
 */

/* 0 or a negative errno; nothing is done where no watchdog is set. */
int watchdog_start(struct service *service);
