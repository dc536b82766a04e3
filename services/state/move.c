/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/move.h"

#include <string.h>
#include <sys/random.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/state/assign.h"

static void forget(struct move *move)
{
	if (move->phase == MOVE_DRAINING)
		barrier_cancel(&move->barrier);
	move->backing->move = NULL;
	list_remove(&move->link);
	free(move);
}

static void give_up(struct move *move, const char *reason)
{
	struct backing *backing = move->backing;

	log_warn("namespace %s:%u: stays at worker %s, and does not go to %s: %s",
	         backing->nqn,
	         backing->nsid,
	         backing->worker,
	         move->to,
	         reason);
	backing->move_not_before_ns = clock_now_ns() + MOVE_PAUSE_NS;
	forget(move);
}

void move_forget_all(struct state *state)
{
	list_for_each_safe (at, &state->moves)
		forget(container_of(at, struct move, link));
}

/* ------------------------------------------------------------------ the steps */

static void has_drained(struct state *state, struct barrier *barrier, bool drained)
{
	struct move *move = container_of(barrier, struct move, barrier);

	(void)state;
	move->phase = MOVE_RELEASING; /* the barrier is over */
	move->until_ns = clock_now_ns() + MOVE_OPEN_NS;
	if (!drained)
		give_up(move, "what is in flight does not come to an end");
}

static bool is_there(const struct worker *worker)
{
	return worker && worker->peer && worker->reported;
}

static void begin(struct state *state, struct backing *backing, struct worker *to)
{
	const struct worker *from = state_find_worker(state, backing->worker);
	struct move *move = is_there(from) ? calloc(1, sizeof(*move)) : NULL;

	if (!move)
		return; /* later */
	if (getrandom(move->token, sizeof(move->token), 0) != sizeof(move->token)) {
		free(move);
		return;
	}
	move->backing = backing;
	move->from_path = from->path;
	memcpy(move->to, to->name, sizeof(move->to));
	list_append(&state->moves, &move->link);
	backing->move = move;
	to->n_assigned++;
	barrier_begin(state, &move->barrier, MOVE_DRAIN_NS, has_drained);
	log_info("namespace %s:%u: goes from worker %s to %s",
	         backing->nqn,
	         backing->nsid,
	         backing->worker,
	         move->to);
}

/* False: the database does not take it, and so it has not. */
static bool commit(struct state *state, struct move *move)
{
	struct backing *backing = move->backing;
	char before[WORKER_NAME_SIZE];

	memcpy(before, backing->worker, sizeof(before));
	memcpy(backing->worker, move->to, sizeof(backing->worker));
	backing->unsaved = true;
	if (state_save(state) == 0)
		return true;
	memcpy(backing->worker, before, sizeof(backing->worker));
	return false;
}

bool move_takes_report(struct state *state, struct backing *backing, const struct worker *worker,
                       const Nvmetd__BackingReport *report)
{
	struct move *move = backing->move;

	if (!move || move->phase == MOVE_DRAINING)
		return false;
	if (strcmp(worker->name, backing->worker) == 0) {
		if (move->phase == MOVE_RELEASING && report->released)
			move->phase = MOVE_OPENING;
		return true;
	}
	if (move->phase != MOVE_OPENING || strcmp(worker->name, move->to) != 0 || !report->ready)
		return true;
	if (!commit(state, move)) {
		give_up(move, "the database cannot be written");
		return true;
	}
	log_info("namespace %s:%u: is served by worker %s now",
	         backing->nqn,
	         backing->nsid,
	         backing->worker);
	forget(move);
	return false;
}

/* ------------------------------------------------------------------ all of them */

static void end_what_must(struct state *state, uint64_t now_ns)
{
	list_for_each_safe (at, &state->moves) {
		struct move *move = container_of(at, struct move, link);

		if (move->backing->use != BACKING_USED)
			forget(move);
		else if (move->phase != MOVE_DRAINING && now_ns >= move->until_ns)
			give_up(move,
			        move->phase == MOVE_RELEASING ? "its worker does not let go of it"
			                                      : "the other one cannot open it");
	}
}

static unsigned count_moves(const struct state *state)
{
	unsigned count = 0;

	list_for_each (at, (struct list *)&state->moves)
		count++;
	return count;
}

void move_all(struct state *state, uint64_t now_ns)
{
	unsigned count;

	end_what_must(state, now_ns);
	count = count_moves(state);
	if (!state->open || state->held)
		return;
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);
		struct worker *to;

		if (count >= MOVES_MAX)
			return;
		if (backing->move || now_ns < backing->move_not_before_ns)
			continue;
		to = assign_wanted(state, backing);
		if (!is_there(to) || strcmp(to->name, backing->worker) == 0)
			continue;
		begin(state, backing, to);
		count += backing->move != NULL;
	}
}

bool move_is_waiting(const struct state *state, uint64_t now_ns)
{
	list_for_each (at, (struct list *)&state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		if (backing->use == BACKING_USED && now_ns < backing->move_not_before_ns)
			return true;
	}
	return false;
}
