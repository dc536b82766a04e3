/* SPDX-License-Identifier: BSD-2-Clause */
/* compare takes lists and makes a work of each combination; a single load takes none. */
#include <getopt.h>
#include <string.h>

#include "tests/bench/options.h"
#include "tests/support/spec.h"

#define A "127.0.0.1/nqn.a"
#define B "127.0.0.1/nqn.b"

static struct options options;

static void given_nothing(void)
{
	memset(&options, 0, sizeof(options));
}

/* With these arguments, NULL at the end. */
static int parse(const char *const *arguments)
{
	int n = 1;

	while (arguments[n])
		n++;
	return options_parse(&options, n, (char **)(uintptr_t)arguments);
}

#define PARSE(...) parse((const char *const[]){"nvmetd-bench", __VA_ARGS__, NULL})
#define SINGLE     "--traddr", "127.0.0.1", "--nqn", "nqn.a"

START_TEST(has_the_works_of_its_lists)
{
	ck_assert_int_eq(
		PARSE("compare", A, B, "--rw", "randread,rw,randwrite", "--qd", "1,32,128"), 0);
	ck_assert_uint_eq(options.n_patterns, 3);
	ck_assert_uint_eq(options.n_depths, 3);
	options_choose(&options, 1, 2);
	ck_assert_uint_eq(options.depth, 128);
	ck_assert_uint_eq(options.read_percent, 50);
	ck_assert(options.pattern->is_sequential);
	options_choose(&options, 2, 0);
	ck_assert_uint_eq(options.depth, 1);
	ck_assert_uint_eq(options.read_percent, 0);
	ck_assert(!options.pattern->is_sequential);
}
END_TEST

START_TEST(has_one_work_if_not_told)
{
	ck_assert_int_eq(PARSE("compare", A, B), 0);
	ck_assert_uint_eq(options.n_patterns, 1);
	ck_assert_uint_eq(options.n_depths, 1);
	ck_assert_uint_eq(options.depth, 1);
	ck_assert_uint_eq(options.read_percent, 100);
	ck_assert_str_eq(options.a, A);
	ck_assert_str_eq(options.b, B);
}
END_TEST

START_TEST(climbs_a_ladder_for_a_plot)
{
	ck_assert_int_eq(PARSE("compare", A, B, "--svg", "x.svg"), 0);
	ck_assert_uint_eq(options.n_depths, 8);
	ck_assert_uint_eq(options.depths[0], 1);
	ck_assert_uint_eq(options.depths[7], 128);
	ck_assert_int_eq(PARSE("compare", A, B, "--svg", "x.svg", "--qd", "4,5"), 0);
	ck_assert_uint_eq(options.n_depths, 2);
}
END_TEST

START_TEST(mixes_only_patterns_that_mix)
{
	ck_assert_int_eq(PARSE("compare", A, B, "--rw", "randread,randrw", "--mix", "70"), 0);
	ck_assert_uint_eq(options.read_percent, 100);
	options_choose(&options, 1, 0);
	ck_assert_uint_eq(options.read_percent, 70);
}
END_TEST

START_TEST(takes_its_targets_anywhere)
{
	ck_assert_int_eq(PARSE("compare", "--qd", "4", A, "--hdgst", B), 0);
	ck_assert_str_eq(options.a, A);
	ck_assert_str_eq(options.b, B);
}
END_TEST

START_TEST(refuses_lists_that_are_none)
{
	static const char *const lists[] = {"", ",", "1,", ",1", "1,,2", "1,x", "0", "1,1025"};

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		ck_assert_int_eq(PARSE("compare", A, B, "--qd", lists[i]), OPTIONS_E_USAGE);
	ck_assert_int_eq(
		PARSE("compare", A, B, "--qd", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"),
		OPTIONS_E_USAGE);
	ck_assert_int_eq(PARSE("compare", A, B, "--rw", "randread,"), OPTIONS_E_USAGE);
	ck_assert_int_eq(PARSE("compare", A, B, "--rw", "rand"), OPTIONS_E_USAGE);
}
END_TEST

START_TEST(of_a_single_load_has_no_lists)
{
	ck_assert_int_eq(PARSE(SINGLE, "--qd", "8"), 0);
	ck_assert_uint_eq(options.depth, 8);
	ck_assert_int_eq(PARSE(SINGLE, "--qd", "1,2"), OPTIONS_E_USAGE);
	ck_assert_int_eq(PARSE(SINGLE, "--rw", "randread,rw"), OPTIONS_E_USAGE);
	ck_assert_int_eq(PARSE(SINGLE, "--svg", "x.svg"), OPTIONS_E_USAGE);
	ck_assert_int_eq(PARSE(SINGLE, "--pause-a", "1"), OPTIONS_E_USAGE);
}
END_TEST

START_TEST(of_a_single_load_mixes_any_pattern)
{
	ck_assert_int_eq(PARSE(SINGLE, "--mix", "70"), 0);
	ck_assert_uint_eq(options.read_percent, 70);
	ck_assert_int_eq(PARSE(SINGLE, "--mix", "70", "--rw", "randrw"), 0);
	ck_assert_uint_eq(options.read_percent, 70);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");

	describe(suite,
	         "a command line",
	         given_nothing,
	         NULL,
	         has_the_works_of_its_lists,
	         has_one_work_if_not_told,
	         climbs_a_ladder_for_a_plot,
	         mixes_only_patterns_that_mix,
	         takes_its_targets_anywhere,
	         refuses_lists_that_are_none,
	         of_a_single_load_has_no_lists,
	         of_a_single_load_mixes_any_pattern);
	return run(suite);
}
