/* SPDX-License-Identifier: BSD-2-Clause */
/* A block's history is good if its operations can have been done one after the other. */
#include "tests/chaos/dice.h"
#include "tests/chaos/history.h"
#include "tests/support/spec.h"

static struct history history;
static uint64_t other;

/* Version 1 is there, written from 1 to 2. */
static void given_a_written_block(void)
{
	ck_assert_int_eq(history_init(&history, 1), 0);
	history_write_begins(&history, 0, 1, 1);
	history_write_ends(&history, 0, 1, true, 2);
}

static void forget(void)
{
	history_deinit(&history);
}

static void write_from_to(uint64_t version, uint64_t begin_ns, uint64_t end_ns, bool is_good)
{
	ck_assert(history_has_room(&history, 0, begin_ns));
	history_write_begins(&history, 0, version, begin_ns);
	history_write_ends(&history, 0, version, is_good, end_ns);
}

static enum history_verdict read_from_to(uint64_t version, uint64_t begin_ns, uint64_t end_ns)
{
	history_read_begins(&history, 0, begin_ns);
	return history_read_ends(&history, 0, version, begin_ns, end_ns, &other);
}

/* ------------------------------------------------------------------ by hand */

START_TEST(gives_what_was_written)
{
	write_from_to(2, 10, 20, true);
	ck_assert_int_eq(read_from_to(2, 30, 40), HISTORY_GOOD);
}
END_TEST

START_TEST(may_give_either_beside_a_write)
{
	history_read_begins(&history, 0, 5);
	history_read_begins(&history, 0, 5);
	write_from_to(2, 10, 20, true);
	ck_assert_int_eq(history_read_ends(&history, 0, 1, 5, 25, &other), HISTORY_GOOD);
	ck_assert_int_eq(history_read_ends(&history, 0, 2, 5, 26, &other), HISTORY_GOOD);
}
END_TEST

START_TEST(is_wrong_where_a_read_is_stale)
{
	write_from_to(2, 10, 20, true);
	ck_assert_int_eq(read_from_to(1, 30, 40), HISTORY_E_STALE);
	ck_assert_uint_eq(other, 2);
}
END_TEST

START_TEST(is_wrong_where_a_write_was_lost_that_was_seen)
{
	history_write_begins(&history, 0, 2, 10);
	ck_assert_int_eq(read_from_to(2, 11, 12), HISTORY_GOOD);
	ck_assert_int_eq(read_from_to(1, 13, 14), HISTORY_E_STALE);
}
END_TEST

START_TEST(is_wrong_where_a_write_comes_late)
{
	write_from_to(2, 10, 20, true);
	write_from_to(3, 30, 40, true);
	ck_assert_int_eq(read_from_to(3, 50, 60), HISTORY_GOOD);
	ck_assert_int_eq(read_from_to(2, 70, 80), HISTORY_E_STALE);
}
END_TEST

START_TEST(may_have_a_failed_write_or_not)
{
	write_from_to(2, 10, 20, false);
	ck_assert_int_eq(read_from_to(1, 30, 40), HISTORY_GOOD);
	forget();
	given_a_written_block();
	write_from_to(2, 10, 20, false);
	ck_assert_int_eq(read_from_to(2, 30, 40), HISTORY_GOOD);
}
END_TEST

START_TEST(is_wrong_where_a_failed_write_comes_and_goes)
{
	write_from_to(2, 10, 20, false);
	ck_assert_int_eq(read_from_to(2, 30, 40), HISTORY_GOOD);
	ck_assert_int_eq(read_from_to(1, 50, 60), HISTORY_E_STALE);
}
END_TEST

START_TEST(is_wrong_where_a_failed_write_comes_after_it_was_answered)
{
	write_from_to(2, 10, 20, false);
	write_from_to(3, 30, 40, true);
	ck_assert_int_eq(read_from_to(2, 50, 60), HISTORY_E_STALE);
}
END_TEST

START_TEST(is_wrong_where_a_version_was_never_written)
{
	ck_assert_int_eq(read_from_to(9, 10, 20), HISTORY_E_UNKNOWN);
}
END_TEST

START_TEST(is_wrong_where_a_read_ends_before_its_write_begins)
{
	history_write_begins(&history, 0, 2, 30);
	ck_assert_int_eq(read_from_to(2, 10, 20), HISTORY_E_UNKNOWN);
}
END_TEST

START_TEST(forgets_what_cannot_be_there_any_more)
{
	for (uint64_t i = 2; i < 100; i++)
		write_from_to(i, 10 * i, 10 * i + 5, true);
	ck_assert_int_eq(read_from_to(99, 2000, 2001), HISTORY_GOOD);
	ck_assert_int_eq(read_from_to(3, 2002, 2003), HISTORY_E_GONE);
}
END_TEST

START_TEST(remembers_what_a_slow_read_may_give)
{
	history_read_begins(&history, 0, 15);
	for (uint64_t i = 2; history_has_room(&history, 0, 10 * i); i++) {
		ck_assert_uint_lt(i, 100);
		write_from_to(i, 10 * i, 10 * i + 5, true);
	}
	ck_assert_int_eq(history_read_ends(&history, 0, 1, 15, 1000, &other), HISTORY_GOOD);
	ck_assert(history_has_room(&history, 0, 1001));
}
END_TEST

/* ------------------------------------------------------------------ against all orders */

enum { OPERATIONS = 9, WRITES = 4 };

struct operation {
	uint64_t version;
	uint64_t begin, end;
	bool is_write, is_good;
};

static struct operation operations[OPERATIONS];
static unsigned n_operations;

/* i may be the next: nothing that must be done ended before it, and it did not end before what is
 * done. */
static bool can_be_next(unsigned i, unsigned done)
{
	for (unsigned k = 0; k < n_operations; k++) {
		bool must_be = !operations[k].is_write || operations[k].is_good;

		if (k == i)
			continue;
		if (!(done & (1u << k)) && must_be && operations[k].end < operations[i].begin)
			return false;
		if ((done & (1u << k)) && operations[i].end < operations[k].begin)
			return false;
	}
	return true;
}

static bool can_be_done(unsigned done, uint64_t version)
{
	bool is_all = true;

	for (unsigned i = 0; i < n_operations; i++) {
		const struct operation *operation = &operations[i];

		if (done & (1u << i))
			continue;
		is_all &= operation->is_write && !operation->is_good;
		if (!can_be_next(i, done) ||
		    (!operation->is_write && operation->version != version))
			continue;
		if (can_be_done(done | 1u << i, operation->is_write ? operation->version : version))
			return true;
	}
	return is_all;
}

/* Some writes one after the other, and reads beside them that give anything; returns whether the
 * history takes it. */
static bool play(struct dice *dice)
{
	struct operation *writing = NULL, *reading[OPERATIONS] = {NULL};
	unsigned n_reading = 0, n_begun = 0, last = 1;
	bool is_good = true;

	n_operations = OPERATIONS;
	operations[n_begun++] = (struct operation){1, 1, 2, true, true};
	for (uint64_t now = 3; n_begun < n_operations || writing || n_reading; now++) {
		switch (dice_below(dice, 4)) {
		case 0:
			if (n_begun == n_operations || writing || last == WRITES ||
			    !history_has_room(&history, 0, now))
				break;
			writing = &operations[n_begun++];
			*writing = (struct operation){
				++last, now, 0, true, dice_below(dice, 4) != 0};
			history_write_begins(&history, 0, writing->version, now);
			break;
		case 1:
			if (!writing)
				break;
			writing->end = now;
			history_write_ends(&history, 0, writing->version, writing->is_good, now);
			writing = NULL;
			break;
		case 2:
			if (n_begun == n_operations)
				break;
			reading[n_reading] = &operations[n_begun++];
			*reading[n_reading++] = (struct operation){.begin = now};
			history_read_begins(&history, 0, now);
			break;
		case 3:
			if (!n_reading)
				break;
			n_reading--;
			reading[n_reading]->end = now;
			reading[n_reading]->version = 1 + dice_below(dice, last);
			is_good &= history_read_ends(&history,
			                             0,
			                             reading[n_reading]->version,
			                             reading[n_reading]->begin,
			                             now,
			                             &other) == HISTORY_GOOD;
			break;
		}
	}
	return is_good;
}

START_TEST(is_as_good_as_some_order_of_all)
{
	struct dice dice = {.state = 1};
	unsigned n_good = 0;

	for (unsigned i = 0; i < 20000; i++) {
		bool is_good = play(&dice);

		ck_assert_msg(is_good == can_be_done(0, 0), "history %u: %d", i, is_good);
		n_good += is_good;
		forget();
		given_a_written_block();
	}
	/* both are there in plenty */
	ck_assert_uint_gt(n_good, 2000);
	ck_assert_uint_lt(n_good, 18000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("history");

	describe(suite,
	         "a block's history",
	         given_a_written_block,
	         forget,
	         gives_what_was_written,
	         may_give_either_beside_a_write,
	         is_wrong_where_a_read_is_stale,
	         is_wrong_where_a_write_was_lost_that_was_seen,
	         is_wrong_where_a_write_comes_late,
	         may_have_a_failed_write_or_not,
	         is_wrong_where_a_failed_write_comes_and_goes,
	         is_wrong_where_a_failed_write_comes_after_it_was_answered,
	         is_wrong_where_a_version_was_never_written,
	         is_wrong_where_a_read_ends_before_its_write_begins,
	         forgets_what_cannot_be_there_any_more,
	         remembers_what_a_slow_read_may_give,
	         is_as_good_as_some_order_of_all);
	return run(suite);
}
