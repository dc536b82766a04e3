/* SPDX-License-Identifier: BSD-2-Clause */
/* A spread is the median, the least and the most, in whatever order the rounds came. */
#include "tests/bench/spread.h"
#include "tests/support/spec.h"

static struct spread spread;

static void given_nothing(void)
{
	spread = (struct spread){0};
}

static void expect(double median, double least, double most)
{
	ck_assert_double_eq(spread.median, median);
	ck_assert_double_eq(spread.least, least);
	ck_assert_double_eq(spread.most, most);
}

START_TEST(of_an_odd_number_is_the_middle_one)
{
	spread = spread_of((double[]){5, 1, 100, 2, 3}, 5);
	expect(3, 1, 100);
}
END_TEST

START_TEST(of_an_even_number_is_between_two)
{
	spread = spread_of((double[]){4, 1, 100, 2}, 4);
	expect(3, 1, 100);
}
END_TEST

START_TEST(of_one_is_that_one)
{
	spread = spread_of((double[]){7}, 1);
	expect(7, 7, 7);
}
END_TEST

START_TEST(of_none_is_zero)
{
	double none[1] = {7};

	spread = spread_of(none, 0);
	expect(0, 0, 0);
}
END_TEST

START_TEST(of_ratios_is_taken_pair_by_pair)
{
	/* the second pair had a machine that was ten times as quick */
	double a[] = {200, 1000, 120};
	const double b[] = {100, 1000, 100};

	spread = spread_of_ratios(a, b, 3);
	expect(1.2, 1, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spread");

	describe(suite,
	         "the median",
	         given_nothing,
	         NULL,
	         of_an_odd_number_is_the_middle_one,
	         of_an_even_number_is_between_two,
	         of_one_is_that_one,
	         of_none_is_zero,
	         of_ratios_is_taken_pair_by_pair);
	return run(suite);
}
