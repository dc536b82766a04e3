/* SPDX-License-Identifier: BSD-2-Clause */
/* The link to a worker that ends, or is not there yet: what becomes of its requests. */
#include "tests/unit/transport/link_stage.h"

START_TEST(brings_what_was_in_flight_to_the_successor_in_the_old_order)
{
	put(0, 4);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	put(4, 2);
	a_successor_comes();
	EXPECT_TAKEN(0, 1, 2, 3, 4, 5);
	for (unsigned i = 0; i < REQUESTS; i++)
		ck_assert_uint_eq(times_done[i], 0);
}
END_TEST

START_TEST(takes_the_completions_that_a_dead_worker_has_left)
{
	put(0, 3);
	worker_takes();
	worker_completes(worker.taken[1].id, NVME_SC_SUCCESS);
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert_uint_eq(times_done[1], 1);
	a_successor_comes();
	EXPECT_TAKEN(0, 2);
}
END_TEST

START_TEST(gives_the_successor_other_ids)
{
	struct link_id before;

	put(0, 1);
	worker_takes();
	before = worker.taken[0].id;
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	EXPECT_TAKEN(0);
	ck_assert(worker.taken[0].id.index != before.index ||
	          worker.taken[0].id.generation != before.generation);
}
END_TEST

START_TEST(brings_nothing_of_a_closed_queue_to_the_successor)
{
	struct queue closed = {.closing = true};

	requests[1].queue = &closed;
	put(0, 3);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 3);
	ck_assert_int_eq(worker.taken[0].operation, LINK_READ);
	ck_assert_int_eq(worker.taken[1].operation, LINK_FLUSH);
	ck_assert_uint_eq(worker.taken[1].segment_count, 0);
	ck_assert_int_eq(worker.taken[2].operation, LINK_READ);
}
END_TEST

/* The memory of a closed queue's request is not another's before nobody can be at it any more. */
START_TEST(does_not_do_a_lost_request_before_its_namespace_is_open_again)
{
	struct queue closed = {.closing = true};

	put(0, 1);
	worker_takes();
	requests[0].queue = &closed;
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert_uint_eq(times_done[0], 0);
	ck_assert(!worker_link_is_idle(to_worker));
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 1);
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	worker_link_drop(to_worker, &requests[0]);
	ck_assert_uint_eq(times_done[0], 0);
	worker_takes_again(1);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
}
END_TEST

START_TEST(keeps_what_is_lost_when_the_patience_for_the_rest_is_over)
{
	put(0, 1);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	put(1, 1);
	time_passes(WORKER_PATIENCE_NS);
	ck_assert_uint_eq(times_done[1], 1);
	ck_assert_uint_eq(requests[1].status.value, NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_uint_eq(times_done[0], 0);
}
END_TEST

/* A minute after the death it was done, and a disk that was still at it wrote into memory that was
 * another's by then. */
START_TEST(does_what_is_lost_never_before_a_successor_has_proved_that_it_is_over)
{
	put(0, 1);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	time_passes(WORKER_PATIENCE_NS);
	ck_assert_uint_eq(times_early[0], 1); /* its host knows */
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_INTERNAL_PATH_ERROR);
	time_passes(1000 * NS_PER_S);
	ck_assert_uint_eq(times_done[0], 0);
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 1);
	ck_assert_int_eq(worker.taken[0].operation, LINK_FLUSH);
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	time_passes(1000 * NS_PER_S);
	ck_assert_uint_eq(times_done[0], 0);
	ck_assert_uint_eq(worker_takes(), 1);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(times_early[0], 1);
}
END_TEST

START_TEST(tells_the_host_of_a_lost_request_whose_namespace_does_not_come)
{
	put(0, 1);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	EXPECT_TAKEN(0);
	time_passes(WORKER_PATIENCE_NS);
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_early[0], 1);
	ck_assert_uint_eq(times_done[0], 0);
	worker_takes_again(1);
	ck_assert_int_eq(worker.taken[0].operation, LINK_FLUSH);
}
END_TEST

/* It was put again every 50 ms, for ever: nobody opens such a namespace. */
START_TEST(gives_up_what_is_lost_of_a_namespace_that_is_taken_away)
{
	put(0, 1);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	EXPECT_TAKEN(0);
	is_served = false;
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 0); /* the worker may have it yet */
	worker_takes_again(1);
	time_passes(WORKER_PATIENCE_NS);
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert(worker_link_is_idle(to_worker));
}
END_TEST

START_TEST(gives_it_up_also_where_there_is_no_successor)
{
	put(0, 1);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	time_passes(WORKER_PATIENCE_NS);
	ck_assert_uint_eq(times_early[0], 1);
	worker_link_see(to_worker);
	ck_assert_uint_eq(times_done[0], 0);
	is_served = false;
	worker_link_see(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert(worker_link_is_idle(to_worker));
}
END_TEST

START_TEST(gives_it_up_in_the_end_where_it_was_taken_away_before)
{
	is_served = false;
	put(0, 3);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	worker_link_see(to_worker);
	ck_assert_uint_eq(times_done[0], 0);
	time_passes(WORKER_PATIENCE_NS);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(times_done[i], 1);
	ck_assert_uint_eq(times_early[0], 0);
	ck_assert(worker_link_is_idle(to_worker));
}
END_TEST

START_TEST(does_not_give_up_what_a_worker_has)
{
	put(0, 1);
	worker_takes();
	worker_cannot_say(worker.taken[0].id);
	worker_link_look(to_worker);
	is_served = false;
	time_passes(WORKER_PATIENCE_NS);
	worker_link_see(to_worker);
	ck_assert_uint_eq(times_done[0], 0);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
}
END_TEST

START_TEST(does_not_do_again_what_must_be_done_once)
{
	requests[1].is_once = true;
	put(0, 3);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert_uint_eq(times_early[1], 1);
	ck_assert_uint_eq(requests[1].status.value, NVME_SC_COMMAND_INTERRUPTED);
	ck_assert_uint_eq(times_early[0] + times_early[2], 0);
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 3);
	ck_assert_int_eq(worker.taken[0].operation, LINK_READ);
	ck_assert_int_eq(worker.taken[1].operation, LINK_FLUSH);
	ck_assert_int_eq(worker.taken[2].operation, LINK_READ);
}
END_TEST

START_TEST(keeps_requests_until_there_is_one)
{
	put(0, 2);
	ck_assert(!worker_link_is_idle(to_worker));
	a_successor_comes();
	EXPECT_TAKEN(0, 1);
}
END_TEST

START_TEST(lets_go_of_a_request_that_is_dropped)
{
	put(0, 3);
	worker_link_drop(to_worker, &requests[1]);
	ck_assert_uint_eq(times_done[1], 1);
	a_successor_comes();
	EXPECT_TAKEN(0, 2);
}
END_TEST

START_TEST(tries_again_when_it_is_not_welcome)
{
	worker_listens();
	worker_accepts();
	worker_answers(false);
	rounds_until(WORKER_AWAY);
	close(worker.connection);
	link_deinit(&worker.rings);
	worker_accepts();
	worker_answers(true);
	rounds_until(WORKER_UP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lost worker");

	describe(suite,
	         "a link whose worker dies",
	         given_a_link,
	         forget_all,
	         brings_what_was_in_flight_to_the_successor_in_the_old_order,
	         takes_the_completions_that_a_dead_worker_has_left,
	         gives_the_successor_other_ids,
	         brings_nothing_of_a_closed_queue_to_the_successor,
	         does_not_do_a_lost_request_before_its_namespace_is_open_again,
	         keeps_what_is_lost_when_the_patience_for_the_rest_is_over,
	         does_what_is_lost_never_before_a_successor_has_proved_that_it_is_over,
	         tells_the_host_of_a_lost_request_whose_namespace_does_not_come,
	         gives_up_what_is_lost_of_a_namespace_that_is_taken_away,
	         gives_it_up_also_where_there_is_no_successor,
	         gives_it_up_in_the_end_where_it_was_taken_away_before,
	         does_not_give_up_what_a_worker_has,
	         does_not_do_again_what_must_be_done_once);
	describe(suite,
	         "a link without a worker",
	         given_no_worker,
	         forget_all,
	         keeps_requests_until_there_is_one,
	         lets_go_of_a_request_that_is_dropped,
	         tries_again_when_it_is_not_welcome);
	return run(suite);
}
