/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/barrier.h"
#include "services/state/state.h"

/*
 * move - takes a namespace from one worker to another, under load.
 *
 * Shape     DRAINING ── barrier ──► RELEASING ── released ──► OPENING ── ready ──► it has moved
 *           transports show it     its worker closes it,      the other one opens
 *           as not ready: what     and keeps its memory       it, with that memory
 *           comes waits
 *
 *           One that is not over in time, or no longer wanted, ends where it began: the old worker
 *           opens it again. That is tried anew after MOVE_PAUSE_NS.
 * Promise   Hosts see a delay and no error. At no time could two workers do I/O on it: the other
 *           one hears of it when the old one has said that it is closed, and what only the old
 *           one has (the memory of ram:) stays there until the other one has it, and the
 *           database says so. So whoever dies in between, this process included, the namespace is
 *           found where the database says. MOVES_MAX are under way at a time.
 * Trust     a worker may say too early that it has closed a file: its lock keeps the other one off
 * Threads   one; waits for the disk
 * Lifetime  a move ends in its own time, or with move_forget_all()
 */
#define MOVES_MAX     16u
#define MOVE_DRAIN_NS (5 * NS_PER_S) /* hosts wait: much less than they have patience for */
#define MOVE_OPEN_NS  (5 * NS_PER_S)
#define MOVE_PAUSE_NS (30 * NS_PER_S)
#define MOVE_TOKEN    16

struct move {
	struct list link;
	struct backing *backing;
	char to[WORKER_NAME_SIZE];
	const char *from_path; /* the data socket of the old worker */
	uint8_t token[MOVE_TOKEN];
	enum move_phase { MOVE_DRAINING, MOVE_RELEASING, MOVE_OPENING } phase;
	struct barrier barrier;
	uint64_t until_ns;
};

/* For reconcile(): begins what is to be moved, by assign_wanted(), and ends what takes too long. */
void move_all(struct state *state, uint64_t now_ns);

/* One that was given up is to be tried anew, which nothing but time brings about. */
bool move_is_waiting(const struct state *state, uint64_t now_ns);

/* True: it is only of the move's concern. */
bool move_takes_report(struct state *state, struct backing *backing, const struct worker *worker,
                       const Nvmetd__BackingReport *report);

void move_forget_all(struct state *state);
