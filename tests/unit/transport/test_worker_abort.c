/* SPDX-License-Identifier: BSD-2-Clause */
/* The link to a worker: what becomes of a request that its host aborts. */
#include "tests/unit/transport/link_stage.h"

static void expect_aborted(unsigned i)
{
	ck_assert_uint_eq(times_done[i], 1);
	ck_assert_uint_eq(requests[i].status.value, NVME_SC_ABORT_REQUESTED);
}

START_TEST(is_taken_out_where_it_waits_for_a_worker)
{
	put(0, 3);
	ck_assert_int_eq(worker_link_abort(to_worker, &requests[1]), WORKER_ABORTED);
	expect_aborted(1);
	a_successor_comes();
	EXPECT_TAKEN(0, 2);
}
END_TEST

START_TEST(is_asked_of_its_worker_where_it_is_in_flight)
{
	put(0, 2);
	worker_takes();
	ck_assert_int_eq(worker_link_abort(to_worker, &requests[1]), WORKER_TOLD);
	ck_assert_uint_eq(times_done[1], 0);
	worker_link_push(to_worker);
	ck_assert_uint_eq(worker_takes(), 1);
	ck_assert_uint_eq(worker.taken[0].operation, LINK_CANCEL);
	ck_assert_uint_eq(worker.taken[0].id.index, requests[1].wanted.id.index);
	ck_assert_uint_eq(worker.taken[0].id.generation, requests[1].wanted.id.generation);
	worker_completes(worker.taken[0].id, NVME_SC_ABORT_REQUESTED);
	worker_link_look(to_worker);
	expect_aborted(1);
	ck_assert_uint_eq(worker_link_in_flight(to_worker), 1);
}
END_TEST

/* One of an earlier release would take it for a breach of the contract. */
START_TEST(is_not_asked_of_a_worker_that_does_not_know_it)
{
	worker_dies();
	rounds_until(WORKER_AWAY);
	worker_cancels = false;
	a_successor_comes();
	put(0, 1);
	worker_takes();
	ck_assert_int_eq(worker_link_abort(to_worker, &requests[0]), WORKER_BUSY);
	worker_link_push(to_worker);
	ck_assert_uint_eq(worker_takes(), 0);
}
END_TEST

/* The dead worker's kernel may still be at its memory. */
START_TEST(is_answered_where_it_is_lost_and_keeps_its_memory)
{
	put(0, 2);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	ck_assert_int_eq(worker_link_abort(to_worker, &requests[0]), WORKER_ABORTED);
	ck_assert_uint_eq(times_early[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_ABORT_REQUESTED);
	ck_assert_uint_eq(times_done[0], 0);
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 2);
	ck_assert_int_eq(worker.taken[0].operation, LINK_FLUSH); /* what proves that it is over */
	ck_assert_int_eq(worker.taken[1].operation, LINK_READ);
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	ck_assert_uint_eq(requests[0].status.value, NVME_SC_ABORT_REQUESTED);
}
END_TEST

START_TEST(is_not_done_again_where_its_namespace_is_not_open_yet)
{
	put(0, 1);
	worker_takes();
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 1);
	worker_completes(worker.taken[0].id, NVME_SC_NAMESPACE_NOT_READY);
	worker_link_look(to_worker);
	ck_assert_int_eq(worker_link_abort(to_worker, &requests[0]), WORKER_ABORTED);
	ck_assert_uint_eq(times_early[0], 1);
	worker_takes_again(1);
	ck_assert_int_eq(worker.taken[0].operation, LINK_FLUSH);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker abort");

	describe(suite,
	         "an abort without a worker",
	         given_no_worker,
	         forget_all,
	         is_taken_out_where_it_waits_for_a_worker);
	describe(suite,
	         "an abort",
	         given_a_link,
	         forget_all,
	         is_asked_of_its_worker_where_it_is_in_flight,
	         is_not_asked_of_a_worker_that_does_not_know_it,
	         is_answered_where_it_is_lost_and_keeps_its_memory,
	         is_not_done_again_where_its_namespace_is_not_open_yet);
	return run(suite);
}
