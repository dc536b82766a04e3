/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/bench/ceiling.h"
#include "tests/bench/load.h"

/*
 * wire - how many bytes the I/Os of a load have on the wire.
 *
 * Shape     counters of the load's first connection, at a moment
 * Promise   A load and a ceiling that did not move the same bytes are not compared in silence.
 * Trust     none
 * Threads   one
 * Lifetime  a value
 */
struct wire {
	uint64_t bytes;
	uint64_t answers;
};

struct wire wire_now(const struct load *load);
/* Since then: says on stderr where it is not what the ceiling moves. */
void wire_compare(struct wire since, const struct load *load, const struct ceiling *ceiling);
