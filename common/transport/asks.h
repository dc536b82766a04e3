/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/ipc/envelope.h"
#include "common/loop/loop.h"
#include "common/transport/task.h"

/*
 * asks - the tasks that wait, most of them for an answer of the state service.
 *
 * Shape     asked: in the order of asking, found by number. parked: Connects of I/O queues that
 *           wait for an older queue of their host to end. later: to be asked again in a while,
 *           because a state service that has just come is not ready to decide.
 * Promise   When a state service goes and another comes, all that was asked is asked again, in
 *           the old order and under new numbers; so an answer of the old one is not taken for
 *           one of the new. A task with a deadline does not wait longer.
 * Trust     an answer with a number that is not asked is dropped
 * Threads   the control thread's
 * Lifetime  tasks left at the end are freed by asks_deinit()
 */
#define ASKS_BUCKETS 256u

struct transport;

struct asks {
	struct list asked;
	struct list parked;
	struct list later;
	struct list by_number[ASKS_BUCKETS];
	struct loop_timer timer;
	struct loop_timer later_timer;
	uint64_t identities; /* that were given to reservation commands */
};

void asks_init(struct asks *asks);
void asks_deinit(struct asks *asks);

/* Asks the state service, now or when there is one. */
void asks_ask(struct transport *transport, struct task *task);
void asks_ask_again(struct transport *transport);
/* The task, taken out; NULL. */
struct task *asks_take(struct transport *transport, uint64_t number);
/* Takes the task out, wherever it is, and tells the state service to forget it. */
void asks_cancel(struct transport *transport, struct task *task);

void asks_ask_later(struct transport *transport, struct task *task);

void asks_park(struct transport *transport, struct task *task);
