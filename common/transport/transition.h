/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/properties.h"

/*
 * transition - a controller on its way from one state to the next, and how long that may take.
 *
 * Shape     What a write of CC or NSSR means for its queues and its tasks. A reset, and a normal
 *           shutdown, are over when no I/O queue is left but what is fenced (seat.h), and what
 *           was in flight is over with them; an abrupt shutdown is at once.
 * Promise   No state but "enabled" is for ever: a reset that takes longer than CAP.TO, or a
 *           shutdown longer than shutdown_timeout_ms, ends in CSTS.CFS; an association that is
 *           not enabled for disabled_timeout_ms ends (Base 2.1 §3.6.2: not before two minutes).
 * Trust     what is written is a host's
 * Threads   the control thread's
 * Lifetime  as the controller; transition_stop() at its end
 */
struct controller;
struct loop_timer;

/* Its properties have changed like this (all but PROPERTIES_SUBSYSTEM_RESET). */
void transition_begin(struct controller *controller, enum properties_change change);

/* An NVM Subsystem Reset. */
void transition_reset_subsystem(struct controller *controller);

/* One of its queues is gone, or fenced; or it is new, or taken over from a predecessor. */
void transition_settle(struct controller *controller);

void transition_is_late(struct loop_timer *timer);
void transition_stop(struct controller *controller);
