/* SPDX-License-Identifier: BSD-2-Clause */
/* A mailbox hands work to another thread's loop: each letter once, in order. */
#include "common/loop/mailbox.h"

#include <sched.h>

#include "tests/support/spec.h"

#define LETTERS 1000u
#define THREADS 3u

struct numbered {
	struct letter letter;
	unsigned thread;
	unsigned number;
};

static struct loop *loop;
static struct mailbox mailbox;
static struct numbered letters[THREADS][LETTERS];
static unsigned delivered[THREADS];

static void given_a_mailbox(void)
{
	struct loop_options options = {.spin_max_us = 20};

	ck_assert_int_eq(loop_new(&loop, &options), 0);
	ck_assert_int_eq(mailbox_init(&mailbox, loop), 0);
	for (unsigned i = 0; i < THREADS; i++)
		delivered[i] = 0;
}

static void forget_the_mailbox(void)
{
	mailbox_deinit(&mailbox);
	loop = loop_free(loop);
}

static void expect_next(struct letter *letter)
{
	struct numbered *numbered = container_of(letter, struct numbered, letter);

	ck_assert_uint_eq(numbered->number, delivered[numbered->thread]);
	delivered[numbered->thread]++;
}

static void end_mailbox(struct letter *letter)
{
	expect_next(letter);
	mailbox_deinit(&mailbox);
}

static void post_itself_again(struct letter *letter)
{
	delivered[0]++;
	mailbox_post(&mailbox, letter, post_itself_again);
}

static void post(unsigned thread, unsigned number, void (*deliver)(struct letter *letter))
{
	struct numbered *numbered = &letters[thread][number];

	numbered->thread = thread;
	numbered->number = number;
	mailbox_post(&mailbox, &numbered->letter, deliver);
}

static void *post_all(void *argument)
{
	for (unsigned i = 0; i < LETTERS; i++) {
		post((unsigned)(uintptr_t)argument, i, expect_next);
		if (i % 16 == 0)
			sched_yield();
	}
	return NULL;
}

START_TEST(delivers_in_the_loop)
{
	post(0, 0, expect_next);
	ck_assert_uint_eq(delivered[0], 0);
	ck_assert_int_eq(loop_round(loop, 1000), 0);
	ck_assert_uint_eq(delivered[0], 1);
}
END_TEST

START_TEST(delivers_in_the_order_of_posting)
{
	for (unsigned i = 0; i < 10; i++)
		post(0, i, expect_next);
	ck_assert_int_eq(loop_round(loop, 1000), 0);
	ck_assert_uint_eq(delivered[0], 10);
}
END_TEST

START_TEST(delivers_what_other_threads_post)
{
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, post_all, (void *)(uintptr_t)i),
		                 0);
	while (delivered[0] + delivered[1] + delivered[2] < THREADS * LETTERS)
		ck_assert_int_eq(loop_round(loop, 10000), 0); /* one lost: the test times out */
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(does_not_hold_up_the_loop_when_letters_never_end)
{
	post(0, 0, post_itself_again);
	ck_assert_int_eq(loop_round(loop, 1000), 0);
	ck_assert_uint_ge(delivered[0], 1);
	ck_assert_uint_lt(delivered[0], 1000);
	ck_assert_int_eq(loop_round(loop, 1000), 0);
	ck_assert_uint_ge(delivered[0], 2);
}
END_TEST

START_TEST(may_end_within_a_delivery)
{
	post(0, 0, end_mailbox);
	post(0, 1, expect_next);
	ck_assert_int_eq(loop_round(loop, 1000), 0);
	ck_assert_int_eq(loop_round(loop, 0), 0);
	ck_assert_uint_eq(delivered[0], 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mailbox");

	describe(suite,
	         "a mailbox",
	         given_a_mailbox,
	         forget_the_mailbox,
	         delivers_in_the_loop,
	         delivers_in_the_order_of_posting,
	         delivers_what_other_threads_post,
	         does_not_hold_up_the_loop_when_letters_never_end,
	         may_end_within_a_delivery);
	return run(suite);
}
