/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is for no request: how much of a room the wire can have, and that all others then
 * have shares of what is left. */
#include "common/transport/room.h"

#include <string.h>

#include "common/transport/request.h"
#include "tests/support/spec.h"

#define MIB  (1u << 20)
#define SIZE (16 * MIB)
#define MANY 16

struct host {
	struct room_share share;
	struct queue queue;
	struct request answers[MANY];
};

static struct room room;
static struct host greedy, modest;
static uint64_t offsets[SIZE / MIB];

static void prepare_host(struct host *host, uint32_t length)
{
	memset(host, 0, sizeof(*host));
	room_share_init(&host->share, true);
	host->queue.share = &host->share;
	for (uint16_t i = 0; i < MANY; i++) {
		request_init(&host->answers[i], &host->queue, i);
		host->answers[i].source = REQUEST_NO_DATA;
		host->answers[i].length = length;
	}
}

static unsigned take_all(struct host *host)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MANY; i++)
		n += room_take(&room, &host->answers[i]);
	return n;
}

static unsigned lend(unsigned n, uint32_t bytes)
{
	for (unsigned i = 0; i < n; i++)
		if (!room_lend(&room, bytes, &offsets[i]))
			return i;
	return n;
}

static void take_back(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		room_take_back(&room, MIB, offsets[i]);
}

static void given_a_room_of(size_t size)
{
	ck_assert_int_eq(room_init(&room, size), 0);
	prepare_host(&greedy, MIB);
	prepare_host(&modest, MIB);
}

static void given_a_room(void)
{
	given_a_room_of(SIZE);
}

/* 8 MiB are left, of which 4 are a host's at most, and 2 the reserve. */
static void given_a_room_of_which_half_is_lent(void)
{
	given_a_room();
	ck_assert_uint_eq(lend(8, MIB), 8);
}

static void given_a_room_of_which_half_is_lent_while_a_host_has_its_share(void)
{
	given_a_room();
	ck_assert_uint_eq(take_all(&greedy), 8);
	ck_assert_uint_eq(lend(8, MIB), 8);
}

static void forget_the_room(void)
{
	room_deinit(&room);
}

/* ------------------------------------------------------------------ how much */

START_TEST(lends_half_of_itself)
{
	ck_assert_uint_eq(lend(SIZE / MIB, MIB), SIZE / 2 / MIB);
}
END_TEST

START_TEST(lends_no_page_more_than_half)
{
	lend(SIZE / MIB, MIB);
	ck_assert_uint_eq(lend(1, 1), 0);
}
END_TEST

START_TEST(counts_what_it_lends_as_the_block_it_takes)
{
	ck_assert_uint_eq(lend(1, 5 * 1024), 1);
	ck_assert_uint_eq(room.lent_bytes, 8 * 1024);
	room_take_back(&room, 5 * 1024, offsets[0]);
	ck_assert_uint_eq(room.lent_bytes, 0);
}
END_TEST

START_TEST(lends_again_what_it_has_taken_back)
{
	lend(8, MIB);
	take_back(3, 1);
	ck_assert_uint_eq(lend(2, MIB), 1);
}
END_TEST

START_TEST(lends_nothing_when_it_is_the_smallest)
{
	room_deinit(&room);
	given_a_room_of(ROOM_SIZE_MIN);
	ck_assert_uint_eq(lend(1, 1), 0);
}
END_TEST

START_TEST(lends_what_leaves_the_smallest_room)
{
	room_deinit(&room);
	given_a_room_of(ROOM_SIZE_MIN + MIB);
	ck_assert_uint_eq(lend(2, MIB), 1);
	ck_assert_uint_eq(take_all(&greedy), 2);
}
END_TEST

START_TEST(lends_nothing_that_requests_have)
{
	ck_assert_uint_eq(take_all(&greedy), 8);
	ck_assert_uint_eq(lend(8, MIB), 8);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned j = 0; j < 8; j++)
			ck_assert_uint_ne(offsets[i], greedy.answers[j].arena_offset);
}
END_TEST

START_TEST(lends_nothing_when_requests_have_all)
{
	for (unsigned i = 0; i < MANY; i++) {
		uint64_t offset;

		ck_assert_int_eq(arena_take(room.arena, MIB, &offset), 0);
	}
	ck_assert_uint_eq(lend(1, 1), 0);
	ck_assert_uint_eq(room.lent_bytes, 0);
}
END_TEST

/* ------------------------------------------------------------------ the others */

START_TEST(has_half_of_the_rest_for_a_host)
{
	ck_assert_uint_eq(take_all(&greedy), 4);
}
END_TEST

START_TEST(has_three_quarters_of_the_rest_for_all)
{
	ck_assert_uint_eq(take_all(&greedy), 4);
	ck_assert_uint_eq(take_all(&modest), 2);
}
END_TEST

START_TEST(has_the_sixteenth_of_a_smaller_reserve_for_a_host)
{
	take_all(&greedy);
	take_all(&modest);
	prepare_host(&modest, ROOM_SMALL);
	ck_assert_uint_eq(take_all(&modest), 8 * MIB / 4 / 16 / ROOM_SMALL);
}
END_TEST

START_TEST(gives_what_it_takes_back_to_who_waits)
{
	take_all(&greedy);
	ck_assert_ptr_null(room_next(&room));
	take_back(0, 2);
	ck_assert_ptr_eq(room_next(&room), &greedy.answers[4]);
	ck_assert_ptr_nonnull(greedy.answers[4].data);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(has_all_for_hosts_when_it_has_all_back)
{
	take_back(0, 8);
	ck_assert_uint_eq(take_all(&greedy), 8);
	ck_assert_uint_eq(take_all(&modest), 4);
}
END_TEST

/* ------------------------------------------------------------------ who has more than that */

START_TEST(gives_no_more_to_who_has_more_than_is_left_for_it)
{
	for (unsigned i = 0; i < 4; i++) {
		room_give(&room, &greedy.answers[i]);
		ck_assert_ptr_null(room_next(&room));
	}
	room_give(&room, &greedy.answers[4]);
	ck_assert_ptr_eq(room_next(&room), &greedy.answers[8]);
}
END_TEST

START_TEST(gives_no_more_to_others_than_is_left_for_all)
{
	ck_assert(!room_take(&room, &modest.answers[0]));
	room_give(&room, &greedy.answers[0]);
	room_give(&room, &greedy.answers[1]);
	ck_assert_ptr_null(room_next(&room));
	room_give(&room, &greedy.answers[2]);
	ck_assert_ptr_eq(room_next(&room), &modest.answers[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("room that lends");

	describe(suite,
	         "a room",
	         given_a_room,
	         forget_the_room,
	         lends_half_of_itself,
	         lends_no_page_more_than_half,
	         counts_what_it_lends_as_the_block_it_takes,
	         lends_again_what_it_has_taken_back,
	         lends_nothing_when_it_is_the_smallest,
	         lends_what_leaves_the_smallest_room,
	         lends_nothing_that_requests_have,
	         lends_nothing_when_requests_have_all);
	describe(suite,
	         "a room of which half is lent",
	         given_a_room_of_which_half_is_lent,
	         forget_the_room,
	         has_half_of_the_rest_for_a_host,
	         has_three_quarters_of_the_rest_for_all,
	         has_the_sixteenth_of_a_smaller_reserve_for_a_host,
	         gives_what_it_takes_back_to_who_waits,
	         has_all_for_hosts_when_it_has_all_back);
	describe(suite,
	         "a room of which half is lent while a host has its share",
	         given_a_room_of_which_half_is_lent_while_a_host_has_its_share,
	         forget_the_room,
	         gives_no_more_to_who_has_more_than_is_left_for_it,
	         gives_no_more_to_others_than_is_left_for_all);
	return run(suite);
}
