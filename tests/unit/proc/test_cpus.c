/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of processors is understood whole or not at all, and threads take one each. */
#include "common/proc/cpus.h"

#include <errno.h>
#include <sched.h>

#include "tests/support/spec.h"

static struct cpus cpus;

static void expect_list(const char *text, unsigned n, const uint16_t *wanted)
{
	ck_assert(cpus_parse(text, &cpus));
	ck_assert_uint_eq(cpus.n, n);
	for (unsigned i = 0; i < n; i++)
		ck_assert_uint_eq(cpus.cpus[i], wanted[i]);
}

START_TEST(may_be_one)
{
	expect_list("3", 1, (const uint16_t[]){3});
}
END_TEST

START_TEST(may_have_ranges)
{
	expect_list("0,2-4,9", 5, (const uint16_t[]){0, 2, 3, 4, 9});
}
END_TEST

START_TEST(keeps_the_order_that_was_given)
{
	expect_list("5,1,1", 3, (const uint16_t[]){5, 1, 1});
}
END_TEST

START_TEST(is_refused_if_it_is_anything_else)
{
	static const char *const wrong[] = {"",
	                                    ",",
	                                    "1,",
	                                    ",1",
	                                    "1,,2",
	                                    "a",
	                                    "1a",
	                                    "-1",
	                                    "1-",
	                                    "3-2",
	                                    "1-2-3",
	                                    "1024",
	                                    "0-1023",
	                                    "99999999999999999999",
	                                    " 1",
	                                    "1 "};

	cpus = (struct cpus){.n = 1};
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!cpus_parse(wrong[i], &cpus), "\"%s\" was taken", wrong[i]);
	ck_assert_uint_eq(cpus.n, 1);
}
END_TEST

/* ------------------------------------------------------------------ threads */

static unsigned n_allowed(void)
{
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	return (unsigned)CPU_COUNT(&set);
}

static unsigned first_allowed(void)
{
	unsigned cpu = 0;
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	return cpu;
}

START_TEST(run_where_they_like_without_a_list)
{
	unsigned before = n_allowed();

	cpus = (struct cpus){0};
	ck_assert_int_eq(cpus_confine(&cpus), 0);
	ck_assert_int_eq(cpus_pin(&cpus, 0), 0);
	ck_assert_uint_eq(n_allowed(), before);
}
END_TEST

START_TEST(have_one_each)
{
	unsigned cpu = first_allowed();

	cpus = (struct cpus){
		.n = 2, .cpus = {1023, (uint16_t)cpu}
        };
	ck_assert_int_eq(cpus_pin(&cpus, 1), 0);
	ck_assert_uint_eq(n_allowed(), 1);
	ck_assert_uint_eq(first_allowed(), cpu);
}
END_TEST

START_TEST(begin_anew_when_there_are_more_of_them)
{
	unsigned cpu = first_allowed();

	cpus = (struct cpus){
		.n = 2, .cpus = {(uint16_t)cpu, 1023}
        };
	ck_assert_int_eq(cpus_pin(&cpus, 2), 0);
	ck_assert_uint_eq(first_allowed(), cpu);
}
END_TEST

START_TEST(cannot_have_one_that_is_not_there)
{
	cpus = (struct cpus){.n = 1, .cpus = {1023}};
	ck_assert_int_eq(cpus_confine(&cpus), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpus");

	describe(suite,
	         "a list of processors",
	         NULL,
	         NULL,
	         may_be_one,
	         may_have_ranges,
	         keeps_the_order_that_was_given,
	         is_refused_if_it_is_anything_else);
	describe(suite,
	         "threads",
	         NULL,
	         NULL,
	         run_where_they_like_without_a_list,
	         have_one_each,
	         begin_anew_when_there_are_more_of_them,
	         cannot_have_one_that_is_not_there);
	return run(suite);
}
