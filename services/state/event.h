/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/state/session.h"

/*
 * event - asynchronous events of a controller, and the requests that wait for them (Base 2.1
 * §5.1.2).
 *
 * Shape     A session's events (told to nobody yet), its masked ones (told, and the log not read
 *           since), and its parked Asynchronous Event Requests.
 * Promise   An event is told once until its log is read. One that nobody asked for yet (no
 *           request, or not enabled) waits; so does one whose request was cancelled in the very
 *           moment of its answer, which no host has seen. A request is never answered with an
 *           error but for being one too many.
 * Trust     none
 * Threads   one; pure but for malloc()
 * Lifetime  a parked request is freed when it is taken or forgotten
 */
struct parked_request {
	struct list link;
	uint64_t request_id; /* the transport's */
};

/* Keeps the request until there is an event. -ENOMEM if it cannot. */
int event_park(struct session *session, uint64_t request_id);
/* Forgets one; false if there is none of that number. */
bool event_unpark(struct session *session, uint64_t request_id);
void event_unpark_all(struct session *session);

/* Its transport has cancelled the request, and drops the answer to it. True: an event is to be told
 * again. */
bool event_take_back(struct session *session, uint64_t request_id);

/* There is an event. True: the session has changed. */
bool event_raise(struct session *session, enum session_event event);

/* The next event that may be told now; false if there is none. It is masked from here on. */
bool event_take(struct session *session, uint32_t *ret_result);

/* As event_take(), if a request is parked: hands that out too. */
bool event_take_parked(struct session *session, uint64_t *ret_request_id, uint32_t *ret_result);

/* The log of the event was read. */
void event_forget(struct session *session, enum session_event event);
