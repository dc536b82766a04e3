/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * fault - passes on what an operator wants of a namespace with "fault:" to its worker.
 *
 * Shape     A question for each CtlFault, from the asker to the worker and back.
 * Promise   What is wrong is refused before the worker is asked. Nothing of it is in the
 *           configuration or the database: it holds until the worker ends, or until the
 *           configuration gives other rules. At most FAULT_QUESTIONS at once, and FAULT_DEADLINE_NS
 *           for each.
 * Trust     the operator's text is checked; the worker's answer is passed on as it is
 * Threads   one
 * Lifetime  ends by itself, or with the asker, the worker, or fault_deinit()
 */
#define FAULT_DEADLINE_NS (5 * NS_PER_S)
#define FAULT_QUESTIONS   16

void fault_ask(struct state *state, struct ipc_peer *asker, const envelope *message);

/* A worker's FaultReply. */
void fault_answer(struct state *state, struct ipc_peer *worker, const envelope *message);

/* The asker, or the worker that was asked, is gone. */
void fault_forget(struct state *state, const struct ipc_peer *peer);

void fault_deinit(struct state *state);
