/* SPDX-License-Identifier: BSD-2-Clause */
/* The link to a worker: what it is told where hosts have lost their connections. */
#include "tests/unit/transport/link_stage.h"

static unsigned worker_hears(void)
{
	worker_link_push(to_worker);
	return worker_takes();
}

START_TEST(comes_behind_what_was_put_before)
{
	put(0, 2);
	worker_link_doubt(to_worker);
	ck_assert_uint_eq(worker_hears(), 3);
	ck_assert_uint_eq(worker.taken[1].operation, LINK_READ);
	ck_assert_uint_eq(worker.taken[2].operation, LINK_DOUBT);
	ck_assert_uint_eq(worker_link_in_flight(to_worker), 2);
}
END_TEST

START_TEST(is_over_when_the_worker_has_taken_it)
{
	ck_assert(worker_link_is_doubted(to_worker));
	worker_link_doubt(to_worker);
	worker_link_push(to_worker);
	ck_assert(!worker_link_is_doubted(to_worker));
	put(0, 1);
	ck_assert_uint_eq(worker_takes(), 2);
	ck_assert(worker_link_is_doubted(to_worker));
}
END_TEST

START_TEST(is_in_the_ring_once_however_many_connections_end)
{
	for (unsigned i = 0; i < 3 * LINK_SLOTS; i++) {
		worker_link_doubt(to_worker);
		worker_link_push(to_worker);
	}
	put(0, 1);
	ck_assert_uint_eq(worker_hears(), 2);
	ck_assert_uint_eq(worker.taken[0].operation, LINK_DOUBT);
}
END_TEST

/* The second is for what was put behind the first. */
START_TEST(comes_once_more_for_what_came_behind_it)
{
	worker_link_doubt(to_worker);
	put(0, 1);
	worker_link_doubt(to_worker);
	ck_assert_uint_eq(worker_hears(), 2);
	ck_assert_uint_eq(worker.taken[1].operation, LINK_READ);
	ck_assert(!worker_link_is_doubted(to_worker));
	ck_assert_uint_eq(worker_hears(), 1);
	ck_assert_uint_eq(worker.taken[0].operation, LINK_DOUBT);
	ck_assert(worker_link_is_doubted(to_worker));
}
END_TEST

START_TEST(is_over_with_the_link)
{
	worker_link_doubt(to_worker);
	worker_link_push(to_worker);
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert(worker_link_is_doubted(to_worker));
	a_successor_comes();
	ck_assert_uint_eq(worker_hears(), 0);
	ck_assert(worker_link_is_doubted(to_worker));
}
END_TEST

/* One of an earlier release would take it for a breach of the contract. */
START_TEST(does_not_come_to_a_worker_that_does_not_know_it)
{
	worker_dies();
	rounds_until(WORKER_AWAY);
	worker_doubts = false;
	a_successor_comes();
	worker_link_doubt(to_worker);
	ck_assert(worker_link_is_doubted(to_worker));
	ck_assert_uint_eq(worker_hears(), 0);
	worker_doubts = true;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker doubt");

	describe(suite,
	         "a doubt",
	         given_a_link,
	         forget_all,
	         comes_behind_what_was_put_before,
	         is_over_when_the_worker_has_taken_it,
	         is_in_the_ring_once_however_many_connections_end,
	         comes_once_more_for_what_came_behind_it,
	         is_over_with_the_link,
	         does_not_come_to_a_worker_that_does_not_know_it);
	return run(suite);
}
