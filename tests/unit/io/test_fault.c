/* SPDX-License-Identifier: BSD-2-Clause */
/* A namespace with fault: does what a bad disk does, and only that. */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "services/io/links.h"
#include "tests/support/spec.h"
#include "tests/unit/io/fault_rig.h"

#define MIB (1u << 20)

static void given_no_rules(void)
{
	fault_rig_begin(1, NULL, NULL);
}

/* ------------------------------------------------------------------ errors */

START_TEST(passes_on_what_no_rule_befalls)
{
	fault_rig_write(8, 8, 1, LINK_FUA);
	fault_rig_expect(8, 8, 1);
	ck_assert_uint_eq(fault_rig_byte(8), 1);
}
END_TEST

START_TEST(answers_an_error_with_its_status)
{
	fault_rig_set("read error=EIO");
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0x281);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	fault_rig_set("any error=0x4286");
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0x4286);
	ck_assert_uint_eq(player_flush(&player, 1), 0x4286);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, 0), 0x4286);
	ck_assert_uint_eq(player_deallocate(&player, 1, 0, 8), 0x4286);
	fault_rig_set(NULL);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
}
END_TEST

START_TEST(leaves_the_disk_alone_where_it_fails)
{
	fault_rig_write(0, 8, 1, LINK_FUA);
	fault_rig_set("write,zeroes error=EIO");
	memset(player.arena.memory, 2, 4096);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, LINK_FUA), 0x280);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, 0), 0x280);
	fault_rig_expect(0, 8, 1);
}
END_TEST

START_TEST(fails_where_its_blocks_are)
{
	fault_rig_set("any error=EIO lba=100-199");
	ck_assert_uint_eq(player_read(&player, 1, 92, 8), 0);
	ck_assert_uint_eq(player_read(&player, 1, 92, 9), 0x281);
	ck_assert_uint_eq(player_deallocate(&player, 1, 199, 1), 0x280);
	ck_assert_uint_eq(player_deallocate(&player, 1, 200, 1), 0);
}
END_TEST

START_TEST(counts_what_it_does)
{
	fault_rig_set("read error=EIO every=2");
	for (unsigned i = 0; i < 10; i++)
		player_read(&player, 1, 0, 1);
	ck_assert_uint_eq(fault_rig_report().n_rules, 1);
	ck_assert_str_eq(fault_rig_report().rules[0].text, "read error=EIO every=2");
	ck_assert_uint_eq(fault_rig_report().rules[0].met, 10);
	ck_assert_uint_eq(fault_rig_report().rules[0].hits, 5);
}
END_TEST

START_TEST(does_a_part_of_what_is_cut_short)
{
	fault_rig_write(0, 64, 1, LINK_FUA);
	fault_rig_set("write,read short");
	memset(player.arena.memory, 2, 64 * 512);
	ck_assert_uint_eq(player_write(&player, 1, 0, 64, 0), 0x4280);
	ck_assert_uint_eq(player_read(&player, 1, 0, 64), 0x4281);
	fault_rig_set(NULL);
	ck_assert_uint_eq(player_read(&player, 1, 0, 64), 0);
	for (unsigned i = 1, begun = 0; i < 64; i++) {
		const unsigned char *block = (unsigned char *)player.arena.memory + (size_t)i * 512;

		begun |= block[0] == 1;
		ck_assert_uint_eq(block[0], begun ? 1 : 2); /* new ones, then old ones */
		ck_assert_uint_eq(block[511], block[0]);
	}
	ck_assert_uint_eq(((unsigned char *)player.arena.memory)[63 * 512], 1);
}
END_TEST

START_TEST(cuts_a_single_block_to_nothing)
{
	fault_rig_write(0, 1, 1, LINK_FUA);
	fault_rig_set("any short");
	memset(player.arena.memory, 2, 512);
	ck_assert_uint_eq(player_write(&player, 1, 0, 1, 0), 0x4280);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 1, 0), 0x4280);
	fault_rig_set(NULL);
	fault_rig_expect(0, 1, 1);
}
END_TEST

/* ------------------------------------------------------------------ time */

START_TEST(delays_as_long_as_it_says)
{
	uint64_t begin_ns = clock_now_ns();

	fault_rig_set("read delay=100ms");
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 100 * NS_PER_MS);
}
END_TEST

START_TEST(delays_nothing_else)
{
	fault_rig_set("read delay=10min");
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(fault_rig_report().delayed, 0);
}
END_TEST

START_TEST(delays_many_at_the_same_time)
{
	struct link_completion completion;
	uint64_t begin_ns = clock_now_ns();

	fault_rig_set("read delay=200ms");
	for (unsigned i = 0; i < 100; i++)
		player_put(&player, player_reading(&player, 1, 0, 8));
	for (unsigned i = 0; i < 100; i++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
	ck_assert_uint_lt(clock_now_ns() - begin_ns, 10 * NS_PER_S); /* not 20 s */
}
END_TEST

/* ------------------------------------------------------------------ hanging */

static void hang_one(void)
{
	fault_rig_set("write hang lba=0");
	memset(player.arena.memory, 7, 4096);
	player_put(&player, player_writing(&player, 1, 0, 8));
	until(fault_rig_report().hanging == 1);
}

START_TEST(hangs_until_it_is_cleared)
{
	struct link_completion completion;

	hang_one();
	for (unsigned i = 0; i < 50; i++)
		ck_assert_int_eq(loop_round(rig.loop, 2), 0);
	ck_assert(!player_take(&player, &completion));
	fault_rig_set(NULL);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, 0);
	ck_assert_uint_eq(fault_rig_report().hanging, 0);
	fault_rig_expect(0, 8, 7);
}
END_TEST

START_TEST(hangs_without_anybody_else)
{
	hang_one();
	ck_assert_uint_eq(player_read(&player, 2, 0, 8), 0); /* another namespace */
	ck_assert_uint_eq(player_read(&player, 1, 8, 8), 0); /* other blocks */
	ck_assert_uint_eq(player_write(&player, 1, 8, 8, 0), 0);
	fault_rig_set(NULL);
}
END_TEST

START_TEST(lets_go_of_what_hangs_when_its_link_ends)
{
	hang_one();
	player_leave(&player);
	until(links_count(rig.links) == 0);
	until(fault_rig_report().hanging == 0);
	player_begin(&player);
	fault_rig_expect(0, 8, 0); /* it has reached nothing */
}
END_TEST

START_TEST(lets_a_successor_in_while_something_hangs)
{
	hang_one();
	close(player.connection);
	player.connection = -1;
	player_connect(&other, (struct player_hello){.instance = 2});
	until(player_hears(&other));
	ck_assert(other.welcome);
}
END_TEST

START_TEST(lets_go_of_its_file_once_nothing_hangs)
{
	struct link_completion completion;
	int fd = open(fault_rig_disk, O_RDWR | O_CLOEXEC);

	hang_one();
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	fault_rig_set(NULL);
	until(player_take(&player, &completion));
	rig_serve(NULL, 0);
	until(flock(fd, LOCK_EX | LOCK_NB) == 0);
	close(fd);
}
END_TEST

/* ------------------------------------------------------------------ configuration */

START_TEST(takes_other_rules_of_a_view)
{
	const struct rig_namespace one = {
		.handle = 1, .path = fault_rig_path, .faults = {"read error=EIO"}};

	rig_serve(&one, 1);
	until(player_read(&player, 1, 0, 8) == 0x281);
}
END_TEST

START_TEST(keeps_what_was_set_live_while_views_say_the_same)
{
	const struct rig_namespace two[] = {
		{.handle = 1, .path = fault_rig_path},
                {.handle = 3, .path = "ram:2M"      }
        };

	fault_rig_set("read error=EIO");
	rig_serve(two, 2);
	until(player_flush(&player, 3) == 0); /* the I/O thread knows it */
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0x281);
}
END_TEST

START_TEST(is_not_ready_with_rules_that_are_not_understood)
{
	const struct rig_namespace one = {
		.handle = 4, .path = "fault:ram:1M", .faults = {"read burn"}};
	const char *reason;

	rig_serve(&one, 1);
	ck_assert_uint_eq(rig_blocks(4, &reason), 0);
	ck_assert_ptr_nonnull(strstr(reason, "\"burn\""));
}
END_TEST

START_TEST(does_not_stand_on_itself)
{
	const struct rig_namespace one = {.handle = 4, .path = "fault:fault:ram:1M"};
	const char *reason;

	rig_serve(&one, 1);
	ck_assert_uint_eq(rig_blocks(4, &reason), 0);
	ck_assert_ptr_nonnull(strstr(reason, "another fault:"));
}
END_TEST

START_TEST(says_what_is_wrong_with_the_one_below)
{
	const struct rig_namespace one = {.handle = 4, .path = "fault:/does/not/exist"};
	const char *reason;

	rig_serve(&one, 1);
	ck_assert_uint_eq(rig_blocks(4, &reason), 0);
	ck_assert_ptr_nonnull(strstr(reason, "No such file"));
}
END_TEST

START_TEST(grows_with_the_one_below)
{
	ck_assert_int_eq(truncate(fault_rig_disk, 8 * MIB), 0);
	ck_assert_int_eq(backing_measure(&fault_rig_fault()->backing), 8 * MIB);
}
END_TEST

START_TEST(has_a_volatile_cache_in_any_case)
{
	ck_assert(fault_rig_fault()->backing.volatile_cache);
}
END_TEST

/* ------------------------------------------------------------------ power */

START_TEST(answers_nothing_good_without_power)
{
	fault_power(fault_rig_fault(), false);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_uint_eq(player_flush(&player, 1), NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_uint_eq(player_read(&player, 2, 0, 8), 0);
	fault_power(fault_rig_fault(), true);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
}
END_TEST

START_TEST(fails_what_hangs_with_the_power)
{
	struct link_completion completion;

	hang_one();
	fault_power(fault_rig_fault(), false);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, NVME_SC_INTERNAL_PATH_ERROR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault");

	describe(suite,
	         "a namespace with fault:",
	         given_no_rules,
	         fault_rig_end,
	         passes_on_what_no_rule_befalls,
	         answers_an_error_with_its_status,
	         leaves_the_disk_alone_where_it_fails,
	         fails_where_its_blocks_are,
	         counts_what_it_does,
	         does_a_part_of_what_is_cut_short,
	         cuts_a_single_block_to_nothing,
	         delays_as_long_as_it_says,
	         delays_nothing_else,
	         delays_many_at_the_same_time,
	         hangs_until_it_is_cleared,
	         hangs_without_anybody_else,
	         lets_go_of_what_hangs_when_its_link_ends,
	         lets_a_successor_in_while_something_hangs,
	         lets_go_of_its_file_once_nothing_hangs,
	         takes_other_rules_of_a_view,
	         keeps_what_was_set_live_while_views_say_the_same,
	         is_not_ready_with_rules_that_are_not_understood,
	         does_not_stand_on_itself,
	         says_what_is_wrong_with_the_one_below,
	         grows_with_the_one_below,
	         has_a_volatile_cache_in_any_case,
	         answers_nothing_good_without_power,
	         fails_what_hangs_with_the_power);
	return run(suite);
}
