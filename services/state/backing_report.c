/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "services/state/change.h"
#include "services/state/reconcile.h"

/*
 * What a worker says of its namespaces. What hosts may see of it, the size, is in the database
 * before they are told.
 */

/* What the report makes of the backing. */
static struct backing reported(const struct backing *backing, const Nvmetd__BackingReport *report)
{
	struct backing next = *backing;

	next.ready = report->ready;
	snprintf(next.reason, sizeof(next.reason), "%s", report->reason);
	if (!report->ready)
		return next;
	if ((report->block_shift != 9 && report->block_shift != 12) || report->blocks == 0) {
		next.ready = false;
		snprintf(next.reason,
		         sizeof(next.reason),
		         "worker %s reports %llu blocks of 2^%u bytes",
		         backing->worker,
		         (unsigned long long)report->blocks,
		         report->block_shift);
		return next;
	}
	next.known = true;
	next.block_shift = report->block_shift;
	next.blocks = report->blocks;
	next.volatile_cache = report->volatile_cache;
	next.deallocate = report->deallocate;
	return next;
}

static bool is_same_store(const struct backing *a, const struct backing *b)
{
	return a->known == b->known && a->block_shift == b->block_shift && a->blocks == b->blocks &&
	       a->volatile_cache == b->volatile_cache && a->deallocate == b->deallocate;
}

static int store(struct state *state, const struct backing *next, struct subsystem *subsystem,
                 uint64_t revision)
{
	struct subsystem kept;
	int r = database_begin(state->database);

	if (!r)
		r = database_put_backing(state->database, next);
	if (!r && subsystem) {
		kept = *subsystem;
		kept.namespaces_revision = revision;
		r = database_put_subsystem(state->database, &kept);
	}
	if (!r)
		r = database_commit(state->database);
	if (r)
		database_rollback(state->database);
	return r;
}

/* If it cannot be stored, hosts are told all the same: a successor learns it from the worker. */
static void take_store(struct state *state, struct backing *backing, const struct backing *next)
{
	struct subsystem *subsystem = target_find_subsystem_named(&state->target, backing->nqn);
	bool appeared = !backing->known;
	uint64_t revision = state->target.revision;

	if (state_next_revision(state, &revision) != 0 ||
	    store(state, next, subsystem, revision) != 0)
		log_warn("namespace %s:%u: its size could not be stored",
		         backing->nqn,
		         backing->nsid);
	backing->known = next->known;
	backing->block_shift = next->block_shift;
	backing->blocks = next->blocks;
	backing->volatile_cache = next->volatile_cache;
	backing->deallocate = next->deallocate;
	if (subsystem)
		subsystem->namespaces_revision = revision;
	if (backing->use == BACKING_USED)
		change_announce_namespace(state, backing, appeared);
}

static void log_readiness(const struct backing *backing, const struct backing *next)
{
	char reason[sizeof(next->reason)];

	if (next->ready && !backing->ready)
		log_info("namespace %s:%u: is ready", backing->nqn, backing->nsid);
	if (!next->ready && (backing->ready || strcmp(backing->reason, next->reason) != 0))
		log_warn("namespace %s:%u: is not ready: %s",
		         backing->nqn,
		         backing->nsid,
		         log_safe(reason, sizeof(reason), next->reason, sizeof(next->reason)));
}

static void take_report(struct state *state, const struct worker *worker,
                        const Nvmetd__BackingReport *report)
{
	struct backing *backing = target_find_backing(&state->target, report->handle), next;

	if (!backing || backing->use == BACKING_UNUSED ||
	    strcmp(backing->worker, worker->name) != 0)
		return;
	next = reported(backing, report);
	log_readiness(backing, &next);
	backing->ready = next.ready;
	memcpy(backing->reason, next.reason, sizeof(next.reason));
	if (!is_same_store(backing, &next))
		take_store(state, backing, &next);
}

void reconcile_report(struct state *state, struct worker *worker,
                      const Nvmetd__WorkerReport *report)
{
	worker->served = report->revision;
	for (size_t i = 0; i < report->n_namespaces; i++)
		take_report(state, worker, report->namespaces[i]);
	if (worker->view_revision && report->revision >= worker->view_revision)
		worker->reported = true;
	reconcile(state);
}
