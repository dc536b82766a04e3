/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/state/assign.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/nvme/store_path.h"
#include "services/state/move.h"

/* How many each has. There may be very many namespaces, so once for all of them. */
static void count_namespaces(struct state *state)
{
	list_for_each (at, &state->workers)
		container_of(at, struct worker, link)->n_assigned = 0;
	list_for_each (at, &state->target.backings) {
		const struct backing *backing = container_of(at, struct backing, link);
		const char *name = backing->move ? backing->move->to : backing->worker;
		struct worker *worker = backing->use != BACKING_UNUSED
		                                ? state_find_worker(state, name)
		                                : NULL;

		if (worker)
			worker->n_assigned++;
	}
}

/* What the configuration says of each. */
static void take_wishes(struct state *state)
{
	list_for_each (at, &state->target.backings)
		container_of(at, struct backing, link)->wish[0] = '\0';
	for (size_t i = 0; i < state->target.config.n_subsystems; i++) {
		const struct config_subsystem *subsystem = &state->target.config.subsystems[i];

		for (size_t j = 0; j < subsystem->n_namespaces; j++) {
			const struct config_namespace *namespace = &subsystem->namespaces[j];

			if (namespace->backing)
				memcpy(namespace->backing->wish,
				       namespace->worker,
				       sizeof(namespace->backing->wish));
		}
	}
}

static bool may_serve(const struct state *state, const struct worker *worker)
{
	return worker->peer && config_worker_may_serve(&state->target.config, worker->name);
}

/* NULL if none is connected that may. */
static struct worker *find_least(const struct state *state)
{
	struct worker *least = NULL;

	list_for_each (at, (struct list *)&state->workers) {
		struct worker *worker = container_of(at, struct worker, link);

		if (may_serve(state, worker) && (!least || worker->n_assigned < least->n_assigned))
			least = worker;
	}
	return least;
}

/* The one that is named may just be starting; then another one serves it for the time being. */
static struct worker *find_first(const struct state *state, const struct backing *backing,
                                 uint64_t now_ns)
{
	struct worker *named = backing->wish[0] ? state_find_worker(state, backing->wish) : NULL;

	if (named && named->peer)
		return named;
	if (backing->wish[0] && now_ns - state->born_ns < ASSIGN_PATIENCE_NS)
		return NULL;
	return find_least(state);
}

struct worker *assign_wanted(const struct state *state, const struct backing *backing)
{
	if (backing->use != BACKING_USED || backing->worker[0] == '\0')
		return NULL;
	if (backing->wish[0])
		return state_find_worker(state, backing->wish);
	return config_worker_may_serve(&state->target.config, backing->worker) ? NULL
	                                                                       : find_least(state);
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
	if (strncmp(store_path(backing->path), "ram:", 4) == 0 && backing->known)
		return false;
	return has_never_come(state, backing) && now_ns - state->born_ns >= ASSIGN_PATIENCE_NS;
}

void assign_workers(struct state *state, uint64_t now_ns)
{
	take_wishes(state);
	count_namespaces(state);
	list_for_each (at, &state->target.backings) {
		struct backing *backing = container_of(at, struct backing, link);
		struct worker *worker, *before;

		if (!needs_worker(state, backing, now_ns))
			continue;
		worker = find_first(state, backing, now_ns);
		if (!worker)
			continue;
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
