/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "services/state/change.h"
#include "services/state/health.h"
#include "services/state/journal.h"
#include "services/state/move.h"
#include "services/state/reconcile.h"

/*
 * What a worker says of its namespaces. What hosts may see of it, the size, is in the database
 * before they are told, where the disk allows; a successor learns it from the worker again.
 */

/* False: these are no zones that a store of so many blocks can have. */
static bool take_zones(const Nvmetd__BackingZones *said, uint64_t blocks, struct backing_zones *ret)
{
	*ret = (struct backing_zones){0};
	if (!said)
		return true;
	if (said->blocks == 0 || said->blocks & (said->blocks - 1) || said->blocks > blocks ||
	    said->capacity == 0 || said->capacity > said->blocks)
		return false;
	*ret = (struct backing_zones){.blocks = said->blocks,
	                              .capacity = said->capacity,
	                              .open_max = said->open_max,
	                              .active_max = said->active_max};
	return true;
}

static void refuse_report(struct backing *next, const Nvmetd__BackingReport *report)
{
	next->ready = false;
	if (report->zones)
		snprintf(next->reason,
		         sizeof(next->reason),
		         "worker %s reports zones of %llu blocks, %llu to be written, of %llu",
		         next->worker,
		         (unsigned long long)report->zones->blocks,
		         (unsigned long long)report->zones->capacity,
		         (unsigned long long)report->blocks);
	else
		snprintf(next->reason,
		         sizeof(next->reason),
		         "worker %s reports %llu blocks of 2^%u bytes",
		         next->worker,
		         (unsigned long long)report->blocks,
		         report->block_shift);
}

/* 0-based; what is not of whole blocks, or of too many, is nothing to heed. */
static uint16_t count_blocks(uint32_t bytes, uint32_t block_shift)
{
	uint32_t blocks = bytes >> block_shift;

	return blocks > 0 && blocks <= UINT16_MAX + 1u && blocks << block_shift == bytes
	               ? (uint16_t)(blocks - 1)
	               : 0;
}

/* What the report makes of the backing. */
static struct backing reported(const struct backing *backing, const Nvmetd__BackingReport *report)
{
	struct backing next = *backing;
	struct backing_zones zones;

	next.ready = report->ready;
	snprintf(next.reason, sizeof(next.reason), "%s", report->reason);
	if (!report->ready)
		return next;
	if ((report->block_shift != 9 && report->block_shift != 12) || report->blocks == 0 ||
	    !take_zones(report->zones, report->blocks, &zones)) {
		refuse_report(&next, report);
		return next;
	}
	next.zones = zones;
	next.known = true;
	next.block_shift = report->block_shift;
	next.blocks = report->blocks;
	next.volatile_cache = report->volatile_cache;
	next.deallocate = report->deallocate;
	next.preference = (struct identify_preference){
		.write = count_blocks(report->write_bytes, report->block_shift),
		.discard = count_blocks(report->discard_bytes, report->block_shift),
		.optimal = count_blocks(report->optimal_bytes, report->block_shift),
	};
	next.actuators = report->actuators < UINT16_MAX ? (uint16_t)report->actuators : UINT16_MAX;
	return next;
}

static bool is_same_store(const struct backing *a, const struct backing *b)
{
	return a->known == b->known && a->block_shift == b->block_shift && a->blocks == b->blocks &&
	       a->volatile_cache == b->volatile_cache && a->deallocate == b->deallocate &&
	       backing_device(a) == backing_device(b) &&
	       backing_zones_are_same(&a->zones, &b->zones);
}

static void take_store(struct backing *backing, const struct backing *next)
{
	backing->known = next->known;
	backing->block_shift = next->block_shift;
	backing->blocks = next->blocks;
	backing->volatile_cache = next->volatile_cache;
	backing->deallocate = next->deallocate;
	backing->actuators = next->actuators;
	backing->preference = next->preference;
	backing->zones_kept |= backing->zones.blocks > 0;
	backing->zones = next->zones;
	backing->unsaved = true;
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

/* NULL: the worker does not have it, or not for the transports. */
static struct backing *find_own(struct state *state, const struct worker *worker,
                                const Nvmetd__BackingReport *report)
{
	struct backing *backing = target_find_backing(&state->target, report->handle);

	if (!backing || backing->use == BACKING_UNUSED ||
	    move_takes_report(state, backing, worker, report) ||
	    strcmp(backing->worker, worker->name) != 0)
		return NULL;
	return backing;
}

/* What hosts will be told of. */
enum told { TOLD_NOTHING, TOLD_CHANGED, TOLD_APPEARED };

static enum told take_report(struct backing *backing, const Nvmetd__BackingReport *report)
{
	const struct backing next = reported(backing, report);
	bool appeared = next.known && !backing->known;

	log_readiness(backing, &next);
	backing->ready = next.ready;
	memcpy(backing->reason, next.reason, sizeof(next.reason));
	if (is_same_store(backing, &next))
		return TOLD_NOTHING;
	take_store(backing, &next);
	return appeared ? TOLD_APPEARED : TOLD_CHANGED;
}

static uint8_t percent(uint32_t value)
{
	return value < UINT8_MAX ? (uint8_t)value : UINT8_MAX;
}

/* What a device says of itself is not kept: the next report has it again. True: it is other than
 * before. */
static bool take_health(struct target *target, struct backing *backing,
                        const Nvmetd__BackingHealth *said)
{
	bool warns;
	struct log_health next = LOG_HEALTH_GOOD;
	bool differs = backing->has_health != (said != NULL);

	backing->has_health = said != NULL;
	if (!said)
		return differs;
	backing->device = said->device;
	next = (struct log_health){
		.critical_warning = said->critical_warning & NVME_WARNING_ALL,
		.spare = percent(said->spare),
		.spare_threshold = percent(said->spare_threshold),
		.used = percent(said->used),
		.temperature = said->temperature < UINT16_MAX ? (uint16_t)said->temperature : 0,
		.media_errors = said->media_errors,
	};
	warns = next.critical_warning != backing->health.critical_warning;
	differs |= next.critical_warning != backing->health.critical_warning ||
	           next.temperature != backing->health.temperature;
	backing->health = next;
	if (warns)
		journal_health(target, backing);
	return differs;
}

static void consider_health(struct state *state)
{
	list_for_each (at, &state->sessions) {
		struct session *session = container_of(at, struct session, link);
		const struct config_subsystem *subsystem = target_find_config(&state->target,
		                                                              session->subsystem);

		if (subsystem && health_consider(session, subsystem))
			session->untold = true;
	}
}

static void mark_subsystem(struct state *state, const struct backing *backing, uint64_t revision)
{
	struct subsystem *subsystem = target_find_subsystem_named(&state->target, backing->nqn);

	if (!subsystem)
		return;
	subsystem->namespaces_revision = revision;
	subsystem->unsaved = true;
}

void reconcile_report(struct state *state, struct worker *worker,
                      const Nvmetd__WorkerReport *report)
{
	uint64_t revision = 0;
	bool health_differs = false;

	worker->served = report->revision;
	for (size_t i = 0; i < report->n_namespaces; i++) {
		struct backing *backing = find_own(state, worker, report->namespaces[i]);
		enum told told = backing ? take_report(backing, report->namespaces[i])
		                         : TOLD_NOTHING;

		if (backing)
			health_differs |= take_health(
				&state->target, backing, report->namespaces[i]->health);
		if (told == TOLD_NOTHING)
			continue;
		if (revision == 0)
			revision = state_next_revision(state);
		mark_subsystem(state, backing, revision);
		if (told == TOLD_APPEARED)
			journal_appeared(&state->target, backing);
		if (backing->use == BACKING_USED)
			change_announce_namespace(state, backing, true);
	}
	if (worker->view_revision && report->revision >= worker->view_revision)
		worker->reported = true;
	if (health_differs)
		consider_health(state);
	reconcile(state); /* saves, and then tells */
}
