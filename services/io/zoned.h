/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/loop/mailbox.h"
#include "services/io/backing.h"
#include "services/io/request.h"
#include "services/io/table.h"
#include "services/io/zone.h"
#include "services/io/zone_store.h"

/*
 * zoned - a backing of zones that stands on another one.
 *
 * Shape     The machine of the zones (zone.h), a store for what must outlive the process
 *           (zone_store.h), the backing below, which has the blocks, and a pool of works. zoned.c
 *           opens and closes, zoned_works.c lets requests in, zoned_io.c carries them out, with
 *           zoned_send.c and zone_report.c.
 *           backing_zoned.c is zoned:PATH.
 * Promise   A zone is written by one request at a time, the others wait in their order; different
 *           zones side by side. Blocks are on the store before their pointer is, and the pointer
 *           before the answer. Blocks at and behind the write pointer are read as zeroes.
 *           Nothing is allocated for a request.
 * Trust     as backing; what lies on the store is checked
 * Threads   machine, pool and lines: any, under the lock, which is never held over I/O. A work
 *           stays on its request's I/O thread.
 * Lifetime  as backing
 */
#define ZONED_WORKS      128u
#define ZONED_WORK_BYTES (64u << 10)

enum zone_step {
	ZONE_READ,
	ZONE_WRITE,
	ZONE_POINTER,
	ZONE_ASK, /* the store, after a write or a change that failed */
	ZONE_COMPARE,
	ZONE_CHANGE,
	ZONE_HOLE, /* space of zones that were reset is given back */
	ZONE_FLUSH,
};

/* Those who wait to write to a zone: requests, by job.link. */
struct zone_line {
	struct list waiting;
	bool is_busy;
};

struct zone_work {
	struct list link; /* free */
	struct zoned *zoned;
	struct request *outer; /* NULL: free */
	struct letter letter;
	struct request_inner inner; /* to the backing below; the store's too, for a change */
	bool is_starting;           /* one of these: it may be answered at once */
	bool is_answered;
	struct nvme_status status;  /* of the last step */
	struct nvme_status failure; /* the answer, should what is looked up not help */
	enum zone_step step;
	bool has_begun;
	bool is_cancelled; /* before it has */
	struct zone_change change;
	uint64_t first; /* block: what is dealt with in this step */
	uint64_t count;
	uint64_t moved;        /* bytes of the outer data that were dealt with */
	unsigned char *memory; /* ZONED_WORK_BYTES, aligned to 4096 */
	struct iovec pieces[LINK_SEGMENTS_MAX];
};

struct zoned {
	struct backing backing;
	struct backing *below;
	struct target target; /* as which requests to the one below name it */
	const struct zone_store *store;
	const char *path;     /* while it is loaded */
	uint32_t changes_max; /* zones that one change may have */
	uint64_t table;       /* of a store with a table: where it is below */
	uint8_t unit_shift;   /* a zone's place in it */
	uint64_t data;        /* where the first zone begins below: bytes */
	uint64_t stride;      /* and how far apart they are */
	uint64_t settled_ns;  /* until then what a predecessor had in flight may come again */

	pthread_mutex_t lock;
	struct zones zones;
	struct zone_line *lines; /* one per zone */
	struct list everybody;   /* waits: for all zones; and whoever came later */
	uint32_t n_busy;         /* zones */
	bool is_all_busy;        /* somebody has all of them */
	struct list free;        /* works */
	struct list waiting;     /* requests, by job.link, that are in and have no work yet */
	struct zone_work *works;
	void *memory; /* of the works */
};

struct zoned_options {
	struct backing *below; /* taken over, in any case */
	const char *path;      /* for the log */
	struct zone_geometry geometry;
	const struct zone_store *store;
	uint32_t changes_max;
	uint8_t block_shift;
	uint64_t table;
	uint8_t unit_shift;
	uint64_t data;
	uint64_t stride;
};

/* Made and loaded; what its kind is and how many references there are is the caller's to say. 0, or
 * BACKING_E_NOT_READY with the reason. */
int zoned_new(struct zoned **ret_zoned, const struct zoned_options *options, char *reason,
              size_t reason_size);

/* For a struct backing_kind. */
int64_t zoned_measure(struct backing *backing);
void zoned_close(struct backing *backing);
void zoned_start(struct backing *backing, struct request *request);
void zoned_cancel(struct backing *backing, struct request *request);
void zoned_lane_gone(struct backing *backing, const struct lane *lane);
int zoned_memory(const struct backing *backing);
int zoned_watched(const struct backing *backing);

/* NULL: it is of another kind. */
struct zoned *zoned_of(struct backing *backing);

/* Offset of a block below; it is one that can be written. */
static inline uint64_t zoned_offset(const struct zoned *zoned, uint64_t block)
{
	uint64_t within = block & (zoned->zones.geometry.blocks - 1);

	return zoned->data + zones_index(&zoned->zones, block) * zoned->stride +
	       (within << zoned->backing.block_shift);
}

/* For a store: the change of the work is done, or is not. */
void zone_work_performed(struct zone_work *work, struct nvme_status status);

/* ------------------------------------------------------------------ of zoned_works.c */

/* The pool, and the lines. False: no memory. */
bool zoned_make_works(struct zoned *zoned);
void zoned_free_works(struct zoned *zoned);

/* The work of a request that has begun now; NULL: it waits, and zone_work_begin() will be called on
 * its thread. */
struct zone_work *zoned_let_in(struct zoned *zoned, struct request *request);
/* The work is over, and free; the next one for this thread, or NULL. */
struct zone_work *zoned_let_out(struct zone_work *work);
/* One that waits still, and does so no more now. False: it does not wait. */
bool zoned_call_off(struct zoned *zoned, struct request *request);
/* NULL: it has none. */
struct zone_work *zoned_find_work(struct zoned *zoned, const struct request *request);

/* ------------------------------------------------------------------ of zoned_io.c */

void zone_work_begin(struct zone_work *work);

/* Makes an inner request to the store below, at the block work->first; its pieces are the caller's
 * to say. */
struct request *zone_work_make_inner(struct zone_work *work, enum link_operation operation,
                                     uint64_t length, uint8_t flags);
/* True: a store that keeps pointers and states by itself may have changed this zone, or not. */
bool zone_work_make_ask(struct zone_work *work, uint32_t index);
/* True. */
bool zone_work_make_flush(struct zone_work *work);

/* ------------------------------------------------------------------ of zoned_send.c */

/* The steps of a LINK_ZONE_SEND. True: a step is made; false: work->status is the answer. */
bool zone_work_begin_send(struct zone_work *work);
bool zone_work_after_change(struct zone_work *work);
bool zone_work_after_hole(struct zone_work *work);

/* ------------------------------------------------------------------ of zone_report.c */

/* Answers a LINK_ZONE_RECEIVE. */
void zoned_report(struct zoned *zoned, struct request *request);
