/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to a store with protection information go by each other, or wait for each other. */
#include "services/io/pi_ranges.h"
#include "tests/support/spec.h"

static struct pi_layout layout;
static struct pi_ranges ranges;

static void given_none(void)
{
	ck_assert_int_eq(pi_layout_of(&layout, 1 << 20, 9, 9), 0);
	pi_ranges_init(&ranges);
}

static struct pi_range range_of(uint64_t first, uint64_t count, bool writes)
{
	return (struct pi_range){
		.first = first,
		.end = first + count,
		.units = pi_units_of(&layout, first, count),
		.writes = writes,
	};
}

#define READ(first, count)  range_of((first), (count), false)
#define WRITE(first, count) range_of((first), (count), true)

/* ------------------------------------------------------------------ two of them */

static bool go_together(struct pi_range a, struct pi_range b)
{
	pi_ranges_init(&ranges);
	ck_assert(pi_ranges_enter(&ranges, &a));
	return pi_ranges_enter(&ranges, &b);
}

START_TEST(of_reads_go_together)
{
	ck_assert(go_together(READ(5, 10), READ(5, 10)));
}
END_TEST

START_TEST(of_a_read_of_what_is_written_do_not)
{
	ck_assert(!go_together(WRITE(5, 10), READ(14, 1)));
	ck_assert(!go_together(READ(5, 10), WRITE(0, 6)));
}
END_TEST

START_TEST(of_a_read_beside_a_write_do)
{
	ck_assert(go_together(WRITE(5, 10), READ(15, 1)));
	ck_assert(go_together(READ(5, 10), WRITE(0, 5)));
}
END_TEST

START_TEST(of_writes_with_one_unit_do_not)
{
	ck_assert(!go_together(WRITE(0, 1), WRITE(63, 1)));
	ck_assert(!go_together(WRITE(0, 65), WRITE(127, 1)));
}
END_TEST

START_TEST(of_writes_with_other_units_do)
{
	ck_assert(go_together(WRITE(0, 64), WRITE(64, 64)));
}
END_TEST

START_TEST(of_nothing_go_with_everything)
{
	ck_assert(go_together(WRITE(0, 100), READ(0, 0)));
}
END_TEST

/* ------------------------------------------------------------------ what waits */

static struct pi_range first, second, third;

static void given_a_write_and_two_that_wait(void)
{
	given_none();
	first = WRITE(0, 8);
	second = WRITE(0, 64);
	third = READ(60, 1); /* would go by the first, but came after the second */
	ck_assert(pi_ranges_enter(&ranges, &first));
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert(!pi_ranges_enter(&ranges, &third));
}

START_TEST(waits_as_long_as_the_first_is_in)
{
	ck_assert_ptr_null(pi_ranges_admit(&ranges));
}
END_TEST

START_TEST(comes_in_in_its_order)
{
	pi_ranges_leave(&first);
	ck_assert_ptr_eq(pi_ranges_admit(&ranges), &second);
	ck_assert_ptr_null(pi_ranges_admit(&ranges));
	pi_ranges_leave(&second);
	ck_assert_ptr_eq(pi_ranges_admit(&ranges), &third);
	ck_assert_ptr_null(pi_ranges_admit(&ranges));
}
END_TEST

START_TEST(comes_in_together_where_it_can)
{
	struct pi_range fourth = READ(62, 1);

	ck_assert(!pi_ranges_enter(&ranges, &fourth));
	pi_ranges_leave(&first);
	ck_assert_ptr_eq(pi_ranges_admit(&ranges), &second);
	pi_ranges_leave(&second);
	ck_assert_ptr_eq(pi_ranges_admit(&ranges), &third);
	ck_assert_ptr_eq(pi_ranges_admit(&ranges), &fourth);
}
END_TEST

START_TEST(is_gone_by_what_is_elsewhere)
{
	struct pi_range elsewhere = WRITE(640, 64);

	ck_assert(pi_ranges_enter(&ranges, &elsewhere));
}
END_TEST

/* ------------------------------------------------------------------ followers */

static struct pi_range plain(uint64_t block, uint64_t count)
{
	struct pi_range range = WRITE(block, count);

	range.may_follow = true;
	return range;
}

static void given_a_leader(void)
{
	given_none();
	first = plain(0, 8);
	ck_assert(pi_ranges_enter(&ranges, &first));
}

START_TEST(come_in_with_other_blocks_of_its_unit)
{
	second = plain(8, 8);
	third = plain(16, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert(!pi_ranges_enter(&ranges, &third));
	ck_assert_ptr_eq(pi_ranges_follow(&ranges, &first), &second);
	ck_assert_ptr_eq(pi_ranges_follow(&ranges, &first), &third);
	ck_assert_ptr_null(pi_ranges_follow(&ranges, &first));
}
END_TEST

START_TEST(do_not_come_in_with_blocks_of_its_own)
{
	second = plain(7, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert_ptr_null(pi_ranges_follow(&ranges, &first));
}
END_TEST

START_TEST(do_not_come_in_with_blocks_of_each_other)
{
	second = plain(8, 8);
	third = plain(15, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert(!pi_ranges_enter(&ranges, &third));
	ck_assert_ptr_eq(pi_ranges_follow(&ranges, &first), &second);
	ck_assert_ptr_null(pi_ranges_follow(&ranges, &first));
}
END_TEST

START_TEST(do_not_come_in_with_a_unit_that_it_has_not)
{
	second = plain(60, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert_ptr_null(pi_ranges_follow(&ranges, &first));
}
END_TEST

START_TEST(do_not_come_in_where_somebody_reads)
{
	struct pi_range reading = READ(8, 1);

	ck_assert(pi_ranges_enter(&ranges, &reading));
	second = plain(8, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert_ptr_null(pi_ranges_follow(&ranges, &first));
}
END_TEST

START_TEST(do_not_overtake)
{
	second = plain(7, 8); /* has to wait for blocks of the leader */
	third = plain(16, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert(!pi_ranges_enter(&ranges, &third));
	ck_assert_ptr_null(pi_ranges_follow(&ranges, &first));
}
END_TEST

START_TEST(keep_their_unit_when_it_has_left)
{
	second = plain(8, 8);
	third = WRITE(16, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert(!pi_ranges_enter(&ranges, &third));
	ck_assert_ptr_eq(pi_ranges_follow(&ranges, &first), &second);
	pi_ranges_leave(&first);
	ck_assert_ptr_null(pi_ranges_admit(&ranges));
	pi_ranges_leave(&second);
	ck_assert_ptr_eq(pi_ranges_admit(&ranges), &third);
}
END_TEST

START_TEST(are_only_those_that_may)
{
	second = WRITE(8, 8);
	ck_assert(!pi_ranges_enter(&ranges, &second));
	ck_assert_ptr_null(pi_ranges_follow(&ranges, &first));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pi ranges");

	describe(suite,
	         "two",
	         given_none,
	         NULL,
	         of_reads_go_together,
	         of_a_read_of_what_is_written_do_not,
	         of_a_read_beside_a_write_do,
	         of_writes_with_one_unit_do_not,
	         of_writes_with_other_units_do,
	         of_nothing_go_with_everything);
	describe(suite,
	         "what waits",
	         given_a_write_and_two_that_wait,
	         NULL,
	         waits_as_long_as_the_first_is_in,
	         comes_in_in_its_order,
	         comes_in_together_where_it_can,
	         is_gone_by_what_is_elsewhere);
	describe(suite,
	         "followers of a write",
	         given_a_leader,
	         NULL,
	         come_in_with_other_blocks_of_its_unit,
	         do_not_come_in_with_blocks_of_its_own,
	         do_not_come_in_with_blocks_of_each_other,
	         do_not_come_in_with_a_unit_that_it_has_not,
	         do_not_come_in_where_somebody_reads,
	         do_not_overtake,
	         keep_their_unit_when_it_has_left,
	         are_only_those_that_may);
	return run(suite);
}
