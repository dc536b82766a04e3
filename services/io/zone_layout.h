/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "services/io/zone.h"

/*
 * zone_layout - where the label, the table of zones and the zones lie on a store that was given
 * zones.
 *
 * Shape     In the first 4096 bytes a label; behind it an entry for each zone, in a unit of its
 * own, which is the least that the store can write; then the zones, as much of each as can be
 *           written.
 *
 *             | label | unit of zone 0 | unit of zone 1 | … |   | zone 0 | zone 1 | …
 *
 * Promise   The label says what the layout is, an entry what its zone is; one of nothing but zeroes
 *           is that of an empty zone. What was not written here is taken for neither.
 * Trust     both are a disk's
 * Threads   any; pure
 * Lifetime  values
 * Returns   0, or
 */
enum zone_layout_error {
	ZONE_LAYOUT_E_SIZE = 1, /* of: zones are of a power of two of blocks, 4096 bytes to 1 TiB */
	ZONE_LAYOUT_E_CAPACITY, /* of: whole blocks, one at least, at most the zone */
	ZONE_LAYOUT_E_LIMITS,   /* of: more zones may be open than active */
	ZONE_LAYOUT_E_SMALL,    /* of: there is no room for a zone */
	ZONE_LAYOUT_E_MANY,     /* of: there would be more than ZONES_MAX */
	ZONE_LAYOUT_E_NONE,     /* read: this is no label */
	ZONE_LAYOUT_E_END,      /* read: what it tells of does not fit a store of this size */
	ZONE_LAYOUT_E_DAMAGED,  /* read: a label or an entry that says nothing */
};

#define ZONES_MAX          65536u
#define ZONE_BYTES_DEFAULT (64ull << 20)
#define ZONE_BYTES_MIN     4096ull
#define ZONE_BYTES_MAX     (1ull << 40)
#define ZONE_LABEL_BYTES   4096u

struct zone_layout {
	struct zone_geometry geometry;
	uint8_t block_shift;
	uint8_t unit_shift;
	uint64_t table; /* offsets */
	uint64_t data;
};

/* What is wanted of a store that is new. */
struct zone_plan {
	uint64_t zone_bytes; /* 0: ZONE_BYTES_DEFAULT */
	uint64_t capacity;   /* bytes; 0: all of it */
	uint32_t open_max;
	uint32_t active_max;
};

int zone_layout_of(struct zone_layout *ret_layout, const struct zone_plan *plan, uint64_t bytes,
                   uint8_t block_shift, uint8_t unit_shift);

static inline uint64_t zone_layout_stride(const struct zone_layout *layout)
{
	return layout->geometry.capacity << layout->block_shift;
}

/* Behind the last zone. */
uint64_t zone_layout_end(const struct zone_layout *layout);

void zone_label_write(void *ret_label, const struct zone_layout *layout);
int zone_label_read(struct zone_layout *ret_layout, const void *label, uint64_t bytes);

/* Fills a unit of so many bytes. */
void zone_entry_write(void *ret_unit, size_t unit_bytes, uint32_t index, enum nvme_zone_state state,
                      uint64_t written);
int zone_entry_read(const void *unit, uint32_t index, uint64_t capacity,
                    enum nvme_zone_state *ret_state, uint64_t *ret_written);
