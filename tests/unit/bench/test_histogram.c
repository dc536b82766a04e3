/* SPDX-License-Identifier: BSD-2-Clause */
/* A histogram keeps figures to 1.6 %, and knows which share of them is below what. */
#include "tests/bench/histogram.h"
#include "tests/support/spec.h"

#define P50  50000
#define P99  99000
#define P999 99900

static struct histogram histogram;

static void given_nothing(void)
{
	histogram = (struct histogram){0};
}

/* Each figure from 1 to 100,000 once. */
static void given_a_hundred_thousand(void)
{
	given_nothing();
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(&histogram, i);
}

static void expect_about(uint64_t found, uint64_t wanted)
{
	ck_assert_uint_ge(found, wanted);
	ck_assert_uint_le(found, wanted + wanted / 60);
}

START_TEST(has_no_percentiles)
{
	ck_assert_uint_eq(histogram_percentile_ns(&histogram, P50), 0);
	ck_assert_double_eq(histogram_mean_ns(&histogram), 0);
}
END_TEST

START_TEST(keeps_a_single_figure_exactly)
{
	histogram_add(&histogram, 123456789);
	ck_assert_uint_eq(histogram_percentile_ns(&histogram, P50), 123456789);
	ck_assert_uint_eq(histogram_percentile_ns(&histogram, P999), 123456789);
}
END_TEST

START_TEST(keeps_small_figures_exactly)
{
	for (uint64_t i = 0; i < 64; i++)
		histogram_add(&histogram, i);
	ck_assert_uint_eq(histogram_percentile_ns(&histogram, P50), 31);
}
END_TEST

START_TEST(keeps_each_power_of_two_to_a_sixtieth)
{
	for (unsigned i = 0; i < 40; i++) {
		given_nothing();
		histogram_add(&histogram, UINT64_C(1) << i);
		histogram_add(&histogram, UINT64_C(1) << 41);
		expect_about(histogram_percentile_ns(&histogram, P50), UINT64_C(1) << i);
	}
}
END_TEST

START_TEST(takes_the_largest_figure_there_is)
{
	histogram_add(&histogram, UINT64_MAX);
	ck_assert_uint_eq(histogram.count, 1);
	ck_assert_uint_eq(histogram.max_ns, UINT64_MAX);
}
END_TEST

START_TEST(knows_its_median)
{
	expect_about(histogram_percentile_ns(&histogram, P50), 50000);
}
END_TEST

START_TEST(knows_what_one_in_a_hundred_exceeds)
{
	expect_about(histogram_percentile_ns(&histogram, P99), 99000);
}
END_TEST

START_TEST(knows_what_one_in_a_thousand_exceeds)
{
	expect_about(histogram_percentile_ns(&histogram, P999), 99900);
}
END_TEST

START_TEST(knows_its_mean)
{
	ck_assert_double_eq_tol(histogram_mean_ns(&histogram), 50000.5, 0.001);
}
END_TEST

START_TEST(knows_its_ends)
{
	ck_assert_uint_eq(histogram.min_ns, 1);
	ck_assert_uint_eq(histogram.max_ns, 100000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("histogram");

	describe(suite,
	         "an empty histogram",
	         given_nothing,
	         NULL,
	         has_no_percentiles,
	         keeps_a_single_figure_exactly,
	         keeps_small_figures_exactly,
	         keeps_each_power_of_two_to_a_sixtieth,
	         takes_the_largest_figure_there_is);
	describe(suite,
	         "a histogram of 1 to 100,000",
	         given_a_hundred_thousand,
	         NULL,
	         knows_its_median,
	         knows_what_one_in_a_hundred_exceeds,
	         knows_what_one_in_a_thousand_exceeds,
	         knows_its_mean,
	         knows_its_ends);
	return run(suite);
}
