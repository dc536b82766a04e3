/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>

#include "common/transport/port.h"
#include "common/transport/view.h"

/*
 * sight - the views that a reactor's commands in flight were admitted under, and the newest.
 *
 * Shape     A list of them, the oldest first. Each counts its commands; the newest stays without
 *           any, an older one goes when it has none left and is the oldest.
 * Promise   `drained` only rises: nothing that was admitted under an older view is in flight.
 * Trust     none is needed
 * Threads   the reactor's; `drained` may be read by any
 * Lifetime  sight_deinit() lets go of the views
 */
struct sight {
	struct view *view; /* the newest; NULL before the first */
	struct list views;
	unsigned reactor;                  /* its index: of its counts in a view */
	_Atomic uint64_t drained;          /* serial */
	void (*rose)(struct sight *sight); /* drained did */
};

void sight_init(struct sight *sight, unsigned reactor, void (*rose)(struct sight *sight));
void sight_deinit(struct sight *sight);

/* This is the newest now; the reference is the sight's. What is older goes with sight_trim(). */
void sight_take(struct sight *sight, struct view *view);
/* Lets go of views that nothing counts for any more, and says so. */
void sight_trim(struct sight *sight);

/* The request counts for the newest view until sight_leave(). */
static inline void sight_enter(struct sight *sight, struct request *request)
{
	request->view = sight->view;
	request->view->counts[sight->reactor].admitted++;
}

static inline void sight_leave(struct sight *sight, struct request *request)
{
	struct view *view = request->view;

	request->view = NULL;
	if (--view->counts[sight->reactor].admitted == 0 && view != sight->view)
		sight_trim(sight);
}
