/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "services/io/pi_layout.h"

/*
 * pi_ranges - lets only such requests to a store with protection information at a time as do not
 * get into each other's way.
 *
 * Shape     Ranges that are in, and ranges that wait, in their order. A block and its tuple are
 *           two places: whoever reads one of them while it is written would find them not to fit.
 *           And a unit of tuples is read, changed and written as a whole. So a write is alone with
 *           its blocks, and with its units among writes. But a write that waits for nothing but
 *           another one's units may follow it: both are in, and the first one writes the tuples.
 * Promise   What waits comes in before whatever came later and is in its way. At most
 *           PI_WORKS ranges are there, so looking through all of them is bounded.
 * Trust     none
 * Threads   one at a time: the caller has a lock
 * Lifetime  A range is the caller's, in its memory from enter to leave.
 */
struct pi_range {
	struct list link;
	uint64_t first; /* blocks */
	uint64_t end;
	struct pi_units units;
	bool writes;
	bool may_follow;
	const struct pi_range *leader; /* in: NULL, or whom it has followed */
};

struct pi_ranges {
	struct list in;
	struct list waiting;
};

void pi_ranges_init(struct pi_ranges *ranges);

/* True: it is in. False: it waits, and pi_ranges_admit() will find it. */
bool pi_ranges_enter(struct pi_ranges *ranges, struct pi_range *range);
void pi_ranges_leave(struct pi_range *range);

/* The next one that waited, and has come in behind the leader, which is in, and does not follow:
 * its units are among the leader's. NULL: there is none. */
struct pi_range *pi_ranges_follow(struct pi_ranges *ranges, const struct pi_range *leader);

/* After a leave, until it says NULL: the next one that was waiting, and is in now. */
struct pi_range *pi_ranges_admit(struct pi_ranges *ranges);
