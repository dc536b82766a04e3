/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zoned:PATH - opening: the label says which zones there are. A store without one is given zones
 * only if it looks new, since what else it has would be overwritten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/nvme/protection.h"
#include "services/io/file.h"
#include "services/io/zone_disk.h"
#include "services/io/zone_layout.h"
#include "services/io/zone_table.h"
#include "services/io/zoned.h"

/* At the begin and at the end of a store, that must be zeroes for it to be new; what is read and
 * written at a time. */
#define LOOK_BYTES (64u << 10)
#define PART_BYTES (1u << 20)

struct reason {
	char *text;
	size_t size;
};

#define not_ready(reason, ...)                                                                     \
	(snprintf((reason)->text, (reason)->size, __VA_ARGS__), BACKING_E_NOT_READY)

/* While it is opened. */
struct opening {
	const struct backing_wish *wish;
	struct reason reason;
	struct backing *below;
	struct zone_layout layout;
	unsigned char *buffer; /* PART_BYTES */
};

/* ------------------------------------------------------------------ the store below */

static bool is_cached_file(const struct backing *below)
{
	return below->kind == &backing_file && !((const struct file *)below)->direct;
}

static const char *find_obstacle(const char *below)
{
	if (zoned_path_below(below))
		return "zoned: does not stand on another zoned:";
	if (protection_path_below(below))
		return "zoned: does not stand on pi:";
	if (zone_disk_is(below))
		return "it has zones itself: its path is to be without zoned:";
	return NULL;
}

/* Entries of the table are of its smallest blocks, whatever hosts see; but not at the price of
 * direct I/O. */
static int open_below(struct opening *opening)
{
	const struct reason *reason = &opening->reason;
	struct backing_wish below = *opening->wish;
	const char *obstacle;
	int r;

	below.path = zoned_path_below(opening->wish->path);
	obstacle = find_obstacle(below.path);
	if (obstacle)
		return not_ready(reason, "%s", obstacle);
	below.block_shift = 0;
	r = backing_open(&opening->below, &below, reason->text, reason->size);
	if (r)
		return r;
	if (opening->below->kind == &backing_null)
		return not_ready(reason, "null: cannot have zones: it keeps nothing");
	if (opening->wish->block_shift != 12 || opening->wish->buffered ||
	    !is_cached_file(opening->below))
		return 0;
	below.block_shift = 12;
	opening->below = backing_release(opening->below);
	return backing_open(&opening->below, &below, reason->text, reason->size);
}

static int load(struct opening *opening, uint64_t offset, size_t length)
{
	return opening->below->kind->load(opening->below, offset, opening->buffer, length);
}

static int save(struct opening *opening, uint64_t offset, size_t length)
{
	return opening->below->kind->save(opening->below, offset, opening->buffer, length);
}

/* ------------------------------------------------------------------ a new store */

static bool is_zero(const unsigned char *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* 0: it is; 1: it is not; or a negative errno. */
static int look_whether_new(struct opening *opening)
{
	uint64_t end = opening->below->bytes / ZONE_LABEL_BYTES * ZONE_LABEL_BYTES;
	size_t length = end < LOOK_BYTES ? end : LOOK_BYTES;
	int r = load(opening, 0, length);

	if (r)
		return r;
	if (!is_zero(opening->buffer, length))
		return 1;
	r = load(opening, end - length, length);
	return r ? r : !is_zero(opening->buffer, length);
}

/* To look is much quicker than to write, and there is nothing to be written, mostly. */
static int make_zero(struct opening *opening, uint64_t offset, size_t length)
{
	int r = load(opening, offset, length);

	if (r || is_zero(opening->buffer, length))
		return r;
	memset(opening->buffer, 0, length);
	return save(opening, offset, length);
}

/* The label comes last: without it the store is as new as before. */
static int save_new(struct opening *opening)
{
	const struct zone_layout *layout = &opening->layout;
	uint64_t left = (uint64_t)layout->geometry.count << layout->unit_shift;
	uint64_t offset = layout->table;
	int r = 0;

	while (!r && left > 0) {
		size_t length = left < PART_BYTES ? left : PART_BYTES;

		r = make_zero(opening, offset, length);
		offset += length;
		left -= length;
	}
	if (r)
		return r;
	zone_label_write(opening->buffer, layout);
	return save(opening, 0, ZONE_LABEL_BYTES);
}

static int too_small(const struct opening *opening)
{
	const struct backing_wish *wish = opening->wish;
	uint64_t zone = wish->zone_bytes ? wish->zone_bytes : ZONE_BYTES_DEFAULT;

	return not_ready(
		&opening->reason,
		"it is too small for a zone: it has %llu bytes, and a zone of %llu, with a "
		"label and a table before it, takes more (zone_size)",
		(unsigned long long)opening->below->bytes,
		(unsigned long long)(wish->zone_capacity ? wish->zone_capacity : zone));
}

static int say_why_not(const struct opening *opening, enum zone_layout_error error)
{
	const struct reason *reason = &opening->reason;

	switch (error) {
	case ZONE_LAYOUT_E_SIZE:
		return not_ready(reason,
		                 "zones cannot be of %llu bytes: a power of two, of 4096 bytes at "
		                 "least and 1T at most",
		                 (unsigned long long)opening->wish->zone_bytes);
	case ZONE_LAYOUT_E_CAPACITY:
		return not_ready(reason,
		                 "a zone's capacity cannot be %llu bytes: whole blocks, and no "
		                 "more than the zone has",
		                 (unsigned long long)opening->wish->zone_capacity);
	case ZONE_LAYOUT_E_LIMITS:
		return not_ready(reason,
		                 "%u zones cannot be open where %u may be active",
		                 opening->wish->zones_open_max,
		                 opening->wish->zones_active_max);
	case ZONE_LAYOUT_E_MANY:
		return not_ready(reason,
		                 "it would have more than %u zones: they have to be larger",
		                 ZONES_MAX);
	default:
		return too_small(opening);
	}
}

static int make_new(struct opening *opening, uint8_t block_shift)
{
	const struct reason *reason = &opening->reason;
	const struct backing_wish *wish = opening->wish;
	const struct zone_plan plan = {wish->zone_bytes,
	                               wish->zone_capacity,
	                               wish->zones_open_max,
	                               wish->zones_active_max};
	int r = look_whether_new(opening);

	if (r < 0)
		return not_ready(reason, "it cannot be read: %s", error_words(r));
	if (r > 0)
		return not_ready(reason,
		                 "it has no label of zoned: at its begin, and is not new (zeroes): "
		                 "it was written without zoned:, or its label is gone");
	r = zone_layout_of(&opening->layout,
	                   &plan,
	                   opening->below->bytes,
	                   block_shift,
	                   opening->below->block_shift);
	if (r)
		return say_why_not(opening, (enum zone_layout_error)r);
	if (wish->read_only)
		return not_ready(reason, "it is new, and read-only");
	r = save_new(opening);
	return r ? not_ready(reason, "it cannot be given zones: %s", error_words(r)) : 0;
}

/* ------------------------------------------------------------------ one that has its zones */

/* The configuration is for new stores; who has changed it may not expect that. */
static void say_what_stays(const struct opening *opening)
{
	const struct backing_wish *wish = opening->wish;
	const struct zone_geometry *geometry = &opening->layout.geometry;
	unsigned shift = opening->layout.block_shift;
	uint64_t bytes = geometry->blocks << shift, capacity = geometry->capacity << shift;
	bool is_other = (wish->zone_bytes && wish->zone_bytes != bytes) ||
	                (wish->zone_capacity && wish->zone_capacity != capacity) ||
	                (wish->zones_open_max && wish->zones_open_max != geometry->open_max) ||
	                (wish->zones_active_max && wish->zones_active_max != geometry->active_max);

	if (is_other)
		log_warn("%s: keeps the zones that it was given when it was new, which are not as "
		         "the configuration has them: of %llu bytes, capacity %llu, %u open and "
		         "%u active at most (0: no limit); only a new store gets others",
		         wish->path,
		         (unsigned long long)bytes,
		         (unsigned long long)capacity,
		         geometry->open_max,
		         geometry->active_max);
}

/* What is there already has its own block size. */
static int check_sizes(const struct opening *opening)
{
	const struct zone_layout *layout = &opening->layout;
	uint32_t wanted = opening->wish->block_shift;

	if (wanted != 0 && wanted != layout->block_shift)
		return not_ready(&opening->reason,
		                 "its zones are of blocks of %u bytes, and stay so: give it that "
		                 "block_size, or none",
		                 1u << layout->block_shift);
	if (layout->block_shift < opening->below->block_shift ||
	    layout->unit_shift < opening->below->block_shift)
		return not_ready(&opening->reason,
		                 "its zones are made for blocks of 512 bytes, and its device has "
		                 "larger ones");
	say_what_stays(opening);
	return 0;
}

static int settle_layout(struct opening *opening)
{
	const struct reason *reason = &opening->reason;
	uint64_t bytes = opening->below->bytes;
	uint8_t block_shift = backing_block_shift(opening->wish->block_shift,
	                                          opening->below->block_shift,
	                                          reason->text,
	                                          reason->size);
	int r;

	if (!block_shift)
		return BACKING_E_NOT_READY;
	if (bytes < ZONE_LABEL_BYTES)
		return too_small(opening);
	r = load(opening, 0, ZONE_LABEL_BYTES);
	if (r)
		return not_ready(reason, "it cannot be read: %s", error_words(r));
	switch (zone_label_read(&opening->layout, opening->buffer, bytes)) {
	case 0:
		return check_sizes(opening);
	case ZONE_LAYOUT_E_END:
		return not_ready(reason,
		                 "its label of zoned: does not fit its size, %llu bytes: it has "
		                 "to have at least the size that it had when it got its zones",
		                 (unsigned long long)bytes);
	case ZONE_LAYOUT_E_DAMAGED:
		return not_ready(reason,
		                 "its label of zoned: is damaged, or of a later release: what it "
		                 "has cannot be told");
	default:
		return make_new(opening, block_shift);
	}
}

/* ------------------------------------------------------------------ the kind */

static int make_zoned(struct opening *opening, struct backing **ret_backing)
{
	const struct zone_layout *layout = &opening->layout;
	const struct zoned_options options = {
		.below = opening->below,
		.path = opening->wish->path,
		.geometry = layout->geometry,
		.store = &zone_table,
		.changes_max = ZONED_WORK_BYTES >> layout->unit_shift,
		.block_shift = layout->block_shift,
		.table = layout->table,
		.unit_shift = layout->unit_shift,
		.data = layout->data,
		.stride = zone_layout_stride(layout),
	};
	struct zoned *zoned;
	int r;

	opening->below = NULL; /* it is that one's, in any case */
	r = zoned_new(&zoned, &options, opening->reason.text, opening->reason.size);
	if (!r)
		*ret_backing = &zoned->backing;
	return r;
}

static int open_zoned(struct backing **ret_backing, const struct backing_wish *wish, char *text,
                      size_t text_size)
{
	struct opening opening = {
		.wish = wish, .reason = {text, text_size}
        };
	_cleanup_(cleanup_free) void *buffer = NULL;
	int r;

	if (posix_memalign(&buffer, 4096, PART_BYTES) != 0) {
		buffer = NULL;
		return not_ready(&opening.reason, "no memory");
	}
	opening.buffer = buffer;
	r = open_below(&opening);
	if (!r)
		r = settle_layout(&opening);
	if (!r)
		r = make_zoned(&opening, ret_backing);
	backing_release(opening.below);
	return r;
}

const struct backing_kind backing_zoned = {
	.scheme = "zoned:",
	.open = open_zoned,
	.close = zoned_close,
	.measure = zoned_measure,
	.memory = zoned_memory,
	.watched = zoned_watched,
	.start = zoned_start,
	.cancel = zoned_cancel,
	.lane_gone = zoned_lane_gone,
};
