/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of a namespace from one worker to another, and where it is when one of them fails. */
#include <string.h>

#include "common/base/clock.h"
#include "services/state/database.h"
#include "services/state/move.h"
#include "services/state/reconcile.h"
#include "services/state/view.h"
#include "tests/unit/state/stage.h"

static struct ipc_peer peers[3];
static struct worker *first, *second;
static struct transport *tcp;
static struct backing *backing;
static struct scratch scratch;

static struct worker *worker(const char *name, struct ipc_peer *peer)
{
	struct worker *added = state_add_worker(&stage.state, name);

	added->peer = peer;
	added->reported = true;
	return added;
}

/* Namespace 1, in memory, is on its way from io-0 to io-1. Nothing is sent to anybody. */
static void given_a_move(void)
{
	stage_open();
	stage_ready();
	first = worker("io-0", &peers[0]);
	second = worker("io-1", &peers[1]);
	tcp = state_add_transport(&stage.state, "tcp");
	tcp->peer = &peers[2];
	tcp->presented = true;
	backing = stage_namespace(STAGE_SUBSYSTEM, 1)->backing;
	strcpy(backing->wish, "io-1");
	move_all(&stage.state, clock_now_ns());
	ck_assert_ptr_nonnull(backing->move);
}

static void leave_all(void)
{
	scratch_deinit(&scratch);
	first->peer = second->peer = NULL;
	tcp->peer = NULL;
}

static void when_closed(void)
{
	leave_all();
	stage_close();
}

/* ------------------------------------------------------------------ what is sent */

static const Nvmetd__NamespaceView *seen(void)
{
	const Nvmetd__TransportView *view = view_of_transport(
		&scratch, &stage.state.target, "tcp", NULL, 0);

	for (size_t i = 0; i < view->n_subsystems; i++)
		for (size_t j = 0; j < view->subsystems[i]->n_namespaces; j++)
			if (view->subsystems[i]->namespaces[j]->handle == backing->handle)
				return view->subsystems[i]->namespaces[j];
	ck_abort_msg("it is not in the view");
}

/* NULL: it does not have it. */
static const Nvmetd__BackingView *served(const char *name)
{
	const Nvmetd__WorkerView *view = view_of_worker(
		&scratch, &stage.state.target, name, NULL, 0);

	for (size_t i = 0; i < view->n_namespaces; i++)
		if (view->namespaces[i]->handle == backing->handle)
			return view->namespaces[i];
	return NULL;
}

static void drain(void)
{
	tcp->drained = stage.state.target.revision + 1;
	barrier_finish(&stage.state, clock_now_ns());
}

static bool report_of(const struct worker *from, bool ready, bool released)
{
	Nvmetd__BackingReport report = NVMETD__BACKING_REPORT__INIT;

	report.handle = backing->handle;
	report.ready = ready;
	report.released = released;
	return move_takes_report(&stage.state, backing, from, &report);
}

/* ------------------------------------------------------------------ the steps */

START_TEST(begins_with_hosts_that_wait)
{
	ck_assert(!seen()->ready);
	ck_assert_str_eq(seen()->worker, "io-0");
	ck_assert_uint_eq(served("io-0")->release.len, 0);
	ck_assert_ptr_null(served("io-1"));
}
END_TEST

START_TEST(goes_on_when_nothing_is_in_flight)
{
	drain();
	ck_assert_int_eq(backing->move->phase, MOVE_RELEASING);
	ck_assert_uint_eq(served("io-0")->release.len, MOVE_TOKEN);
	ck_assert_ptr_null(served("io-1"));
}
END_TEST

START_TEST(shows_it_to_the_other_one_when_it_is_closed)
{
	const Nvmetd__BackingView *view;

	drain();
	ck_assert(report_of(first, false, false));
	ck_assert_ptr_null(served("io-1"));
	ck_assert(report_of(first, false, true));
	view = served("io-1");
	ck_assert_ptr_nonnull(view);
	ck_assert_str_eq(view->from_path, first->path);
	ck_assert_mem_eq(view->from_token.data, served("io-0")->release.data, MOVE_TOKEN);
	ck_assert(!seen()->ready);
}
END_TEST

START_TEST(is_over_when_the_other_one_has_it)
{
	drain();
	report_of(first, false, true);
	ck_assert(report_of(second, false, false));
	ck_assert(!report_of(second, true, false)); /* now it is a report as any */
	ck_assert_ptr_null(backing->move);
	ck_assert_str_eq(backing->worker, "io-1");
	ck_assert(seen()->ready);
	ck_assert_str_eq(seen()->worker, "io-1");
	ck_assert_ptr_null(served("io-0"));
}
END_TEST

START_TEST(is_in_the_database_before_anybody_hears_of_its_end)
{
	drain();
	report_of(first, false, true);
	report_of(second, true, false);
	ck_assert(!backing->unsaved);
	leave_all();
	stage_reopen();
	first = second = state_add_worker(&stage.state, "io-0");
	tcp = state_add_transport(&stage.state, "tcp");
	backing = stage_namespace(STAGE_SUBSYSTEM, 1)->backing;
	ck_assert_str_eq(backing->worker, "io-1");
}
END_TEST

/* ------------------------------------------------------------------ failures */

static void expect_as_before(void)
{
	ck_assert_ptr_null(backing->move);
	ck_assert_str_eq(backing->worker, "io-0");
	ck_assert(seen()->ready);
	ck_assert_uint_eq(served("io-0")->release.len, 0);
	ck_assert_ptr_null(served("io-1"));
}

START_TEST(in_which_the_device_does_not_answer_is_given_up)
{
	barrier_finish(&stage.state, clock_now_ns() + MOVE_DRAIN_NS);
	expect_as_before();
}
END_TEST

START_TEST(to_one_that_cannot_open_it_is_given_up)
{
	drain();
	report_of(first, false, true);
	move_all(&stage.state, clock_now_ns() + MOVE_OPEN_NS);
	expect_as_before();
}
END_TEST

START_TEST(that_was_given_up_is_tried_again_later)
{
	barrier_finish(&stage.state, clock_now_ns() + MOVE_DRAIN_NS);
	move_all(&stage.state, clock_now_ns());
	ck_assert_ptr_null(backing->move);
	move_all(&stage.state, clock_now_ns() + MOVE_PAUSE_NS);
	ck_assert_ptr_nonnull(backing->move);
}
END_TEST

/* Nobody says anything any more that would bring it about. */
START_TEST(that_was_given_up_keeps_the_clock_running)
{
	barrier_finish(&stage.state, clock_now_ns() + MOVE_DRAIN_NS);
	first->peer = second->peer = NULL;
	first->view_revision = second->view_revision = 1;
	tcp->peer = NULL;
	state_remove_transport(&stage.state, tcp);
	reconcile(&stage.state);
	ck_assert_uint_ne(stage.state.timer.due_ns, 0);
	backing->move_not_before_ns = 1;
	reconcile(&stage.state);
	ck_assert_uint_eq(stage.state.timer.due_ns, 0);
	tcp = state_add_transport(&stage.state, "tcp");
}
END_TEST

START_TEST(of_what_is_taken_away_ends)
{
	drain();
	backing->use = BACKING_LEAVING;
	move_all(&stage.state, clock_now_ns());
	ck_assert_ptr_null(backing->move);
}
END_TEST

START_TEST(does_not_end_by_what_the_old_one_says)
{
	drain();
	report_of(first, false, true);
	ck_assert(report_of(first, true, false));
	ck_assert_str_eq(backing->worker, "io-0");
	ck_assert_ptr_nonnull(backing->move);
}
END_TEST

START_TEST(to_one_that_is_not_there_does_not_begin)
{
	barrier_finish(&stage.state, clock_now_ns() + MOVE_DRAIN_NS);
	second->peer = NULL;
	move_all(&stage.state, clock_now_ns() + MOVE_PAUSE_NS);
	ck_assert_ptr_null(backing->move);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("move");

	describe(suite,
	         "a move",
	         given_a_move,
	         when_closed,
	         begins_with_hosts_that_wait,
	         goes_on_when_nothing_is_in_flight,
	         shows_it_to_the_other_one_when_it_is_closed,
	         is_over_when_the_other_one_has_it,
	         is_in_the_database_before_anybody_hears_of_its_end,
	         in_which_the_device_does_not_answer_is_given_up,
	         to_one_that_cannot_open_it_is_given_up,
	         that_was_given_up_is_tried_again_later,
	         that_was_given_up_keeps_the_clock_running,
	         of_what_is_taken_away_ends,
	         does_not_end_by_what_the_old_one_says,
	         to_one_that_is_not_there_does_not_begin);
	return run(suite);
}
