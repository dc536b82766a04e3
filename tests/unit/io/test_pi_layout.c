/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks, tuples and the label find room on a store, and are found again. */
#include <string.h>

#include "services/io/pi_layout.h"
#include "tests/support/spec.h"

#define MIB (UINT64_C(1) << 20)

static struct pi_layout layout, found;
static unsigned char label[PI_LABEL_BYTES];

static uint64_t end_of(const struct pi_layout *of)
{
	struct pi_units units = pi_units_of(of, 0, of->blocks);

	return of->tuples + (units.end << of->unit_shift);
}

static bool fits(uint64_t blocks, uint64_t bytes)
{
	struct pi_layout more = layout;

	more.blocks = blocks;
	more.tuples = blocks << layout.block_shift;
	return end_of(&more) <= pi_label_offset(bytes);
}

/* ------------------------------------------------------------------ a new store */

START_TEST(has_as_many_blocks_as_fit_its_size)
{
	static const uint8_t shifts[][2] = {
		{9,  9 },
                {12, 9 },
                {12, 12}
        };

	for (unsigned i = 0; i < 3; i++)
		for (uint64_t bytes = MIB; bytes < MIB + 16384; bytes += 512) {
			ck_assert_int_eq(pi_layout_of(&layout, bytes, shifts[i][0], shifts[i][1]),
			                 0);
			ck_assert(fits(layout.blocks, bytes));
			ck_assert(!fits(layout.blocks + 1, bytes));
		}
}
END_TEST

START_TEST(may_have_a_single_block)
{
	ck_assert_int_eq(pi_layout_of(&layout, 8192, 9, 9), 0);
	ck_assert_uint_gt(layout.blocks, 0);
	ck_assert_int_eq(pi_layout_of(&layout, 4096 + 4096 + 512, 12, 9), PI_LAYOUT_E_SMALL);
	ck_assert_int_eq(pi_layout_of(&layout, 3 * 4096, 12, 9), 0);
	ck_assert_uint_eq(layout.blocks, 1);
}
END_TEST

START_TEST(may_be_too_small)
{
	for (uint64_t bytes = 0; bytes <= 4096 + 512; bytes += 512)
		ck_assert_int_eq(pi_layout_of(&layout, bytes, 9, 9), PI_LAYOUT_E_SMALL);
}
END_TEST

START_TEST(may_be_very_large)
{
	ck_assert_int_eq(pi_layout_of(&layout, INT64_MAX, 9, 9), 0);
	ck_assert(fits(layout.blocks, INT64_MAX));
}
END_TEST

/* ------------------------------------------------------------------ a label */

static void given_a_label(void)
{
	ck_assert_int_eq(pi_layout_of(&layout, 16 * MIB, 12, 9), 0);
	pi_label_write(label, &layout);
}

START_TEST(tells_what_was_written)
{
	ck_assert_int_eq(pi_label_read(&found, label, 16 * MIB, 9), 0);
	ck_assert_uint_eq(found.blocks, layout.blocks);
	ck_assert_uint_eq(found.block_shift, 12);
	ck_assert_uint_eq(found.tuples, layout.tuples);
}
END_TEST

START_TEST(is_good_on_a_larger_store)
{
	ck_assert_int_eq(pi_label_read(&found, label, 32 * MIB, 9), 0);
	ck_assert_uint_eq(found.blocks, layout.blocks);
}
END_TEST

START_TEST(is_not_good_on_a_smaller_one)
{
	ck_assert_int_eq(pi_label_read(&found, label, 16 * MIB - 4096, 9), PI_LAYOUT_E_END);
}
END_TEST

/* A store that was copied to a device with larger blocks. */
START_TEST(is_good_for_larger_units)
{
	ck_assert_int_eq(pi_label_read(&found, label, 16 * MIB, 12), 0);
	ck_assert_uint_eq(found.blocks, layout.blocks);
}
END_TEST

START_TEST(is_none_with_one_bit_wrong)
{
	for (unsigned i = 0; i < 64; i++) {
		label[i] ^= 0x10;
		ck_assert_int_eq(pi_label_read(&found, label, 16 * MIB, 9), PI_LAYOUT_E_NONE);
		label[i] ^= 0x10;
	}
}
END_TEST

START_TEST(of_zeroes_is_none)
{
	memset(label, 0, sizeof(label));
	ck_assert_int_eq(pi_label_read(&found, label, 16 * MIB, 9), PI_LAYOUT_E_NONE);
}
END_TEST

/* ------------------------------------------------------------------ units */

START_TEST(have_the_tuples_of_64_blocks)
{
	struct pi_units units = pi_units_of(&layout, 0, 64);

	ck_assert_uint_eq(units.first, 0);
	ck_assert_uint_eq(units.end, 1);
	ck_assert(units.are_whole);
}
END_TEST

START_TEST(are_not_whole_with_one_less)
{
	ck_assert(!pi_units_of(&layout, 1, 63).are_whole);
	ck_assert(!pi_units_of(&layout, 0, 63).are_whole);
}
END_TEST

START_TEST(are_two_where_blocks_lie_across)
{
	struct pi_units units = pi_units_of(&layout, 63, 2);

	ck_assert_uint_eq(units.first, 0);
	ck_assert_uint_eq(units.end, 2);
	ck_assert_uint_eq(units.before, 63 * 8);
}
END_TEST

START_TEST(are_whole_at_the_end)
{
	uint64_t first = layout.blocks / 64 * 64;

	ck_assert_uint_lt(first, layout.blocks);
	ck_assert(pi_units_of(&layout, first, layout.blocks - first).are_whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pi layout");

	describe(suite,
	         "a new store",
	         NULL,
	         NULL,
	         has_as_many_blocks_as_fit_its_size,
	         may_have_a_single_block,
	         may_be_too_small,
	         may_be_very_large);
	describe(suite,
	         "a label",
	         given_a_label,
	         NULL,
	         tells_what_was_written,
	         is_good_on_a_larger_store,
	         is_not_good_on_a_smaller_one,
	         is_good_for_larger_units,
	         is_none_with_one_bit_wrong,
	         of_zeroes_is_none);
	describe(suite,
	         "units",
	         given_a_label,
	         NULL,
	         have_the_tuples_of_64_blocks,
	         are_not_whole_with_one_less,
	         are_two_where_blocks_lie_across,
	         are_whole_at_the_end);
	return run(suite);
}
