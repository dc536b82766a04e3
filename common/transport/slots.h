/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/shm/link.h"
#include "common/transport/port.h"

/*
 * slots - the requests in flight to one worker, found by what a completion names.
 *
 * Shape     A table of LINK_SLOTS, and a list in the order in which they were put. An id is an
 *           index and a generation, which each slots_name() counts up.
 * Promise   No two requests of a link's life have the same id, so a completion that comes twice,
 *           or of a link before, finds nothing (until a generation has come round, after 2^32).
 * Trust     slots_find() takes whatever the worker said
 * Threads   the reactor's
 * Lifetime  owns nothing; a request in it is in its list with core_link
 */
struct slot {
	struct request *request; /* NULL: free */
	uint32_t generation;
};

struct slots {
	struct list in_flight; /* the oldest first */
	uint32_t n_in_flight;
	uint32_t n_free;
	uint32_t free[LINK_SLOTS];
	struct slot slots[LINK_SLOTS];
};

void slots_init(struct slots *slots);

static inline bool slots_are_full(const struct slots *slots)
{
	return slots->n_free == 0;
}

/* An id for request->wanted, which may go into the ring with it. The slots must not be full. */
void slots_name(struct slots *slots, struct request *request);

/* It is in flight, with the id that slots_name() gave just before. */
void slots_add(struct slots *slots, struct request *request);

/* NULL: it is not in flight. */
struct request *slots_find(const struct slots *slots, struct link_id id);
struct request *slots_oldest(const struct slots *slots);

void slots_remove(struct slots *slots, struct request *request);
