/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * pi_layout - where blocks, tuples and the label lie on a store with protection information.
 *
 * Shape     Blocks from offset 0, as without it; behind them a tuple of 8 bytes for each; in the
 *           last 4096 bytes of the store a label. A unit is the least that the store below can
 *           write, and holds the tuples of many blocks.
 *
 *             | block 0 | block 1 | …  | block n-1 | tuples in units … |   | label |
 *
 * Promise   The label says what the layout is; what was not written by pi_label_write() is
 *           no label.
 * Trust     a label is a disk's
 * Threads   any; pure
 * Lifetime  values
 * Returns   0, or
 */
enum pi_layout_error {
	PI_LAYOUT_E_SMALL = 1, /* of: there is no room for a block */
	PI_LAYOUT_E_NONE,      /* read: this is no label, or a damaged one */
	PI_LAYOUT_E_END,       /* read: what it tells of does not fit a store of this size */
};

struct pi_layout {
	uint64_t blocks;
	uint8_t block_shift;
	uint8_t unit_shift;
	uint64_t tuples; /* the offset of the first one */
};

/* Of a new store of so many bytes. */
int pi_layout_of(struct pi_layout *ret_layout, uint64_t bytes, uint8_t block_shift,
                 uint8_t unit_shift);

#define PI_LABEL_BYTES 4096u

/* Offset of the label on a store of so many bytes, whatever its units are. */
uint64_t pi_label_offset(uint64_t bytes);

void pi_label_write(void *ret_label, const struct pi_layout *layout);
int pi_label_read(struct pi_layout *ret_layout, const void *label, uint64_t bytes,
                  uint8_t unit_shift);

/* The units that hold the tuples of so many blocks. */
struct pi_units {
	uint64_t first; /* unit number, from that of block 0 on */
	uint64_t end;
	uint32_t before; /* bytes of the first unit in front of the first tuple */
	bool are_whole;  /* they hold no other blocks' tuples */
};

struct pi_units pi_units_of(const struct pi_layout *layout, uint64_t first, uint64_t count);

/* How many blocks a unit has the tuples of. */
static inline uint64_t pi_blocks_a_unit(const struct pi_layout *layout)
{
	return ((uint64_t)1 << layout->unit_shift) / 8;
}
