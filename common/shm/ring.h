/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cache_line.h"

/*
 * ring - carries small messages one way, from one process to one other.
 *
 * Shape     A fixed number of equal slots in memory that both processes map, behind three
 *           cache lines: the producer's (its counter), the consumer's (its counter), and one
 *           that is written only where one of them sleeps, so that the producer can look at
 *           it each time. Counters run freely and wrap.
 * Promise   Messages arrive once, in the order they were put. A message put but not published
 *           may be lost; a published one is never changed.
 * Trust     The other process may be broken or hostile. Nothing is read from shared memory
 *           twice, and ring_take() hands out a private copy, so a message cannot change after
 *           it was checked. A counter that makes no sense is reported as RING_E_BROKEN, now
 *           and at every later call, and never followed.
 * Threads   One thread per side. No locks, no system calls, no allocation.
 * Lifetime  The ring borrows the mapping: unmap it after the last call here. Waking a
 *           sleeping consumer is the work of doorbell.h.
 * Returns   0, or one of
 */
enum ring_error {
	RING_E_FULL = 1, /* put: no free slot; try again after the peer took one */
	RING_E_EMPTY,    /* take: nothing published */
	RING_E_BROKEN,   /* the peer broke the contract: give up this link */
};

struct ring_shared {
	_Alignas(CACHE_LINE) _Atomic uint32_t produced; /* the producer writes */
	_Alignas(CACHE_LINE) _Atomic uint32_t consumed; /* the consumer writes */
	_Alignas(CACHE_LINE) _Atomic uint32_t asleep;   /* the consumer; the producer wakes */
	_Alignas(CACHE_LINE) unsigned char slots[];     /* the producer writes */
};

struct ring {
	struct ring_shared *shared;
	uint32_t slots;     /* a power of two */
	uint32_t slot_size; /* bytes */
	uint32_t here;      /* our counter: what we have put, or taken */
	uint32_t there;     /* the peer's counter, as last seen and checked */
	bool broken;
};

/* Bytes of shared memory needed, a multiple of 64; 0 if slots is not a power of two. */
size_t ring_bytes(uint32_t slots, uint32_t slot_size);

/* Start using a ring in zeroed memory of ring_bytes(), aligned to 64. The shape was agreed
 * at hand-over and is not read from the shared memory itself. */
void ring_open(struct ring *ring, void *memory, uint32_t slots, uint32_t slot_size);

/* Producer: copy one message in; the peer sees it after ring_publish(). */
int ring_put(struct ring *ring, const void *message);
void ring_publish(struct ring *ring);

/* Producer, after ring_publish(): the consumer said that it sleeps, and must be woken; says so
 * once for each time it fell asleep. */
bool ring_must_wake(struct ring *ring);

/* Producer: where the next message goes; and later, whether all that was put by then has been
 * released. */
static inline uint32_t ring_mark(const struct ring *ring)
{
	return ring->here;
}
bool ring_is_taken(struct ring *ring, uint32_t mark);

/* Consumer: copy the oldest message to ret_message, and free its slot. The producer sees the
 * free slots after ring_release(), once for many takes. */
int ring_take(struct ring *ring, void *ret_message);
void ring_release(struct ring *ring);

/* Consumer: say that we are about to sleep. False: there is something to take (or the ring is
 * broken), do not sleep. ring_wake() takes it back. */
bool ring_sleep(struct ring *ring);
void ring_wake(struct ring *ring);
