/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/loop/loop.h"

/*
 * timer - the timers of one loop, the next one first.
 *
 * Shape     A binary heap of pointers; a timer knows its place in it.
 * Promise   Putting, moving and taking out cost O(log n); the next one is at hand.
 * Trust     none
 * Threads   the loop's
 * Lifetime  The heap holds no timer alive. timers_deinit() forgets those that are left.
 */
struct timers {
	struct loop_timer **heap;
	unsigned count;
	unsigned room;
};

void timers_deinit(struct timers *timers);

/* Room for one more timer, or -ENOMEM: where it has never had any, or none for 64 timers. */
int timers_reserve(struct timers *timers);

/* After timers_reserve(). */
void timers_put(struct timers *timers, struct loop_timer *timer, uint64_t due_ns);
void timers_move(struct timers *timers, struct loop_timer *timer, uint64_t due_ns);
void timers_take_out(struct timers *timers, struct loop_timer *timer);

/* The one that is due next, or NULL. */
struct loop_timer *timers_next(const struct timers *timers);
