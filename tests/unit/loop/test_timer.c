/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers expire once, in the order in which they are due. */
#include "common/loop/timer.h"

#include "common/base/clock.h"
#include "tests/support/spec.h"

#define MANY 500u

struct counted {
	struct loop_timer timer;
	unsigned calls;
	unsigned turn; /* the how-manyth to expire */
};

static struct loop *loop;
static unsigned turns;
static struct counted one, two;

static void count(struct loop_timer *timer)
{
	struct counted *counted = container_of(timer, struct counted, timer);

	ck_assert_uint_eq(timer->due_ns, 0);
	counted->calls++;
	counted->turn = ++turns;
}

static void given_a_loop(void)
{
	struct loop_options options = {0};

	ck_assert_int_eq(loop_new(&loop, &options), 0);
	turns = 0;
	one = two = (struct counted){.timer = LOOP_TIMER(count)};
}

static void forget_the_loop(void)
{
	loop = loop_free(loop);
}

static void set(struct counted *counted, uint64_t due_ns)
{
	ck_assert_int_eq(loop_timer_set(loop, &counted->timer, due_ns), 0);
}

static void go_round(void)
{
	ck_assert_int_eq(loop_round(loop, 0), 0);
}

static uint64_t in_ms(uint64_t ms)
{
	return clock_now_ns() + ms * NS_PER_MS;
}

/* Sets itself to a time long past. */
static void insist(struct loop_timer *timer)
{
	container_of(timer, struct counted, timer)->calls++;
	ck_assert_int_eq(loop_timer_set(loop, timer, 1), 0);
}

static void clear_two(struct loop_timer *timer)
{
	count(timer);
	loop_timer_clear(&two.timer);
}

START_TEST(expires_once)
{
	set(&one, clock_now_ns());
	go_round();
	go_round();
	ck_assert_uint_eq(one.calls, 1);
}
END_TEST

START_TEST(does_not_expire_early)
{
	set(&one, in_ms(60000));
	go_round();
	ck_assert_uint_eq(one.calls, 0);
	loop_timer_clear(&one.timer);
}
END_TEST

START_TEST(ends_the_wait)
{
	uint64_t due_ns = in_ms(20);

	set(&one, due_ns);
	for (unsigned round = 0; round < 10 && one.calls == 0; round++)
		ck_assert_int_eq(loop_round(loop, -1), 0);
	ck_assert_uint_eq(one.calls, 1);
	ck_assert_uint_ge(clock_now_ns(), due_ns);
}
END_TEST

START_TEST(waits_in_one_go)
{
	unsigned rounds = 0;

	set(&one, in_ms(20));
	while (one.calls == 0) {
		ck_assert_int_eq(loop_round(loop, -1), 0);
		rounds++;
	}
	ck_assert_uint_le(rounds, 2); /* and does not count the last millisecond down */
}
END_TEST

START_TEST(does_not_expire_once_cleared)
{
	set(&one, 1);
	loop_timer_clear(&one.timer);
	loop_timer_clear(&one.timer);
	go_round();
	ck_assert_uint_eq(one.calls, 0);
}
END_TEST

START_TEST(can_be_moved)
{
	set(&one, in_ms(60000));
	set(&two, 2);
	set(&one, 1);
	go_round();
	ck_assert_uint_eq(one.turn, 1);
	ck_assert_uint_eq(two.turn, 2);
}
END_TEST

START_TEST(is_due_at_once_at_time_zero)
{
	set(&one, 0);
	go_round();
	ck_assert_uint_eq(one.calls, 1);
}
END_TEST

START_TEST(may_be_set_to_the_end_of_time)
{
	set(&one, UINT64_MAX);
	ck_assert_int_eq(loop_round(loop, 5), 0);
	ck_assert_uint_eq(one.calls, 0);
	loop_timer_clear(&one.timer);
}
END_TEST

START_TEST(does_not_hold_up_the_loop_by_insisting)
{
	one.timer.expired = insist;
	set(&one, 1);
	set(&two, 2);
	go_round();
	ck_assert_uint_eq(one.calls, 1);
	ck_assert_uint_eq(two.calls, 1);
	go_round();
	ck_assert_uint_eq(one.calls, 2);
	loop_timer_clear(&one.timer);
}
END_TEST

START_TEST(may_be_cleared_by_the_one_before)
{
	one.timer.expired = clear_two;
	set(&one, 1);
	set(&two, 2);
	go_round();
	ck_assert_uint_eq(one.calls, 1);
	ck_assert_uint_eq(two.calls, 0);
}
END_TEST

START_TEST(come_in_the_order_in_which_they_are_due)
{
	static struct counted many[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		many[i] = (struct counted){.timer = LOOP_TIMER(count)};
		set(&many[i], 1 + (uint64_t)(i * 7919) % MANY); /* a permutation */
	}
	for (unsigned i = 0; i < MANY; i += 3)
		loop_timer_clear(&many[i].timer);
	for (unsigned i = 1; i < MANY; i += 3)
		set(&many[i], many[i].timer.due_ns + MANY);
	go_round();
	ck_assert_uint_eq(turns, MANY - (MANY + 2) / 3);
	for (unsigned i = 1; i < MANY; i++)
		ck_assert_uint_eq(many[i].calls, i % 3 ? 1 : 0);
	for (unsigned i = 2; i + 2 < MANY; i += 3) {
		uint64_t due = 1 + (uint64_t)(i * 7919) % MANY;
		uint64_t due_next = 1 + (uint64_t)((i + 3) * 7919) % MANY;

		if (i + 3 < MANY)
			ck_assert_int_eq(many[i].turn < many[i + 3].turn, due < due_next);
		ck_assert_uint_lt(many[i].turn, many[i + 2].turn); /* that was moved far back */
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");

	describe(suite,
	         "a timer",
	         given_a_loop,
	         forget_the_loop,
	         expires_once,
	         does_not_expire_early,
	         ends_the_wait,
	         waits_in_one_go,
	         does_not_expire_once_cleared,
	         can_be_moved,
	         is_due_at_once_at_time_zero,
	         may_be_set_to_the_end_of_time,
	         does_not_hold_up_the_loop_by_insisting,
	         may_be_cleared_by_the_one_before);
	describe(suite,
	         "many timers",
	         given_a_loop,
	         forget_the_loop,
	         come_in_the_order_in_which_they_are_due);
	return run(suite);
}
