/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/request.h"
#include "common/transport/worker_link.h"
#include "tests/support/spec.h"

/*
 * link_stage - the link to a worker, against a worker of our own in the same process.
 *
 * Shape     One of each: a link, a worker, a few requests whose first block is their number. Real
 *           rings, a real socket, real descriptors. Time is the program's own: time_passes().
 * Promise   What fails, or does not come in 5 s, ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  given_a_link() or given_no_worker() … forget_all()
 */
#define REQUESTS 8

struct stage_worker {
	int listener;
	int connection;
	struct link rings;
	struct link_request taken[REQUESTS];
};

extern struct loop *loop;
extern struct worker_link *to_worker;
extern struct request requests[REQUESTS];
extern unsigned times_done[REQUESTS];
extern unsigned times_early[REQUESTS]; /* the host was to be told before that */
extern bool is_served;                 /* their namespace; at first it is */
extern struct stage_worker worker;
extern unsigned times_up;      /* the link came up */
extern unsigned times_granted; /* an answer came; the last was about: */
extern uint32_t granted;

void given_no_worker(void);
void given_a_link(void);
void forget_all(void);

/* The worker: */
void worker_listens(void);
void worker_accepts(void);
extern bool worker_cancels; /* it says so; at first it does. The next too */
extern bool worker_doubts;
void worker_answers(bool good);
void worker_dies(void);
/* To a transport that asked for a namespace's memory; there is none in these tests. */
void worker_grants(uint32_t handle);
/* How many; into worker.taken. */
unsigned worker_takes(void);
void worker_takes_again(unsigned n);
void worker_completes(struct link_id id, enum nvme_status_code code);
void worker_cannot_say(struct link_id id); /* LINK_UNDECIDED */
void a_successor_comes(void);

/* The transport: */
void put(unsigned first, unsigned n);
void rounds_until(enum worker_link_state state);
uint64_t deadline_ns(void);
/* Jumps, and lets the timers see it. */
void time_passes(uint64_t ns);

/* What the worker finds in its ring: requests by number. */
void expect_taken(const unsigned *blocks, unsigned n);

#define EXPECT_TAKEN(...)                                                                          \
	expect_taken((const unsigned[]){__VA_ARGS__},                                              \
	             sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))
