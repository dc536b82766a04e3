/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk with a volatile cache loses what was not flushed, and nothing else. */
#include <string.h>
#include <unistd.h>

#include "tests/support/spec.h"
#include "tests/unit/io/fault_rig.h"

#define MIB (1u << 20)

static void given_a_cache(void)
{
	fault_rig_begin(1, "write lose", NULL);
}

static void given_a_cache_of_16_blocks(void)
{
	fault_rig_begin(1, "write lose cache=8K", NULL);
}

static void given_two_threads_with_a_small_cache(void)
{
	fault_rig_begin(2, "write lose cache=64K", "any delay=10us-1ms rate=20%");
}

/* ------------------------------------------------------------------ losing */

START_TEST(keeps_what_was_written_from_the_disk)
{
	fault_rig_write(0, 8, 1, 0);
	ck_assert_uint_eq(fault_rig_byte(0), 0);
	fault_rig_expect(0, 8, 1);
	ck_assert_uint_eq(fault_rig_report().cached_bytes, 4096);
}
END_TEST

START_TEST(reads_the_cache_and_the_disk_together)
{
	const unsigned char *memory = player.arena.memory;

	fault_rig_write(0, 8, 1, LINK_FUA);
	fault_rig_write(2, 3, 2, 0);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(memory[i * 512], i >= 2 && i < 5 ? 2 : 1);
}
END_TEST

START_TEST(writes_all_of_it_at_a_flush)
{
	fault_rig_write(0, 8, 1, 0);
	fault_rig_write(100, 8, 2, 0);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	ck_assert_uint_eq(fault_rig_byte(7), 1);
	ck_assert_uint_eq(fault_rig_byte(100), 2);
	ck_assert_uint_eq(fault_rig_report().cached_bytes, 0);
}
END_TEST

START_TEST(writes_at_once_with_force_unit_access)
{
	fault_rig_write(0, 8, 1, 0);
	fault_rig_write(2, 2, 2, LINK_FUA);
	ck_assert_uint_eq(fault_rig_byte(2), 2);
	ck_assert_uint_eq(fault_rig_byte(0), 0);
	fault_rig_expect(2, 2, 2);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	fault_rig_expect(2, 2, 2); /* what was older in the cache does not come back */
	ck_assert_uint_eq(fault_rig_byte(2), 2);
}
END_TEST

START_TEST(loses_what_was_not_flushed_with_the_power)
{
	fault_rig_write(0, 8, 1, LINK_FUA);
	fault_rig_write(8, 8, 1, 0);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	fault_rig_write(0, 16, 2, 0);
	fault_power(fault_rig_fault(), false);
	fault_power(fault_rig_fault(), true);
	fault_rig_expect(0, 16, 1);
	ck_assert_uint_eq(fault_rig_report().lost_bytes, 8192);
}
END_TEST

START_TEST(zeroes_what_is_in_the_cache)
{
	fault_rig_write(0, 8, 1, 0);
	ck_assert_uint_eq(player_zero(&player, 1, 2, 2, 0), 0);
	fault_rig_expect(2, 2, 0);
	fault_rig_expect(4, 4, 1);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	fault_rig_expect(2, 2, 0);
}
END_TEST

START_TEST(shows_nothing_old_after_a_deallocate)
{
	fault_rig_write(0, 8, 1, LINK_FUA);
	fault_rig_write(0, 8, 2, 0);
	ck_assert_uint_eq(player_deallocate(&player, 1, 0, 8), 0);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert_int_ne(((unsigned char *)player.arena.memory)[0], 1);
}
END_TEST

START_TEST(writes_its_cache_when_it_is_taken_away)
{
	fault_rig_write(0, 8, 3, 0);
	rig_serve(NULL, 0);
	until(fault_rig_byte(7) == 3);
}
END_TEST

START_TEST(keeps_the_cache_when_the_rule_goes)
{
	fault_rig_write(0, 8, 1, 0);
	fault_rig_set(NULL);
	fault_rig_expect(0, 8, 1);
	fault_rig_write(0, 4, 2, 0); /* to the disk; what is older leaves the cache */
	ck_assert_uint_eq(fault_rig_byte(0), 2);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	fault_rig_expect(0, 4, 2);
	fault_rig_expect(4, 4, 1);
	ck_assert_uint_eq(fault_rig_byte(4), 1);
}
END_TEST

START_TEST(does_not_make_a_file_longer_that_was_cut)
{
	fault_rig_write(4 * MIB / 512 - 8, 8, 1, 0);
	ck_assert_int_eq(truncate(fault_rig_disk, MIB), 0);
	ck_assert_int_eq(backing_measure(&fault_rig_fault()->backing), MIB);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	ck_assert_int_eq(backing_measure(&fault_rig_fault()->backing), MIB);
	ck_assert_int_eq(truncate(fault_rig_disk, 4 * MIB), 0); /* for the end of the test */
}
END_TEST

/* ------------------------------------------------------------------ a full cache */

START_TEST(writes_the_oldest_when_it_is_full)
{
	fault_rig_write(0, 8, 1, 0);
	fault_rig_write(100, 8, 2, 0);
	ck_assert_uint_eq(fault_rig_byte(0), 0);
	fault_rig_write(200, 8, 3, 0);
	ck_assert_uint_eq(fault_rig_byte(0), 1);
	ck_assert_uint_eq(fault_rig_byte(100), 0);
	ck_assert_uint_eq(fault_rig_byte(200), 0);
	ck_assert_uint_eq(fault_rig_report().cached_bytes, 8192);
}
END_TEST

START_TEST(writes_what_is_larger_than_itself)
{
	fault_rig_write(0, 8, 1, 0);
	fault_rig_write(0, 64, 2, 0);
	ck_assert_uint_eq(fault_rig_byte(0), 2);
	ck_assert_uint_eq(fault_rig_byte(63), 2);
	fault_rig_expect(0, 64, 2);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	fault_rig_expect(0, 64, 2);
}
END_TEST

/* ------------------------------------------------------------------ all at once */

/* Each slot has blocks of its own, which are written, read and checked while others do the same;
 * players of both threads, so that the gate goes from one to the other. */
static void write_many(struct player *who, uint32_t round, uint32_t base)
{
	struct link_completion completion;

	for (uint32_t i = 0; i < 64; i++) {
		struct link_request request = player_writing(who, 1, base + i * 8, 8);

		request.segments[0].offset = i * 4096;
		request.flags = i % 5 == 0 ? LINK_FUA : 0;
		memset((char *)who->arena.memory + (size_t)i * 4096,
		       (int)(1 + (round + i + base) % 250),
		       4096);
		player_put(who, request);
		if (i % 16 == 0)
			player_put(who,
			           (struct link_request){.operation = LINK_FLUSH, .handle = 1});
	}
	for (uint32_t i = 0; i < 64 + 4; i++) {
		until(player_take(who, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
}

static void read_many(struct player *who, uint32_t round, uint32_t base)
{
	unsigned char expected[4096];

	for (uint32_t i = 0; i < 64; i++) {
		memset(expected, (int)(1 + (round + i + base) % 250), sizeof(expected));
		ck_assert_uint_eq(player_read(who, 1, base + i * 8, 8), 0);
		ck_assert_mem_eq(who->arena.memory, expected, sizeof(expected));
	}
}

START_TEST(gives_back_what_two_threads_have_written)
{
	player_connect(&other, (struct player_hello){.reactor = 1});
	until(player_hears(&other));
	ck_assert_uint_ne(other.thread, player.thread);
	for (uint32_t round = 0; round < 4; round++) {
		write_many(&player, round, 0);
		write_many(&other, round, 2048);
		read_many(&player, round, 0);
		read_many(&other, round, 2048);
	}
	ck_assert_uint_gt(fault_rig_report().rules[0].hits, 0);
	ck_assert_uint_gt(fault_rig_report().rules[1].hits, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault lose");

	describe(suite,
	         "a disk with a volatile cache",
	         given_a_cache,
	         fault_rig_end,
	         keeps_what_was_written_from_the_disk,
	         reads_the_cache_and_the_disk_together,
	         writes_all_of_it_at_a_flush,
	         writes_at_once_with_force_unit_access,
	         loses_what_was_not_flushed_with_the_power,
	         zeroes_what_is_in_the_cache,
	         shows_nothing_old_after_a_deallocate,
	         writes_its_cache_when_it_is_taken_away,
	         keeps_the_cache_when_the_rule_goes,
	         does_not_make_a_file_longer_that_was_cut);
	describe(suite,
	         "a volatile cache of 16 blocks",
	         given_a_cache_of_16_blocks,
	         fault_rig_end,
	         writes_the_oldest_when_it_is_full,
	         writes_what_is_larger_than_itself);
	describe(suite,
	         "two threads and a small cache",
	         given_two_threads_with_a_small_cache,
	         fault_rig_end,
	         gives_back_what_two_threads_have_written);
	return run(suite);
}
