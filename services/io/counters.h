/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/base/cache_line.h"

/*
 * counters - how many commands one I/O thread has done for one namespace.
 *
 * Shape     Numbers that only rise, and the commands in flight; on a cache line of their own.
 * Promise   Each is whole; together they are not of one moment.
 * Trust     none
 * Threads   one that counts; any that read
 * Lifetime  of the namespace
 */
enum counter {
	COUNT_READS,
	COUNT_WRITES,
	COUNT_READ_BYTES,
	COUNT_WRITE_BYTES,
	COUNT_FLUSHES,
	COUNT_OTHERS, /* Write Zeroes, Dataset Management, Zone Management */
	COUNT_ERRORS,
	COUNT_STARTED,
	COUNT_FINISHED,
	COUNT_OLD, /* does not only rise: how many the last sweep has found to be too old */
	COUNTERS,
};

struct counters {
	_Alignas(CACHE_LINE) _Atomic uint64_t values[COUNTERS];
};

/* One thread counts, so nothing can come between load and store: no locked instruction. */
static inline void counters_add(struct counters *counters, enum counter which, uint64_t amount)
{
	_Atomic uint64_t *value = &counters->values[which];

	atomic_store_explicit(value,
	                      atomic_load_explicit(value, memory_order_relaxed) + amount,
	                      memory_order_relaxed);
}

static inline void counters_set(struct counters *counters, enum counter which, uint64_t amount)
{
	atomic_store_explicit(&counters->values[which], amount, memory_order_relaxed);
}

static inline uint64_t counters_get(const struct counters *counters, enum counter which)
{
	return atomic_load_explicit(&counters->values[which], memory_order_relaxed);
}
