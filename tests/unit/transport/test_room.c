/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of requests: who gets it first, and that nobody waits for ever. */
#include "common/transport/room.h"

#include <string.h>

#include "common/transport/request.h"
#include "tests/support/spec.h"

#define MIB  (1u << 20)
#define SIZE (4 * MIB)
#define MANY 16

static struct room room;
static struct request transfers[MANY], answers[MANY], capsules[MANY];

static void prepare(struct request *requests, enum request_source source, uint32_t length)
{
	memset(requests, 0, sizeof(*requests) * MANY);
	for (uint16_t i = 0; i < MANY; i++) {
		request_init(&requests[i], NULL, i);
		requests[i].source = (uint8_t)source;
		requests[i].length = length;
	}
}

static void given_an_empty_room(void)
{
	ck_assert_int_eq(room_init(&room, SIZE), 0);
	prepare(transfers, REQUEST_TRANSFER, MIB);
	prepare(answers, REQUEST_NO_DATA, MIB);
	prepare(capsules, REQUEST_IN_CAPSULE, 4096);
}

static void given_a_room_full_of_answers(void)
{
	given_an_empty_room();
	for (unsigned i = 0; i < 4; i++)
		ck_assert(room_take(&room, &answers[i]));
}

static void given_a_room_with_all_transfers_it_takes(void)
{
	given_an_empty_room();
	ck_assert(room_take(&room, &transfers[0]));
	ck_assert(room_take(&room, &transfers[1]));
}

static void forget_the_room(void)
{
	room_deinit(&room);
}

START_TEST(has_memory_at_once)
{
	ck_assert(room_take(&room, &answers[0]));
	ck_assert_ptr_nonnull(answers[0].data);
	ck_assert_uint_eq(answers[0].arena_offset % 4096, 0);
}
END_TEST

START_TEST(lets_one_more_wait)
{
	ck_assert(!room_take(&room, &answers[4]));
	ck_assert_ptr_null(answers[4].data);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(gives_what_comes_back_to_who_waits)
{
	ck_assert(!room_take(&room, &answers[4]));
	room_give(&room, &answers[0]);
	ck_assert_ptr_eq(room_next(&room), &answers[4]);
	ck_assert_ptr_nonnull(answers[4].data);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(serves_in_the_order_of_coming)
{
	ck_assert(!room_take(&room, &answers[4]));
	ck_assert(!room_take(&room, &transfers[0]));
	ck_assert(!room_take(&room, &answers[5]));
	for (unsigned i = 0; i < 3; i++)
		room_give(&room, &answers[i]);
	ck_assert_ptr_eq(room_next(&room), &answers[4]);
	ck_assert_ptr_eq(room_next(&room), &transfers[0]);
	ck_assert_ptr_eq(room_next(&room), &answers[5]);
}
END_TEST

START_TEST(serves_a_capsule_first)
{
	ck_assert(!room_take(&room, &answers[4]));
	ck_assert(!room_take(&room, &capsules[0]));
	room_give(&room, &answers[0]);
	ck_assert_ptr_eq(room_next(&room), &capsules[0]);
	ck_assert_ptr_null(room_next(&room)); /* what is left is not a whole MiB */
}
END_TEST

START_TEST(does_not_let_small_ones_overtake_a_large_one)
{
	answers[5].length = 4096;
	ck_assert(!room_take(&room, &answers[4]));
	room_give(&room, &answers[0]);
	ck_assert(!room_take(&room, &answers[5]));
	ck_assert_ptr_eq(room_next(&room), &answers[4]);
}
END_TEST

START_TEST(forgets_who_leaves_the_line)
{
	ck_assert(!room_take(&room, &answers[4]));
	ck_assert(!room_take(&room, &answers[5]));
	room_give(&room, &answers[4]); /* its queue has closed */
	room_give(&room, &answers[0]);
	ck_assert_ptr_eq(room_next(&room), &answers[5]);
}
END_TEST

START_TEST(lets_the_next_transfer_wait)
{
	ck_assert(!room_take(&room, &transfers[2]));
}
END_TEST

START_TEST(has_memory_for_what_goes_to_a_host)
{
	ck_assert(!room_take(&room, &transfers[2]));
	ck_assert(room_take(&room, &answers[0]));
	ck_assert(room_take(&room, &answers[1]));
}
END_TEST

START_TEST(has_memory_for_capsules)
{
	ck_assert(!room_take(&room, &transfers[2]));
	for (unsigned i = 0; i < MANY; i++)
		ck_assert(room_take(&room, &capsules[i]));
}
END_TEST

START_TEST(gives_the_memory_of_a_transfer_to_the_next)
{
	ck_assert(!room_take(&room, &transfers[2]));
	ck_assert(!room_take(&room, &transfers[3]));
	room_give(&room, &transfers[0]);
	ck_assert_ptr_eq(room_next(&room), &transfers[2]);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(counts_a_transfer_as_the_block_it_takes)
{
	room_give(&room, &transfers[0]);
	room_give(&room, &transfers[1]);
	ck_assert_uint_eq(room.transfer_bytes, 0);
	transfers[2].length = 5 * 1024;
	ck_assert(room_take(&room, &transfers[2]));
	ck_assert_uint_eq(room.transfer_bytes, 8 * 1024);
	transfers[3].length = 512;
	ck_assert(room_take(&room, &transfers[3]));
	ck_assert_uint_eq(room.transfer_bytes, 12 * 1024);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("room");

	describe(suite, "an empty room", given_an_empty_room, forget_the_room, has_memory_at_once);
	describe(suite,
	         "a room full of answers",
	         given_a_room_full_of_answers,
	         forget_the_room,
	         lets_one_more_wait,
	         gives_what_comes_back_to_who_waits,
	         serves_in_the_order_of_coming,
	         serves_a_capsule_first,
	         does_not_let_small_ones_overtake_a_large_one,
	         forgets_who_leaves_the_line);
	describe(suite,
	         "a room with all the transfers that it takes",
	         given_a_room_with_all_transfers_it_takes,
	         forget_the_room,
	         lets_the_next_transfer_wait,
	         has_memory_for_what_goes_to_a_host,
	         has_memory_for_capsules,
	         gives_the_memory_of_a_transfer_to_the_next,
	         counts_a_transfer_as_the_block_it_takes);
	return run(suite);
}
