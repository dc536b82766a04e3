/* SPDX-License-Identifier: BSD-2-Clause */
/* A reservation command that its host was told to send again (Command Interrupted), and sends. */
#include "services/state/deferred.h"
#include "services/state/reservation.h"
#include "tests/support/shows.h"
#include "tests/unit/state/reserving.h"

static struct ipc_peer peer;
static struct transport *transport;

static void drain(void)
{
	transport->drained = stage.state.target.revision + 1;
}

/* Something that was admitted before is in flight from now on. */
static void undrain(void)
{
	stage.state.target.revision = transport->drained;
}

/* A and B are registered, and B holds it, which has not drained. */
static void given_a_reservation(void)
{
	reserving_open();
	transport = state_add_transport(&stage.state, "tcp");
	transport->peer = &peer;
	transport->presented = true;
	drain();
	enter(A, 1);
	enter(B, 1);
	undrain();
	acquire(B, 1, WE);
}

static void forget(void)
{
	transport->peer = NULL;
	stage_close();
}

/* The answer that waits is given up: by its deadline, or as the transport has one too. */
static void interrupt(void)
{
	ck_assert(stage.reply.drains);
	ck_assert_int_eq(deferred_begin(&stage.state, &peer, 1, &stage.reply), 0);
	ck_assert(deferred_cancel(&stage.state, &peer, 1));
}

static struct nvme_status unregister(void)
{
	return leave(B, 1);
}

static struct nvme_status replace(void)
{
	return ask(A, NVME_IO_RESERVATION_REGISTER, 1, REPLACE, A + 1, 77);
}

static struct nvme_status clear(void)
{
	return ask(A, NVME_IO_RESERVATION_RELEASE, 1, CLEAR, A + 1, 0);
}

static struct nvme_status preempt_b(void)
{
	return preempt(A, 1, WE, B);
}

static struct nvme_status (*const commands[])(void) = {unregister, replace, clear, preempt_b};

#define N_COMMANDS ((int)(sizeof(commands) / sizeof(commands[0])))

/* It was a conflict: with what it had done itself. */
START_TEST(is_good_when_it_is_sent_again)
{
	expect_status(commands[_i](), 0);
	interrupt();
	expect_status(commands[_i](), 0);
	ck_assert(stage.reply.drains);
	interrupt();
	drain();
	expect_status(commands[_i](), 0);
	ck_assert(!stage.reply.drains);
	if (_i + 1 == N_COMMANDS)
		shows("Base 2.1 §8.1.22",
		      "a command that was answered with Command Interrupted may be sent again, and "
		      "is no conflict with what it has done");
}
END_TEST

START_TEST(is_a_conflict_after_its_good_answer)
{
	expect_status(commands[_i](), 0);
	interrupt();
	drain();
	expect_status(commands[_i](), 0);
	expect_status(commands[_i](), CONFLICT);
}
END_TEST

START_TEST(is_a_conflict_where_nobody_was_told_to_send_it_again)
{
	expect_status(commands[_i](), 0);
	drain();
	expect_status(commands[_i](), CONFLICT);
}
END_TEST

/* A planned restart of a transport answers what is under way with Command Interrupted. */
START_TEST(is_good_after_its_transport_has_gone)
{
	expect_status(commands[_i](), 0);
	ck_assert_int_eq(deferred_begin(&stage.state, &peer, 1, &stage.reply), 0);
	deferred_forget(&stage.state, &peer);
	expect_status(commands[_i](), 0);
}
END_TEST

START_TEST(is_good_also_after_a_restart)
{
	expect_status(commands[_i](), 0);
	interrupt();
	transport->peer = NULL;
	reserving_reopen();
	transport = state_add_transport(&stage.state, "tcp");
	transport->gone_ns = 0;
	expect_status(commands[_i](), 0);
}
END_TEST

/* What it asks for may not hold any more. */
START_TEST(is_a_conflict_where_the_reservation_has_changed_since)
{
	expect_status(commands[_i](), 0);
	interrupt();
	expect_status(enter(C, 1), 0);
	expect_status(commands[_i](), CONFLICT);
}
END_TEST

/* Generations begin anew then, and come to the same number. */
START_TEST(is_a_conflict_where_all_was_lost_since)
{
	expect_status(replace(), 0);
	interrupt();
	ck_assert_int_eq(reservations_power_on(&stage.state, "another"), 0);
	expect_status(ask(A, NVME_IO_RESERVATION_REGISTER, 1, REGISTER, 0, 55), 0);
	expect_status(enter(C, 1), 0);
	expect_status(enter(B, 1), 0);
	expect_status(acquire(B, 1, WE), 0);
	expect_status(replace(), CONFLICT);
}
END_TEST

START_TEST(is_a_conflict_where_the_holder_has_let_go_since)
{
	expect_status(preempt_b(), 0);
	interrupt();
	expect_status(ask(A, NVME_IO_RESERVATION_RELEASE, 1, WE << 8, A + 1, 0), 0);
	expect_status(preempt_b(), CONFLICT);
}
END_TEST

START_TEST(is_a_conflict_with_another_key)
{
	expect_status(preempt_b(), 0);
	interrupt();
	expect_status(preempt(A, 1, WE, C), CONFLICT);
}
END_TEST

START_TEST(is_a_conflict_of_another_host)
{
	expect_status(enter(C, 1), 0);
	expect_status(preempt_b(), 0);
	interrupt();
	expect_status(preempt(C, 1, WE, B), CONFLICT);
}
END_TEST

/* All registrants held it, and with key 0 all of them lose it. */
START_TEST(is_good_where_all_were_preempted)
{
	expect_status(ask(A, NVME_IO_RESERVATION_ACQUIRE, 1, 5u << 8 | PREEMPT, A + 1, B + 1), 0);
	expect_status(enter(B, 1), 0);
	expect_status(ask(A, NVME_IO_RESERVATION_ACQUIRE, 1, WE << 8 | PREEMPT, A + 1, 0), 0);
	interrupt();
	expect_status(ask(A, NVME_IO_RESERVATION_ACQUIRE, 1, WE << 8 | PREEMPT, A + 1, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a reservation command that was interrupted");
	TCase *each = tcase_create("each command");

	tcase_add_checked_fixture(each, given_a_reservation, forget);
	tcase_add_loop_test(each, is_good_when_it_is_sent_again, 0, N_COMMANDS);
	tcase_add_loop_test(each, is_a_conflict_after_its_good_answer, 0, N_COMMANDS);
	tcase_add_loop_test(
		each, is_a_conflict_where_nobody_was_told_to_send_it_again, 0, N_COMMANDS);
	tcase_add_loop_test(each, is_good_also_after_a_restart, 0, N_COMMANDS);
	tcase_add_loop_test(each, is_good_after_its_transport_has_gone, 0, N_COMMANDS);
	tcase_add_loop_test(
		each, is_a_conflict_where_the_reservation_has_changed_since, 0, N_COMMANDS);
	suite_add_tcase(suite, each);
	describe(suite,
	         "a replace",
	         given_a_reservation,
	         forget,
	         is_a_conflict_where_all_was_lost_since);
	describe(suite,
	         "a preempt",
	         given_a_reservation,
	         forget,
	         is_a_conflict_where_the_holder_has_let_go_since,
	         is_a_conflict_with_another_key,
	         is_a_conflict_of_another_host,
	         is_good_where_all_were_preempted);
	return run(suite);
}
