/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/task.h"
#include "proto/nvmetd.pb-c.h"

/*
 * connect - a Connect command, from the host's question to a queue that may be used.
 *
 * Shape     begin: what the command itself and the port say ─► the state service ─► answered:
 *           a new controller, or a queue of one. A queue of a host that has older queues which
 *           are still ending is parked until they have ended, because commands of theirs may
 *           be in flight and must not be overtaken; or until what they have left cannot be, as
 *           with a device that does not answer (queue_settle()). An older queue with the same
 *           number is terminated.
 * Promise   A Connect is answered within connect_answer_ms (limits.h), with Controller Busy
 *           (without DNR: the host tries again) if the state service, or an older queue, does
 *           not come to an end.
 * Trust     the command is a host's; the state service may be broken
 * Threads   the control thread's
 * Lifetime  takes the task, and returns it to its reactor
 */

struct transport;

bool connect_is(const struct task *task);
void connect_begin(struct transport *transport, struct task *task);
void connect_send(struct transport *transport, struct task *task);
void connect_answered(struct transport *transport, struct task *task,
                      const Nvmetd__ConnectReply *reply);
/* An answer that nobody waits for any more: its controller would live for ever. */
void connect_give_back(struct transport *transport, const Nvmetd__ConnectReply *reply);

/* A queue has closed, or is fenced: those who may have waited for it are tried again. */
void connect_retry(struct transport *transport);
