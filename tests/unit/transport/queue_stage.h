/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/transport/queue.h"
#include "common/transport/reactor.h"

/*
 * queue_stage - a queue of a reactor, between a test that is the wire and no worker.
 *
 * Shape     given_…(), forget_it(): fixtures. An answer is finished as soon as it comes, unless the
 *           test holds it. Data is awaited of a request whose wire_u32[0] is not 0.
 * Promise   forget_it() fails where anything of the queue is left.
 * Trust     none
 * Threads   one
 * Lifetime  the fixture
 */
#define STAGE_ENTRIES       1024u
#define STAGE_ALL           (STAGE_ENTRIES + QUEUE_SPARE)
#define STAGE_IN_CAPSULE    512u /* of data, as the wire says; as the connection, and as the port: */
#define STAGE_CAPSULE_MAX   2048u
#define STAGE_PORTS_CAPSULE 4096u

/* What wire->regain() was called with last. */
struct regained {
	unsigned n;
	const struct request *request;
	bool is_lost;
};

extern struct reactor *reactor;
extern struct queue queue;
extern struct request *begun[STAGE_ALL]; /* by begin() */
extern unsigned n_responded;             /* with that of Connect */
extern bool holds_answers;
extern bool is_closed;
extern struct regained regained;

void given_an_open_queue(void);
void given_an_open_queue_with_keys(void);
void given_a_connected_queue(void);
void given_a_connected_queue_with_keys(void);
void forget_it(void);

void begin(unsigned n);
void finish(unsigned n);
struct request *give_to_worker(struct request *request);
void round_is_over(void);
void close_it(void);
