/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/io/zone_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/error.h"
#include "services/io/file.h"
#include "services/io/status_from_errno.h"

#define SYSFS "/sys"

/* Zones that are looked at together at the opening. */
#define LOAD_ZONES 64u

struct reason {
	char *text;
	size_t size;
};

#define not_ready(reason, ...)                                                                     \
	(snprintf((reason)->text, (reason)->size, __VA_ARGS__), BACKING_E_NOT_READY)

bool zone_disk_is(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && S_ISBLK(found.st_mode) &&
	       zone_device_is(SYSFS, found.st_rdev);
}

static struct zone_disk *disk_of(const struct zoned *zoned)
{
	return ((const struct file *)zoned->below)->zones;
}

/* ------------------------------------------------------------------ what is there */

/* A zone that cannot be read or written any more may say what it likes of its capacity. */
static bool has_capacity(const struct zone_found *found)
{
	return found->state != NVME_ZONE_READ_ONLY && found->state != NVME_ZONE_IS_OFFLINE;
}

static bool fits(const struct zone_disk *disk, const struct zone_found *found)
{
	return !has_capacity(found) || found->capacity == disk->capacity;
}

static int report(const struct zone_disk *disk, uint32_t first, uint32_t n,
                  struct zone_found *ret_found, const struct reason *reason)
{
	int r = zone_device_report(&disk->device, first, n, ret_found, reason->text, reason->size);

	if (r < 0)
		return not_ready(reason, "its zones cannot be looked at: %s", error_words(r));
	return r ? BACKING_E_NOT_READY : 0;
}

static uint64_t written_of(const struct zone_disk *disk, const struct zone_found *found)
{
	switch (found->state) {
	case NVME_ZONE_FULL:
	case NVME_ZONE_READ_ONLY: /* without a pointer; what was never written is zeroes there */
		return disk->capacity;
	case NVME_ZONE_EMPTY:
	case NVME_ZONE_IS_OFFLINE:
		return 0;
	default:
		return found->written;
	}
}

static int load(struct zoned *zoned, char *text, size_t text_size)
{
	const struct zone_disk *disk = disk_of(zoned);
	const struct reason reason = {text, text_size};
	struct zone_found found[LOAD_ZONES];

	for (uint32_t first = 0; first < disk->device.count; first += LOAD_ZONES) {
		uint32_t left = disk->device.count - first;
		uint32_t n = left < LOAD_ZONES ? left : LOAD_ZONES;
		int r = report(disk, first, n, found, &reason);

		if (r)
			return r;
		for (uint32_t i = 0; i < n; i++) {
			if (!fits(disk, &found[i]))
				return not_ready(&reason,
				                 "zone %u has another capacity than the first one",
				                 first + i);
			if (found[i].state != NVME_ZONE_EMPTY)
				zones_set(&zoned->zones,
				          first + i,
				          found[i].state,
				          written_of(disk, &found[i]));
		}
	}
	return 0;
}

struct zone_disk *zone_disk_free(struct zone_disk *disk)
{
	if (!disk)
		return NULL;
	zone_errands_free(disk->errands);
	free(disk);
	return NULL;
}

/* ------------------------------------------------------------------ changes */

static struct nvme_status status_of_errand(const struct zone_disk *disk,
                                           const struct zone_errand *errand)
{
	if (errand->count > 1 && errand->n_done > 0)
		return STATUS_OK;
	if (errand->result)
		return status_from_errno(-errand->result, LINK_WRITE);
	if (!errand->is_found || !fits(disk, &errand->found))
		return status_of(NVME_SC_INTERNAL_PATH_ERROR);
	return STATUS_OK;
}

/* On the I/O thread again. What the zone is by now, the work is told in any case; and of many in a
 * row, how many of them have been changed: it goes on with the next one, and may fail with that. */
static void deliver(struct letter *letter)
{
	struct zone_work *work = container_of(letter, struct zone_work, letter);
	struct zone_disk *disk = disk_of(work->zoned);
	const struct zone_errand *errand = &disk->of_works[work - work->zoned->works].errand;

	if (errand->is_found && fits(disk, &errand->found)) {
		work->change.state = (uint8_t)errand->found.state;
		work->change.written = written_of(disk, &errand->found);
	}
	if (errand->count > 1 && errand->n_done > 0)
		work->change.count = errand->n_done;
	zone_work_performed(work, status_of_errand(disk, errand));
}

static void done(struct zone_errand *errand)
{
	struct zone_work *work = container_of(errand, struct zone_disk_errand, errand)->work;

	request_post(work->outer, &work->letter, deliver);
}

static void perform(struct zone_work *work)
{
	struct zone_disk *disk = disk_of(work->zoned);
	struct zone_disk_errand *own = &disk->of_works[work - work->zoned->works];
	uint8_t action = work->change.action;

	own->work = work;
	own->errand = (struct zone_errand){
		.zone = work->change.first,
		.count = work->change.count,
		.action = action == ZONE_CHANGE_ASK ? 0 : (enum nvme_zone_send_action)action,
		.done = done,
	};
	zone_errands_give(disk->errands, &own->errand);
}

static const struct zone_store store = {
	.load = load,
	.perform = perform,
	.keeps_pointers = true,
};

/* ------------------------------------------------------------------ opening */

static int open_file(struct backing **ret_file, const struct backing_wish *wish,
                     const struct reason *reason)
{
	int r;

	if (wish->buffered)
		return not_ready(reason,
		                 "it has zones, which cannot be written in order through the page "
		                 "cache: without buffered_io");
	r = backing_file.open(ret_file, wish, reason->text, reason->size);
	if (r)
		return r;
	(*ret_file)->kind = &backing_file;
	(*ret_file)->references = 1;
	return 0;
}

/* What its first zone is like, all of them have to be. */
static int settle_capacity(struct zone_disk *disk, const struct reason *reason)
{
	struct zone_found first;
	int r = report(disk, 0, 1, &first, reason);

	disk->capacity = first.capacity;
	return r;
}

/* It is the file's from then on. */
static int find_zones(struct file *file, const struct reason *reason)
{
	struct zone_disk *disk = calloc(1, sizeof(*disk));
	int r;

	if (!disk)
		return not_ready(reason, "no memory");
	file->zones = disk;
	file->backing.deallocate = false; /* a reset does that */
	atomic_store_explicit(&file->no_punch_hole, true, memory_order_relaxed);
	if (!file->direct)
		return not_ready(reason, "it has zones, and no direct I/O");
	r = zone_device_init(&disk->device,
	                     file->fd,
	                     SYSFS,
	                     file->device,
	                     file->backing.bytes,
	                     file->backing.block_shift,
	                     reason->text,
	                     reason->size);
	if (!r)
		r = settle_capacity(disk, reason);
	if (r)
		return BACKING_E_NOT_READY;
	r = zone_errands_new(&disk->errands, &disk->device);
	return r ? not_ready(reason, "no thread for its zones: %s", error_words(r)) : 0;
}

static struct zone_geometry geometry_of(const struct zone_disk *disk)
{
	return (struct zone_geometry){
		.blocks = disk->device.blocks,
		.capacity = disk->capacity,
		.count = disk->device.count,
		.open_max = disk->device.open_max,
		.active_max = disk->device.active_max,
	};
}

static int open_disk(struct backing **ret_backing, const struct backing_wish *wish, char *text,
                     size_t text_size)
{
	_cleanup_(backing_releasep) struct backing *below = NULL;
	const struct reason reason = {text, text_size};
	struct zoned_options options;
	struct zoned *zoned;
	struct file *file;
	int r = open_file(&below, wish, &reason);

	if (r)
		return r;
	file = (struct file *)below;
	r = find_zones(file, &reason);
	if (r)
		return r;
	options = (struct zoned_options){
		.below = take(&below),
		.geometry = geometry_of(file->zones),
		.store = &store,
		.changes_max = file->zones->device.count,
		.block_shift = file->backing.block_shift,
		.data = 0,
		.stride = file->zones->device.blocks << file->backing.block_shift,
	};
	r = zoned_new(&zoned, &options, text, text_size);
	if (r)
		return r;
	*ret_backing = &zoned->backing;
	return 0;
}

static bool is(const struct backing *backing, const struct stat *found)
{
	return backing_is(container_of(backing, const struct zoned, backing)->below, found);
}

/* Another device, under this one's name, is no device of these zones. */
static int64_t measure(struct backing *backing)
{
	struct zoned *zoned = container_of(backing, struct zoned, backing);
	int64_t bytes = backing_measure(zoned->below);

	if (bytes >= 0 && (uint64_t)bytes != zoned->below->bytes)
		return error_origin(-ENXIO);
	return bytes;
}

const struct backing_kind backing_zone_disk = {
	.open = open_disk,
	.close = zoned_close,
	.measure = measure,
	.is = is,
	.start = zoned_start,
	.cancel = zoned_cancel,
	.lane_gone = zoned_lane_gone,
};
