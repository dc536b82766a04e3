/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/base/cache_line.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/loop/loop.h"
#include "common/transport/port.h"

/*
 * lane - what the connections of one reactor share.
 *
 * Shape     A buffer that all of them receive into, and a list of those that have something to
 *           be done at the end of the round: send, go on receiving, change state.
 * Promise   What is queued for sending in a round is sent at its end, at once.
 * Trust     none
 * Threads   the reactor's
 * Lifetime  made when the reactor gets its first connection; the process's, if nobody forgets it
 */
#define LANE_SCRATCH_BYTES (256u << 10)

/* What has been received by connections that wait for room, together. Beyond it only a little is
 * received at a time, so that little must be kept of it. */
#define LANE_STASH_MAX    (16u << 20)
#define LANE_LITTLE_BYTES (8u << 10)
struct lane {
	_Alignas(CACHE_LINE) struct loop *loop;
	struct loop_hook hook;
	struct list marked;
	struct list later;         /* to be marked when the next round ends */
	struct log_limit refusals; /* lines about hosts that were refused something */
	struct log_limit ends;     /* lines about connections that we have ended */
	uint8_t *scratch;
	bool is_frozen; /* sockets are not read: see connection_freeze() */
	size_t stashed_bytes;
	const struct limits *limits; /* the reactor's */
};

/* NULL: no memory. */
struct lane *lane_of(struct reactor *reactor);

/* connection_settle() is called for it at the end of this round. */
void lane_mark(struct lane *lane, struct list *link);

/* It is called once more: at the end of this round if that is not over yet, else of the next, which
 * comes at once. */
void lane_mark_again(struct lane *lane, struct list *link);

/* Does that now; for the core's flush(). */
void lane_flush(struct reactor *reactor);

/* The reactor ends, or its loop does; it has no connections any more. */
void lane_forget(struct reactor *reactor);
