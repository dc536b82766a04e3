/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/greeting.h"
#include "common/transport/handover.h"
#include "common/transport/worker_link.h"

/*
 * dialer - has a link's rings and its connection to the worker, and makes them anew.
 *
 * Shape     The states of worker_link.h. New rings for each connection.
 * Promise   Tries for ever, quickly at first; what is refused again and again is said once.
 *           came_up() is called when the worker has welcomed it, broke() when it is up and the
 *           worker goes or says what it should not; after that dialer_hang_up() is due.
 * Trust     the worker may answer anything
 * Threads   the reactor's
 * Lifetime  dialer_deinit() closes the connection and lets go of the rings
 */
struct dialer {
	const struct worker_link_owner *owner;
	struct view_worker worker; /* where the next connection goes */
	enum worker_link_state state;
	struct link rings;
	int connection;            /* -1: none */
	struct handover_wish wish; /* what the worker was asked for */
	struct loop_source socket;
	struct loop_source doorbell;
	struct loop_timer timer; /* AWAY: next try. GREETING: its deadline */
	uint64_t away_since_ns;
	unsigned retry_ms;
	struct greeting_words words; /* what the worker knows */
	bool has_warned;             /* of its being refused, since it was up */
	void (*came_up)(struct dialer *dialer);
	void (*broke)(struct dialer *dialer, const char *fault);
};

/* It dials in the next round. 0 or a negative errno; dialer_deinit() in any case. */
int dialer_init(struct dialer *dialer, const struct worker_link_owner *owner,
                const struct view_worker *worker, void (*came_up)(struct dialer *dialer),
                void (*broke)(struct dialer *dialer, const char *fault));
void dialer_deinit(struct dialer *dialer);

/* The link is over: away, and soon dialled again. */
void dialer_hang_up(struct dialer *dialer);

/* As worker_link_ask(). */
bool dialer_ask(struct dialer *dialer, uint32_t handle);

/* What the log calls it; until the next call. */
const char *dialer_object(const struct dialer *dialer);
