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
 *           ADMIN_DEADLINE_NS, with Command Interrupted if there is no state service.
 * Trust     the command is a host's; an answer must have the data that the command asks for
 * Threads   the control thread's
 * Lifetime  takes the task, and returns it to its reactor
 */
#define ADMIN_DEADLINE_NS (50 * NS_PER_S) /* hosts give up after 60 s */

struct transport;

void admin_begin(struct transport *transport, struct task *task);
void admin_send(struct transport *transport, struct task *task);
void admin_answered(struct transport *transport, struct task *task,
                    const Nvmetd__AdminReply *reply);
