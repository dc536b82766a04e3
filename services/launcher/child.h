/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/loop/loop.h"
#include "services/launcher/keeper.h"
#include "services/launcher/notify.h"
#include "services/launcher/plan.h"

/*
 * child - keeps one process of the set alive.
 *
 * Shape     A state machine; its table is in child.c. Its events are what the process says, its
 *           end, the deadline of the current state, and the launcher's wishes.
 * Promise   There is never more than one process of a child: the successor is started when the
 *           end of the predecessor is certain, with the descriptors it stored. The first
 *           restart is at once, the next after 100 ms, doubling to 5 s; a second in which it
 *           was ready makes up for all that was before. Who was ready and ends with 0 has left
 *           to a successor (SIGHUP): that is no failure, and the successor is started at once,
 *           or after 100 ms if it lived less than 1 s. Who hangs is killed, unless it was us who
 *           stood still.
 * Trust     the process may be broken: it may say anything, at any time
 * Threads   the loop's
 * Lifetime  child_deinit() kills what runs, and does not wait for it
 */
enum child_state {
	CHILD_IDLE,
	CHILD_STARTING,
	CHILD_READY,
	CHILD_LEAVING,
	CHILD_WAITING,
	CHILD_STOPPING,
	CHILD_KILLED,
	CHILD_ENDED,
};

/* Time limits; those of the product are in launcher.c, tests have shorter ones. */
struct child_limits {
	unsigned start_ms;    /* from its start until it says anything; 0: any time */
	unsigned watchdog_ms; /* from one sign of life to the next; 0: none */
	unsigned stop_ms;     /* from SIGTERM, or SIGHUP, to its end */
	unsigned backoff_first_ms;
	unsigned backoff_most_ms;
	unsigned good_life_ms;
	unsigned short_life_ms; /* leaving so soon is waited out, or it could be a tight loop */
};

struct child {
	const struct command *command;
	const struct child_limits *limits;
	struct notify *notify;
	struct loop *loop;
	enum child_state state;
	bool is_wanted;          /* false: it is not started again */
	bool was_ready;          /* once, in any of its lives */
	bool is_refused;         /* it ended with 2 before it was ever ready: it cannot work so */
	pid_t pid;               /* 0: no process */
	struct loop_source exit; /* a pidfd */
	struct loop_timer deadline;
	uint64_t started_ns;
	uint64_t ready_ns; /* 0: it was not, in this life */
	uint64_t due_ns;   /* when the next sign of life is, after: */
	unsigned patience_ms;
	unsigned backoff_ms; /* before the next start */
	unsigned n_starts;
	char status[128]; /* what it says of itself */
	struct keeper keeper;
};

int child_init(struct child *child, struct loop *loop, struct notify *notify,
               const struct command *command, const struct child_limits *limits);
void child_deinit(struct child *child);

void child_start(struct child *child);
void child_stop(struct child *child); /* CHILD_ENDED follows, in the end */
/* A planned restart of one that is ready; n_starts is greater then. */
void child_renew(struct child *child);
void child_kill(struct child *child); /* the same, at once */

/* What its process has said. */
void child_hear(struct child *child, struct notification *notification);
