/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/ctl/ctl.h"

/*
 * settle - after a change: waits until what is to be there is there.
 *
 * Shape     The status, again and again, for 5 s at most; after an edit for 1.5 s, where it is
 *           known why something is not there.
 * Promise   Warns of each listener and namespace that is not there then; nvmetd goes on trying.
 *           Of an edit only those count that it is about.
 * Trust     the status may hold text of hosts; it is printed escaped
 * Threads   one; waits
 * Lifetime  none
 */
/* edit NULL: all. */
void settle(const struct ctl *ctl, const Nvmetd__CtlEdit *edit);
