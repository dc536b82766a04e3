/* SPDX-License-Identifier: BSD-2-Clause */
/* The link to a worker that is there: what it brings, and for what it gives the worker up. */
#include "tests/unit/transport/link_stage.h"

#include <unistd.h>

START_TEST(brings_requests_in_order)
{
	put(0, 3);
	EXPECT_TAKEN(0, 1, 2);
}
END_TEST

START_TEST(shows_nothing_before_it_is_pushed)
{
	worker_link_put(to_worker, &requests[0]);
	ck_assert_uint_eq(worker_takes(), 0);
}
END_TEST

START_TEST(does_a_completed_request_once)
{
	put(0, 2);
	worker_takes();
	worker_completes(worker.taken[1].id, NVME_SC_LBA_RANGE);
	ck_assert_uint_eq(worker_link_look(to_worker), 1);
	ck_assert_uint_eq(times_done[1], 1);
	ck_assert_uint_eq(requests[1].status.value, NVME_SC_LBA_RANGE);
	ck_assert_uint_eq(times_done[0], 0);
	ck_assert_uint_eq(worker_link_in_flight(to_worker), 1);
}
END_TEST

START_TEST(brings_a_result_of_48_bits)
{
	struct link_completion completion = {.result = 0x89abcdef, .result_high = 0x4567};

	put(0, 1);
	worker_takes();
	completion.id = worker.taken[0].id;
	ck_assert_int_eq(ring_put(&worker.rings.completions, &completion), 0);
	ring_publish(&worker.rings.completions);
	worker_link_look(to_worker);
	ck_assert_uint_eq(requests[0].result[0], 0x89abcdef);
	ck_assert_uint_eq(requests[0].result[1], 0x4567);
}
END_TEST

START_TEST(does_not_sleep_over_a_completion)
{
	put(0, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	ck_assert(!worker_link_sleep(to_worker));
	worker_link_wake(to_worker);
}
END_TEST

START_TEST(rings_for_a_worker_that_sleeps)
{
	uint64_t rings = 0;

	ck_assert(ring_sleep(&worker.rings.requests));
	put(0, 1);
	ck_assert_int_eq(read(worker.rings.to_worker, &rings, sizeof(rings)), sizeof(rings));
}
END_TEST

static void expect_given_up(struct link_id id)
{
	put(0, 1);
	worker_takes();
	worker_completes(id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_int_ne(worker_link_state(to_worker), WORKER_UP);
	ck_assert_uint_eq(times_done[0], 0);
}

START_TEST(is_given_up_for_a_stale_id)
{
	put(1, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[1], 1);
	expect_given_up(worker.taken[0].id); /* the same slot again, of the generation before */
}
END_TEST

START_TEST(is_given_up_for_an_id_that_cannot_be)
{
	expect_given_up((struct link_id){.index = LINK_SLOTS, .generation = 1});
}
END_TEST

START_TEST(is_given_up_for_an_id_that_is_not_in_flight)
{
	expect_given_up((struct link_id){.index = 900, .generation = 0});
}
END_TEST

START_TEST(is_given_up_when_the_worker_speaks)
{
	worker_answers(true);
	rounds_until(WORKER_AWAY);
}
END_TEST

/* It was given up, and the next was not welcome before the request was over: all namespaces of the
 * worker waited for the device of one. */
START_TEST(goes_on_while_a_request_is_not_completed)
{
	put(0, 2);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	time_passes(100 * NS_PER_S);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
	put(2, 1);
	EXPECT_TAKEN(2);
	ck_assert_uint_eq(times_done[1], 0);
}
END_TEST

START_TEST(rings_again_for_a_worker_that_may_not_have_heard_it)
{
	uint64_t rings = 0;

	ck_assert(ring_sleep(&worker.rings.requests));
	put(0, 1);
	ck_assert_int_eq(read(worker.rings.to_worker, &rings, sizeof(rings)), sizeof(rings));
	time_passes(26 * NS_PER_S);
	ck_assert_int_eq(read(worker.rings.to_worker, &rings, sizeof(rings)), sizeof(rings));
}
END_TEST

START_TEST(does_a_request_only_when_the_worker_is_over_with_it)
{
	put(0, 2);
	worker_takes();
	worker_cannot_say(worker.taken[0].id);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_early[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_uint_eq(times_done[0], 0);
	ck_assert_uint_eq(worker_link_in_flight(to_worker), 2);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_INTERNAL_PATH_ERROR);
}
END_TEST

START_TEST(tells_a_host_once_that_the_worker_cannot_say)
{
	put(0, 1);
	worker_takes();
	worker_cannot_say(worker.taken[0].id);
	worker_cannot_say(worker.taken[0].id);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_early[0], 1);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
}
END_TEST

START_TEST(is_not_given_up_when_it_was_us_who_stood_still)
{
	put(0, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	time_passes(100 * NS_PER_S);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
	ck_assert_uint_eq(times_done[0], 1);
}
END_TEST

/* Its completions come, but the request ring stays full. */
START_TEST(neither_spins_nor_waits_for_ever_for_a_worker_that_frees_no_slots)
{
	for (unsigned i = 0; i < LINK_SLOTS; i++) {
		put(0, 1);
		ck_assert_int_eq(ring_take(&worker.rings.requests, &worker.taken[0]), 0);
		worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
		worker_link_look(to_worker);
	}
	ck_assert_uint_eq(times_done[0], LINK_SLOTS);
	put(1, 1);
	ck_assert(worker_link_sleep(to_worker));
	worker_link_wake(to_worker);
	time_passes(NS_PER_S);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
	time_passes(2 * NS_PER_S);
	ck_assert_int_ne(worker_link_state(to_worker), WORKER_UP);
}
END_TEST

START_TEST(sees_slots_that_come_free_without_a_ring)
{
	for (unsigned i = 0; i < LINK_SLOTS; i++) {
		put(0, 1);
		ck_assert_int_eq(ring_take(&worker.rings.requests, &worker.taken[0]), 0);
		worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
		worker_link_look(to_worker);
	}
	put(1, 1);
	ring_release(&worker.rings.requests);
	time_passes(10 * NS_PER_MS);
	EXPECT_TAKEN(1);
}
END_TEST

START_TEST(puts_a_request_again_whose_namespace_is_not_ready)
{
	uint64_t end_ns = deadline_ns();
	unsigned n = 0;

	put(0, 1);
	worker_takes();
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	while (n == 0 && clock_now_ns() < end_ns) {
		ck_assert_int_eq(loop_round(loop, 10), 0);
		worker_link_push(to_worker);
		n = worker_takes();
	}
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(times_done[0], 0);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert(status_is_ok(requests[0].status));
}
END_TEST

START_TEST(does_not_put_a_request_again_that_has_waited_too_long)
{
	put(0, 1);
	worker_takes();
	requests[0].patience_ns = 1;
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_INTERNAL_PATH_ERROR);
}
END_TEST

/* ------------------------------------------------------------------ io grants */

static void rounds_until_granted(unsigned times)
{
	uint64_t end_ns = deadline_ns();

	while (times_granted < times && clock_now_ns() < end_ns)
		ck_assert_int_eq(loop_round(loop, 10), 0);
	ck_assert_uint_eq(times_granted, times);
}

START_TEST(says_that_it_came_up)
{
	ck_assert_uint_eq(times_up, 1);
}
END_TEST

START_TEST(brings_the_answer_to_what_was_asked)
{
	ck_assert(worker_link_ask(to_worker, 5));
	worker_grants(5);
	rounds_until_granted(1);
	ck_assert_uint_eq(granted, 5);
	ck_assert(worker_link_ask(to_worker, 6));
	worker_grants(6);
	rounds_until_granted(2);
	ck_assert_int_eq(worker_link_state(to_worker), WORKER_UP);
}
END_TEST

START_TEST(asks_one_thing_at_a_time)
{
	ck_assert(worker_link_ask(to_worker, 5));
	ck_assert(!worker_link_ask(to_worker, 6));
}
END_TEST

START_TEST(is_given_up_for_an_answer_to_nothing)
{
	worker_grants(5);
	rounds_until(WORKER_AWAY);
	ck_assert_uint_eq(times_granted, 0);
}
END_TEST

START_TEST(is_given_up_for_an_answer_to_something_else)
{
	ck_assert(worker_link_ask(to_worker, 5));
	worker_grants(6);
	rounds_until(WORKER_AWAY);
	ck_assert_uint_eq(times_granted, 0);
}
END_TEST

START_TEST(asks_nothing_while_the_worker_is_away)
{
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert(!worker_link_ask(to_worker, 5));
}
END_TEST

START_TEST(forgets_what_was_asked_of_the_predecessor)
{
	ck_assert(worker_link_ask(to_worker, 5));
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	ck_assert_uint_eq(times_up, 2);
	ck_assert(worker_link_ask(to_worker, 5));
	worker_grants(5);
	rounds_until_granted(1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker link");

	describe(suite,
	         "a link that is up",
	         given_a_link,
	         forget_all,
	         brings_requests_in_order,
	         shows_nothing_before_it_is_pushed,
	         does_a_completed_request_once,
	         brings_a_result_of_48_bits,
	         does_not_sleep_over_a_completion,
	         rings_for_a_worker_that_sleeps,
	         is_given_up_for_a_stale_id,
	         is_given_up_for_an_id_that_cannot_be,
	         is_given_up_for_an_id_that_is_not_in_flight,
	         is_given_up_when_the_worker_speaks,
	         goes_on_while_a_request_is_not_completed,
	         rings_again_for_a_worker_that_may_not_have_heard_it,
	         does_a_request_only_when_the_worker_is_over_with_it,
	         tells_a_host_once_that_the_worker_cannot_say,
	         is_not_given_up_when_it_was_us_who_stood_still,
	         neither_spins_nor_waits_for_ever_for_a_worker_that_frees_no_slots,
	         sees_slots_that_come_free_without_a_ring,
	         puts_a_request_again_whose_namespace_is_not_ready,
	         does_not_put_a_request_again_that_has_waited_too_long);
	describe(suite,
	         "a link and io grants",
	         given_a_link,
	         forget_all,
	         says_that_it_came_up,
	         brings_the_answer_to_what_was_asked,
	         asks_one_thing_at_a_time,
	         is_given_up_for_an_answer_to_nothing,
	         is_given_up_for_an_answer_to_something_else,
	         asks_nothing_while_the_worker_is_away,
	         forgets_what_was_asked_of_the_predecessor);
	return run(suite);
}
