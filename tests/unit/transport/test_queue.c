/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue has a request for each of its entries, and memory only for those that it has used. */
#include "common/transport/queue.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "tests/support/spec.h"
#include "tests/unit/transport/queue_stage.h"

/* Of the table, in memory. */
static size_t resident_bytes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = queue.n_requests * sizeof(struct request);
	size_t pages = (bytes + page - 1) / page, n = 0;
	unsigned char is_in[1024];

	ck_assert_uint_le(pages, sizeof(is_in));
	ck_assert_int_eq(mincore(queue.requests, bytes, is_in), 0);
	for (size_t i = 0; i < pages; i++)
		n += is_in[i] & 1;
	return n * page;
}

START_TEST(has_no_memory_for_requests_at_first)
{
	ck_assert_uint_eq(queue.n_requests, STAGE_ALL);
	ck_assert_uint_eq(resident_bytes(), 0);
}
END_TEST

START_TEST(has_memory_for_as_many_as_it_has_used_at_a_time)
{
	for (unsigned i = 0; i < 10000; i++) {
		begin(4);
		finish(4);
	}
	ck_assert_uint_eq(queue.n_used, 4);
	ck_assert_uint_le(resident_bytes(), 2 * (size_t)sysconf(_SC_PAGESIZE));
}
END_TEST

START_TEST(uses_the_request_again_that_was_finished_last)
{
	begin(3);
	request_finish(begun[1]);
	ck_assert_ptr_eq(queue_begin(&queue), begun[1]);
	finish(3);
}
END_TEST

START_TEST(has_one_for_each_entry)
{
	begin(STAGE_ALL);
	for (unsigned i = 0; i < STAGE_ALL; i++)
		ck_assert_uint_eq(begun[i]->index, i);
	ck_assert_ptr_null(queue_begin(&queue));
	finish(STAGE_ALL);
}
END_TEST

START_TEST(finds_none_that_it_has_never_used)
{
	begin(2);
	ck_assert_ptr_eq(queue_at(&queue, 1), begun[1]);
	ck_assert_ptr_null(queue_at(&queue, 2));
	ck_assert_ptr_null(queue_at(&queue, STAGE_ALL - 1));
	finish(2);
}
END_TEST

START_TEST(does_not_keep_its_host_waiting_when_it_has_only_what_was_answered_early)
{
	begin(1);
	request_answer_early(give_to_worker(begun[0]));
	ck_assert_uint_eq(n_responded, 2);
	ck_assert(!queue.seat->is_fenced);
	close_it();
	ck_assert(queue.seat->is_fenced);
	ck_assert(!is_closed);
	request_end_early(begun[0]);
}
END_TEST

START_TEST(does_not_either_when_its_end_was_before)
{
	begin(1);
	give_to_worker(begun[0]);
	close_it();
	ck_assert(!queue.seat->is_fenced);
	request_answer_early(begun[0]);
	ck_assert_uint_eq(n_responded, 1);
	round_is_over();
	ck_assert(queue.seat->is_fenced);
	ck_assert(!is_closed);
	request_end_early(begun[0]);
}
END_TEST

START_TEST(keeps_its_host_waiting_while_it_has_others)
{
	begin(3);
	give_to_worker(begun[0]);
	give_to_worker(begun[1]);
	request_answer_early(begun[0]);
	close_it();
	ck_assert(!queue.seat->is_fenced);
	begun[1]->owner = REQUEST_AT_CORE;
	request_respond(begun[1]);
	round_is_over();
	ck_assert(!queue.seat->is_fenced);
	request_finish(begun[2]); /* the wire */
	round_is_over();
	ck_assert(queue.seat->is_fenced);
	request_end_early(begun[0]);
}
END_TEST

START_TEST(takes_as_much_in_a_capsule_as_the_wire_says)
{
	ck_assert_uint_eq(queue.in_capsule_bytes, STAGE_IN_CAPSULE);
}
END_TEST

START_TEST(takes_as_much_in_a_capsule_as_the_port_says)
{
	ck_assert_uint_eq(queue.in_capsule_bytes, STAGE_PORTS_CAPSULE);
}
END_TEST

/* With keys there is memory for capsules before they come. */
START_TEST(takes_as_much_in_a_capsule_as_its_connection_was_made_for)
{
	ck_assert_uint_eq(queue.in_capsule_bytes, STAGE_CAPSULE_MAX);
}
END_TEST

START_TEST(tells_the_control_thread_what_its_connection_was_made_for)
{
	struct seat *seat;

	queue.size_max = 64;
	queue.io_size_max = 100;
	queue.has_qid = true;
	queue.expected_qid = 3;
	seat = seat_new(&queue);
	ck_assert_ptr_nonnull(seat);
	ck_assert_uint_eq(seat->size_max, 64);
	ck_assert_uint_eq(seat->io_size_max, 100);
	ck_assert(seat->has_qid);
	ck_assert_uint_eq(seat->expected_qid, 3);
	atomic_fetch_sub(&reactor->n_seats, 1);
	free(seat);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");

	describe(suite,
	         "a queue before Connect",
	         given_an_open_queue,
	         forget_it,
	         takes_as_much_in_a_capsule_as_the_wire_says,
	         tells_the_control_thread_what_its_connection_was_made_for);
	describe(suite,
	         "a queue with keys before Connect",
	         given_an_open_queue_with_keys,
	         forget_it,
	         takes_as_much_in_a_capsule_as_its_connection_was_made_for);
	describe(suite,
	         "a connected queue with keys",
	         given_a_connected_queue_with_keys,
	         forget_it,
	         takes_as_much_in_a_capsule_as_its_connection_was_made_for);
	describe(suite,
	         "a connected queue",
	         given_a_connected_queue,
	         forget_it,
	         has_no_memory_for_requests_at_first,
	         has_memory_for_as_many_as_it_has_used_at_a_time,
	         uses_the_request_again_that_was_finished_last,
	         has_one_for_each_entry,
	         finds_none_that_it_has_never_used,
	         does_not_keep_its_host_waiting_when_it_has_only_what_was_answered_early,
	         does_not_either_when_its_end_was_before,
	         keeps_its_host_waiting_while_it_has_others,
	         takes_as_much_in_a_capsule_as_the_port_says);
	return run(suite);
}
