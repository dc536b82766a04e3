/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/base/clock.h"

/*
 * life - the states of a connection, with what ends each of them.
 *
 * Shape     A table: state and event give the next state.
 * Promise   Every state but the last has a deadline of its own, or its waits have, or it is
 *           limited (connection.c, next_deadline()).
 * Trust     none
 * Threads   any; pure
 * Lifetime  values
 */

/*      state         deadline      ends when */
#define LIFE_STATES(X)                                                                             \
	X(AWAIT_ICREQ, 0, "the host sends ICReq, or icreq_timeout_ms pass (limits.h)")             \
	X(READY, 0, "either side ends it, or the host stops halfway")                              \
	X(DRAINING, 2 * NS_PER_S, "all that was queued is sent, or 2 s pass")                      \
	X(LINGERING, 2 * NS_PER_S, "the host closes, or 2 s pass")                                 \
	X(CLOSED, 0, "the core has let go of the queue")

#define LIFE_EVENTS(X)                                                                             \
	X(INITIALIZED, "ICReq is answered")                                                        \
	X(REFUSED, "the host broke the protocol")                                                  \
	X(DISMISSED, "the controller ends it")                                                     \
	X(SENT, "all is sent")                                                                     \
	X(LATE, "the host is too late")                                                            \
	X(HUNG_UP, "the host is gone")

enum life_state {
#define X(name, deadline, ends) LIFE_##name,
	LIFE_STATES(X)
#undef X
};

enum life_event {
#define X(name, words) LIFE_ON_##name,
	LIFE_EVENTS(X)
#undef X
		LIFE_EVENT_COUNT,
};

#define LIFE_STATE_COUNT (LIFE_CLOSED + 1)

enum life_state life_next(enum life_state state, enum life_event event);

/* From the moment of entering; 0: none. */
uint64_t life_deadline_ns(enum life_state state);

/* For logs. */
const char *life_state_name(enum life_state state);
const char *life_event_words(enum life_event event);
