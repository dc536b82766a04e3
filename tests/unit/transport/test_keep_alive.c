/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a host may be silent (Base 2.1 §3.9). */
#include "common/transport/keep_alive.h"

#include "tests/support/shows.h"
#include "tests/support/spec.h"

/* A host that sends something each `interval_ms` for a minute; the first period begins `phase_ms`
 * after a command. True: there was a period without a command. */
static bool expires(uint32_t kato_ms, uint64_t interval_ms, uint64_t phase_ms)
{
	uint64_t period_ms = keep_alive_period_ns(kato_ms, false) / NS_PER_MS;

	for (uint64_t begin_ms = phase_ms; begin_ms < 60000; begin_ms += period_ms) {
		uint64_t next_command_ms = (begin_ms / interval_ms + 1) * interval_ms;

		if (next_command_ms > begin_ms + period_ms)
			return true;
	}
	return false;
}

START_TEST(is_rounded_up_to_whole_seconds)
{
	ck_assert_uint_eq(keep_alive_period_ns(1, false), NS_PER_S);
	ck_assert_uint_eq(keep_alive_period_ns(1000, false), NS_PER_S);
	ck_assert_uint_eq(keep_alive_period_ns(1001, false), 2 * NS_PER_S);
	shows("Base 2.1 §3.9.1", "KATO is rounded up to KAS, a second");
}
END_TEST

START_TEST(may_be_the_greatest)
{
	ck_assert_uint_eq(keep_alive_period_ns(UINT32_MAX, false), UINT64_C(4294968) * NS_PER_S);
}
END_TEST

START_TEST(lets_a_host_live_that_sends_at_half_of_it)
{
	for (uint64_t phase_ms = 0; phase_ms < 2500; phase_ms += 50)
		ck_assert(!expires(5000, 2500, phase_ms));
}
END_TEST

START_TEST(lets_a_host_live_that_sends_at_the_last_moment)
{
	for (uint64_t phase_ms = 0; phase_ms < 5000; phase_ms += 50)
		ck_assert(!expires(5000, 5000, phase_ms));
}
END_TEST

START_TEST(does_not_let_a_host_live_that_is_silent_for_two_periods)
{
	for (uint64_t phase_ms = 0; phase_ms < 10001; phase_ms += 50)
		ck_assert(expires(5000, 10001, phase_ms));
	shows("Base 2.1 §3.9.4",
	      "a host that is silent for KATO is lost after twice that at the latest");
}
END_TEST

START_TEST(is_never_when_there_is_none)
{
	ck_assert_uint_eq(keep_alive_period_ns(0, false), 0);
}
END_TEST

START_TEST(is_two_minutes_for_discovery_when_there_is_none)
{
	ck_assert_uint_eq(keep_alive_period_ns(0, true), 120 * NS_PER_S);
	shows("Base 2.1 §3.1.3.3",
	      "a discovery controller without KATO ends after two minutes without a command");
}
END_TEST

START_TEST(is_for_discovery_what_the_host_says)
{
	ck_assert_uint_eq(keep_alive_period_ns(30000, true), 30 * NS_PER_S);
}
END_TEST

START_TEST(ends_with_a_tick_but_not_too_early)
{
	for (uint64_t now_ns = 7 * NS_PER_S; now_ns < 8 * NS_PER_S; now_ns += 9999991) {
		uint64_t due_ns = keep_alive_due_ns(now_ns, 5 * NS_PER_S);

		ck_assert_uint_eq(due_ns % KEEP_ALIVE_TICK_NS, 0);
		ck_assert_uint_ge(due_ns, now_ns + 5 * NS_PER_S);
		ck_assert_uint_lt(due_ns, now_ns + 5 * NS_PER_S + KEEP_ALIVE_TICK_NS);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keep alive");

	describe(suite,
	         "a time-out",
	         NULL,
	         NULL,
	         is_rounded_up_to_whole_seconds,
	         may_be_the_greatest,
	         lets_a_host_live_that_sends_at_half_of_it,
	         lets_a_host_live_that_sends_at_the_last_moment,
	         does_not_let_a_host_live_that_is_silent_for_two_periods,
	         is_never_when_there_is_none,
	         is_two_minutes_for_discovery_when_there_is_none,
	         is_for_discovery_what_the_host_says);
	describe(suite, "a period", NULL, NULL, ends_with_a_tick_but_not_too_early);
	return run(suite);
}
