/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/loop/loop.h"

/*
 * aborts - Abort commands that are at a reactor, whose queue has the command that is meant.
 *
 * Shape     aborts_begin() on the control thread ─► a letter ─► the command is taken out where it
 *           waits, or its worker is asked to cancel it ─► a letter back, with what became of it.
 *           A command that is with a worker, or whose data its host is sending, is looked after
 *           until it ends, or for abort_timeout_ms.
 * Promise   An aborted command is answered before its Abort is. It is never taken from a worker:
 *           what may be at its memory says that it is over. No command is looked at that nobody
 *           wants to abort, but for those that fail.
 * Trust     SQID and CID are a host's
 * Threads   as said: aborts_begin() and aborts_forget() the control thread's, the rest a reactor's
 * Lifetime  one that is at a reactor goes when its letter is back, also without its task; till then
 *           it is one of those of its controller (n_aborts), to which it has a reference
 */
struct reactor;
struct request;
struct seat;
struct task;
struct transport;

struct aborts {
	struct list asked; /* whose commands have not ended yet */
	struct loop_timer timer;
};

/* Control thread: the task, an Abort, is answered later. False: no memory. The seat is a
 * controller's. */
bool aborts_begin(struct transport *transport, struct task *task, struct seat *seat, uint16_t cid);
/* The task goes. */
void aborts_forget(struct task *task);

/* Reactor */
void aborts_init(struct aborts *aborts);
void aborts_deinit(struct aborts *aborts);
/* A command is answered with Command Abort Requested. */
void aborts_note(struct reactor *reactor, const struct request *request);
