/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * zone_store - where the states and write pointers of zones are kept, below their machine (zone.h).
 *
 * Shape     A table of functions: a table on the store itself (zone_table.c), or a device that
 *           has zones of its own.
 * Promise   What was performed is found by the next load(), also after the death of the process;
 *           after a loss of power if it was durable, or flushed since.
 * Trust     What the store says is checked before the machine has it.
 * Threads   load, close: the control thread. perform: the I/O thread of the work.
 * Lifetime  of the struct zoned that it belongs to
 */
struct zoned;
struct zone_work;

/* In zone_change.action, beside those of enum nvme_zone_send_action. */
#define ZONE_CHANGE_WROTE 0x00 /* blocks were written: the pointer is `written` now */
/* To a store that keeps pointers by itself: a write, or a change, has failed. The store finds out
 * what the zone is, and sets state and written. */
#define ZONE_CHANGE_ASK   0xff

struct zone_change {
	uint32_t first; /* zones in a row, which all undergo it; of WROTE, ASK: one */
	uint32_t count; /* at most changes_max of the store */
	uint8_t action;
	uint8_t state;    /* enum nvme_zone_state: what they are then */
	bool is_durable;  /* a loss of power does not take it back */
	uint64_t written; /* WROTE: blocks, from the begin of the zone */
};

struct zone_store {
	/* Brings what is not empty by zones_set(). 0, or BACKING_E_NOT_READY with the reason. */
	int (*load)(struct zoned *zoned, char *reason, size_t reason_size);
	/* NULL: nothing is to be freed. */
	void (*close)(struct zoned *zoned);
	/* Carries out work->change, and waits for nothing: it ends in zone_work_performed(), on
	 * this thread, now or later (request_post() with work->letter brings it here). The machine
	 * has not taken the change over by then. */
	void (*perform)(struct zone_work *work);
	/* It moves its pointers itself when blocks are written: no perform() for that. */
	bool keeps_pointers;
};
