/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each side has its own position in private memory, and looks at the other's counter in one
 * place only, which checks it before it believes it: a counter may move forward, and not past
 * what our own side has done.
 *
 * Sleeping: the consumer says that it sleeps and then looks once more; the producer publishes
 * and then looks whether the consumer sleeps. All four accesses are sequentially consistent, so
 * at least one of the two sees the other.
 */
#include "common/shm/ring.h"

#include <stdatomic.h>
#include <string.h>

#include "common/base/cache_line.h"
#include "common/base/error.h"

_Static_assert(sizeof(struct ring_shared) == 3 * CACHE_LINE, "the layout is shared");

size_t ring_bytes(uint32_t slots, uint32_t slot_size)
{
	size_t bytes = (size_t)slots * slot_size;

	if (slots == 0 || (slots & (slots - 1)) != 0)
		return 0;
	return sizeof(struct ring_shared) + ((bytes + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1));
}

void ring_open(struct ring *ring, void *memory, uint32_t slots, uint32_t slot_size)
{
	must(ring_bytes(slots, slot_size) > 0);
	must((uintptr_t)memory % CACHE_LINE == 0);
	*ring = (struct ring){.shared = memory, .slots = slots, .slot_size = slot_size};
}

static void *slot_at(const struct ring *ring, uint32_t counter)
{
	return ring->shared->slots + (size_t)(counter & (ring->slots - 1)) * ring->slot_size;
}

/* How far the peer may at most have moved since we looked: the producer into the slots that
 * are free, the consumer over those that are taken. */
static int see_peer(struct ring *ring, uint32_t counter, uint32_t at_most)
{
	if (counter - ring->there > at_most) {
		ring->broken = true;
		return RING_E_BROKEN;
	}
	ring->there = counter;
	return 0;
}

static int look_at_consumer(struct ring *ring)
{
	uint32_t consumed = atomic_load_explicit(&ring->shared->consumed, memory_order_acquire);

	return see_peer(ring, consumed, ring->here - ring->there);
}

static int look_at_producer(struct ring *ring)
{
	uint32_t produced = atomic_load(&ring->shared->produced);

	return see_peer(ring, produced, ring->slots - (ring->there - ring->here));
}

int ring_put(struct ring *ring, const void *message)
{
	int r;

	if (ring->broken)
		return RING_E_BROKEN;
	if (ring->here - ring->there == ring->slots) {
		r = look_at_consumer(ring);
		if (r)
			return r;
		if (ring->here - ring->there == ring->slots)
			return RING_E_FULL;
	}
	memcpy(slot_at(ring, ring->here), message, ring->slot_size);
	ring->here++;
	return 0;
}

/* Both counters are ours, or checked, and never further apart than the slots. */
bool ring_is_taken(struct ring *ring, uint32_t mark)
{
	if (ring->broken || look_at_consumer(ring))
		return false;
	return ring->here - ring->there <= ring->here - mark;
}

void ring_publish(struct ring *ring)
{
	atomic_store(&ring->shared->produced, ring->here);
}

bool ring_must_wake(struct ring *ring)
{
	return atomic_load(&ring->shared->asleep) && atomic_exchange(&ring->shared->asleep, 0);
}

int ring_take(struct ring *ring, void *ret_message)
{
	int r;

	if (ring->broken)
		return RING_E_BROKEN;
	if (ring->there == ring->here) {
		r = look_at_producer(ring);
		if (r)
			return r;
		if (ring->there == ring->here)
			return RING_E_EMPTY;
	}
	memcpy(ret_message, slot_at(ring, ring->here), ring->slot_size);
	atomic_signal_fence(memory_order_seq_cst); /* the copy is made now, and only once */
	ring->here++;
	return 0;
}

void ring_release(struct ring *ring)
{
	atomic_store_explicit(&ring->shared->consumed, ring->here, memory_order_release);
}

bool ring_sleep(struct ring *ring)
{
	if (ring->broken)
		return false;
	atomic_store(&ring->shared->asleep, 1);
	if (look_at_producer(ring) == 0 && ring->there == ring->here)
		return true;
	ring_wake(ring);
	return false;
}

void ring_wake(struct ring *ring)
{
	atomic_store_explicit(&ring->shared->asleep, 0, memory_order_relaxed);
}
