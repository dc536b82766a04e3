/* SPDX-License-Identifier: BSD-2-Clause */
/* Zones whose worker, transport or power ends: what is there afterwards, and what may come again.
 * A death between two steps is played by leaving out what came after. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/io/fault.h"
#include "services/io/namespace.h"
#include "services/io/zone_layout.h"
#include "tests/support/spec.h"
#include "tests/unit/io/zone_player.h"

static void given_zones(void)
{
	zp_begin(1, "", NULL, NULL);
}

static void given_zones_on_a_disk_with_faults(void)
{
	zp_begin(1, "fault:", NULL, NULL);
}

static void given_zones_on_a_disk_with_a_cache(void)
{
	zp_begin(1, "fault:", NULL, "write lose");
}

static void put(uint64_t offset, const void *bytes, size_t length)
{
	int fd = open(zp_disk(), O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, bytes, length, (off_t)offset), (ssize_t)length);
	close(fd);
}

/* So many blocks are there, and their pointer is not: the worker has died in between. */
static void cut_off(uint64_t first, uint32_t blocks, int byte)
{
	unsigned char data[8192];

	memset(data, byte, blocks * 512);
	put(zoned_offset(zp_zoned(), first), data, blocks * 512);
}

/* ------------------------------------------------------------------ what is there */

START_TEST(are_as_they_were)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 96, 2), 0);
	ck_assert_uint_eq(zp_send(2, NVME_ZONE_OPEN), 0);
	ck_assert_uint_eq(zp_write(3 * ZP_BLOCKS, 5, 3), 0);
	ck_assert_uint_eq(zp_send(3, NVME_ZONE_CLOSE), 0);
	ck_assert_uint_eq(zp_write(4 * ZP_BLOCKS, 7, 4), 0);
	ck_assert_uint_eq(zp_send(4, NVME_ZONE_FINISH), 0);
	zp_open_again(true);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 8);
	zp_expect(1, NVME_ZONE_FULL, UINT64_MAX);
	zp_expect(2, NVME_ZONE_EXPLICITLY_OPEN, 0);
	zp_expect(3, NVME_ZONE_CLOSED, 5);
	zp_expect(4, NVME_ZONE_FULL, UINT64_MAX);
	zp_expect_data(0, 8, 1);
	zp_expect_data(3 * ZP_BLOCKS, 5, 3);
	zp_expect_data(4 * ZP_BLOCKS, 7, 4);
	zp_expect_data(4 * ZP_BLOCKS + 7, 7, 0);
}
END_TEST

START_TEST(have_a_write_that_was_cut_off_done_anew)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	cut_off(8, 8, 2);
	zp_open_again(true);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 8);
	zp_expect_data(8, 8, 0);
	ck_assert_uint_eq(zp_write(8, 8, 2), 0);
	zp_expect_data(8, 8, 2);
}
END_TEST

START_TEST(show_nothing_of_a_write_that_was_cut_off)
{
	cut_off(0, 8, 2);
	zp_open_again(true);
	ck_assert_uint_eq(zp_write(0, 4, 3), 0);
	zp_expect_data(0, 4, 3);
	zp_expect_data(4, 4, 0);
}
END_TEST

/* The hole of a reset was not made. */
START_TEST(show_nothing_of_what_was_there_before_a_reset)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_RESET), 0);
	cut_off(0, 8, 1);
	zp_open_again(true);
	zp_expect(0, NVME_ZONE_EMPTY, 0);
	zp_expect_data(0, 8, 0);
}
END_TEST

START_TEST(are_read_only_where_the_table_is_damaged)
{
	const struct zoned *zoned = zp_zoned();

	ck_assert_uint_eq(zp_write(2 * ZP_BLOCKS, 8, 1), 0);
	put(zoned->table + (2ull << zoned->unit_shift) + 8, "\7", 1);
	zp_open_again(true);
	zp_expect(2, NVME_ZONE_READ_ONLY, UINT64_MAX);
	zp_expect(1, NVME_ZONE_EMPTY, 0);
	zp_expect_data(2 * ZP_BLOCKS, 8, 1);
	ck_assert_uint_eq(zp_write(2 * ZP_BLOCKS + 8, 8, 1), DNR(NVME_SC_ZONE_READ_ONLY));
	ck_assert_uint_eq(zp_send_all(NVME_ZONE_OFFLINE), 0);
	zp_open_again(true);
	zp_expect(2, NVME_ZONE_IS_OFFLINE, UINT64_MAX);
	ck_assert_uint_eq(player_read(&player, 1, 2 * ZP_BLOCKS - 1, 2), DNR(NVME_SC_ZONE_OFFLINE));
}
END_TEST

/* ------------------------------------------------------------------ what comes again */

START_TEST(is_answered_as_it_would_have_been)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(8, 88, 2), 0);
	ck_assert_uint_eq(player_zero(&player, 1, ZP_BLOCKS, 8, 0), 0);
	zp_open_again(true);
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(8, 88, 2), 0);
	ck_assert_uint_eq(player_zero(&player, 1, ZP_BLOCKS, 8, LINK_FUA), 0);
	zp_expect(1, NVME_ZONE_IMPLICITLY_OPEN, 8);
}
END_TEST

START_TEST(is_refused_if_it_is_something_else)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	zp_open_again(true);
	ck_assert_uint_eq(zp_write(0, 8, 2), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(0, 9, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, 0), DNR(NVME_SC_ZONE_INVALID_WRITE));
	zp_expect_data(0, 8, 1);
}
END_TEST

/* Its last byte is another: more is compared than fits a work's memory. */
START_TEST(is_compared_to_its_end)
{
	struct link_request request;
	unsigned char *memory = player.arena.memory;

	ck_assert_uint_eq(zp_write(0, 96, 1), 0);
	zp_open_again(true);
	request = zp_writing(&player, 0, 96, 1, 0);
	memory[96 * 512 - 1] = 2;
	ck_assert_uint_eq(player_do(&player, request), DNR(NVME_SC_ZONE_FULL));
	ck_assert_uint_eq(zp_write(0, 96, 1), 0);
}
END_TEST

START_TEST(may_come_in_the_middle_of_others_at_first)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	zp_open_again(true);
	ck_assert_uint_eq(zp_write(8, 8, 2), 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
}
END_TEST

START_TEST(is_a_mistake_later_once_the_zone_was_written_otherwise)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	zp_open_again(true);
	zp_let_settling_end();
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(8, 8, 2), 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(8, 8, 2), DNR(NVME_SC_ZONE_INVALID_WRITE));
}
END_TEST

START_TEST(may_come_when_its_link_has_ended)
{
	player_connect(&other, (struct player_hello){.transport = "rdma"});
	until(player_hears(&other));
	ck_assert(other.welcome);
	ck_assert_uint_eq(player_do(&other, zp_writing(&other, 0, 8, 1, 0)), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 1), 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	player_leave(&other);
	until(zp_is_in_doubt(0));
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
}
END_TEST

static void put_doubt(void)
{
	player_put(&player, (struct link_request){.operation = LINK_DOUBT});
}

START_TEST(may_come_when_a_connection_was_lost)
{
	player_connect(&other, (struct player_hello){.transport = "rdma"});
	until(player_hears(&other));
	ck_assert_uint_eq(player_do(&other, zp_writing(&other, ZP_BLOCKS, 8, 1, 0)), 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	put_doubt();
	ck_assert_uint_eq(zp_write(0, 8, 2), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	player_leave(&other);
}
END_TEST

START_TEST(is_a_mistake_where_its_zone_was_written_since)
{
	zp_let_settling_end();
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	put_doubt();
	ck_assert_uint_eq(zp_write(8, 8, 2), 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(8, 8, 2), DNR(NVME_SC_ZONE_INVALID_WRITE));
}
END_TEST

/* And what comes behind it is in no doubt. */
START_TEST(may_come_if_it_is_carried_out_after_its_connection_was_lost)
{
	struct link_completion completion;

	zp_rule("write hang lba=%llu", 0);
	player_put(&player, zp_writing(&player, 0, 8, 1, 0));
	put_doubt();
	ck_assert_uint_eq(player_do(&player, zp_writing(&player, ZP_BLOCKS, 8, 1, 64 << 10)), 0);
	zp_no_rule();
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, 0);
	ck_assert_uint_eq(zp_write(0, 8, 2), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
}
END_TEST

static void given_zones_on_a_disk_that_may_not_answer(void)
{
	rig_patience(200);
	zp_begin(1, "fault:", NULL, NULL);
}

/* The disk takes so long that the host was told to try again, and then it does it. */
START_TEST(may_come_when_its_host_was_told_to_send_it_again)
{
	struct link_completion completion;

	zp_rule("write hang lba=%llu", 0);
	player_put(&player, zp_writing(&player, 0, 8, 1, 0));
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, LINK_UNDECIDED);
	zp_no_rule();
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, 0);
	until(rig_is_ready(1));
	zp_wait_until_served();
	ck_assert_uint_eq(zp_write(0, 8, 2), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 8);
}
END_TEST

static bool fault_is_hanging(void)
{
	struct fault_report report;

	fault_describe(fault_of(&zp_zoned()->backing), &report);
	return report.hanging > 0;
}

/* The transport dies while the disk is silent, and then the disk does it: the namespace is served
 * to nobody when the link ends. */
START_TEST(may_come_when_its_link_has_ended_meanwhile)
{
	zp_rule("write hang lba=%llu", 0);
	player_put(&player, zp_writing(&player, 0, 8, 1, 0));
	until(fault_is_hanging());
	player_leave(&player);
	until(!rig_is_ready(1));
	zp_no_rule();
	until(rig_is_ready(1));
	player_begin(&player);
	zp_wait_until_served();
	ck_assert_uint_eq(zp_write(0, 8, 2), DNR(NVME_SC_ZONE_INVALID_WRITE));
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
}
END_TEST

/* The store gives something else than what was written: it is not said to be there. */
START_TEST(fails_if_it_cannot_be_compared)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	zp_open_again(true);
	zp_rule("read error=EIO lba=%llu", 4);
	ck_assert_uint_eq(zp_write(0, 8, 1), NVME_SC_UNRECOVERED_READ);
}
END_TEST

/* ------------------------------------------------------------------ a store that fails */

START_TEST(do_not_move_for_blocks_that_are_not_taken)
{
	zp_rule("write error=EIO lba=%llu", 4);
	ck_assert_uint_eq(zp_write(0, 8, 1), NVME_SC_WRITE_FAULT);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 0);
	zp_no_rule();
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
}
END_TEST

START_TEST(do_not_move_where_the_table_is_not_written)
{
	uint64_t block;

	zp_rule_of_entry("write error=EIO lba=%llu", 0);
	ck_assert_uint_eq(zp_write(0, 8, 1), NVME_SC_WRITE_FAULT);
	ck_assert_uint_eq(zp_append(0, 8, 1, &block), NVME_SC_WRITE_FAULT);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 1), 0);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 0);
	zp_expect_data(0, 8, 0);
	zp_open_again(false);
	zp_expect(0, NVME_ZONE_EMPTY, 0);
}
END_TEST

START_TEST(are_as_before_where_an_action_fails)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	zp_rule_of_entry("write error=EIO lba=%llu", 0);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_RESET), NVME_SC_WRITE_FAULT);
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 8);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_OPEN), NVME_SC_WRITE_FAULT);
	zp_expect(0, NVME_ZONE_CLOSED, 8);
	ck_assert_uint_eq(zp_send_all(NVME_ZONE_RESET), NVME_SC_WRITE_FAULT);
	zp_expect_data(0, 8, 1);
}
END_TEST

/* ------------------------------------------------------------------ a loss of power */

static void lose_power(void)
{
	struct fault *fault = fault_of(&zp_zoned()->backing);

	fault_power(fault, false);
	fault_power(fault, true);
	zp_open_again(false);
}

START_TEST(have_what_was_flushed)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	ck_assert_uint_eq(zp_write(8, 8, 2), 0);
	lose_power();
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 8);
	zp_expect_data(0, 8, 1);
}
END_TEST

START_TEST(have_what_was_written_with_force_unit_access)
{
	struct link_request request = zp_writing(&player, 0, 8, 1, 0);

	request.flags = LINK_FUA;
	ck_assert_uint_eq(player_do(&player, request), 0);
	request = zp_appending(&player, 1, 8, 2, 0);
	request.flags = LINK_FUA;
	ck_assert_uint_eq(player_do(&player, request), 0);
	lose_power();
	zp_expect(0, NVME_ZONE_IMPLICITLY_OPEN, 8);
	zp_expect(1, NVME_ZONE_IMPLICITLY_OPEN, 8);
	zp_expect_data(0, 8, 1);
	zp_expect_data(ZP_BLOCKS, 8, 2);
}
END_TEST

START_TEST(stay_reset)
{
	ck_assert_uint_eq(zp_write(0, 8, 1), 0);
	ck_assert_uint_eq(zp_write(ZP_BLOCKS, 8, 1), 0);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	ck_assert_uint_eq(zp_send(0, NVME_ZONE_RESET), 0);
	lose_power();
	zp_expect(0, NVME_ZONE_EMPTY, 0);
	zp_expect(1, NVME_ZONE_IMPLICITLY_OPEN, 8);
	ck_assert_uint_eq(zp_send_all(NVME_ZONE_RESET), 0);
	lose_power();
	zp_expect(1, NVME_ZONE_EMPTY, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zoned deaths");

	describe(suite,
	         "zones that are opened again",
	         given_zones,
	         zp_end,
	         are_as_they_were,
	         have_a_write_that_was_cut_off_done_anew,
	         show_nothing_of_a_write_that_was_cut_off,
	         show_nothing_of_what_was_there_before_a_reset,
	         are_read_only_where_the_table_is_damaged);
	describe(suite,
	         "a write that comes again",
	         given_zones,
	         zp_end,
	         is_answered_as_it_would_have_been,
	         is_refused_if_it_is_something_else,
	         is_compared_to_its_end,
	         may_come_in_the_middle_of_others_at_first,
	         is_a_mistake_later_once_the_zone_was_written_otherwise,
	         may_come_when_its_link_has_ended,
	         may_come_when_a_connection_was_lost,
	         is_a_mistake_where_its_zone_was_written_since);
	describe(suite,
	         "a write that comes again, to a store that fails",
	         given_zones_on_a_disk_with_faults,
	         zp_end,
	         may_come_if_it_is_carried_out_after_its_connection_was_lost,
	         fails_if_it_cannot_be_compared);
	describe(suite,
	         "a write that comes again, to a store that was silent",
	         given_zones_on_a_disk_that_may_not_answer,
	         zp_end,
	         may_come_when_its_host_was_told_to_send_it_again,
	         may_come_when_its_link_has_ended_meanwhile);
	describe(suite,
	         "pointers on a store that fails",
	         given_zones_on_a_disk_with_faults,
	         zp_end,
	         do_not_move_for_blocks_that_are_not_taken,
	         do_not_move_where_the_table_is_not_written,
	         are_as_before_where_an_action_fails);
	describe(suite,
	         "zones whose power has gone",
	         given_zones_on_a_disk_with_a_cache,
	         zp_end,
	         have_what_was_flushed,
	         have_what_was_written_with_force_unit_access,
	         stay_reset);
	return run(suite);
}
