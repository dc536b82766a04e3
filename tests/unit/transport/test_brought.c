/* SPDX-License-Identifier: BSD-2-Clause */
/* What a wire brings along with a request is the wire's again, once, and not before nobody can be
 * at it. */
#include <string.h>

#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "tests/support/spec.h"
#include "tests/unit/transport/queue_stage.h"

#define BYTES 4096u

static struct request *request;
static uint64_t lent;

static void prepare(void)
{
	given_a_connected_queue();
	ck_assert(reactor_lend(reactor, BYTES, &lent)); /* another's */
	ck_assert(reactor_lend(reactor, BYTES, &lent));
	begin(1);
	request = begun[0];
	request->direction = NVME_TRANSFER_TO_CONTROLLER;
	request->source = REQUEST_IN_CAPSULE;
	request->length = BYTES;
	holds_answers = true;
}

static uint8_t *lent_memory(void)
{
	return (uint8_t *)reactor_memory(reactor).iov_base + lent;
}

static void given_data_that_was_brought(void)
{
	prepare();
	request_bring(request, lent_memory(), lent);
}

static void given_something_that_is_tied(void)
{
	prepare();
	ck_assert_int_eq(request_reserve(request), 0);
	request_tie(request);
}

static uint64_t used_bytes(void)
{
	return queue.share->uses[ROOM_COMMON].bytes + queue.share->uses[ROOM_RESERVE].bytes;
}

static void expect_not_yet(void)
{
	ck_assert_uint_eq(regained.n, 0);
}

static void expect_regained(bool is_lost)
{
	ck_assert_uint_eq(regained.n, 1);
	ck_assert_ptr_eq(regained.request, request);
	ck_assert(regained.is_lost == is_lost);
	ck_assert_ptr_null(request->data);
	ck_assert_uint_eq(used_bytes(), 0);
}

/* The worker has done it. */
static void worker_answers(void)
{
	request->owner = REQUEST_AT_CORE;
	request_respond(request);
}

/* ------------------------------------------------------------------ data */

START_TEST(is_where_the_requests_data_is)
{
	ck_assert_int_eq(request_reserve(request), 0);
	ck_assert_ptr_eq(request->data, lent_memory());
	ck_assert_uint_eq(request->arena_offset, lent);
	ck_assert_uint_eq(used_bytes(), 0);
	request_finish(request);
}
END_TEST

START_TEST(is_the_wires_when_the_answer_is_sent)
{
	give_to_worker(request);
	worker_answers();
	expect_not_yet();
	request_finish(request);
	expect_regained(false);
}
END_TEST

START_TEST(is_the_wires_before_that_when_it_asks)
{
	give_to_worker(request);
	worker_answers();
	ck_assert(request_regain(request));
	ck_assert_ptr_null(request->data);
	request_finish(request);
	expect_not_yet(); /* it has it already */
}
END_TEST

START_TEST(is_the_wires_once)
{
	ck_assert(request_regain(request));
	ck_assert(!request_regain(request));
	request_finish(request);
	ck_assert_ptr_eq(queue_begin(&queue), request);
	ck_assert(!request_regain(request));
	request_finish(request);
	expect_not_yet();
}
END_TEST

START_TEST(stays_when_it_is_answered_early)
{
	request_answer_early(give_to_worker(request));
	ck_assert_uint_eq(n_responded, 2);
	ck_assert(!request_regain(request));
	ck_assert_ptr_eq(request->data, lent_memory());
	request_finish(request);
	round_is_over();
	expect_not_yet();
	request_end_early(request);
	expect_regained(false);
}
END_TEST

START_TEST(may_be_asked_for_when_the_worker_is_done_before_the_early_answer_is_sent)
{
	request_answer_early(give_to_worker(request));
	request_end_early(request);
	expect_not_yet();
	ck_assert(request_regain(request));
	request_finish(request);
	expect_not_yet();
}
END_TEST

START_TEST(comes_when_the_early_answer_is_sent_after_the_worker_is_done)
{
	request_answer_early(give_to_worker(request));
	request_end_early(request);
	request_finish(request);
	expect_regained(false);
}
END_TEST

START_TEST(stays_while_its_queue_is_closed_before_the_early_answer_is_sent)
{
	request_answer_early(give_to_worker(request));
	close_it();
	ck_assert(!request_regain(request));
	request_finish(request);
	expect_not_yet();
	request_end_early(request);
	expect_regained(false);
}
END_TEST

START_TEST(stays_with_a_worker_when_its_queue_is_closed)
{
	give_to_worker(request);
	close_it();
	expect_not_yet();
	ck_assert(!is_closed);
	worker_answers();
	expect_regained(false);
	ck_assert_uint_eq(n_responded, 1); /* that of Connect */
}
END_TEST

START_TEST(stays_when_it_is_answered_early_after_its_queue_is_closed)
{
	give_to_worker(request);
	close_it();
	request_answer_early(request);
	round_is_over();
	expect_not_yet();
	request_end_early(request);
	expect_regained(false);
}
END_TEST

START_TEST(is_the_wires_when_it_finishes_requests_of_its_closed_queue)
{
	close_it();
	expect_not_yet();
	request_finish(request);
	expect_regained(false);
}
END_TEST

/* Before closed() comes, after which there is no queue any more. */
static void expect_the_wires_when_dropped(enum request_owner owner)
{
	give_to_worker(request)->owner = (uint8_t)owner;
	queue_close(&queue);
	expect_regained(false);
	ck_assert(!is_closed);
}

START_TEST(is_the_wires_when_its_closed_queue_does_not_wait_for_the_control_thread)
{
	expect_the_wires_when_dropped(REQUEST_AT_CONTROL);
}
END_TEST

START_TEST(is_the_wires_when_its_closed_queue_does_not_wait_for_a_namespace)
{
	expect_the_wires_when_dropped(REQUEST_AT_UNREADY);
}
END_TEST

START_TEST(is_lost_when_something_that_nobody_can_end_is_at_it)
{
	request_forfeit_memory(give_to_worker(request));
	expect_regained(true);
	worker_answers();
	ck_assert(!request_regain(request));
	request_finish(request);
	ck_assert_uint_eq(regained.n, 1);
}
END_TEST

START_TEST(is_lost_after_its_queue_is_closed)
{
	give_to_worker(request);
	close_it();
	request_answer_early(request);
	request_forfeit_memory(request);
	expect_regained(true);
	request_end_early(request);
	ck_assert_uint_eq(regained.n, 1);
}
END_TEST

/* ------------------------------------------------------------------ something else */

START_TEST(leaves_the_request_its_own_memory)
{
	ck_assert(request_regain(request));
	ck_assert_ptr_nonnull(request->data);
	ck_assert_uint_eq(used_bytes(), BYTES);
	request_finish(request);
	ck_assert_uint_eq(used_bytes(), 0);
	expect_not_yet();
}
END_TEST

START_TEST(is_the_wires_when_its_memory_is_given_back)
{
	give_to_worker(request);
	worker_answers();
	request_finish(request);
	expect_regained(false);
}
END_TEST

START_TEST(is_the_wires_when_the_worker_is_done)
{
	request_answer_early(give_to_worker(request));
	ck_assert(!request_regain(request));
	request_finish(request);
	expect_not_yet();
	ck_assert_uint_eq(used_bytes(), BYTES);
	request_end_early(request);
	expect_regained(false);
}
END_TEST

/* It is not the memory that something is at. */
START_TEST(is_not_lost_with_the_memory)
{
	request_forfeit_memory(give_to_worker(request));
	expect_regained(false);
	worker_answers();
	request_finish(request);
	ck_assert_uint_eq(regained.n, 1);
}
END_TEST

/* ------------------------------------------------------------------ nothing */

static void given_nothing_that_was_brought(void)
{
	prepare();
	ck_assert_int_eq(request_reserve(request), 0);
}

START_TEST(is_not_regained)
{
	ck_assert(!request_regain(request));
	request_finish(request);
	expect_not_yet();
}
END_TEST

START_TEST(is_not_regained_when_it_is_lost)
{
	request_forfeit_memory(give_to_worker(request));
	ck_assert_ptr_null(request->data);
	worker_answers();
	request_finish(request);
	expect_not_yet();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("what a request brought");

	describe(suite,
	         "data in memory that was lent to the wire",
	         given_data_that_was_brought,
	         forget_it,
	         is_where_the_requests_data_is,
	         is_the_wires_when_the_answer_is_sent,
	         is_the_wires_before_that_when_it_asks,
	         is_the_wires_once,
	         stays_when_it_is_answered_early,
	         may_be_asked_for_when_the_worker_is_done_before_the_early_answer_is_sent,
	         comes_when_the_early_answer_is_sent_after_the_worker_is_done,
	         stays_while_its_queue_is_closed_before_the_early_answer_is_sent,
	         stays_with_a_worker_when_its_queue_is_closed,
	         stays_when_it_is_answered_early_after_its_queue_is_closed,
	         is_the_wires_when_it_finishes_requests_of_its_closed_queue,
	         is_the_wires_when_its_closed_queue_does_not_wait_for_the_control_thread,
	         is_the_wires_when_its_closed_queue_does_not_wait_for_a_namespace,
	         is_lost_when_something_that_nobody_can_end_is_at_it,
	         is_lost_after_its_queue_is_closed);
	describe(suite,
	         "what is tied to a request",
	         given_something_that_is_tied,
	         forget_it,
	         leaves_the_request_its_own_memory,
	         is_the_wires_when_its_memory_is_given_back,
	         is_the_wires_when_the_worker_is_done,
	         is_not_lost_with_the_memory);
	describe(suite,
	         "a request that brought nothing",
	         given_nothing_that_was_brought,
	         forget_it,
	         is_not_regained,
	         is_not_regained_when_it_is_lost);
	return run(suite);
}
