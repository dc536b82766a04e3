/* SPDX-License-Identifier: BSD-2-Clause */
/* Aborts at a reactor: of a command that is with a worker, which gives it back. */
#include "common/transport/aborts.h"

#include "common/base/clock.h"
#include "common/transport/request.h"
#include "common/transport/seat.h"
#include "common/transport/task.h"
#include "common/transport/transport.h"
#include "common/transport/worker_link.h"
#include "tests/support/spec.h"
#include "tests/unit/transport/queue_stage.h"

#define CID    0x77u
#define ABORTS 3u

static struct worker_link_owner owner;
static struct worker_link *to_worker; /* which is away */
static struct request *meant, *aborts[ABORTS];

static void note_early(struct request *request)
{
	request_answer_early(request);
}

static void given_a_command_at_a_worker(void)
{
	const struct view_worker nowhere = {.name = "io-0", .path = "/nowhere/io-0.sock"};

	given_a_connected_queue();
	owner = (struct worker_link_owner){.loop = reactor->loop,
	                                   .arena = arena_region(reactor->room.arena),
	                                   .transport = "tcp",
	                                   .done = request_respond,
	                                   .answer_early = note_early};
	ck_assert_int_eq(worker_link_new(&to_worker, &owner, &nowhere), 0);
	queue.seat->controller = queue.controller;
	holds_answers = true;
	begin(1 + ABORTS);
	meant = begun[0];
	meant->command.cid = le16_of(CID);
	meant->kind = REQUEST_IO;
	meant->link = to_worker;
	for (unsigned i = 0; i < ABORTS; i++)
		aborts[i] = begun[1 + i];
}

static void forget_all(void)
{
	finish(1 + ABORTS);
	queue.seat->controller = NULL;
	to_worker = worker_link_free(to_worker);
	forget_it();
}

/* As the control thread does it with an Abort. */
static void abort_it(struct request *abort)
{
	struct task *task = task_new(queue.seat, &abort->command, NULL, 0);

	ck_assert_ptr_nonnull(task);
	request_set_aside(abort);
	abort->owner = REQUEST_AT_CONTROL;
	task->queue = queue.number;
	task->index = abort->index;
	list_append(&queue.seat->tasks, &task->seat_link);
	ck_assert(aborts_begin(reactor->transport, task, queue.seat, CID));
	round_is_over();
}

static void rounds_until_answered(const struct request *request)
{
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;

	while (request->owner != REQUEST_WITH_WIRE && clock_now_ns() < end_ns) {
		ck_assert_int_eq(loop_round(reactor->loop, 5), 0);
		round_is_over();
	}
	ck_assert_int_eq(request->owner, REQUEST_WITH_WIRE);
}

static void expect_all_aborted(void)
{
	for (unsigned i = 0; i < ABORTS; i++) {
		rounds_until_answered(aborts[i]);
		ck_assert_uint_eq(aborts[i]->result[0], 0);
	}
	ck_assert_uint_eq(meant->status.value & 0x7ff, NVME_SC_ABORT_REQUESTED);
}

/* It is not ready for its namespace; each of the Aborts finds that, and the first one ends all. */
START_TEST(ends_each_abort_of_a_command_once)
{
	give_to_worker(meant);
	for (unsigned i = 0; i < ABORTS; i++)
		abort_it(aborts[i]);
	worker_link_put(to_worker, meant);
	expect_all_aborted();
}
END_TEST

/* It is lost with its worker: its memory stays where it is, its host need not wait. */
START_TEST(ends_each_abort_of_a_command_that_is_lost)
{
	give_to_worker(meant);
	for (unsigned i = 0; i < ABORTS; i++)
		abort_it(aborts[i]);
	meant->is_lost = true;
	expect_all_aborted();
	meant->early = REQUEST_EARLY_NONE;
}
END_TEST

/* The Abort looks for its command, whose place has another one of that number. */
START_TEST(leaves_another_command_in_the_same_place_alone)
{
	meant->direction = NVME_TRANSFER_TO_CONTROLLER;
	meant->source = REQUEST_TRANSFER;
	meant->wire_u32[0] = 1;
	for (unsigned i = 0; i < ABORTS; i++)
		abort_it(aborts[i]);
	ck_assert_int_eq(meant->kind, REQUEST_DONE);
	request_fail(meant, status_of(NVME_SC_TRANSIENT_TRANSPORT));
	request_finish(meant);
	begun[0] = queue_begin(&queue);
	ck_assert_ptr_eq(begun[0], meant);
	meant->command.cid = le16_of(CID);
	meant->kind = REQUEST_IO;
	meant->link = to_worker;
	request_set_aside(meant);
	worker_link_put(to_worker, meant);
	for (unsigned i = 0; i < ABORTS; i++) {
		rounds_until_answered(aborts[i]);
		ck_assert_uint_eq(aborts[i]->result[0], 1);
	}
	ck_assert_int_eq(meant->owner, REQUEST_AT_LINK);
	worker_link_drop(to_worker, meant);
}
END_TEST

/* The adapter has not said yet that the answer is sent; its host has it, and goes on. */
START_TEST(is_not_taken_for_the_next_of_its_number)
{
	struct request *next = begun[1];

	next->command.cid = le16_of(CID);
	ck_assert_ptr_nonnull(queue_command(&queue, CID));
	request_set_aside(next);
	next->owner = REQUEST_AT_WORKER;
	ck_assert_ptr_eq(queue_command(&queue, CID), next);
	next->owner = REQUEST_AT_CORE;
	request_respond(next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("aborts");

	describe(suite,
	         "a command that comes back from its worker",
	         given_a_command_at_a_worker,
	         forget_all,
	         ends_each_abort_of_a_command_once,
	         ends_each_abort_of_a_command_that_is_lost);
	describe(suite,
	         "a command that ends otherwise",
	         given_a_command_at_a_worker,
	         forget_all,
	         leaves_another_command_in_the_same_place_alone,
	         is_not_taken_for_the_next_of_its_number);
	return run(suite);
}
