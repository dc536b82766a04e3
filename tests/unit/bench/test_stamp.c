/* SPDX-License-Identifier: BSD-2-Clause */
/* A stamped block shows whose, where and when it is, and every byte of it counts. */
#include <string.h>

#include "tests/bench/stamp.h"
#include "tests/bench/verify.h"
#include "tests/support/spec.h"

static const struct stamp ours = {.nsid = 1, .lba = 77, .sequence = 5, .seed = 42};
static uint8_t block[4096];
static char text[400];

static void given_a_stamped_block(void)
{
	stamp_write(&ours, block, sizeof(block));
}

START_TEST(is_what_it_was_stamped)
{
	ck_assert(stamp_check(&ours, block, sizeof(block)));
}
END_TEST

START_TEST(is_wrong_whichever_byte_is_changed)
{
	for (size_t i = 0; i < sizeof(block); i++) {
		block[i] ^= 1;
		ck_assert(!stamp_check(&ours, block, sizeof(block)));
		block[i] ^= 1;
	}
}
END_TEST

START_TEST(says_which_write_it_is_of)
{
	ck_assert_uint_eq(stamp_sequence(block), ours.sequence);
}
END_TEST

static void expect_not(struct stamp other, const char *why)
{
	stamp_write(&other, block, sizeof(block));
	ck_assert(!stamp_check(&ours, block, sizeof(block)));
	stamp_explain(&ours, block, sizeof(block), text, sizeof(text));
	ck_assert_msg(strstr(text, why), "no \"%s\" in: %s", why, text);
}

START_TEST(is_told_from_another_block)
{
	expect_not((struct stamp){.nsid = 1, .lba = 78, .sequence = 5, .seed = 42},
	           "an intact block of namespace 1, LBA 78, write 5");
}
END_TEST

START_TEST(is_told_from_an_older_write)
{
	expect_not((struct stamp){.nsid = 1, .lba = 77, .sequence = 4, .seed = 42}, "write 4");
}
END_TEST

START_TEST(is_told_from_another_run)
{
	expect_not((struct stamp){.nsid = 1, .lba = 77, .sequence = 5, .seed = 43},
	           "of another run");
}
END_TEST

START_TEST(is_told_from_another_namespace)
{
	expect_not((struct stamp){.nsid = 2, .lba = 77, .sequence = 5, .seed = 42},
	           "of namespace 2");
}
END_TEST

START_TEST(is_called_torn_when_its_end_is_another)
{
	struct stamp older = ours;
	uint8_t other[4096];

	older.sequence = 4;
	stamp_write(&older, other, sizeof(other));
	memcpy(block + 2048, other + 2048, 2048);
	stamp_explain(&ours, block, sizeof(block), text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "byte 2048 is"));
	ck_assert_ptr_nonnull(strstr(text, "a torn block"));
}
END_TEST

START_TEST(is_told_from_zeroes)
{
	memset(block, 0, sizeof(block));
	stamp_explain(&ours, block, sizeof(block), text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "it holds zeroes"));
}
END_TEST

/* ------------------------------------------------------------------ what is remembered */

static const struct host_namespace space = {.nsid = 1, .blocks = 64, .block_bytes = 512};
static struct verify verify;

static void given_a_place_that_was_written(void)
{
	uint32_t number;

	ck_assert_int_eq(verify_init(&verify, &space, 8, 8, 42), 0);
	number = verify_stamp(&verify, 3, block);
	verify_written(&verify, 3, number, true);
}

static void forget_the_place(void)
{
	verify_deinit(&verify);
}

START_TEST(is_right_with_what_was_written)
{
	verify_check(&verify, 3, block, 0);
	ck_assert_uint_eq(verify.checked, 8);
	ck_assert_uint_eq(verify.mismatches, 0);
}
END_TEST

START_TEST(is_wrong_in_the_one_block_that_differs)
{
	block[512 * 2 + 100] ^= 1;
	verify_check(&verify, 3, block, 0);
	ck_assert_uint_eq(verify.mismatches, 1);
}
END_TEST

START_TEST(may_hold_a_write_that_was_in_flight_block_by_block)
{
	uint8_t newer[4096];
	uint32_t number = verify_stamp(&verify, 3, newer);

	memcpy(block + 512 * 5, newer + 512 * 5, 512);
	verify_check(&verify, 3, block, number);
	ck_assert_uint_eq(verify.mismatches, 0);
}
END_TEST

START_TEST(may_not_hold_what_is_half_one_half_the_other)
{
	uint8_t newer[4096];
	uint32_t number = verify_stamp(&verify, 3, newer);

	memcpy(block + 512 * 5, newer + 512 * 5, 256);
	verify_check(&verify, 3, block, number);
	ck_assert_uint_eq(verify.mismatches, 1);
}
END_TEST

START_TEST(is_taken_by_one_at_a_time)
{
	ck_assert_uint_eq(verify_take_place(&verify, 3), 3);
	ck_assert_uint_eq(verify_take_place(&verify, 3), 4);
	verify_give_place(&verify, 3);
	ck_assert_uint_eq(verify_take_place(&verify, 3), 3);
}
END_TEST

START_TEST(is_not_checked_after_a_write_that_failed)
{
	verify_written(&verify, 3, 0, false);
	block[0] ^= 1;
	verify_check(&verify, 3, block, 0);
	ck_assert_uint_eq(verify.mismatches, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stamp");

	describe(suite,
	         "a stamped block",
	         given_a_stamped_block,
	         NULL,
	         is_what_it_was_stamped,
	         says_which_write_it_is_of,
	         is_wrong_whichever_byte_is_changed,
	         is_told_from_another_block,
	         is_told_from_an_older_write,
	         is_told_from_another_run,
	         is_told_from_another_namespace,
	         is_called_torn_when_its_end_is_another,
	         is_told_from_zeroes);
	describe(suite,
	         "a place that was written",
	         given_a_place_that_was_written,
	         forget_the_place,
	         is_right_with_what_was_written,
	         is_wrong_in_the_one_block_that_differs,
	         may_hold_a_write_that_was_in_flight_block_by_block,
	         may_not_hold_what_is_half_one_half_the_other,
	         is_taken_by_one_at_a_time,
	         is_not_checked_after_a_write_that_failed);
	return run(suite);
}
