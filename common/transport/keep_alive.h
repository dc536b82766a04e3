/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"

/*
 * keep_alive - how long a host may be silent.
 *
 * Shape     Traffic based (Base 2.1 §3.9.4): at the end of each period it is asked whether a
 *           command has come in it, on any queue; if none has, and none is found in a moment of
 *           grace, the host is gone.
 * Promise   A host that sends something at least once in KATO never expires, since a period is
 *           not shorter than KATO; one that is gone is found within two periods, two ticks and
 *           the grace. The periods of very many controllers end together, at ticks, so that
 *           the process is not woken for each. A discovery controller without KATO may be idle
 *           for KEEP_ALIVE_IDLE_NS, another one for ever.
 * Trust     any KATO
 * Threads   any; pure
 * Lifetime  none
 */
#define KEEP_ALIVE_UNIT_MS (NVME_KAS_UNITS * 100u)
#define KEEP_ALIVE_IDLE_NS (120 * NS_PER_S)

/* For what has arrived, but was not read, since the process stood still. */
#define KEEP_ALIVE_GRACE_NS (1 * NS_PER_S)

/* Periods end at multiples of this. */
#define KEEP_ALIVE_TICK_NS (250 * NS_PER_MS)

/* The period; 0: it never ends. */
static inline uint64_t keep_alive_period_ns(uint32_t kato_ms, bool discovery)
{
	uint64_t units = ((uint64_t)kato_ms + KEEP_ALIVE_UNIT_MS - 1) / KEEP_ALIVE_UNIT_MS;

	if (kato_ms == 0)
		return discovery ? KEEP_ALIVE_IDLE_NS : 0;
	return units * KEEP_ALIVE_UNIT_MS * NS_PER_MS;
}

/* The end of a period that begins now: not before it, and less than a tick behind it. */
static inline uint64_t keep_alive_due_ns(uint64_t now_ns, uint64_t period_ns)
{
	uint64_t tick = (now_ns + period_ns + KEEP_ALIVE_TICK_NS - 1) / KEEP_ALIVE_TICK_NS;

	return tick * KEEP_ALIVE_TICK_NS;
}
