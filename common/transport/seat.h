/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/loop/mailbox.h"

/*
 * seat - a queue as the control thread knows it.
 *
 * Shape     Made by the reactor with the queue, and sent along with each of its tasks. The
 *           queue itself belongs to the wire and may be gone at any time; its seat stays until
 *           both threads have said goodbye:
 *
 *             reactor  queue_close()           closing letter: nothing more comes from it
 *             reactor  what is left is fenced  fenced letter, in some cases (queue_settle())
 *             reactor  its last request done   closed letter
 *             control  has let go of it        bury letter
 *             reactor  frees it
 * Promise   All letters are embedded: an end needs no memory. Since letters of one thread are
 *           delivered in order, the bury letter comes after all others.
 * Trust     none
 * Threads   the first part is written by the reactor before the first letter, and then only
 *           read; the second is the control thread's
 * Lifetime  as said
 */
struct reactor;
struct controller;
struct queue;

struct seat {
	struct reactor *reactor;
	uint64_t queue; /* its number */
	uint32_t port_id;
	char host_address[64];
	uint32_t host; /* as it is counted in the spread */
	char local_address[64];
	char local_service[16];
	uint32_t size_max; /* entries; 0: as the port has it; the next two as well: */
	uint32_t io_size_max;
	bool has_qid;
	uint16_t expected_qid;

	/* the control thread's */
	struct controller *controller; /* NULL: not connected */
	uint16_t qid;
	uint32_t size;
	bool closing;
	bool is_fenced; /* closing, and its host need not wait for what is left of it */
	bool terminating;
	bool is_admin;    /* and said to be: transport_queue_is_admin() */
	struct list link; /* in its controller's list */
	struct list tasks;
	unsigned events;  /* Asynchronous Event Requests at the state service */
	char reason[128]; /* of its termination; written before the letter */

	struct letter closing_letter;
	struct letter fenced_letter;
	struct letter closed_letter;
	struct letter terminate_letter;
	struct letter bury_letter;
};

/* Reactor. NULL: no memory. */
struct seat *seat_new(const struct queue *queue);

/* Control thread: has the queue's connection ended. Does nothing the second time. */
void seat_terminate(struct seat *seat, const char *reason);

/* Control thread: it has let go of the seat, after the closed letter. */
void seat_bury(struct seat *seat);
