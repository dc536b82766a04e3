/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/task.h"
#include "proto/nvmetd.pb-c.h"

/*
 * admin - the admin and fabrics commands of a connected queue.
 *
 * Shape     Answered here: Property Get and Set, Disconnect, Keep Alive, Abort. All others go to
 *           the state service, and so do the reservation commands of I/O queues; Asynchronous
 *           Event Requests wait there for their event.
 * Promise   A command that is not an Asynchronous Event Request is answered within
 *           admin_answer_ms (limits.h), with Command Interrupted if there is no state service.
 * Trust     the command is a host's; an answer must have the data that the command asks for
 * Threads   the control thread's
 * Lifetime  takes the task, and returns it to its reactor
 */

struct controller;
struct transport;

/* A host has reset the subsystem (NSSR), perhaps another one than its own. */
void admin_reset_by_subsystem(struct transport *transport, struct controller *controller);

void admin_begin(struct transport *transport, struct task *task);
void admin_send(struct transport *transport, struct task *task);
void admin_answered(struct transport *transport, struct task *task,
                    const Nvmetd__AdminReply *reply);
