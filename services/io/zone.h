/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/nvme/status.h"
#include "common/nvme/zns.h"

/*
 * zone - the state machine of a namespace's zones (Zoned Namespace Command Set 1.1 §2.1.1).
 *
 * Shape     A table of all zones: state, write pointer, and whose last write that was. Those that
 *           are implicitly open are in a list, the one that was written longest ago first.
 * Promise   A command is checked by zones_begin_…() or zones_check_…(), and takes effect by
 *           zones_wrote() and zones_did(), which refuse nothing: between the two the caller has the
 *           zone for itself (zoned.h), so that nothing else changes in it but that an
 *           implicitly open zone may be closed to make room. More zones than the limits allow are
 *           never open or active, but for what zones_set() brought. Statuses have DNR.
 * Trust     blocks and counts are inside the namespace; what a command wants to do is a host's
 * Threads   one at a time: the caller has a lock
 * Lifetime  zones_init() allocates, zones_deinit() frees
 */
struct zone_geometry {
	uint64_t blocks;   /* of a zone, a power of two */
	uint64_t capacity; /* blocks of it that can be written, from its first one on */
	uint32_t count;
	uint32_t open_max;   /* 0: no limit */
	uint32_t active_max; /* 0: no limit */
};

struct zone {
	struct list implicit; /* in the list of those that are implicitly open */
	uint64_t written;     /* blocks: the write pointer, from its begin; when it is full what was
	                         written by then */
	const void *writer;   /* of the last blocks; NULL: nobody who is there */
	uint8_t state;        /* enum nvme_zone_state */
	bool in_doubt;        /* its last writes may come again: their answers may be lost */
};

struct zones {
	struct zone_geometry geometry;
	uint8_t shift; /* of geometry.blocks */
	struct zone *zones;
	struct list implicit;
	uint32_t n_open;
	uint32_t n_active; /* open and closed ones */
	bool is_settling;  /* what a predecessor had in flight comes again: no write ends a doubt */
};

/* All empty. 0, or -ENOMEM. */
int zones_init(struct zones *zones, const struct zone_geometry *geometry);
void zones_deinit(struct zones *zones);

static inline uint32_t zones_index(const struct zones *zones, uint64_t block)
{
	return (uint32_t)(block >> zones->shift);
}

static inline uint64_t zones_first_block(const struct zones *zones, uint32_t index)
{
	return (uint64_t)index << zones->shift;
}

static inline bool zones_is_first_block(const struct zones *zones, uint64_t block)
{
	return (block & (zones->geometry.blocks - 1)) == 0;
}

/* What the store says of a zone: the state has to be one, and written at most the capacity. Open
 * ones beyond the limit are closed. */
void zones_set(struct zones *zones, uint32_t index, enum nvme_zone_state state, uint64_t written);

/* ------------------------------------------------------------------ writing */

/* May so many blocks be written there? The zone is open then, implicitly if need be. */
struct nvme_status zones_begin_write(struct zones *zones, uint64_t first_block, uint64_t count);
/* The same of an append to the zone that begins with first_block: *ret_block is where. */
struct nvme_status zones_begin_append(struct zones *zones, uint64_t first_block, uint64_t count,
                                      uint64_t *ret_block);

/* So many blocks are there now, from the write pointer on, of this writer. */
void zones_wrote(struct zones *zones, uint32_t index, uint64_t count, const void *writer);

/* They are below the write pointer of a zone that is in doubt: if they have this content, they may
 * be a write that was done and whose answer was lost. */
bool zones_may_be_again(const struct zones *zones, uint64_t first_block, uint64_t count);
/* What was written to this zone last may come again. */
void zones_doubt_one(struct zones *zones, uint32_t index);
/* The same of all zones that this writer has written last. */
void zones_doubt(struct zones *zones, const void *writer);

/* ------------------------------------------------------------------ reading */

/* Any number of zones may be read at once; not one that is offline. */
struct nvme_status zones_check_read(const struct zones *zones, uint64_t first_block,
                                    uint64_t count);

/* Blocks of one zone, the first of those that are asked for: all of them were written, or none. */
struct zone_run {
	uint64_t count;
	bool is_written; /* else they are read as zeroes */
};

struct zone_run zones_find_run(const struct zones *zones, uint64_t first_block, uint64_t count);

/* ------------------------------------------------------------------ management */

/* May this be done to the zone? *ret_changes: false: it is so already. An Open has its place among
 * the open zones then: zones_undo_open() gives it back. */
struct nvme_status zones_begin_action(struct zones *zones, uint32_t index,
                                      enum nvme_zone_send_action action, bool *ret_changes);

/* The same of all zones that the action concerns, with Select All: all, or none. */
struct nvme_status zones_begin_all(struct zones *zones, enum nvme_zone_send_action action);
/* After it, of all zones from this one on, the next that is to undergo it; count: there is none.
 * Those of an Open are explicitly open by then. */
uint32_t zones_find_concerned(const struct zones *zones, enum nvme_zone_send_action action,
                              uint32_t index);

/* What it is after that: for who keeps it, before it takes effect. */
enum nvme_zone_state zone_state_after(enum nvme_zone_send_action action);

/* It is done. */
void zones_did(struct zones *zones, uint32_t index, enum nvme_zone_send_action action);
/* An Open was not done. */
void zones_undo_open(struct zones *zones, uint32_t index);

/* ------------------------------------------------------------------ reports */

/* Of all zones from this one on the next that is such; count: there is none. */
uint32_t zones_find_listed(const struct zones *zones, enum nvme_zone_filter filter, uint32_t index);
void zones_describe(const struct zones *zones, uint32_t index,
                    struct nvme_zone_descriptor *ret_descriptor);
