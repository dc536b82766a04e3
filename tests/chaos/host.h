/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/chaos/dice.h"
#include "tests/chaos/findings.h"
#include "tests/chaos/journal.h"
#include "tests/chaos/load.h"
#include "tests/chaos/space.h"
#include "tests/host/controller.h"

/*
 * host - a thread that does verified I/O as a Linux host would, and goes on whatever happens.
 *
 * Shape     A controller, its queues, and for each place in them a job that has one I/O after the
 *           other. When a connection is lost, all of them are given up, and after a reconnect
 *           delay the controller is connected anew and what was in flight is sent again (as Linux
 *           does, nvme_tcp_error_recovery_work). What is answered with a path error, or another one
 *           without Do Not Retry, is sent again a moment later.
 * Promise   What the journal does not allow is a finding: a lost connection, an error, an I/O or a
 * pause that is too long. Whatever the target does, the thread ends at most HOST_END_MS after it is
 * told to. Trust     the target may be wrong Threads   its own; what is atomic may be looked at by
 * others Lifetime  host_join() after host_start(); then host_deinit()
 */
enum { HOST_QUEUES = 4, HOST_END_MS = 60000 };

/* What a host is to do; set by others. */
enum host_task {
	HOST_FILL, /* write each block of its space, with the others of its load; then rest */
	HOST_WORK,
	HOST_REST, /* finish what is in flight */
	HOST_READ, /* read each block of its space, with the others of its load; then rest */
	HOST_END,
};

struct host;

struct host_job {
	struct host_request request;
	struct host *host;
	struct host_queue *queue;
	struct space_extent extent;
	uint8_t *data;
	uint64_t born_ns;
	uint64_t submitted_ns;
	uint64_t again_ns; /* not before then is it sent again; 0: it is in flight */
	unsigned tries;
	uint8_t opcode;
	bool is_busy;
};

struct host {
	char name[32]; /* "shared/2" */
	char hostnqn[96];
	unsigned number; /* of all hosts, from 1: the writer of what it writes */
	const struct load_kind *kind;
	struct space *space;
	struct journal *journal;
	struct findings *findings;
	struct host_options options;
	uint32_t nsid;
	unsigned reconnect_delay_ms;
	unsigned io_timeout_ms;
	unsigned rate; /* I/Os a second that are begun, at most */

	pthread_t thread;
	bool is_started;
	_Atomic(enum host_task) task;
	atomic_bool is_resting;           /* nothing is in flight, and nothing will be */
	atomic_bool is_lost;              /* it has given up */
	_Atomic(uint64_t) waits_since_ns; /* it waits for an answer since then; 0: it does not */
	_Atomic(uint64_t) ios;
	_Atomic(uint64_t) reconnects;
	_Atomic(uint64_t) retries;
	_Atomic(uint64_t) errors; /* that were allowed */

	/* the thread's */
	struct host_controller controller;
	struct host_queue queues[HOST_QUEUES];
	struct host_namespace ns;
	struct host_job *jobs;
	unsigned n_jobs;
	unsigned n_out;
	uint8_t *buffers;
	struct dice dice;
	uint64_t next_ns; /* the next I/O may begin */
	uint64_t chores_ns;
	bool has_known_ns;
};

int host_init(struct host *host, uint64_t seed);
void host_deinit(struct host *host);

/* Connects, in the calling thread: to find out at once that it cannot be. */
int host_connect(struct host *host);
int host_start(struct host *host);
void host_join(struct host *host);
