/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pi:PATH - opening: the label says where blocks and tuples are. A store without one is taken
 * only if it looks new, since what else it has would be overwritten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/nvme/protection.h"
#include "common/nvme/zns.h"
#include "services/io/file.h"
#include "services/io/pi.h"
#include "services/io/zone_disk.h"

/* At the begin and at the end of a store, that must be zeroes for it to be new. */
#define LOOK_BYTES (64u << 10)

/* In which a transport puts again what was in flight when a worker ended, once it is ready. */
#define SETTLING_NS (2 * NS_PER_S)

struct reason {
	char *text;
	size_t size;
};

#define not_ready(reason, ...)                                                                     \
	(snprintf((reason)->text, (reason)->size, __VA_ARGS__), BACKING_E_NOT_READY)

/* ------------------------------------------------------------------ life */

static void free_pi(struct pi *pi)
{
	backing_release(pi->below);
	pi_free_works(pi);
	pthread_mutex_destroy(&pi->lock);
	free(pi);
}
DEFINE_CLEANUP(struct pi *, free_pi)

static struct pi *make(void)
{
	struct pi *pi = calloc(1, sizeof(*pi));

	if (!pi)
		return NULL;
	pthread_mutex_init(&pi->lock, NULL);
	pi_ranges_init(&pi->ranges);
	list_init(&pi->free);
	list_init(&pi->waiting);
	if (pi_make_works(pi))
		return pi;
	free_pi(pi);
	return NULL;
}

static void close_pi(struct backing *backing)
{
	struct pi *pi = container_of(backing, struct pi, backing);

	must(list_is_empty(&pi->ranges.in) && list_is_empty(&pi->waiting));
	free_pi(pi);
}

struct backing *pi_below(struct backing *backing)
{
	return container_of(backing, struct pi, backing)->below;
}

/* ------------------------------------------------------------------ the store below */

static bool is_cached_file(const struct backing *below)
{
	return below->kind == &backing_file && !((const struct file *)below)->direct;
}

/* Units are its smallest blocks, whatever hosts see: the more tuples a unit has, the more writes
 * wait for each other. But not at the price of direct I/O. */
static int open_below(struct pi *pi, const struct backing_wish *wish, const struct reason *reason)
{
	struct backing_wish below = *wish;
	int r;

	below.path = protection_path_below(wish->path);
	if (protection_path_below(below.path))
		return not_ready(reason, "pi: does not stand on another pi:");
	if (zoned_path_below(below.path))
		return not_ready(reason, "pi: does not stand on zoned:");
	if (zone_disk_is(below.path))
		return not_ready(reason, "pi: does not stand on a device that has zones itself");
	below.block_shift = 0;
	r = backing_open(&pi->below, &below, reason->text, reason->size);
	if (r || wish->block_shift != 12 || wish->buffered || !is_cached_file(pi->below))
		return r;
	below.block_shift = 12;
	pi->below = backing_release(pi->below);
	return backing_open(&pi->below, &below, reason->text, reason->size);
}

static int load(struct pi *pi, uint64_t offset, void *ret_bytes, size_t length)
{
	if (pi->below->kind->load)
		return pi->below->kind->load(pi->below, offset, ret_bytes, length);
	memset(ret_bytes, 0, length);
	return 0;
}

/* On a store of so many bytes. */
static int save_label(struct pi *pi, void *buffer, uint64_t bytes)
{
	if (!pi->below->kind->save)
		return 0;
	pi_label_write(buffer, &pi->layout);
	return pi->below->kind->save(pi->below, pi_label_offset(bytes), buffer, PI_LABEL_BYTES);
}

/* ------------------------------------------------------------------ the label */

static bool is_zero(const unsigned char *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* 0: it is; 1: it is not; or a negative errno. */
static int look_whether_new(struct pi *pi, unsigned char *buffer)
{
	uint64_t end = pi->bytes / PI_LABEL_BYTES * PI_LABEL_BYTES;
	size_t length = end < LOOK_BYTES ? end : LOOK_BYTES;
	int r = load(pi, 0, buffer, length);

	if (r)
		return r;
	if (!is_zero(buffer, length))
		return 1;
	r = load(pi, end - length, buffer, length);
	return r ? r : !is_zero(buffer, length);
}

static int make_new(struct pi *pi, const struct backing_wish *wish, unsigned char *buffer,
                    const struct reason *reason)
{
	int r;

	if (pi_layout_of(&pi->layout, pi->bytes, pi->backing.block_shift, pi->below->block_shift))
		return not_ready(reason, "it is too small for protection information");
	r = look_whether_new(pi, buffer);
	if (r < 0)
		return not_ready(reason, "it cannot be read: %s", error_words(r));
	if (r > 0)
		return not_ready(reason,
		                 "it has no label of pi: at its end, and is not new (zeroes): its "
		                 "size was changed, or it was written without pi:");
	if (wish->read_only)
		return not_ready(reason, "it is new, and read-only");
	r = save_label(pi, buffer, pi->bytes);
	return r ? not_ready(reason, "its label cannot be written: %s", error_words(r)) : 0;
}

/* What is there already has its own block size. */
static int settle_block_size(struct pi *pi, uint32_t wanted, const struct reason *reason)
{
	if (wanted != 0 && wanted != pi->layout.block_shift)
		return not_ready(reason,
		                 "its protection information is of blocks of %u bytes",
		                 1u << pi->layout.block_shift);
	if (pi->layout.block_shift < pi->below->block_shift)
		return not_ready(reason,
		                 "its protection information is of blocks of 512 bytes, and its "
		                 "device has larger ones");
	pi->backing.block_shift = pi->layout.block_shift;
	return 0;
}

static int settle_layout(struct pi *pi, const struct backing_wish *wish,
                         const struct reason *reason)
{
	uint8_t unit_shift = pi->below->block_shift;
	_cleanup_(cleanup_free) void *buffer = NULL;
	int r;

	pi->backing.block_shift = backing_block_shift(
		wish->block_shift, unit_shift, reason->text, reason->size);
	if (!pi->backing.block_shift)
		return BACKING_E_NOT_READY;
	if (posix_memalign(&buffer, 4096, LOOK_BYTES) != 0) {
		buffer = NULL;
		return not_ready(reason, "no memory");
	}
	pi->bytes = pi->below->bytes;
	if (pi->bytes < PI_LABEL_BYTES)
		return not_ready(reason, "it is too small for protection information");
	r = load(pi, pi_label_offset(pi->bytes), buffer, PI_LABEL_BYTES);
	if (r)
		return not_ready(reason, "it cannot be read: %s", error_words(r));
	switch (pi_label_read(&pi->layout, buffer, pi->bytes, unit_shift)) {
	case 0:
		return settle_block_size(pi, wish->block_shift, reason);
	case PI_LAYOUT_E_END:
		return not_ready(reason, "its label of pi: does not fit its size");
	default:
		return make_new(pi, wish, buffer, reason);
	}
}

/* ------------------------------------------------------------------ the kind */

static void take_over(struct pi *pi)
{
	const struct backing *below = pi->below;

	pi->backing.volatile_cache = below->volatile_cache;
	pi->backing.deallocate = below->deallocate;
	pi->backing.actuators = below->actuators;
	pi->backing.preference = below->preference;
	pi->backing.bytes = pi->layout.blocks << pi->layout.block_shift;
	pi->settled_ns = clock_now_ns() + SETTLING_NS;
	pi->target = (struct target){
		.block_shift = below->block_shift,
		.blocks = below->bytes >> below->block_shift,
		.backing = pi->below,
	};
}

static int open_pi(struct backing **ret_backing, const struct backing_wish *wish, char *text,
                   size_t text_size)
{
	_cleanup_(free_pip) struct pi *pi = make();
	const struct reason reason = {text, text_size};
	int r;

	if (!pi)
		return not_ready(&reason, "no memory");
	r = open_below(pi, wish, &reason);
	if (!r)
		r = settle_layout(pi, wish, &reason);
	if (r)
		return r;
	take_over(pi);
	*ret_backing = &take(&pi)->backing;
	return 0;
}

/* A store that grows is found again at its new end, and has no more blocks than before. */
static int64_t measure(struct backing *backing)
{
	struct pi *pi = container_of(backing, struct pi, backing);
	int64_t bytes = backing_measure(pi->below);
	_cleanup_(cleanup_free) void *label = NULL;
	int r;

	if (bytes < 0 || (uint64_t)bytes == pi->bytes)
		return bytes < 0 ? bytes : (int64_t)pi->backing.bytes;
	if ((uint64_t)bytes < pi->bytes)
		return error_origin(-ENXIO); /* what was cut off has tuples */
	if (posix_memalign(&label, 4096, PI_LABEL_BYTES) != 0) {
		label = NULL;
		return (int64_t)pi->backing.bytes; /* the next time */
	}
	r = save_label(pi, label, (uint64_t)bytes);
	if (r)
		log_err("pi: a store has grown, and its label cannot be written: %s",
		        error_words(r));
	else
		pi->bytes = (uint64_t)bytes;
	return (int64_t)pi->backing.bytes;
}

static int memory(const struct backing *backing)
{
	return backing_memory(container_of(backing, const struct pi, backing)->below);
}

static int watched(const struct backing *backing)
{
	return backing_watched(container_of(backing, const struct pi, backing)->below);
}

const struct backing_kind backing_pi = {
	.scheme = "pi:",
	.open = open_pi,
	.close = close_pi,
	.measure = measure,
	.memory = memory,
	.watched = watched,
	.start = pi_start,
};
