/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"

/*
 * keep_alive - how long a host may be silent.
 *
 * Shape     Traffic based (Base 2.1 §3.9.4): at each tick it is asked whether a command has come
 *           since the last one, on any queue; if none has for a whole period, and none is found
 *           in a moment of grace, the host is gone.
 * Promise   A host that sends something at least once in KATO never expires, since a period is
 *           not shorter than KATO; one that is gone is found within KATO (in whole units), a tick
 *           and the grace. Very many controllers are looked at together, at ticks, so that the
 *           process is not woken for each. One without KATO may be idle for ever, but that the
 *           state service gives one to discovery controllers.
 * Trust     any KATO
 * Threads   any; pure
 * Lifetime  none
 */
#define KEEP_ALIVE_UNIT_MS (NVME_KAS_UNITS * 100u)

/* For what has arrived, but was not read, since the process stood still. */
#define KEEP_ALIVE_GRACE_NS (500 * NS_PER_MS)

/* It is looked at multiples of this. */
#define KEEP_ALIVE_TICK_NS (500 * NS_PER_MS)

/* The period; 0: it never ends. */
static inline uint64_t keep_alive_period_ns(uint32_t kato_ms)
{
	uint64_t units = ((uint64_t)kato_ms + KEEP_ALIVE_UNIT_MS - 1) / KEEP_ALIVE_UNIT_MS;

	return units * KEEP_ALIVE_UNIT_MS * NS_PER_MS;
}

/* When to look next, of a host that was heard last at heard_ns, or a tick before: at the next tick,
 * or where the period ends before that. */
static inline uint64_t keep_alive_look_ns(uint64_t now_ns, uint64_t heard_ns, uint64_t period_ns)
{
	uint64_t tick_ns = (now_ns / KEEP_ALIVE_TICK_NS + 1) * KEEP_ALIVE_TICK_NS;
	uint64_t end_ns = heard_ns + period_ns;

	return end_ns > now_ns && end_ns < tick_ns ? end_ns : tick_ns;
}
