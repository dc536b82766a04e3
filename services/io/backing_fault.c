/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/nvme/fault_rule.h"
#include "common/nvme/protection.h"
#include "common/nvme/zns.h"
#include "services/io/fault.h"
#include "services/io/pi.h"
#include "services/io/zone_disk.h"
#include "services/io/zoned.h"

struct fault *fault_of(struct backing *backing)
{
	if (backing->kind == &backing_pi)
		backing = pi_below(backing);
	else if (backing->kind == &backing_zoned)
		backing = zoned_of(backing)->below;
	return backing->kind == &backing_fault ? container_of(backing, struct fault, backing)
	                                       : NULL;
}

/* ------------------------------------------------------------------ opening */

static void free_fault(struct fault *fault)
{
	backing_release(fault->below);
	pthread_mutex_destroy(&fault->lock);
	free(fault->bounce);
	free(fault);
}
DEFINE_CLEANUP(struct fault *, free_fault)

static struct fault *make(void)
{
	struct fault *fault = calloc(1, sizeof(*fault));

	if (!fault)
		return NULL;
	pthread_mutex_init(&fault->lock, NULL);
	list_init(&fault->waiting);
	if (posix_memalign(&fault->bounce, 4096, FAULT_BOUNCE_BYTES) != 0) {
		fault->bounce = NULL;
		free_fault(fault);
		return NULL;
	}
	return fault;
}

/* Always with a volatile cache: rules may be given any time, and a host asks only once. */
static void take_over(struct fault *fault)
{
	const struct backing *below = fault->below;

	fault->backing.block_shift = below->block_shift;
	fault->backing.volatile_cache = true;
	fault->backing.deallocate = below->deallocate;
	fault->backing.actuators = below->actuators;
	fault->backing.preference = below->preference;
	fault->backing.bytes = below->bytes;
	fault->bytes = below->bytes;
	fault->target = (struct target){
		.block_shift = below->block_shift,
		.blocks = below->bytes >> below->block_shift,
		.backing = fault->below,
	};
	fault_cache_init(&fault->cache, below->block_shift);
}

static const char *find_obstacle(const char *below)
{
	if (fault_path_below(below))
		return "fault: does not stand on another fault:";
	if (zoned_path_below(below))
		return "fault: does not stand on zoned:; zoned:fault: may be";
	if (zone_disk_is(below))
		return "fault: does not stand on a device that has zones itself";
	return protection_path_below(below) ? "fault: does not stand on pi:; pi:fault: may be"
	                                    : NULL;
}

static int open_fault(struct backing **ret_backing, const struct backing_wish *wish, char *reason,
                      size_t reason_size)
{
	_cleanup_(free_faultp) struct fault *fault = NULL;
	struct backing_wish below = *wish;
	const char *obstacle;
	int r;

	below.path = fault_path_below(wish->path);
	obstacle = find_obstacle(below.path);
	if (obstacle) {
		snprintf(reason, reason_size, "%s", obstacle);
		return BACKING_E_NOT_READY;
	}
	fault = make();
	if (!fault) {
		snprintf(reason, reason_size, "no memory");
		return BACKING_E_NOT_READY;
	}
	r = backing_open(&fault->below, &below, reason, reason_size);
	if (r)
		return r;
	take_over(fault);
	*ret_backing = &take(&fault)->backing;
	return 0;
}

/* ------------------------------------------------------------------ closing */

/* An orderly end is no loss of power. */
static void save_cache(struct fault *fault)
{
	int (*save)(struct backing *, uint64_t, const void *, size_t) = fault->below->kind->save;
	unsigned shift = fault->backing.block_shift;
	struct fault_run run;
	uint64_t lost = 0;

	while ((run = fault_cache_oldest(&fault->cache, fault->bounce, FAULT_BOUNCE_BYTES)).count) {
		uint64_t end = (run.first + run.count) << shift;
		int r = end > fault->bytes ? -ENOSPC : 0;

		if (!r && save)
			r = save(fault->below,
			         run.first << shift,
			         fault->bounce,
			         run.count << shift);
		lost += r ? run.count : 0;
		fault_cache_drop(&fault->cache, run);
	}
	if (lost)
		log_err("fault: %llu blocks of the volatile cache could not be written at the end",
		        (unsigned long long)lost);
}

static void close_fault(struct backing *backing)
{
	struct fault *fault = container_of(backing, struct fault, backing);

	must(!fault->is_busy && list_is_empty(&fault->waiting));
	save_cache(fault);
	free_fault(fault);
}

static int64_t measure(struct backing *backing)
{
	struct fault *fault = container_of(backing, struct fault, backing);
	int64_t bytes = backing_measure(fault->below);

	pthread_mutex_lock(&fault->lock);
	if (bytes >= 0)
		fault->bytes = (uint64_t)bytes;
	pthread_mutex_unlock(&fault->lock);
	return bytes;
}

/* ------------------------------------------------------------------ control */

int fault_set_rules(struct fault *fault, char *const *texts, size_t n, char *reason)
{
	struct fault_rules fresh;
	int r = fault_rules_set(&fresh, texts, n, clock_now_ns(), reason);

	if (r)
		return r;
	pthread_mutex_lock(&fault->lock);
	fault->rules = fresh;
	fault->releases++;
	pthread_mutex_unlock(&fault->lock);
	return 0;
}

void fault_lose_cache(struct fault *fault)
{
	fault->lost += fault->cache.used;
	fault->cached = 0;
	fault->loses_cache = false;
	fault_cache_clear(&fault->cache);
}

void fault_power(struct fault *fault, bool on)
{
	pthread_mutex_lock(&fault->lock);
	if (!on && !fault->is_off) {
		fault->outages++;
		if (fault->is_busy)
			fault->loses_cache = true;
		else
			fault_lose_cache(fault);
	}
	fault->is_off = !on;
	pthread_mutex_unlock(&fault->lock);
}

void fault_describe(struct fault *fault, struct fault_report *ret_report)
{
	unsigned shift = fault->backing.block_shift;

	pthread_mutex_lock(&fault->lock);
	*ret_report = (struct fault_report){
		.is_off = fault->is_off,
		.cached_bytes = fault->cached << shift,
		.cache_bytes = fault->rules.cache_bytes,
		.lost_bytes = fault->lost << shift,
		.hanging = fault->hanging,
		.delayed = fault->delayed,
		.n_rules = fault->rules.n,
	};
	for (unsigned i = 0; i < fault->rules.n; i++) {
		const struct fault_rule_state *state = &fault->rules.rules[i];

		memcpy(ret_report->rules[i].text, state->text, sizeof(state->text));
		ret_report->rules[i].met = state->met;
		ret_report->rules[i].hits = state->hits;
	}
	pthread_mutex_unlock(&fault->lock);
}

/* Past the rules and the cache: for what stands on it, when it opens. */
static int load(struct backing *backing, uint64_t offset, void *ret_bytes, size_t length)
{
	struct backing *below = container_of(backing, struct fault, backing)->below;

	if (below->kind->load)
		return below->kind->load(below, offset, ret_bytes, length);
	memset(ret_bytes, 0, length);
	return 0;
}

static int save(struct backing *backing, uint64_t offset, const void *bytes, size_t length)
{
	struct backing *below = container_of(backing, struct fault, backing)->below;

	return below->kind->save ? below->kind->save(below, offset, bytes, length) : 0;
}

static int memory(const struct backing *backing)
{
	return backing_memory(container_of(backing, const struct fault, backing)->below);
}

static int watched(const struct backing *backing)
{
	return backing_watched(container_of(backing, const struct fault, backing)->below);
}

const struct backing_kind backing_fault = {
	.scheme = "fault:",
	.open = open_fault,
	.close = close_fault,
	.measure = measure,
	.memory = memory,
	.watched = watched,
	.start = fault_start,
	.cancel = fault_cancel,
	.load = load,
	.save = save,
};
