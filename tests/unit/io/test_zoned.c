/* SPDX-License-Identifier: BSD-2-Clause */
/* A store with zones: what it answers. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/io/zone_player.h"

#define MIB (1u << 20)

/* ------------------------------------------------------------------ requests */

static void given_zones(void)
{
	zp_begin(1, "", NULL, NULL);
}

static void given_zones_in_memory(void)
{
	zp_begin(1, "", "ram:4M", NULL);
}

static void given_zones_on_a_disk_with_faults(void)
{
	zp_begin(1, "fault:", NULL, NULL);
}

static const struct nvme_zone_report *header(void)
{
	return player.arena.memory;
}

static void given_two_threads_on_a_slow_disk(void)
{
	zp_begin(2, "fault:", NULL, "any delay=10us-1ms rate=30%");
	player_connect(&other, (struct player_hello){.reactor = 1});
	until(player_hears(&other));
	ck_assert(other.welcome);
}

START_TEST(moves_the_pointer_of_its_zone)
{
	zp_expect(1, NVME_ZONE_EMPTY, 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 1), 0);
	zp_expect(1, NVME_ZONE_IMPLICITLY_OPEN, 8);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS + 8, 8, 2), 0);
	zp_expect(1, NVME_ZONE_IMPLICITLY_OPEN, 16);
	zp_expect_data(ZP_BLOCKS, 8, 1);
	zp_expect_data(ZP_BLOCKS + 8, 8, 2);
}
END_TEST

START_TEST(is_refused_elsewhere)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(9, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(8, 100, 1), DNR(NVME_SC_ZONE_BOUNDARY));
	ck_assert_uint_eq(zp_write(120, 16, 1), DNR(NVME_SC_ZONE_BOUNDARY));
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 8);
	ck_assert_uint_eq(zp_write(8, 88, 1), 0);
	zp_expect(0, NVME_ZONE_FULL, UINT64_MAX);
	ck_assert_uint_eq(zp_write(96, 1, 1), DNR(NVME_SC_ZONE_FULL));
}
END_TEST

START_TEST(of_zeroes_moves_the_pointer_too)
{
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, LINK_DEALLOC), 0);
	ck_assert_uint_eq(player_zero(&player, 1, 8, 8, 0), 0);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, 0), DNR(NVME_SC_ZONE_INVALID_WRITE));
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 16);
	zp_expect_data(0, 16, 0);
}
END_TEST

START_TEST(of_no_zeroes_at_all_does_nothing)
{
	ck_assert_uint_eq(player_zero(&player, 1, zp_zoned()->backing.bytes / 512, 0, 0), 0);
}
END_TEST

START_TEST(is_said_to_be_where_it_went)
{
	uint64_t block;

	ck_assert_uint_eq(zp_append(2, 8, 1, &block), 0);
	ck_assert_uint_eq(block, 2 * ZP_BLOCKS);
	ck_assert_uint_eq(zp_append(2, 8, 2, &block), 0);
	ck_assert_uint_eq(block, 2 * ZP_BLOCKS + 8);
	zp_expect_data(2 * ZP_BLOCKS + 8, 8, 2);
	ck_assert_uint_eq(zp_append(2, 96, 3, &block), DNR(NVME_SC_ZONE_BOUNDARY));
}
END_TEST

START_TEST(goes_over_all_zones_that_it_names)
{
	unsigned char *memory = player.arena.memory;

	ck_assert_uint_eq(zp_write(0, 96, 1), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 2), 0);
	ck_assert_uint_eq(player_read(&player, 1, 90, 64), 0);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(memory[i * 512], i < 6 ? 1 : i >= 38 && i < 46 ? 2 : 0);
}
END_TEST

/* The data of the request lies in many places, none of which ends where a run does. */
START_TEST(goes_into_pieces_of_any_size)
{
	struct link_request request = player_reading(&player, 1, 80, 64);
	unsigned char *memory = player.arena.memory;
	struct link_segment *table = (struct link_segment *)(memory + 2 * MIB);
	unsigned block = 0;

	ck_assert_uint_eq(zp_write(0, 96, 1), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 2), 0);
	memset(memory, 0xee, MIB);
	for (unsigned i = 0; i < 13; i++)
		table[i] = (struct link_segment){.offset = i * 8192,
		                                 .length = i < 12 ? 2560 : 2048};
	request.flags = LINK_INDIRECT;
	request.segment_count = 13;
	request.segments[0] = (struct link_segment){.offset = 2 * MIB, .length = 4096};
	ck_assert_uint_eq(player_do(&player, request), 0);
	for (unsigned i = 0; i < 13; i++)
		for (unsigned j = 0; j < table[i].length / 512; j++, block++)
			ck_assert_uint_eq(memory[i * 8192 + j * 512 + 511],
			                  block < 16                  ? 1
			                  : block >= 48 && block < 56 ? 2
			                                              : 0);
	ck_assert_uint_eq(block, 64);
}
END_TEST

START_TEST(finds_zeroes_where_a_zone_was_reset)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_RESET), 0);
	zp_expect_data(0, 8, 0);
	ck_assert_uint_eq(zp_write(0, 4, 2), 0);
	zp_expect_data(0, 4, 2);
	zp_expect_data(4, 4, 0);
}
END_TEST

START_TEST(is_done_to_one_zone)
{
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_OPEN), 0);
	zp_expect(0, NVME_ZONE_EXPLICITLY_OPEN, 0);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_CLOSE), 0);
	zp_expect(0, NVME_ZONE_CLOSED, 0);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_FINISH), 0);
	zp_expect(0, NVME_ZONE_FULL, UINT64_MAX);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_OPEN), DNR(NVME_SC_ZONE_TRANSITION));
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_OFFLINE), DNR(NVME_SC_ZONE_TRANSITION));
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_RESET), 0);
	zp_expect(0, NVME_ZONE_EMPTY, 0);
}
END_TEST

START_TEST(is_done_to_all_zones)
{
	uint32_t count = zp_zoned()->zones.geometry.count;

	ck_assert_uint_eq(zp_write(0, 96, 1), 0);
	ck_assert_uint_eq(zp_write(3 * ZP_BLOCKS, 1, 1), 0);
	ck_assert_uint_eq(zp_write((count - 1) * (uint64_t)ZP_BLOCKS, 1, 1), 0);
	ck_assert_uint_eq(zp_send_all(NVME_ZONE_RESET), 0);
	zp_open_again(false);
	ck_assert_uint_eq(zp_report(0, 64, NVME_ZONES_EMPTY, 0), 0);
	ck_assert_uint_eq(le64_get(header()->nr_zones), count);
	zp_expect_data(0, 96, 0);
}
END_TEST

START_TEST(is_refused_where_no_zone_begins)
{
	struct link_request request = {.operation = LINK_ZONE_SEND,
	                               .handle = 1,
	                               .first_block = 5,
	                               .application_tag = LINK_ZONE(NVME_ZONE_RESET, 0)};

	ck_assert_uint_eq(player_do(&player, request), DNR(NVME_SC_INVALID_FIELD));
	request.first_block = zp_zoned()->backing.bytes / 512;
	ck_assert_uint_eq(player_do(&player, request), DNR(NVME_SC_LBA_RANGE));
	request.first_block = 0;
	request.application_tag = LINK_ZONE(NVME_ZONE_SET_EXTENSION, 0);
	ck_assert_uint_eq(player_do(&player, request), DNR(NVME_SC_INVALID_FIELD));
}
END_TEST

START_TEST(obeys_the_limits)
{
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(zp_write(i * ZP_BLOCKS, 1, 1), 0);
	zp_expect(1, NVME_ZONE_CLOSED, 1);
	zp_expect(3, NVME_ZONE_IMPLICITLY_OPEN, 1);
	ck_assert_uint_eq(zp_write(4 * ZP_BLOCKS, 1, 1), DNR(NVME_SC_ZONES_ACTIVE));
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_OPEN), 0);
	ck_assert_uint_eq(zp_send(1, NVME_ZONE_OPEN), 0);
	ck_assert_uint_eq(zp_write(2 * ZP_BLOCKS + 1, 1, 1), DNR(NVME_SC_ZONES_OPEN));
}
END_TEST

/* ------------------------------------------------------------------ reports */

static uint64_t reported(unsigned i)
{
	const struct nvme_zone_descriptor *zones = (const struct nvme_zone_descriptor *)(header() +
	                                                                                 1);

	return le64_get(zones[i].zslba) / ZP_BLOCKS;
}

START_TEST(lists_all_zones)
{
	uint32_t count = zp_zoned()->zones.geometry.count;

	ck_assert_uint_gt(count, 64); /* more than are made at a time */
	ck_assert_uint_eq(zp_report(0, 64 + count * 64, NVME_ZONES_ALL, 0), 0);
	ck_assert_uint_eq(le64_get(header()->nr_zones), count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(reported(i), i);
	ck_assert_uint_eq(((unsigned char *)player.arena.memory)[64 + count * 64], 0xee);
}
END_TEST

START_TEST(begins_with_the_zone_of_its_block)
{
	uint32_t count = zp_zoned()->zones.geometry.count;

	ck_assert_uint_eq(zp_report(5 * ZP_BLOCKS + 7, 4096, NVME_ZONES_ALL, 0), 0);
	ck_assert_uint_eq(le64_get(header()->nr_zones), count - 5);
	ck_assert_uint_eq(reported(0), 5);
}
END_TEST

START_TEST(counts_what_there_is_room_for_if_it_is_partial)
{
	ck_assert_uint_eq(zp_report(0, 64 + 3 * 64 + 60, NVME_ZONES_ALL, LINK_ZONE_PARTIAL), 0);
	ck_assert_uint_eq(le64_get(header()->nr_zones), 3);
	ck_assert_uint_eq(zp_report(0, 64, NVME_ZONES_ALL, LINK_ZONE_PARTIAL), 0);
	ck_assert_uint_eq(le64_get(header()->nr_zones), 0);
}
END_TEST

START_TEST(lists_those_of_one_state)
{
	ck_assert_uint_eq(zp_write(7 * ZP_BLOCKS, 96, 1), 0);
	ck_assert_uint_eq(zp_write(9 * ZP_BLOCKS, 96, 1), 0);
	ck_assert_uint_eq(zp_report(0, 4096, NVME_ZONES_FULL, 0), 0);
	ck_assert_uint_eq(le64_get(header()->nr_zones), 2);
	ck_assert_uint_eq(reported(0), 7);
	ck_assert_uint_eq(reported(1), 9);
	ck_assert_uint_eq(zp_report(0, 4096, (enum nvme_zone_filter)8, 0),
	                  DNR(NVME_SC_INVALID_FIELD));
}
END_TEST

START_TEST(leaves_nothing_behind_its_end_that_was_there)
{
	ck_assert_uint_eq(zp_report(0, 4096, NVME_ZONES_FULL, 0), 0);
	ck_assert(player_has_zeroes(&player, 4096));
	ck_assert_uint_eq(zp_report(0, 4, NVME_ZONES_ALL, 0), 0);
	ck_assert_uint_eq(le64_get(header()->nr_zones) & UINT32_MAX,
	                  zp_zoned()->zones.geometry.count);
}
END_TEST

/* ------------------------------------------------------------------ what comes at once */

/* 32 in flight all the time, over one link or two: each has its own blocks, and no block is left
 * out. */
static void append_at_once(unsigned n_players)
{
	struct player *const players[] = {&player, &other};
	unsigned total = 90, n_put = 0;
	bool seen[96] = {false};

	for (; n_put < 32; n_put++)
		player_put(players[n_put % n_players],
		           zp_appending(players[n_put % n_players], 1, 1, 7, n_put * 512ull));
	for (unsigned n_taken = 0; n_taken < total; n_taken++) {
		struct link_completion completion;
		unsigned p = 0;

		until((p = (p + 1) % n_players, player_take(players[p], &completion)));
		ck_assert_uint_eq(completion.status, 0);
		ck_assert_uint_ge(completion.result, ZP_BLOCKS);
		ck_assert_uint_lt(completion.result, ZP_BLOCKS + total);
		ck_assert(!seen[completion.result - ZP_BLOCKS]);
		seen[completion.result - ZP_BLOCKS] = true;
		if (n_put < total)
			player_put(players[p], zp_appending(players[p], 1, 1, 7, n_put++ * 512ull));
	}
	zp_expect(1, NVME_ZONE_IMPLICITLY_OPEN, total);
	zp_expect_data(ZP_BLOCKS, total, 7);
}

START_TEST(have_each_its_own_place)
{
	append_at_once(1);
}
END_TEST

START_TEST(have_each_its_own_place_over_two_links)
{
	append_at_once(2);
}
END_TEST

/* Each write only fits if the one before it is over. */
START_TEST(are_done_in_the_order_in_which_they_came)
{
	for (unsigned i = 0; i < 32; i++)
		player_put(&player, zp_writing(&player, i, 1, (int)i + 1, i * 512ull));
	for (unsigned i = 0; i < 32; i++) {
		struct link_completion completion;

		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
	for (unsigned i = 0; i < 32; i++)
		zp_expect_data(i, 1, (int)i + 1);
}
END_TEST

/* More than there are works, and all zones are wanted in between. */
START_TEST(are_done_before_and_after_what_is_about_all_zones)
{
	const struct link_request reset = {.operation = LINK_ZONE_SEND,
	                                   .handle = 1,
	                                   .application_tag = LINK_ZONE(NVME_ZONE_RESET, 0),
	                                   .application_mask = LINK_ZONE_ALL};
	struct link_completion completion;

	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < 50; i++)
			player_put(&player, zp_writing(&player, i, 1, 1 + (int)round, 0));
		player_put(&player, reset);
	}
	player_put(&player, zp_writing(&player, 0, 1, 9, 512));
	for (unsigned i = 0; i < 4 * 51 + 1; i++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 1);
	zp_expect_data(0, 1, 9);
}
END_TEST

START_TEST(do_not_wait_for_those_of_another_zone)
{
	struct link_completion completion;

	zp_rule("write hang lba=%llu", 0);
	player_put(&player, zp_writing(&player, 0, 1, 1, 0));
	player_put(&player, zp_writing(&player, 1, 1, 1, 0));
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 1, 1), 0);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 0);
	ck_assert(!player_take(&player, &completion));
	zp_no_rule();
	for (unsigned i = 0; i < 2; i++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 2);
}
END_TEST

/* ------------------------------------------------------------------ the link's contract */

static void given_no_zones(void)
{
	rig_begin(1);
	rig_serve_one("ram:4M");
	player_begin(&player);
	other = PLAYER_NULL;
}

START_TEST(is_refused_where_there_are_none)
{
	const struct link_request request = {
		.operation = LINK_ZONE_SEND + (uint8_t)(_i - 1),
		.handle = 1,
		.application_tag = LINK_ZONE(4, 0),
		.segment_count = _i == 1 ? 0 : 1,
		.block_count = _i == 0 ? 1 : 0,
		.segments = {{.offset = 0, .length = 512}},
	};

	ck_assert_uint_eq(player_do(&player, request), DNR(NVME_SC_INVALID_OPCODE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zoned");
	TCase *foreign = tcase_create("an operation of zones");

	describe(suite,
	         "a write",
	         given_zones,
	         zp_end,
	         moves_the_pointer_of_its_zone,
	         is_refused_elsewhere,
	         of_zeroes_moves_the_pointer_too,
	         of_no_zeroes_at_all_does_nothing,
	         is_said_to_be_where_it_went,
	         obeys_the_limits);
	describe(suite,
	         "a read",
	         given_zones,
	         zp_end,
	         goes_over_all_zones_that_it_names,
	         goes_into_pieces_of_any_size,
	         finds_zeroes_where_a_zone_was_reset);
	describe(suite,
	         "an action",
	         given_zones,
	         zp_end,
	         is_done_to_one_zone,
	         is_done_to_all_zones,
	         is_refused_where_no_zone_begins);
	describe(suite,
	         "a report",
	         given_zones,
	         zp_end,
	         lists_all_zones,
	         begins_with_the_zone_of_its_block,
	         counts_what_there_is_room_for_if_it_is_partial,
	         lists_those_of_one_state,
	         leaves_nothing_behind_its_end_that_was_there);
	describe(suite,
	         "requests at once, in memory",
	         given_zones_in_memory,
	         zp_end,
	         have_each_its_own_place,
	         are_done_in_the_order_in_which_they_came,
	         are_done_before_and_after_what_is_about_all_zones);
	describe(suite,
	         "requests at once, on a disk",
	         given_zones,
	         zp_end,
	         have_each_its_own_place,
	         are_done_in_the_order_in_which_they_came,
	         are_done_before_and_after_what_is_about_all_zones);
	describe(suite,
	         "requests at once, of which one hangs",
	         given_zones_on_a_disk_with_faults,
	         zp_end,
	         do_not_wait_for_those_of_another_zone);
	describe(suite,
	         "requests at once, of two threads",
	         given_two_threads_on_a_slow_disk,
	         zp_end,
	         have_each_its_own_place_over_two_links);
	tcase_add_checked_fixture(foreign, given_no_zones, zp_end);
	tcase_add_loop_test(foreign, is_refused_where_there_are_none, 0, 3);
	suite_add_tcase(suite, foreign);
	return run(suite);
}
