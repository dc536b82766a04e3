/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring whose peer writes what it likes: each byte of the input is an act of ours or of the peer.
 * Whatever it does, nothing outside the ring is touched (ASan), no side is ever further ahead of
 * the other than there are slots, and a ring once broken stays broken. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/shm/ring.h"

#define SLOTS     8u
#define SLOT_SIZE 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	uint8_t *memory;
	struct ring producer, consumer;
	const uint8_t *data;
	size_t left;
	bool producer_broken, consumer_broken;
};

static uint32_t next_bytes(struct world *world, size_t n)
{
	uint32_t value = 0;

	for (; n > 0 && world->left > 0; n--, world->left--)
		value = value << 8 | *world->data++;
	return value;
}

/* The counters lie at 0 (produced), 64 (consumed), 128 (asleep); then come the slots. */
static void act_as_hostile_peer(struct world *world, unsigned what)
{
	static const size_t places[] = {0, 64, 128};
	uint32_t near_counters[] = {world->producer.here, world->consumer.here};
	uint32_t value;

	if (what % 4 == 3) {
		memset(world->memory + 192, (int)next_bytes(world, 1), (size_t)SLOTS * SLOT_SIZE);
		return;
	}
	if (what & 4)
		value = near_counters[what >> 3 & 1] + (uint32_t)(int8_t)next_bytes(world, 1);
	else
		value = next_bytes(world, 4);
	memcpy(world->memory + places[what % 4], &value, sizeof(value));
}

static void put(struct world *world)
{
	uint8_t message[SLOT_SIZE] = {1};
	int r = ring_put(&world->producer, message);

	must(r == 0 || r == RING_E_FULL || r == RING_E_BROKEN);
	must(!world->producer_broken || r == RING_E_BROKEN);
	world->producer_broken = r == RING_E_BROKEN;
	must(world->producer.here - world->producer.there <= SLOTS);
}

static void take_one(struct world *world)
{
	uint8_t message[SLOT_SIZE];
	int r = ring_take(&world->consumer, message);

	must(r == 0 || r == RING_E_EMPTY || r == RING_E_BROKEN);
	must(!world->consumer_broken || r == RING_E_BROKEN);
	world->consumer_broken = r == RING_E_BROKEN;
	must(world->consumer.there - world->consumer.here <= SLOTS);
}

static void fall_asleep(struct world *world)
{
	bool may_sleep = ring_sleep(&world->consumer);

	must(!may_sleep || !world->consumer.broken);
	world->consumer_broken |= world->consumer.broken;
}

static void act(struct world *world, unsigned what)
{
	switch (what & 7) {
	case 0:
		put(world);
		break;
	case 1:
		ring_publish(&world->producer);
		break;
	case 2:
		ring_must_wake(&world->producer);
		break;
	case 3:
		take_one(world);
		break;
	case 4:
		ring_release(&world->consumer);
		break;
	case 5:
		fall_asleep(world);
		break;
	case 6:
		ring_wake(&world->consumer);
		break;
	case 7:
		act_as_hostile_peer(world, what >> 3);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t bytes = ring_bytes(SLOTS, SLOT_SIZE);
	struct world world = {.data = data, .left = size};

	world.memory = aligned_alloc(64, bytes);
	if (!world.memory)
		return 0;
	memset(world.memory, 0, bytes);
	ring_open(&world.producer, world.memory, SLOTS, SLOT_SIZE);
	ring_open(&world.consumer, world.memory, SLOTS, SLOT_SIZE);
	while (world.left > 0)
		act(&world, next_bytes(&world, 1));
	free(world.memory);
	return 0;
}
