/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a host may be silent (Base 2.1 §3.9). */
#include "common/transport/keep_alive.h"

#include "tests/support/shows.h"
#include "tests/support/spec.h"

/* A host that sent its last command at last_ms, after one each `interval_ms`, and is looked at as a
 * controller does (controller.c). When it is taken for gone. */
static uint64_t expires_ms(uint32_t kato_ms, uint64_t interval_ms, uint64_t last_ms)
{
	uint64_t period_ns = keep_alive_period_ns(kato_ms), now_ns = 7 * NS_PER_S, seen_ns = now_ns;
	uint64_t begin_ns = now_ns, heard_ns = now_ns;

	for (;;) {
		uint64_t sent_ns = (now_ns - begin_ns) / (interval_ms * NS_PER_MS) *
		                           (interval_ms * NS_PER_MS) +
		                   begin_ns;

		if (sent_ns > begin_ns + last_ms * NS_PER_MS)
			sent_ns = begin_ns + last_ms * NS_PER_MS;
		if (sent_ns > seen_ns)
			heard_ns = now_ns;
		seen_ns = now_ns;
		if (now_ns >= heard_ns + period_ns)
			return (now_ns + KEEP_ALIVE_GRACE_NS - begin_ns) / NS_PER_MS;
		now_ns = keep_alive_look_ns(now_ns, heard_ns, period_ns);
	}
}

START_TEST(is_rounded_up_to_whole_seconds)
{
	ck_assert_uint_eq(keep_alive_period_ns(1), NS_PER_S);
	ck_assert_uint_eq(keep_alive_period_ns(1000), NS_PER_S);
	ck_assert_uint_eq(keep_alive_period_ns(1001), 2 * NS_PER_S);
	shows("Base 2.1 §3.9.1", "KATO is rounded up to KAS, a second");
}
END_TEST

START_TEST(may_be_the_greatest)
{
	ck_assert_uint_eq(keep_alive_period_ns(UINT32_MAX), UINT64_C(4294968) * NS_PER_S);
}
END_TEST

/* Never before KATO has passed since its last command, and not later than a second after that. */
START_TEST(is_over_within_a_second)
{
	for (uint64_t last_ms = 0; last_ms < 20000; last_ms += 2500) {
		ck_assert_uint_ge(expires_ms(5000, 2500, last_ms), last_ms + 5000);
		ck_assert_uint_le(expires_ms(5000, 2500, last_ms), last_ms + 6000);
	}
	for (uint64_t last_ms = 0; last_ms < 3000; last_ms += 10) {
		ck_assert_uint_ge(expires_ms(3000, 10, last_ms), last_ms + 3000);
		ck_assert_uint_le(expires_ms(3000, 10, last_ms), last_ms + 4000);
	}
	shows("Base 2.1 §3.9.4",
	      "a host that is silent for KATO is lost within a second after that");
}
END_TEST

START_TEST(lets_a_host_live_that_sends_at_the_last_moment)
{
	for (uint64_t interval_ms = 4000; interval_ms <= 5000; interval_ms += 50)
		ck_assert_uint_ge(expires_ms(5000, interval_ms, 10 * interval_ms),
		                  10 * interval_ms + 5000);
}
END_TEST

START_TEST(is_never_when_there_is_none)
{
	ck_assert_uint_eq(keep_alive_period_ns(0), 0);
}
END_TEST

START_TEST(is_at_the_next_tick)
{
	for (uint64_t now_ns = 7 * NS_PER_S; now_ns < 8 * NS_PER_S; now_ns += 9999991) {
		uint64_t look_ns = keep_alive_look_ns(now_ns, now_ns, 5 * NS_PER_S);

		ck_assert_uint_eq(look_ns % KEEP_ALIVE_TICK_NS, 0);
		ck_assert_uint_gt(look_ns, now_ns);
		ck_assert_uint_le(look_ns, now_ns + KEEP_ALIVE_TICK_NS);
	}
}
END_TEST

START_TEST(is_where_the_period_ends)
{
	uint64_t heard_ns = 7 * NS_PER_S + 1000;

	ck_assert_uint_eq(keep_alive_look_ns(12 * NS_PER_S, heard_ns, 5 * NS_PER_S),
	                  heard_ns + 5 * NS_PER_S);
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
	         is_over_within_a_second,
	         lets_a_host_live_that_sends_at_the_last_moment,
	         is_never_when_there_is_none);
	describe(suite, "the next look", NULL, NULL, is_at_the_next_tick, is_where_the_period_ends);
	return run(suite);
}
