/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring carries messages one way between two processes that do not trust each other. */
#include "common/shm/ring.h"

#include <string.h>

#include "tests/support/lines.h"
#include "tests/support/spec.h"

#define SLOTS 4u

/* The layout that both processes agree on: what a hostile peer would write to. */
struct counters {
	_Alignas(64) uint32_t produced;
	_Alignas(64) uint32_t consumed;
	_Alignas(64) uint32_t asleep;
};

static struct counters *memory;
static struct ring producer, consumer;

static void given_an_empty_ring(void)
{
	size_t bytes = ring_bytes(SLOTS, sizeof(uint64_t));

	memory = aligned_alloc(64, bytes);
	memset(memory, 0, bytes);
	ring_open(&producer, memory, SLOTS, sizeof(uint64_t));
	ring_open(&consumer, memory, SLOTS, sizeof(uint64_t));
}

static void forget_the_ring(void)
{
	free(memory);
}

static int put(uint64_t message)
{
	return ring_put(&producer, &message);
}

static void send(uint64_t message)
{
	ck_assert_int_eq(put(message), 0);
	ring_publish(&producer);
}

static void expect_taken(uint64_t expected)
{
	uint64_t message = 0;

	ck_assert_int_eq(ring_take(&consumer, &message), 0);
	ck_assert_uint_eq(message, expected);
}

static int take_any(void)
{
	uint64_t untouched = 77;
	int r = ring_take(&consumer, &untouched);

	ck_assert(r == 0 || untouched == 77);
	return r;
}

static void given_a_full_ring(void)
{
	given_an_empty_ring();
	for (uint64_t i = 1; i <= SLOTS; i++)
		send(i);
}

/* All counters are about to wrap. */
static void given_an_old_ring(void)
{
	given_an_empty_ring();
	memory->produced = memory->consumed = UINT32_MAX - 1;
	producer.here = producer.there = UINT32_MAX - 1;
	consumer.here = consumer.there = UINT32_MAX - 1;
}

START_TEST(has_each_side_s_counter_on_a_line_of_its_own)
{
	static struct ring_shared shared;

	expect_apart(&shared.produced, &shared.consumed);
	ck_assert_uint_ge(offsetof(struct ring_shared, slots) / CACHE_LINE, 3);
	ck_assert_uint_eq(offsetof(struct ring_shared, slots) % CACHE_LINE, 0);
}
END_TEST

/* Which the producer reads each time it publishes. */
START_TEST(has_nothing_else_on_the_line_that_says_who_sleeps)
{
	static struct ring_shared shared;

	expect_apart(&shared.asleep, &shared.produced);
	expect_apart(&shared.asleep, &shared.consumed);
}
END_TEST

START_TEST(needs_a_power_of_two)
{
	ck_assert_uint_eq(ring_bytes(0, 8), 0);
	ck_assert_uint_eq(ring_bytes(3, 8), 0);
	ck_assert_uint_eq(ring_bytes(4, 8), 192 + 64);
	ck_assert_uint_eq(ring_bytes(1024, 64), 192 + 65536);
}
END_TEST

START_TEST(has_nothing_to_take)
{
	ck_assert_int_eq(take_any(), RING_E_EMPTY);
}
END_TEST

START_TEST(hides_what_is_not_published)
{
	ck_assert_int_eq(put(1), 0);
	ck_assert_int_eq(take_any(), RING_E_EMPTY);
	ring_publish(&producer);
	expect_taken(1);
}
END_TEST

START_TEST(lets_its_consumer_sleep)
{
	ck_assert(ring_sleep(&consumer));
}
END_TEST

START_TEST(asks_to_wake_a_sleeper_once)
{
	ck_assert(ring_sleep(&consumer));
	send(1);
	ck_assert(ring_must_wake(&producer));
	ck_assert(!ring_must_wake(&producer));
}
END_TEST

START_TEST(does_not_ask_to_wake_who_is_awake)
{
	ck_assert(ring_sleep(&consumer));
	ring_wake(&consumer);
	send(1);
	ck_assert(!ring_must_wake(&producer));
}
END_TEST

START_TEST(keeps_the_order)
{
	for (uint64_t i = 1; i <= SLOTS; i++)
		expect_taken(i);
	ck_assert_int_eq(take_any(), RING_E_EMPTY);
}
END_TEST

START_TEST(says_how_far_it_was_taken)
{
	uint32_t mark = ring_mark(&producer);

	for (uint64_t i = 1; i <= SLOTS; i++) {
		ck_assert(!ring_is_taken(&producer, mark));
		expect_taken(i);
		ck_assert(!ring_is_taken(&producer, mark));
		ring_release(&consumer);
	}
	ck_assert(ring_is_taken(&producer, mark));
	send(7);
	ck_assert(ring_is_taken(&producer, mark));
	ck_assert(!ring_is_taken(&producer, ring_mark(&producer)));
}
END_TEST

START_TEST(refuses_one_more_message)
{
	ck_assert_int_eq(put(5), RING_E_FULL);
}
END_TEST

START_TEST(accepts_a_message_once_one_was_released)
{
	expect_taken(1);
	ck_assert_int_eq(put(5), RING_E_FULL);
	ring_release(&consumer);
	ck_assert_int_eq(put(5), 0);
	ck_assert_int_eq(put(6), RING_E_FULL);
}
END_TEST

START_TEST(keeps_its_consumer_awake)
{
	ck_assert(!ring_sleep(&consumer));
	ck_assert(!ring_must_wake(&producer));
}
END_TEST

START_TEST(goes_on_when_its_counters_wrap)
{
	for (uint64_t i = 0; i < 100; i++) {
		send(i);
		expect_taken(i);
		ring_release(&consumer);
	}
}
END_TEST

START_TEST(is_full_across_the_wrap)
{
	for (uint64_t i = 0; i < SLOTS; i++)
		send(i);
	ck_assert_int_eq(put(9), RING_E_FULL);
	for (uint64_t i = 0; i < SLOTS; i++)
		expect_taken(i);
}
END_TEST

START_TEST(is_broken_by_a_producer_too_far_ahead)
{
	memory->produced = SLOTS + 1;
	ck_assert_int_eq(take_any(), RING_E_BROKEN);
}
END_TEST

START_TEST(is_broken_by_a_producer_that_goes_back)
{
	send(1);
	expect_taken(1);
	ring_release(&consumer);
	memory->produced = 0;
	ck_assert_int_eq(take_any(), RING_E_BROKEN);
}
END_TEST

START_TEST(stays_broken_when_the_producer_repents)
{
	memory->produced = SLOTS + 1;
	ck_assert_int_eq(take_any(), RING_E_BROKEN);
	memory->produced = 1;
	ck_assert_int_eq(take_any(), RING_E_BROKEN);
	ck_assert_int_eq(take_any(), RING_E_BROKEN);
}
END_TEST

START_TEST(does_not_let_its_consumer_sleep)
{
	memory->produced = SLOTS + 1;
	ck_assert(!ring_sleep(&consumer));
	memory->produced = 0;
	ck_assert(!ring_sleep(&consumer));
	ck_assert_int_eq(take_any(), RING_E_BROKEN);
}
END_TEST

START_TEST(is_broken_by_a_consumer_that_takes_what_is_not_there)
{
	memory->consumed = SLOTS + 1;
	ck_assert_int_eq(put(5), RING_E_BROKEN);
}
END_TEST

START_TEST(is_broken_by_a_consumer_that_goes_back)
{
	expect_taken(1);
	ring_release(&consumer);
	ck_assert_int_eq(put(5), 0);
	memory->consumed = 0;
	ck_assert_int_eq(put(6), RING_E_BROKEN);
}
END_TEST

START_TEST(takes_no_message_now_or_later)
{
	memory->consumed = SLOTS + 1;
	ck_assert_int_eq(put(5), RING_E_BROKEN);
	memory->consumed = SLOTS;
	ck_assert_int_eq(put(5), RING_E_BROKEN);
}
END_TEST

START_TEST(takes_any_word_for_asleep_as_one_wish_to_be_woken)
{
	memory->asleep = 0xdeadbeef;
	ck_assert(ring_must_wake(&producer));
	ck_assert(!ring_must_wake(&producer));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");

	describe(suite,
	         "an empty ring",
	         given_an_empty_ring,
	         forget_the_ring,
	         needs_a_power_of_two,
	         has_each_side_s_counter_on_a_line_of_its_own,
	         has_nothing_else_on_the_line_that_says_who_sleeps,
	         has_nothing_to_take,
	         hides_what_is_not_published,
	         lets_its_consumer_sleep,
	         asks_to_wake_a_sleeper_once,
	         does_not_ask_to_wake_who_is_awake);
	describe(suite,
	         "a full ring",
	         given_a_full_ring,
	         forget_the_ring,
	         keeps_the_order,
	         says_how_far_it_was_taken,
	         refuses_one_more_message,
	         accepts_a_message_once_one_was_released,
	         keeps_its_consumer_awake);
	describe(suite,
	         "an old ring",
	         given_an_old_ring,
	         forget_the_ring,
	         goes_on_when_its_counters_wrap,
	         is_full_across_the_wrap);
	describe(suite,
	         "a ring whose producer lies",
	         given_an_empty_ring,
	         forget_the_ring,
	         is_broken_by_a_producer_too_far_ahead,
	         is_broken_by_a_producer_that_goes_back,
	         stays_broken_when_the_producer_repents,
	         does_not_let_its_consumer_sleep);
	describe(suite,
	         "a ring whose consumer lies",
	         given_a_full_ring,
	         forget_the_ring,
	         is_broken_by_a_consumer_that_takes_what_is_not_there,
	         is_broken_by_a_consumer_that_goes_back,
	         takes_no_message_now_or_later,
	         takes_any_word_for_asleep_as_one_wish_to_be_woken);
	return run(suite);
}
