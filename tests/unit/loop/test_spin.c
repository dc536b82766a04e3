/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a loop spins follows what came of it. */
#include "common/loop/spin.h"

#include "common/base/clock.h"
#include "tests/support/spec.h"

#define MAX_NS (50 * NS_PER_US)

static struct spin spin;

static void given_a_spin(void)
{
	spin = spin_of(MAX_NS);
}

START_TEST(grows_to_its_maximum_when_it_finds_work)
{
	for (unsigned i = 0; i < 20; i++)
		spin_found(&spin);
	ck_assert_uint_eq(spin.budget_ns, MAX_NS);
}
END_TEST

START_TEST(shrinks_to_nothing_when_it_finds_none)
{
	for (unsigned i = 0; i < 20; i++)
		spin_found_nothing(&spin);
	ck_assert_uint_eq(spin.budget_ns, 0);
}
END_TEST

START_TEST(begins_again_after_a_short_sleep)
{
	spin.budget_ns = 0;
	spin_slept(&spin, 100 * NS_PER_US);
	ck_assert_uint_gt(spin.budget_ns, 0);
}
END_TEST

START_TEST(does_not_begin_again_after_a_long_sleep)
{
	spin.budget_ns = 0;
	spin_slept(&spin, 10 * NS_PER_MS);
	ck_assert_uint_eq(spin.budget_ns, 0);
}
END_TEST

START_TEST(stays_off_when_its_maximum_is_nothing)
{
	spin = spin_of(0);
	spin_found(&spin);
	spin_slept(&spin, 1);
	ck_assert_uint_eq(spin.budget_ns, 0);
}
END_TEST

/* Twice in a row */
static void be_robbed(uint64_t now_ns)
{
	spin_robbed(&spin, now_ns - NS_PER_MS);
	spin_robbed(&spin, now_ns);
}

START_TEST(goes_on_when_a_yield_takes_long_once)
{
	spin_robbed(&spin, NS_PER_S);
	spin_robbed(&spin, NS_PER_S + 21 * NS_PER_MS);
	ck_assert_uint_gt(spin_budget_ns(&spin, NS_PER_S + 21 * NS_PER_MS), 0);
}
END_TEST

START_TEST(rests_when_somebody_else_has_the_processor)
{
	be_robbed(NS_PER_S);
	ck_assert_uint_eq(spin_budget_ns(&spin, NS_PER_S + 49 * NS_PER_MS), 0);
	ck_assert_uint_gt(spin_budget_ns(&spin, NS_PER_S + 50 * NS_PER_MS), 0);
}
END_TEST

START_TEST(rests_a_second_at_most_when_that_goes_on)
{
	uint64_t now_ns = NS_PER_S;

	for (unsigned i = 0; i < 20; i++) {
		be_robbed(now_ns);
		now_ns = spin.rest_until_ns;
	}
	ck_assert_uint_eq(spin.rest_ns, NS_PER_S);
}
END_TEST

START_TEST(rests_shortly_again_after_a_long_time_without)
{
	be_robbed(NS_PER_S);
	be_robbed(2 * NS_PER_S);
	ck_assert_uint_eq(spin.rest_ns, 50 * NS_PER_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spin");

	describe(suite,
	         "a spin",
	         given_a_spin,
	         NULL,
	         grows_to_its_maximum_when_it_finds_work,
	         shrinks_to_nothing_when_it_finds_none,
	         begins_again_after_a_short_sleep,
	         does_not_begin_again_after_a_long_sleep,
	         stays_off_when_its_maximum_is_nothing,
	         goes_on_when_a_yield_takes_long_once,
	         rests_when_somebody_else_has_the_processor,
	         rests_a_second_at_most_when_that_goes_on,
	         rests_shortly_again_after_a_long_time_without);
	return run(suite);
}
