/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/loop/mailbox.h"
#include "common/shm/link.h"
#include "services/io/request.h"

/*
 * lane - a link, as the I/O thread sees it that serves it.
 *
 * Shape     The link, the transport's arena, and a table of LINK_SLOTS requests.
 * Promise   Takes requests from the ring in bounded portions, checks and starts them; puts
 *           their completions, publishes them in batches, and rings if the transport sleeps.
 *           A lane that is closing takes no more, but finishes what it has: a request that
 *           is with the kernel may still write to the arena.
 * Trust     The transport may be hostile: a request that breaks the contract, or more than
 *           LINK_SLOTS at a time, break the lane. A broken lane is only waiting to be closed.
 * Threads   Made and freed by the control thread; between lane_attach() and the letter `gone`
 *           it is its I/O thread's.
 * Lifetime  lane_free() unmaps link and arena: only when nothing is in flight
 */
struct io_thread;

enum lane_state {
	LANE_OPEN,    /* ends when the control thread closes it, or the transport breaks it */
	LANE_BROKEN,  /* ends when the control thread, which has been told, closes it */
	LANE_CLOSING, /* ends when nothing is in flight */
};

struct lane_age {
	struct link_id id; /* of whom this is */
	bool is_told;
	bool is_doubted; /* LINK_DOUBT has come since it was taken */
	uint64_t since_ns;
};

struct lane {
	struct link link;
	struct region arena;
	char transport[32]; /* as in Grant */
	uint64_t instance;  /* of the transport */
	uint32_t reactor;   /* of the transport */

	/* the I/O thread's */
	struct io_thread *thread;
	enum lane_state state;
	const char *broken_reason;
	const struct grant *grant; /* of the thread's table; NULL: none */
	uint32_t in_flight;
	uint32_t unpublished;
	uint32_t doubted_at; /* what was taken from the ring, at the last LINK_DOUBT */
	bool buffer_tried;
	int buffer; /* registered with the thread's uring; -1: not */
	struct request *requests;
	union request_scratch *scratch;
	struct lane_age *ages; /* of requests, as the sweeps saw them */
	bool is_stuck;         /* it is closing, and the control thread has been told why not: */
	struct list free;
	struct loop_source doorbell;
	struct list link_in_thread;

	/* between the control thread and the I/O thread; each is posted once */
	struct letter attach;
	struct letter close;
	struct letter broken;
	struct letter stuck;
	struct letter gone;
	void *owner; /* the control thread's */
};

/* Takes link and arena, also when it fails. NULL: no memory. */
struct lane *lane_new(struct link *link, struct region *arena);
struct lane *lane_free(struct lane *lane);
DEFINE_CLEANUP(struct lane *, lane_free)

/* I/O thread: start serving it. 0 or a negative errno; then it is broken. */
int lane_attach(struct lane *lane, struct io_thread *thread);
void lane_detach(struct lane *lane);

/* Takes and starts what the ring has, up to a bounded number; returns how many. */
unsigned lane_take(struct lane *lane);
void lane_publish(struct lane *lane);

/* Counts requests that are in flight for longer than limit_ns, as of the first sweep that saw
 * them, in COUNT_OLD of their namespaces; tells the transport of those that may be told. Of a lane
 * that is closing and has only such, the control thread is told, once. */
void lane_sweep(struct lane *lane, uint64_t now_ns, uint64_t limit_ns);

/* Before the thread sleeps, as in struct looker. */
bool lane_sleep(struct lane *lane);
void lane_wake(struct lane *lane);
