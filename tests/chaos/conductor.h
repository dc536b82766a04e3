/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/chaos/chaos.h"

/*
 * conductor - what happens when: load, faults by the schedule, checks, the end.
 *
 * Shape     Phases: the hosts fill their spaces; they work while faults befall the target; they
 * rest; each block is read once more; the set is ended. Promise   Each fault that began is ended,
 * also when the run is interrupted (SIGINT, SIGTERM). Trust     the target may be wrong in any way
 * Threads   the main thread
 * Lifetime  none
 */
void conductor_run(struct chaos *chaos);
