/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/shm/arena.h"
#include "common/transport/port.h"

/*
 * room - the memory of a reactor's requests, with those who wait for it.
 *
 * Shape     An arena and three lines of requests. What comes in a capsule is served first: its
 *           connection does not read meanwhile. Transfers and what goes to a host are served
 *           in the order of their coming, except that transfers together have at most half of
 *           the arena.
 * Promise   No deadlock: what a transfer waits for may lie behind a capsule that waits for room,
 *           and so the capsule's memory must come from those who need nothing more from a
 *           host. A large request is not overtaken for ever by small ones.
 * Trust     A host that does not send what was asked of it, or does not read what was sent, keeps
 *           its memory until the wire's deadline ends its connection.
 * Threads   the reactor's
 * Lifetime  room_deinit() unmaps
 */
struct room {
	struct arena *arena;
	struct list capsules;
	struct list transfers;
	struct list answers; /* what goes to a host */
	uint64_t transfer_bytes;
	uint64_t transfer_bytes_max;
	uint64_t tickets;
	bool is_given; /* something was, since room_next() found nothing */
};

/* 0 or a negative errno. size: a multiple of ARENA_BLOCK_MAX */
int room_init(struct room *room, size_t size);
void room_deinit(struct room *room);

/* Memory of request->length for request->data; false: it waits in line. */
bool room_take(struct room *room, struct request *request);

/* Gives back, if it has any, or leaves the line, if it waits. */
void room_give(struct room *room, struct request *request);

/* A request that waited and now has its memory; NULL: none. */
struct request *room_next(struct room *room);
