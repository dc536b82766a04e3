/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>
#include <time.h>

/*
 * clock - the time that all deadlines are counted in.
 *
 * Shape     Nanoseconds of CLOCK_MONOTONIC; 0 never occurs and may mean "no deadline". What one
 *           process tells another is in CLOCK_BOOTTIME, which counts also while the machine sleeps.
 * Promise   Never goes back; a change of the machine's date does not touch it.
 * Trust     none
 * Threads   any
 * Lifetime  none
 */
#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}
