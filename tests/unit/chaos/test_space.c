/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host reads of a space is looked at, byte by byte. */
#include <string.h>

#include "tests/chaos/space.h"
#include "tests/support/spec.h"

enum { BLOCK = 512, BLOCKS = 64 };

static struct findings findings;
static struct space space;
static struct space_extent writing, reading;
static uint8_t disk[BLOCK], newer[BLOCK], mixed[BLOCK];

static void write_block(uint8_t *data)
{
	writing = (struct space_extent){.first = 0, .blocks = 1};
	ck_assert(history_has_room(&space.history, 0, UINT64_MAX - 1));
	space_write_begins(&space, &writing, 3, data);
}

/* Block 0 is written, and on the disk. */
static void given_a_space(void)
{
	findings = FINDINGS_NULL;
	ck_assert_int_eq(space_init(&space, &findings, "test", 7, BLOCK, BLOCKS, 42), 0);
	ck_assert(space_claim_next(&space, 1, &writing));
	space_write_begins(&space, &writing, 3, disk);
	space_write_ends(&space, &writing, true);
}

static void forget(void)
{
	space_deinit(&space);
}

static void read_gives(const uint8_t *data)
{
	space_look_at_all(&space);
	ck_assert(space_read_next_begins(&space, 1, &reading));
	space_read_ends(&space, &reading, data, "us");
}

static void expect_finding(const char *invariant)
{
	ck_assert_uint_eq(findings.n, 1);
	ck_assert_str_eq(findings.kept[0].invariant, invariant);
}

START_TEST(takes_what_was_written)
{
	read_gives(disk);
	ck_assert_uint_eq(findings.n, 0);
}
END_TEST

START_TEST(finds_a_byte_that_is_wrong)
{
	disk[BLOCK - 1] ^= 1;
	read_gives(disk);
	expect_finding("bytes");
}
END_TEST

START_TEST(finds_zeroes)
{
	memset(disk, 0, sizeof(disk));
	read_gives(disk);
	expect_finding("bytes");
}
END_TEST

START_TEST(finds_a_write_that_was_lost)
{
	write_block(newer);
	space_write_ends(&space, &writing, true);
	read_gives(disk);
	expect_finding("linearizable");
}
END_TEST

START_TEST(finds_a_block_that_is_another_one)
{
	ck_assert(space_claim_next(&space, 1, &writing));
	space_write_begins(&space, &writing, 3, newer);
	space_write_ends(&space, &writing, true);
	read_gives(newer);
	expect_finding("bytes");
}
END_TEST

static void mix(void)
{
	memcpy(mixed, disk, BLOCK / 2);
	memcpy(mixed + BLOCK / 2, newer + BLOCK / 2, BLOCK / 2);
}

START_TEST(takes_parts_of_both_beside_a_write)
{
	write_block(newer);
	mix();
	read_gives(mixed);
	ck_assert_uint_eq(findings.n, 0);
	ck_assert_uint_eq(space.torn_beside_a_write, 1);
}
END_TEST

START_TEST(finds_parts_of_nothing_beside_a_write)
{
	write_block(newer);
	mix();
	mixed[300] ^= 1;
	read_gives(mixed);
	expect_finding("bytes");
}
END_TEST

START_TEST(finds_parts_of_both_after_a_write)
{
	write_block(newer);
	space_write_ends(&space, &writing, true);
	mix();
	read_gives(mixed);
	expect_finding("bytes");
}
END_TEST

START_TEST(has_one_write_of_a_block_at_a_time)
{
	struct dice dice = {.state = 1};
	struct space_extent extent;
	unsigned n = 0;

	while (space_claim_any(&space, &dice, 4, &extent))
		n += extent.blocks;
	ck_assert_uint_le(n, BLOCKS);
	ck_assert_uint_gt(n, BLOCKS / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("space");

	describe(suite,
	         "a space",
	         given_a_space,
	         forget,
	         takes_what_was_written,
	         finds_a_byte_that_is_wrong,
	         finds_zeroes,
	         finds_a_write_that_was_lost,
	         finds_a_block_that_is_another_one,
	         takes_parts_of_both_beside_a_write,
	         finds_parts_of_nothing_beside_a_write,
	         finds_parts_of_both_after_a_write,
	         has_one_write_of_a_block_at_a_time);
	return run(suite);
}
