/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "proto/handover.pb-c.h"

/*
 * succession - a planned restart: connections go from a transport's process to its next one.
 *
 * Shape     The predecessor (leave.c) stops its reactor threads and goes on with their loops by
 *           itself: nothing is read from hosts any more, what workers are at may come to its end
 *           for LEAVE_PATIENCE_NS, and answers are sent. Then all there is (controllers with
 *           their sessions; connections with what has come, what is to be sent, and commands
 *           that are not answered) is packed as proto/handover.proto says, into a parcel.
 *           The successor (inherit.c) makes the controllers before it says Hello, so that
 *           it presents their sessions as its own. Connections are adopted when the first view has
 *           come: first all of them get back the memory that they had, then commands are
 *           executed once more, then sockets are read.
 * Promise   A host sees a delay. A command may be executed twice, as after a worker's death, and
 *           by the same rules: the worker has finished all of the predecessor's before it takes
 *           the successor's. What cannot be packed, or not be taken up, is closed: its host
 *           reconnects. So does every host where the format is not understood, or what was left
 *           is older than HANDOVER_AGE_NS. Where not all I/O queues of a controller come over, none
 *           does: its host gives up all of them, and writes anew.
 * Trust     The predecessor may have been another release: everything is checked.
 * Threads   the control thread, but for what is marked
 * Lifetime  as said
 */
#define HANDOVER_VERSION  1u
#define LEAVE_PATIENCE_NS (50 * NS_PER_MS)
/* What is older is closed. Its host may have given up, and written anew by another path. */
#define HANDOVER_AGE_NS   (5 * NS_PER_S)
#define HANDOVER_NAME     "handover" /* in the store */

struct transport;
struct reactor;
struct queue;
struct request;
struct controller;

/* The loops have ended. Leaves everything to the successor; then the process is to end at once. */
void succession_leave(struct transport *transport);

void succession_init(struct transport *transport);
/* Before the state service is called: what was left, if anything. */
void succession_inherit(struct transport *transport);
/* A view has come: connections that were left are adopted under it. */
void succession_adopt(struct transport *transport);
void succession_forget(struct transport *transport); /* of those not adopted */
/* One that is not adopted, to be left to the next: both are the caller's. False: that was all. */
bool succession_pass_on(struct transport *transport, Nvmetd__Handover **ret_item, int *ret_fd);

/* A copy that a message owns; of no bytes: none. False: no memory. */
static inline bool handover_copy(ProtobufCBinaryData *ret_copy, const void *bytes, size_t length)
{
	ret_copy->data = length > 0 ? malloc(length) : NULL;
	ret_copy->len = ret_copy->data ? length : 0;
	if (ret_copy->data)
		memcpy(ret_copy->data, bytes, length);
	return ret_copy->len == length;
}

/* Reactor. A message of its own (nvmetd__handover_request__free_unpacked()) with `have` bytes of
 * data; NULL: no memory. */
Nvmetd__HandoverRequest *request_leave(const struct request *request, const uint8_t *data,
                                       uint32_t have);

/* Reactor. Sets up a queue that has just been opened, with the commands that the core had, which
 * will be executed when all connections are there. 0; a negative errno: it cannot be. */
int queue_inherit(struct queue *queue, struct controller *controller,
                  const Nvmetd__HandoverConnection *message);
/* Of the wire's: the request, which the wire has, with its data; NULL: it cannot be had. Without
 * `needs_room` it has no memory yet, and fetch() will come for it. */
struct request *queue_inherit_request(struct queue *queue, const Nvmetd__HandoverRequest *message,
                                      bool needs_room);
