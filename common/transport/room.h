/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/shm/arena.h"
#include "common/transport/port.h"

/*
 * room - the memory of a reactor's requests, with those who wait for it.
 *
 * Shape     An arena, and shares: a controller's I/O queues have one together, and there is one
 *           for all admin queues, one for all discovery controllers, one for those who have not
 *           connected yet. A request is counted for the share of its queue, and waits in one of
 *           the share's four lines: what comes in a capsule (its connection does not read
 *           meanwhile), transfers, large answers from memory, and what else goes to a host.
 *           Shares take turns.
 *           A quarter of the arena is a reserve: requests of ROOM_SMALL bytes or less get theirs
 *           from it when there is none for them in the common part.
 *           Of large answers from memory a share has only so much at a time as the caches hold
 *           (ROOM_WARM): such a namespace is served at once, and gains nothing by more; while a
 *           disk does, whose answers come when they come. What waits for that is in nobody's way.
 * Promise   No host takes all: a share has at most half of the arena (those of strangers and of
 *           admin queues an eighth) and a sixteenth of the reserve. So a host that does not
 *           read, or does not send, delays others' large requests, and not their small ones.
 *           No deadlock: transfers have at most half of what may be had, of a share and of all
 *           together: what a transfer waits for may lie behind a capsule that waits for room,
 *           and so the capsule's memory must come from those who need nothing more from a
 *           host. A large request is not overtaken for ever by small ones: the common part is
 *           for whose turn it is.
 * Trust     A host that does not send what was asked of it, or does not read what was sent, keeps
 *           its memory until the wire's deadline ends its connection.
 * Threads   the reactor's
 * Lifetime  room_deinit() unmaps; a share outlives its requests
 */
#define ROOM_SIZE_MIN (4u << 20)  /* the largest request, and what it must leave to others */
#define ROOM_SMALL    (64u << 10) /* bytes */
#define ROOM_WARM     (768u << 10)
#define ROOM_LARGE    (32u << 10) /* of a read that ROOM_WARM is for */

enum room_part { ROOM_COMMON, ROOM_RESERVE, ROOM_PARTS };
enum room_line { ROOM_CAPSULES, ROOM_TRANSFERS, ROOM_COPIES, ROOM_ANSWERS, ROOM_LINES };

struct room_use {
	uint64_t bytes;
	uint64_t transfer_bytes; /* of these */
};

struct room_share {
	bool is_hosts; /* of a controller's I/O queues */
	struct room_use uses[ROOM_PARTS];
	uint64_t copy_bytes; /* of large answers from memory */
	struct list lines[ROOM_LINES];
	struct list waiting; /* in the room's list */
};

struct room {
	struct arena *arena;
	uint64_t lent_bytes; /* to the wire: as if the arena were so much smaller */
	struct room_use uses[ROOM_PARTS];
	struct room_share unborn; /* queues before Connect */
	struct room_share discovery;
	struct room_share admin;
	struct list waiting;     /* shares with requests in line; the first has the next turn */
	bool lacks_memory;       /* it is for whose turn it is */
	bool lacks_for_transfer; /* the same, of transfers */
	bool is_given;           /* something was, since room_next() found nothing */
	uint64_t hosts_max;      /* bytes of a share that is a host's; all ones: as said */
	/* bytes, of all that; of a share that is a host's [1], and of another [0] */
	uint64_t sizes[ROOM_PARTS];
	uint64_t share_sizes[2][ROOM_PARTS];
};

/* 0 or a negative errno. size: a multiple of ARENA_BLOCK_MAX, ROOM_SIZE_MIN or more */
int room_init(struct room *room, size_t size);
void room_deinit(struct room *room);

/* Of zeroed memory; again does no harm. */
void room_share_init(struct room_share *share, bool is_hosts);

/* A host's share has no more than that of the common part, but for what it must be able to have;
 * 0: half of all. What it has already, it keeps. */
void room_limit_hosts(struct room *room, uint64_t bytes);

/* Memory of request->length for request->data; false: it waits in line. */
bool room_take(struct room *room, struct request *request);

/* Gives back, if it has any, or leaves the line, if it waits. */
void room_give(struct room *room, struct request *request);

/* Something that nobody can end may still be at its memory: it is nobody's from now on, as long as
 * there is this room, and counts for no share. Nothing if it has none. */
void room_forfeit(struct room *room, struct request *request);

/* Memory that is for no request, of ARENA_BLOCK_MAX bytes at most: half of the arena in all, and no
 * more than leaves ROOM_SIZE_MIN. False: there is none. */
bool room_lend(struct room *room, uint32_t bytes, uint64_t *ret_offset);
void room_take_back(struct room *room, uint32_t bytes, uint64_t offset);

/* A request that waited and now has its memory; NULL: none. */
struct request *room_next(struct room *room);
