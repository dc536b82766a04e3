/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/*
 * dice - random numbers that a seed repeats.
 *
 * Shape     splitmix64
 * Promise   The same seed, the same numbers, on any machine.
 * Trust     none
 * Threads   one
 * Lifetime  a value
 */
struct dice {
	uint64_t state;
};

static inline uint64_t dice_next(struct dice *dice)
{
	uint64_t x = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* 0 to limit - 1. */
static inline uint64_t dice_below(struct dice *dice, uint64_t limit)
{
	return (uint64_t)(((unsigned __int128)dice_next(dice) * limit) >> 64);
}

static inline unsigned dice_between(struct dice *dice, unsigned least, unsigned most)
{
	return least + (unsigned)dice_below(dice, most - least + 1ull);
}
