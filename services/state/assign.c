/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/assign.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"

/* How many each has. There may be very many namespaces, so once for all of them. */
static void count_namespaces(struct state *state)
{
	list_for_each (at, &state->workers)
		container_of(at, struct worker, link)->n_assigned = 0;
	list_for_each (at, &state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);
		struct worker *worker = backing->use != BACKING_UNUSED
		                                ? state_find_worker(state, backing->worker)
		                                : NULL;

		if (worker)
			worker->n_assigned++;
	}
}

/* NULL if none is connected. */
static struct worker *find_least(const struct state *state)
{
	struct worker *least = NULL;

	list_for_each (at, (struct list *)&state->workers) {
		struct worker *worker = container_of(at, struct worker, link);

		if (worker->peer && (!least || worker->n_assigned < least->n_assigned))
			least = worker;
	}
	return least;
}

static bool has_never_come(const struct state *state, const struct backing *backing)
{
	const struct worker *worker = state_find_worker(state, backing->worker);

	return !worker || (!worker->peer && worker->view_revision == 0);
}

static bool needs_worker(const struct state *state, const struct backing *backing, uint64_t now_ns)
{
	if (backing->use != BACKING_USED)
		return false;
	if (backing->worker[0] == '\0')
		return true;
	if (strncmp(backing->path, "ram:", 4) == 0 && backing->known)
		return false;
	return has_never_come(state, backing) && now_ns - state->born_ns >= ASSIGN_PATIENCE_NS;
}

void assign_workers(struct state *state, uint64_t now_ns)
{
	count_namespaces(state);
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);
		struct worker *worker, *before;

		if (!needs_worker(state, backing, now_ns))
			continue;
		worker = find_least(state);
		if (!worker)
			return;
		before = state_find_worker(state, backing->worker);
		if (before)
			before->n_assigned--;
		worker->n_assigned++;
		memcpy(backing->worker, worker->name, sizeof(backing->worker));
		backing->unsaved = true;
		log_info("namespace %s:%u: is served by worker %s",
		         backing->nqn,
		         backing->nsid,
		         worker->name);
	}
}

bool assign_is_waiting(const struct state *state)
{
	list_for_each (at, (struct list *)&state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);

		if (backing->use == BACKING_USED && has_never_come(state, backing))
			return true;
	}
	return false;
}
