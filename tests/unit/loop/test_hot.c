/* SPDX-License-Identifier: BSD-2-Clause */
/* What was ready a moment ago is tried without asking; what is not any more, or is gone, is not. */
#include "common/loop/hot.h"

#include "common/loop/loop.h"
#include "tests/support/spec.h"

struct desk {
	struct loop_source source;
	unsigned work;
	unsigned tries;
	bool leaves; /* when it is tried */
};

static struct hot hot;
static struct desk desks[HOT_MAX + 1];

static bool try(struct loop_source *source)
{
	struct desk *desk = container_of(source, struct desk, source);

	desk->tries++;
	if (desk->leaves)
		hot_drop(&hot, source);
	if (desk->work == 0)
		return false;
	desk->work--;
	return true;
}

static void given_desks(void)
{
	hot = (struct hot){0};
	for (unsigned i = 0; i < HOT_MAX + 1; i++)
		desks[i] = (struct desk){
			.source = {.fd = -1, .try = try}
                };
}

START_TEST(are_tried)
{
	hot_note(&hot, &desks[0].source, 1);
	hot_note(&hot, &desks[1].source, 1);
	desks[1].work = 1;
	ck_assert(hot_try(&hot));
	ck_assert_uint_eq(desks[0].tries, 1);
	ck_assert_uint_eq(desks[1].tries, 1);
	ck_assert(!hot_try(&hot));
}
END_TEST

START_TEST(are_tried_once_even_if_noted_twice)
{
	hot_note(&hot, &desks[0].source, 1);
	hot_note(&hot, &desks[0].source, 1);
	hot_try(&hot);
	ck_assert_uint_eq(desks[0].tries, 1);
}
END_TEST

/* Those without a place waited for the next poll, 50 us later, each time. */
START_TEST(are_none_while_more_are_busy_than_there_are_places)
{
	for (unsigned i = 0; i < HOT_MAX + 1; i++)
		hot_note(&hot, &desks[i].source, 1);
	ck_assert_uint_eq(hot.n, 0);
	for (unsigned i = 0; i < HOT_REST; i++)
		hot_note(&hot, &desks[0].source, 1);
	ck_assert_uint_eq(hot.n, 0);
	hot_note(&hot, &desks[0].source, 1);
	ck_assert_uint_eq(hot.n, 1);
}
END_TEST

START_TEST(are_none_when_many_are_ready_at_once)
{
	hot_note(&hot, &desks[0].source, 1);
	hot_note(&hot, &desks[1].source, HOT_MAX + 1);
	ck_assert(!hot_try(&hot));
	ck_assert_uint_eq(desks[0].tries + desks[1].tries, 0);
}
END_TEST

START_TEST(are_not_what_cannot_be_tried)
{
	desks[0].source.try = NULL;
	hot_note(&hot, &desks[0].source, 1);
	ck_assert_uint_eq(hot.n, 0);
}
END_TEST

START_TEST(cool_down_without_work)
{
	hot_note(&hot, &desks[0].source, 1);
	for (unsigned i = 0; i < HOT_MISSES + 10; i++)
		hot_try(&hot);
	ck_assert_uint_eq(desks[0].tries, HOT_MISSES);
}
END_TEST

START_TEST(stay_hot_with_a_little)
{
	hot_note(&hot, &desks[0].source, 1);
	for (unsigned i = 0; i < HOT_MISSES - 1; i++)
		hot_try(&hot);
	desks[0].work = 1;
	hot_try(&hot);
	for (unsigned i = 0; i < HOT_MISSES - 1; i++)
		hot_try(&hot);
	ck_assert_uint_eq(hot.n, 1);
}
END_TEST

START_TEST(may_leave_while_they_are_tried)
{
	for (unsigned i = 0; i < 3; i++)
		hot_note(&hot, &desks[i].source, 1);
	desks[1].leaves = true;
	desks[1].work = 1;
	ck_assert(hot_try(&hot));
	hot_try(&hot);
	ck_assert_uint_eq(desks[0].tries, 2);
	ck_assert_uint_eq(desks[1].tries, 1);
	ck_assert_uint_eq(desks[2].tries, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hot");

	describe(suite,
	         "hot descriptors",
	         given_desks,
	         NULL,
	         are_tried,
	         are_tried_once_even_if_noted_twice,
	         are_none_while_more_are_busy_than_there_are_places,
	         are_none_when_many_are_ready_at_once,
	         are_not_what_cannot_be_tried,
	         cool_down_without_work,
	         stay_hot_with_a_little,
	         may_leave_while_they_are_tried);
	return run(suite);
}
