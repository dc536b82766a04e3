/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop calls what is ready, and nothing that has been removed. */
#include "common/loop/loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"

/* A source that counts its calls, and does something to another at each. */
struct counted {
	struct loop_source source;
	int fd;
	unsigned calls;
	uint32_t events;
	void (*then)(struct counted *counted);
	struct counted *other;
};

static struct loop *loop;
static struct counted one, two;
static unsigned rounds_ended;

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct counted *counted = container_of(source, struct counted, source);

	counted->calls++;
	counted->events = events;
	if (counted->then)
		counted->then(counted);
}

static void add(struct counted *counted)
{
	*counted = (struct counted){.source = LOOP_SOURCE(on_ready)};
	counted->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(counted->fd, 0);
	ck_assert_int_eq(loop_add(loop, &counted->source, counted->fd, EPOLLIN), 0);
}

static void ring(struct counted *counted)
{
	ck_assert_int_eq(eventfd_write(counted->fd, 1), 0);
}

static void clear(struct counted *counted)
{
	eventfd_t rings;

	ck_assert_int_eq(eventfd_read(counted->fd, &rings), 0);
}

static void given_a_loop_with_two_sources(void)
{
	struct loop_options options = {.spin_max_us = 50};

	ck_assert_int_eq(loop_new(&loop, &options), 0);
	add(&one);
	add(&two);
	one.other = &two;
	two.other = &one;
	rounds_ended = 0;
}

static void forget_the_loop(void)
{
	loop_remove(&one.source);
	loop_remove(&two.source);
	close(one.fd);
	close(two.fd);
	loop = loop_free(loop);
}

static void go_round(void)
{
	ck_assert_int_eq(loop_round(loop, 0), 0);
}

static void remove_itself(struct counted *counted)
{
	loop_remove(&counted->source);
}

static void remove_other(struct counted *counted)
{
	loop_remove(&counted->other->source);
}

/* As if the owner of the other had gone and a new one had come, on the same memory. */
static void replace_other(struct counted *counted)
{
	loop_remove(&counted->other->source);
	ck_assert_int_eq(loop_add(loop, &counted->other->source, counted->other->fd, EPOLLIN), 0);
}

static void stop_the_loop(struct counted *counted)
{
	clear(counted);
	loop_stop(loop);
}

static void *stop_from_outside(void *argument)
{
	(void)argument;
	loop_stop(loop);
	return NULL;
}

static void count_round(struct loop_hook *hook)
{
	(void)hook;
	rounds_ended++;
	ck_assert_uint_eq(one.calls, rounds_ended); /* after the callbacks */
}

static void remove_hook(struct loop_hook *hook)
{
	rounds_ended++;
	loop_hook_remove(hook);
}

static double processor_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

START_TEST(calls_what_is_ready)
{
	ring(&two);
	go_round();
	ck_assert_uint_eq(one.calls, 0);
	ck_assert_uint_eq(two.calls, 1);
	ck_assert_uint_eq(two.events, EPOLLIN);
}
END_TEST

START_TEST(calls_again_as_long_as_it_is_ready)
{
	ring(&one);
	go_round();
	go_round();
	ck_assert_uint_eq(one.calls, 2);
	clear(&one);
	go_round();
	ck_assert_uint_eq(one.calls, 2);
}
END_TEST

START_TEST(waits_for_what_is_asked_for)
{
	ring(&one);
	ck_assert_int_eq(loop_change(&one.source, 0), 0);
	go_round();
	ck_assert_uint_eq(one.calls, 0);
	ck_assert_int_eq(loop_change(&one.source, EPOLLIN | EPOLLOUT), 0);
	go_round();
	ck_assert_uint_eq(one.events, EPOLLIN | EPOLLOUT);
}
END_TEST

START_TEST(lets_a_source_remove_itself)
{
	one.then = remove_itself;
	ring(&one);
	go_round();
	go_round();
	ck_assert_uint_eq(one.calls, 1);
	ck_assert_int_eq(one.source.fd, -1);
}
END_TEST

START_TEST(does_not_call_what_was_removed_in_the_same_round)
{
	one.then = two.then = remove_other;
	ring(&one);
	ring(&two);
	go_round();
	ck_assert_uint_eq(one.calls + two.calls, 1);
}
END_TEST

START_TEST(does_not_take_an_old_event_for_that_of_a_new_source)
{
	one.then = two.then = replace_other;
	ring(&one);
	ring(&two);
	go_round();
	ck_assert_uint_eq(one.calls + two.calls, 1);
	go_round();
	ck_assert_uint_eq(one.calls + two.calls, 2);
}
END_TEST

START_TEST(does_not_mind_a_source_removed_twice)
{
	loop_remove(&one.source);
	loop_remove(&one.source);
	ring(&two);
	go_round();
	ck_assert_uint_eq(two.calls, 1);
}
END_TEST

START_TEST(serves_more_sources_than_a_batch_has)
{
	static struct counted many[200];
	unsigned n = sizeof(many) / sizeof(many[0]);

	for (unsigned i = 0; i < n; i++) {
		add(&many[i]);
		ring(&many[i]);
	}
	for (unsigned round = 0; round < 4; round++)
		go_round();
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_ge(many[i].calls, 1);
		loop_remove(&many[i].source);
		close(many[i].fd);
	}
}
END_TEST

START_TEST(reports_what_cannot_be_waited_for)
{
	struct loop_source source = LOOP_SOURCE(on_ready);

	ck_assert_int_lt(loop_add(loop, &source, -1, EPOLLIN), 0);
	ck_assert_int_eq(source.fd, -1);
	loop_remove(&source);
}
END_TEST

START_TEST(runs_until_a_callback_stops_it)
{
	one.then = stop_the_loop;
	ring(&one);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(one.calls, 1);
}
END_TEST

START_TEST(may_be_run_again_after_a_stop)
{
	one.then = stop_the_loop;
	ring(&one);
	ck_assert_int_eq(loop_run(loop), 0);
	ring(&one);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(one.calls, 2);
}
END_TEST

START_TEST(does_not_miss_a_stop_before_it_runs)
{
	loop_stop(loop);
	ck_assert_int_eq(loop_run(loop), 0);
}
END_TEST

START_TEST(is_stopped_from_another_thread_while_it_sleeps)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, stop_from_outside, NULL), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(calls_a_hook_when_each_round_ends)
{
	struct loop_hook hook = {.round_ends = count_round};

	loop_hook_add(loop, &hook);
	ring(&one);
	go_round();
	go_round();
	ck_assert_uint_eq(rounds_ended, 2);
	loop_hook_remove(&hook);
	loop_hook_remove(&hook);
	go_round();
	ck_assert_uint_eq(rounds_ended, 2);
}
END_TEST

START_TEST(lets_a_hook_remove_itself)
{
	struct loop_hook first = {.round_ends = remove_hook}, second = {.round_ends = remove_hook};

	loop_hook_add(loop, &first);
	loop_hook_add(loop, &second);
	go_round();
	go_round();
	ck_assert_uint_eq(rounds_ended, 2);
}
END_TEST

START_TEST(uses_no_processor_while_it_waits)
{
	double before = processor_seconds();

	ck_assert_int_eq(loop_round(loop, 300), 0);
	ck_assert_double_lt(processor_seconds() - before, 0.02);
}
END_TEST

START_TEST(waits_no_longer_than_it_is_told)
{
	uint64_t before_ns = clock_now_ns();

	ck_assert_int_eq(loop_round(loop, 20), 0);
	ck_assert_uint_ge(clock_now_ns() - before_ns, 20 * NS_PER_MS);
	ck_assert_uint_ge(loop_now_ns(loop), before_ns + 20 * NS_PER_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");

	describe(suite,
	         "a loop with two sources",
	         given_a_loop_with_two_sources,
	         forget_the_loop,
	         calls_what_is_ready,
	         calls_again_as_long_as_it_is_ready,
	         waits_for_what_is_asked_for,
	         lets_a_source_remove_itself,
	         does_not_call_what_was_removed_in_the_same_round,
	         does_not_take_an_old_event_for_that_of_a_new_source,
	         does_not_mind_a_source_removed_twice,
	         serves_more_sources_than_a_batch_has,
	         reports_what_cannot_be_waited_for,
	         calls_a_hook_when_each_round_ends,
	         lets_a_hook_remove_itself);
	describe(suite,
	         "a running loop",
	         given_a_loop_with_two_sources,
	         forget_the_loop,
	         runs_until_a_callback_stops_it,
	         may_be_run_again_after_a_stop,
	         does_not_miss_a_stop_before_it_runs,
	         is_stopped_from_another_thread_while_it_sleeps,
	         uses_no_processor_while_it_waits,
	         waits_no_longer_than_it_is_told);
	return run(suite);
}
