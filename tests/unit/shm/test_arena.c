/* SPDX-License-Identifier: BSD-2-Clause */
/* An arena is divided into blocks that never overlap, and is whole again when all are back. */
#include "common/shm/arena.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "tests/support/spec.h"

#define MIB  (1u << 20)
#define SIZE (3u * MIB) /* not a power of two */

static struct arena *arena;

static void given_an_arena(void)
{
	ck_assert_int_eq(arena_new(&arena, "test", SIZE), 0);
}

static void forget_the_arena(void)
{
	arena = arena_free(arena);
}

static uint64_t take_block(uint32_t length)
{
	uint64_t offset = UINT64_MAX;

	ck_assert_int_eq(arena_take(arena, length, &offset), 0);
	return offset;
}

static unsigned take_all(uint32_t length)
{
	uint64_t offset;
	unsigned n = 0;

	while (arena_take(arena, length, &offset) == 0)
		n++;
	return n;
}

START_TEST(gives_the_lowest_addresses_first)
{
	ck_assert_uint_eq(take_block(1), 0);
	ck_assert_uint_eq(take_block(4096), 4096);
	ck_assert_uint_eq(take_block(4097), 8192);
	ck_assert_uint_eq(take_block(4096), 16384);
	arena_give(arena, 4096);
	ck_assert_uint_eq(take_block(4096), 4096);
}
END_TEST

START_TEST(gives_what_was_given_back_last_first)
{
	take_block(4096);
	take_block(4096);
	take_block(4096);
	arena_give(arena, 0);
	arena_give(arena, 4096);
	ck_assert_uint_eq(take_block(4096), 4096);
	ck_assert_uint_eq(take_block(4096), 0);
}
END_TEST

START_TEST(aligns_a_block_to_its_size)
{
	take_block(1);
	ck_assert_uint_eq(take_block(65536), 65536);
	ck_assert_uint_eq(take_block(MIB), MIB);
}
END_TEST

START_TEST(counts_what_is_taken)
{
	uint64_t offset = take_block(5000);

	ck_assert_uint_eq(arena_bytes_taken(arena), 8192);
	arena_give(arena, offset);
	ck_assert_uint_eq(arena_bytes_taken(arena), 0);
}
END_TEST

START_TEST(can_be_taken_to_the_last_small_block)
{
	ck_assert_uint_eq(take_all(ARENA_BLOCK_MIN), SIZE / ARENA_BLOCK_MIN);
	ck_assert_uint_eq(arena_bytes_taken(arena), SIZE);
}
END_TEST

START_TEST(can_be_taken_to_the_last_large_block)
{
	ck_assert_uint_eq(take_all(ARENA_BLOCK_MAX), SIZE / ARENA_BLOCK_MAX);
	ck_assert_uint_eq(take_all(ARENA_BLOCK_MIN), 0);
}
END_TEST

START_TEST(has_room_again_when_a_block_is_given_back)
{
	uint64_t offset;

	take_all(MIB);
	arena_give(arena, MIB);
	ck_assert_int_eq(arena_take(arena, MIB, &offset), 0);
	ck_assert_uint_eq(offset, MIB);
}
END_TEST

START_TEST(refuses_a_large_block_when_only_pieces_are_left)
{
	uint64_t offset;

	take_all(ARENA_BLOCK_MIN);
	for (uint64_t at = 0; at < SIZE; at += 2 * ARENA_BLOCK_MIN)
		arena_give(arena, at);
	ck_assert_int_eq(arena_take(arena, 2 * ARENA_BLOCK_MIN, &offset), ARENA_E_FULL);
	ck_assert_uint_eq(take_all(ARENA_BLOCK_MIN), SIZE / ARENA_BLOCK_MIN / 2);
}
END_TEST

START_TEST(is_whole_when_everything_is_given_back)
{
	take_all(ARENA_BLOCK_MIN);
	for (uint64_t at = 0; at < SIZE; at += ARENA_BLOCK_MIN)
		arena_give(arena, at);
	ck_assert_uint_eq(take_all(ARENA_BLOCK_MAX), SIZE / ARENA_BLOCK_MAX);
}
END_TEST

START_TEST(can_be_written_in_all_of_a_block)
{
	memset(arena_at(arena, take_block(MIB)), 1, MIB);
	memset(arena_at(arena, take_block(MIB)), 2, MIB);
	memset(arena_at(arena, take_block(MIB)), 3, MIB);
	ck_assert_uint_eq(*(unsigned char *)arena_at(arena, MIB - 1), 1);
	ck_assert_uint_eq(*(unsigned char *)arena_at(arena, 2 * MIB), 3);
}
END_TEST

/* Against a plain model: which 4 KiB blocks are taken, and by which block. */
START_TEST(never_gives_a_byte_twice_in_a_long_life)
{
	static uint64_t blocks[SIZE / ARENA_BLOCK_MIN];
	static uint32_t lengths[SIZE / ARENA_BLOCK_MIN];
	static bool taken[SIZE / ARENA_BLOCK_MIN];
	unsigned n = 0, seed = 1;

	for (unsigned turn = 0; turn < 20000; turn++) {
		uint32_t length = ARENA_BLOCK_MIN << (unsigned)rand_r(&seed) % 9;
		uint64_t offset;

		if (rand_r(&seed) % 2 && arena_take(arena, length, &offset) == 0) {
			ck_assert_uint_eq(offset % length, 0);
			ck_assert_uint_le(offset + length, SIZE);
			for (uint64_t at = offset; at < offset + length; at += ARENA_BLOCK_MIN) {
				ck_assert(!taken[at / ARENA_BLOCK_MIN]);
				taken[at / ARENA_BLOCK_MIN] = true;
			}
			blocks[n] = offset;
			lengths[n++] = length;
		} else if (n > 0) {
			unsigned i = (unsigned)rand_r(&seed) % n;

			arena_give(arena, blocks[i]);
			for (uint64_t at = 0; at < lengths[i]; at += ARENA_BLOCK_MIN)
				taken[(blocks[i] + at) / ARENA_BLOCK_MIN] = false;
			blocks[i] = blocks[--n];
			lengths[i] = lengths[n];
		}
	}
	while (n > 0)
		arena_give(arena, blocks[--n]);
	ck_assert_uint_eq(arena_bytes_taken(arena), 0);
	ck_assert_uint_eq(take_all(ARENA_BLOCK_MAX), SIZE / ARENA_BLOCK_MAX);
}
END_TEST

START_TEST(stops_who_gives_back_what_is_free)
{
	uint64_t offset = take_block(8192);

	arena_give(arena, offset);
	arena_give(arena, offset);
}
END_TEST

START_TEST(stops_who_gives_back_the_middle_of_a_block)
{
	arena_give(arena, take_block(8192) + 4096);
}
END_TEST

START_TEST(is_made_of_whole_large_blocks_only)
{
	struct arena *other = NULL;

	ck_assert_int_eq(arena_new(&other, "test", 0), -EINVAL);
	ck_assert_int_eq(arena_new(&other, "test", MIB + 4096), -EINVAL);
	ck_assert_ptr_null(other);
}
END_TEST

static void describe_misuse(Suite *suite)
{
	TCase *tcase = tcase_create("an arena that is misused");

	tcase_add_checked_fixture(tcase, given_an_arena, forget_the_arena);
	tcase_add_test_raise_signal(tcase, stops_who_gives_back_what_is_free, SIGABRT);
	tcase_add_test_raise_signal(tcase, stops_who_gives_back_the_middle_of_a_block, SIGABRT);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("arena");

	describe(suite,
	         "an arena",
	         given_an_arena,
	         forget_the_arena,
	         gives_the_lowest_addresses_first,
	         gives_what_was_given_back_last_first,
	         aligns_a_block_to_its_size,
	         counts_what_is_taken,
	         can_be_taken_to_the_last_small_block,
	         can_be_taken_to_the_last_large_block,
	         has_room_again_when_a_block_is_given_back,
	         refuses_a_large_block_when_only_pieces_are_left,
	         is_whole_when_everything_is_given_back,
	         can_be_written_in_all_of_a_block,
	         never_gives_a_byte_twice_in_a_long_life,
	         is_made_of_whole_large_blocks_only);
	describe_misuse(suite);
	return run(suite);
}
