/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread asks another whether its loop still turns. */
#include "common/loop/pulse.h"

#include <pthread.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"

static struct pulse pulse;
static struct loop *loop;
static pthread_t thread;

static void *turn(void *context)
{
	(void)context;
	loop_run(loop);
	return NULL;
}

static void given_a_pulse(void)
{
	const struct loop_options options = {0};

	ck_assert_int_eq(pulse_init(&pulse, "io 0"), 0);
	ck_assert_int_eq(loop_new(&loop, &options), 0);
	ck_assert_int_eq(pulse_beat(&pulse, loop), 0);
}

static void given_a_thread_that_sleeps(void)
{
	given_a_pulse();
	ck_assert_int_eq(pthread_create(&thread, NULL, turn, NULL), 0);
}

static void forget_the_pulse(void)
{
	pulse_rest(&pulse);
	loop = loop_free(loop);
	pulse_deinit(&pulse);
}

static void end_the_thread(void)
{
	loop_stop(loop);
	pthread_join(thread, NULL);
	forget_the_pulse();
}

static bool is_silent(void)
{
	return pulse_silent_ns(&pulse, clock_now_ns()) > 0;
}

static void ask(void)
{
	pulse_ask(&pulse, clock_now_ns());
}

START_TEST(is_not_silent_before_it_is_asked)
{
	ck_assert(!is_silent());
}
END_TEST

START_TEST(is_silent_until_its_loop_turns)
{
	ask();
	ck_assert(is_silent());
	ck_assert_int_eq(loop_round(loop, 0), 0);
	ck_assert(!is_silent());
}
END_TEST

START_TEST(counts_its_silence_from_the_first_question)
{
	pulse_ask(&pulse, 1000);
	pulse_ask(&pulse, 5000);
	ck_assert_uint_eq(pulse_silent_ns(&pulse, 7000), 6000);
}
END_TEST

START_TEST(is_silent_when_its_loop_has_gone)
{
	pulse_rest(&pulse);
	ask();
	ck_assert(is_silent());
}
END_TEST

START_TEST(answers_out_of_its_sleep)
{
	uint64_t end_ns = clock_now_ns() + 10 * NS_PER_S;

	for (unsigned i = 0; i < 3; i++) {
		ask();
		while (is_silent()) {
			ck_assert(clock_now_ns() < end_ns);
			usleep(1000);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pulse");

	describe(suite,
	         "a pulse",
	         given_a_pulse,
	         forget_the_pulse,
	         is_not_silent_before_it_is_asked,
	         is_silent_until_its_loop_turns,
	         counts_its_silence_from_the_first_question,
	         is_silent_when_its_loop_has_gone);
	describe(suite,
	         "the pulse of a thread that sleeps",
	         given_a_thread_that_sleeps,
	         end_the_thread,
	         answers_out_of_its_sleep);
	return run(suite);
}
