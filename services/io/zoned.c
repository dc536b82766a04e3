/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/zoned.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/error.h"

/* In which a transport puts again what was in flight when a worker ended, once it is ready. */
#define SETTLING_NS (2 * NS_PER_S)

/* ------------------------------------------------------------------ life */

static void free_zoned(struct zoned *zoned)
{
	if (zoned->store && zoned->store->close)
		zoned->store->close(zoned);
	backing_release(zoned->below);
	zoned_free_works(zoned);
	zones_deinit(&zoned->zones);
	pthread_mutex_destroy(&zoned->lock);
	free(zoned);
}
DEFINE_CLEANUP(struct zoned *, free_zoned)

static void describe(struct zoned *zoned, const struct zoned_options *options)
{
	const struct backing *below = options->below;
	const struct zone_geometry *geometry = &options->geometry;

	zoned->backing.block_shift = options->block_shift;
	zoned->backing.volatile_cache = below->volatile_cache;
	zoned->backing.actuators = below->actuators;
	zoned->backing.preference = below->preference;
	zoned->backing.bytes = geometry->count * geometry->blocks << options->block_shift;
	zoned->backing.zones = &zoned->zones.geometry;
	zoned->target = (struct target){
		.block_shift = below->block_shift,
		.blocks = below->bytes >> below->block_shift,
		.backing = options->below,
	};
	zoned->path = options->path;
	zoned->changes_max = options->changes_max;
	zoned->table = options->table;
	zoned->unit_shift = options->unit_shift;
	zoned->data = options->data;
	zoned->stride = options->stride;
	zoned->settled_ns = clock_now_ns() + SETTLING_NS;
}

/* Takes the one below. NULL: no memory. */
static struct zoned *make(const struct zoned_options *options)
{
	struct zoned *zoned = calloc(1, sizeof(*zoned));

	if (!zoned) {
		backing_release(options->below);
		return NULL;
	}
	pthread_mutex_init(&zoned->lock, NULL);
	zoned->below = options->below;
	describe(zoned, options);
	if (zones_init(&zoned->zones, &options->geometry) == 0 && zoned_make_works(zoned)) {
		zoned->zones.is_settling = true;
		return zoned;
	}
	free_zoned(zoned);
	return NULL;
}

int zoned_new(struct zoned **ret_zoned, const struct zoned_options *options, char *reason,
              size_t reason_size)
{
	_cleanup_(free_zonedp) struct zoned *zoned = make(options);
	int r;

	if (!zoned) {
		snprintf(reason, reason_size, "no memory");
		return BACKING_E_NOT_READY;
	}
	r = options->store->load(zoned, reason, reason_size);
	if (r)
		return r;
	zoned->path = NULL;
	zoned->store = options->store;
	*ret_zoned = take(&zoned);
	return 0;
}

void zoned_close(struct backing *backing)
{
	free_zoned(container_of(backing, struct zoned, backing));
}

/* ------------------------------------------------------------------ what is asked of it */

struct zoned *zoned_of(struct backing *backing)
{
	return backing->zones ? container_of(backing, struct zoned, backing) : NULL;
}

/* A store that grows has no more zones than before. */
int64_t zoned_measure(struct backing *backing)
{
	const struct zoned *zoned = container_of(backing, struct zoned, backing);
	int64_t bytes = backing_measure(zoned->below);
	uint64_t end = zoned->data + zoned->zones.geometry.count * zoned->stride;

	if (bytes < 0)
		return bytes;
	return (uint64_t)bytes < end ? error_origin(-ENXIO) : (int64_t)backing->bytes;
}

void zoned_lane_gone(struct backing *backing, const struct lane *lane)
{
	struct zoned *zoned = container_of(backing, struct zoned, backing);

	pthread_mutex_lock(&zoned->lock);
	zones_doubt(&zoned->zones, lane);
	pthread_mutex_unlock(&zoned->lock);
}

int zoned_memory(const struct backing *backing)
{
	return backing_memory(container_of(backing, const struct zoned, backing)->below);
}

int zoned_watched(const struct backing *backing)
{
	return backing_watched(container_of(backing, const struct zoned, backing)->below);
}
