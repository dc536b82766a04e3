/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/discovery.h"

/*
 * discovery_log - the Discovery log, LID 70h (Base 2.1 §5.1.12.3.1).
 *
 * Shape     A header, then an entry for each record of discovery.h, which is of 1,024 bytes, or
 *           longer and with attributes where the host has asked for extended entries.
 * Promise   Any part of it is made without the rest: a host that reads a log of many megabytes in
 *           pieces costs its length once. Parts that were read under one generation counter fit
 *           together, whenever they were read, and through whichever state service.
 * Trust     as discovery.h; offset and length are in range
 * Threads   any; pure
 * Lifetime  values
 */
struct discovery_extent {
	uint64_t records;
	uint64_t bytes;
};

struct discovery_extent discovery_log_measure(const struct discovery_question *question);

/* The bytes from offset on; zeroes from the log's end on. */
void discovery_log_read(const struct discovery_question *question,
                        const struct discovery_extent *extent, uint64_t counter, uint64_t offset,
                        uint8_t *ret_data, size_t length);
