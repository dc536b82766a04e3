/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/port.h"

/*
 * queue - a connection as the core knows it (the rest of it is in port.h).
 *
 * Shape     Before Connect it has QUEUE_FIRST requests, whose indices lie above those of the
 *           table that a successful Connect brings.
 * Promise   see port.h
 * Trust     see port.h
 * Threads   the reactor's
 * Lifetime  see port.h
 */
#define QUEUE_FIRST          2u
#define QUEUE_FIRST_INDEX    (UINT16_MAX - QUEUE_FIRST + 1)
#define QUEUE_ADMIN_SIZE_MAX 128u /* entries: any host may connect one to discovery */

/* Requests beyond a queue's entries. A host that puts more into a queue than it has may send the
 * data that its commands wait for behind those: they are reached by reading on. */
#define QUEUE_SPARE 32u

struct letter;
struct task;

/* queue_begin() of the request with this index; NULL: there is none, or it is in use. */
struct request *queue_begin_at(struct queue *queue, uint32_t index);

/* The command with this identifier that has not been answered, for Abort; NULL. Looks at all. */
struct request *queue_command(struct queue *queue, uint16_t cid);

/* Connect has succeeded. Takes the controller, unless there is no memory: false. */
struct task_connected;
bool queue_connect(struct queue *queue, struct task_connected *connected);

/* A letter: the control thread has answered a task. */
void queue_task_returns(struct letter *letter);

/* A closed queue: if nothing of it is left, it is the wire's again. If only such requests are left
 * as were answered early, or would have been, its host need not wait for it: */
void queue_settle(struct queue *queue);

/* The core has one more of these, with REQUEST_EARLY_GONE. */
__attribute__((cold)) void queue_note_early(struct queue *queue);

/* A request of it has become free. */
void queue_take_back(struct queue *queue, struct request *request);

/* The parts of the view that the queue's commands are admitted against; false: the view has
 * nothing for it. */
bool queue_sees(struct queue *queue);
