/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/loop/loop.h"
#include "common/transport/port.h"
#include "common/transport/view.h"

/*
 * listeners - keeps the wire listening where the view says.
 *
 * Shape     One entry for each port of the view: open, or why not.
 * Promise   A port that a new view has with the same address is not touched. One that it does
 *           not have is closed, and its controllers are ended. One that cannot be opened is
 *           tried again each second. Each change is reported. What the descriptor store has
 *           for the wire, and the first view does not have, is dropped.
 * Trust     addresses are the operator's
 * Threads   the control thread's
 * Lifetime  listeners_close() closes all
 */
struct transport;

struct listeners {
	struct list all;
	struct loop_timer timer;
	bool has_shown; /* a view */
};

void listeners_init(struct listeners *listeners);
void listeners_show(struct transport *transport, const struct view *view);
void listeners_close(struct transport *transport);
void listeners_report(struct transport *transport);
