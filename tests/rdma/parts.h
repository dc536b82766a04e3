/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/rdma/queue.h"

/*
 * parts - what queue.c, work.c and memory.c have of each other.
 *
 * Shape     Functions of queue.h's struct.
 * Promise   as queue.h
 * Trust     ours
 * Threads   one
 * Lifetime  none
 */

/* Writes queue->error, returns r. */
int wire_queue_says(struct wire_queue *queue, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Takes the completions that are there; responses go to the stash. Returns their number, or a
 * negative errno. An error of the queue pair sets has_ended. */
int wire_queue_poll(struct wire_queue *queue);
/* Until something has come, of the completions or of RDMA_CM. */
int wire_queue_wait(struct wire_queue *queue, uint64_t deadline_ns);

/* Before the queue pair, which soft-RoCE does not let go of as long as there are any. */
void wire_windows_free(struct wire_queue *queue);
void wire_memories_free(struct wire_queue *queue);
