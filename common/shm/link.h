/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/shm/region.h"
#include "common/shm/ring.h"

/*
 * link - the data path between one thread of a transport and one I/O worker.
 *
 * Shape     One region with two rings of LINK_SLOTS slots: requests, to the worker, and
 *           completions, to the transport; behind them, for each slot, when the worker had a
 *           request that is traced (LINK_TRACED). Beside it the transport's arena, and a doorbell
 *           for each direction.
 * Promise   A transport has at most LINK_SLOTS requests on a link at a time, so a completion
 *           always finds a slot, but for that slots may be taken by LINK_UNDECIDED for a moment.
 * Trust     Each side takes the other for hostile. The worker checks of every request that its
 *           operation is known, its namespace granted, its blocks inside the namespace, its
 *           segments inside the arena, and its length what the blocks need; the transport of
 *           every completion that the id is of a request in flight on this link. What the worker
 *           says of times is only ever shown to people.
 * Threads   one per side
 * Lifetime  link_deinit() unmaps; the doorbells belong to the struct too
 */
#define LINK_VERSION         3
#define LINK_SLOTS           1024u
#define LINK_SEGMENTS_INLINE 2
#define LINK_SEGMENTS_MAX    256
#define LINK_ALIGNMENT                                                                             \
	512 /* of each segment's offset; of its length too in READ, WRITE of blocks alone */

enum link_operation {
	LINK_READ = 1,
	LINK_WRITE,
	LINK_FLUSH,        /* no blocks, no data */
	LINK_WRITE_ZEROES, /* blocks, no data */
	LINK_DEALLOCATE,   /* data: block_count (1 … 256) struct nvme_dsm_range */
};

/* As an operation: the request with this id is not wanted any more. It takes no slot and is not
 * completed; that request is, with Command Abort Requested, or as if nothing had been said. Only to
 * a worker whose welcome says that it knows this. */
#define LINK_CANCEL 6u

/* As an operation, like that, and about no request: hosts have lost connections, or ended them, and
 * may write again what was put before this and not answered to them. Where such a write, as the
 * last of its zone, has been carried out, or will be, the worker takes it for done if it comes
 * again (services/io/zone.h). When this is taken from the ring, that is so. A link has one of these
 * in the ring at a time. Only to a worker whose welcome says that it knows this. */
#define LINK_DOUBT 10u

/* Operations of a namespace that is zoned, and known to be from a report of its worker; one that is
 * so no more refuses them. */
enum link_zone_operation {
	/* As LINK_WRITE, to where the zone that begins with first_block is written next: this is
	 * the result. */
	LINK_ZONE_APPEND = 7,
	/* Zone Management Send, zone_action of it, on the zone that begins with first_block, or
	 * LINK_ZONE_ALL; block_count is 0. No data. */
	LINK_ZONE_SEND,
	/* Zone Management Receive, zone_action and zone_filter of it, from first_block on;
	 * block_count is 0, and the data as many bytes as the host wants, a multiple of 4. */
	LINK_ZONE_RECEIVE,
};

/* In application_tag: what of zone_action and zone_filter there is. */
#define LINK_ZONE(action, filter) ((uint16_t)((action) | (filter) << 8))

/* In application_mask. */
#define LINK_ZONE_ALL     0x01 /* SEND: Select All */
#define LINK_ZONE_PARTIAL 0x02 /* RECEIVE: Partial Report */

#define LINK_FUA      0x01 /* on stable storage before the completion */
#define LINK_DEALLOC  0x02 /* LINK_WRITE_ZEROES: may give the space back (DEAC) */
#define LINK_INDIRECT 0x04 /* segments[0] is where a table of segment_count segments lies */
#define LINK_TRACED   0x08 /* the worker says in the stamps of id.index when it had it */

/* READ, WRITE of a namespace with protection information: its tuple of 8 bytes follows each block
 * in the data, and belongs to it. Without this the worker makes tuples and checks them alone. */
#define LINK_METADATA       0x10
#define LINK_PASS_GUARD     0x20 /* with it: the guard is not checked; */
#define LINK_PASS_REFERENCE 0x40 /* nor is the reference tag */

/* Names a request on its link. A generation that is not the current one of that index is stale. */
struct link_id {
	uint32_t index;
	uint32_t generation;
};

/* A piece of the arena (region 0; others come later). */
struct link_segment {
	uint64_t offset;
	uint32_t length;
	uint32_t region;
};

struct link_request {
	struct link_id id;
	uint8_t operation; /* enum link_operation */
	uint8_t flags;
	uint16_t segment_count;
	uint32_t handle; /* the namespace */
	uint64_t first_block;
	uint32_t block_count;
	/* Protection information: with a mask these bits of the application tag must be those; a
	 * WRITE without LINK_METADATA stores the tag, a WRITE_ZEROES too. Of the operations of
	 * zones LINK_ZONE(), and flags. (No union: the compiler keeps this struct in registers.) */
	uint16_t application_tag;
	uint16_t application_mask;
	struct link_segment segments[LINK_SEGMENTS_INLINE];
};
_Static_assert(sizeof(struct link_request) == 64, "one cache line");

static inline uint8_t link_zone_action(const struct link_request *request)
{
	return (uint8_t)request->application_tag;
}

static inline uint8_t link_zone_filter(const struct link_request *request)
{
	return (uint8_t)(request->application_tag >> 8);
}

/* Instead of a status: the device does not answer. The host may be told to try again, but the
 * request stays in flight, with its memory, and its completion will come, perhaps; before that
 * nothing newer is done in its namespace, for nobody. */
#define LINK_UNDECIDED 0x8000u

struct link_completion {
	struct link_id id;
	uint16_t status;      /* struct nvme_status; or LINK_UNDECIDED */
	uint16_t result_high; /* LINK_ZONE_APPEND: bits 47:32 of the first block written */
	uint32_t result;      /* bits 31:0 of it; else dword 0 */
};
_Static_assert(sizeof(struct link_completion) == 16, "a quarter of a cache line");

/* Of clock_now_ns(). Written before the completion is published. */
struct link_stamps {
	_Atomic uint64_t took_ns; /* from the ring */
	_Atomic uint64_t done_ns; /* the backing is done with it */
};
_Static_assert(sizeof(struct link_stamps) == 16, "the layout is shared");

struct link {
	struct region region;
	struct ring requests;
	struct ring completions;
	struct link_stamps *stamps; /* LINK_SLOTS */
	int to_worker;              /* doorbells */
	int to_transport;
};

#define LINK_NULL ((struct link){.region = REGION_NULL, .to_worker = -1, .to_transport = -1})

size_t link_bytes(void);

/* The transport's side: new rings, new doorbells. 0 or a negative errno. */
int link_create(struct link *ret_link);

/* The worker's side, of what a LinkHello brought. Takes the descriptors in any case. 0, a
 * negative errno, or REGION_E_UNFIT. */
int link_adopt(struct link *ret_link, int region_fd, int to_worker_fd, int to_transport_fd);

void link_deinit(struct link *link);

/* The worker's side: says when, of a request that is traced. The index is the transport's word. */
static inline void link_stamp_took(struct link *link, const struct link_request *request)
{
	if (__builtin_expect(request->flags & LINK_TRACED, 0) && request->id.index < LINK_SLOTS)
		atomic_store_explicit(&link->stamps[request->id.index].took_ns,
		                      clock_now_ns(),
		                      memory_order_relaxed);
}

static inline void link_stamp_done(struct link *link, const struct link_request *request)
{
	if (__builtin_expect(request->flags & LINK_TRACED, 0) && request->id.index < LINK_SLOTS)
		atomic_store_explicit(&link->stamps[request->id.index].done_ns,
		                      clock_now_ns(),
		                      memory_order_relaxed);
}
