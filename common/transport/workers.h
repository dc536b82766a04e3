/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/loop/loop.h"
#include "common/transport/view.h"
#include "common/transport/worker_link.h"

/*
 * workers - a reactor's links to the workers of its view, and to those of older views.
 *
 * Shape     A link for each worker of the view, and links that no view wants any more while they
 *           have requests. One that cannot be made is tried again soon.
 * Promise   A worker that is in two views in a row keeps its link, found by the worker's name.
 * Trust     none is needed
 * Threads   the reactor's
 * Lifetime  workers_deinit() when none of the links has a request
 */
#define WORKERS_LINKS_MAX (2 * VIEW_WORKERS_MAX)

struct workers {
	const struct worker_link_owner *owner;
	const struct view *view;                     /* NULL before the first */
	struct worker_link *links[VIEW_WORKERS_MAX]; /* by worker of it; NULL: none (yet) */
	struct worker_link *all[WORKERS_LINKS_MAX];
	unsigned n_all;
	struct loop_timer missing_timer;
	void (*tried_again)(struct workers *workers);
};

/* tried_again: to make links that were missing. */
void workers_init(struct workers *workers, const struct worker_link_owner *owner,
                  void (*tried_again)(struct workers *workers));
void workers_deinit(struct workers *workers);

/* The view stays while it is the newest. */
void workers_show(struct workers *workers, const struct view *view);

/* As worker_link_doubt(), of all links; and whether all have taken it in. */
void workers_doubt(struct workers *workers);
bool workers_are_doubted(struct workers *workers);

/* As a looker's, of all links. push() is the end of a round: true if any has requests. */
unsigned workers_look(struct workers *workers);
bool workers_push(struct workers *workers);
bool workers_sleep(struct workers *workers);
void workers_wake(struct workers *workers);
