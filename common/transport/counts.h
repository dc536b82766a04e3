/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "proto/nvmetd.pb-c.h"

/*
 * counts - what has been done, by kind.
 *
 * Shape     One relaxed atomic for each kind
 * Promise   Counting costs a load and a store, no locked instruction.
 * Trust     none
 * Threads   one counts, any reads
 * Lifetime  its owner's
 */
enum count {
	COUNT_READS,
	COUNT_WRITES,
	COUNT_READ_BYTES,
	COUNT_WRITE_BYTES,
	COUNT_FLUSHES,
	COUNT_OTHERS,
	COUNT_ERRORS,
	COUNTS,
};

struct counts {
	_Atomic uint64_t values[COUNTS];
};

static inline uint64_t counts_get(const struct counts *counts, enum count which)
{
	return atomic_load_explicit(&counts->values[which], memory_order_relaxed);
}

static inline void counts_add(struct counts *counts, enum count which, uint64_t n)
{
	uint64_t value = counts_get(counts, which);

	atomic_store_explicit(&counts->values[which], value + n, memory_order_relaxed);
}

/* Adds to what is there. */
static inline void counts_sum(const struct counts *counts, Nvmetd__Counters *sum)
{
	sum->reads += counts_get(counts, COUNT_READS);
	sum->writes += counts_get(counts, COUNT_WRITES);
	sum->read_bytes += counts_get(counts, COUNT_READ_BYTES);
	sum->write_bytes += counts_get(counts, COUNT_WRITE_BYTES);
	sum->flushes += counts_get(counts, COUNT_FLUSHES);
	sum->others += counts_get(counts, COUNT_OTHERS);
	sum->errors += counts_get(counts, COUNT_ERRORS);
}
