/* SPDX-License-Identifier: BSD-2-Clause */
/* When a change is said to be over: not before each transport has drained what was before it. */
#include "common/base/clock.h"
#include "services/state/barrier.h"
#include "services/state/reconcile.h"
#include "tests/support/shows.h"
#include "tests/unit/state/stage.h"

static struct ipc_peer peer;
static struct transport *tcp, *rdma;
static struct barrier barrier;
static unsigned n_done;
static bool was_drained;

static void done(struct state *state, struct barrier *over, bool drained)
{
	ck_assert_ptr_eq(state, &stage.state);
	ck_assert_ptr_eq(over, &barrier);
	n_done++;
	was_drained = drained;
}

static struct transport *transport(const char *name)
{
	struct transport *added = state_add_transport(&stage.state, name);

	added->peer = &peer;
	added->presented = true;
	return added;
}

static void given_two_transports(void)
{
	stage_open();
	tcp = transport("tcp");
	rdma = transport("rdma");
	n_done = 0;
	barrier_begin(&stage.state, &barrier, NS_PER_S, done);
}

static void take_away(struct transport *transport)
{
	transport->peer = NULL;
	transport->gone_ns = clock_now_ns();
}

static void when_closed(void)
{
	take_away(tcp);
	take_away(rdma);
	stage_close();
}

static void finish(void)
{
	barrier_finish(&stage.state, clock_now_ns());
}

START_TEST(waits_for_each_transport)
{
	tcp->drained = barrier.revision + 1;
	finish();
	ck_assert_uint_eq(n_done, 0);
	rdma->drained = barrier.revision + 1;
	finish();
	ck_assert_uint_eq(n_done, 1);
	ck_assert(was_drained);
	shows("Base 2.1 §8.1.1",
	      "a change of access waits for what was admitted "
	      "before (or a deadline)");
}
END_TEST

START_TEST(is_over_once)
{
	tcp->drained = rdma->drained = UINT64_MAX;
	finish();
	finish();
	ck_assert_uint_eq(n_done, 1);
}
END_TEST

START_TEST(does_not_take_what_was_drained_before)
{
	tcp->drained = rdma->drained = barrier.revision;
	finish();
	ck_assert_uint_eq(n_done, 0);
	barrier_cancel(&barrier);
}
END_TEST

START_TEST(has_a_deadline)
{
	tcp->drained = UINT64_MAX;
	barrier_finish(&stage.state, barrier.until_ns);
	ck_assert_uint_eq(n_done, 1);
	ck_assert(!was_drained);
}
END_TEST

START_TEST(has_a_deadline_while_the_state_service_holds_back)
{
	take_away(tcp);
	take_away(rdma);
	stage.state.held = true;
	reconcile(&stage.state);
	ck_assert_uint_ne(stage.state.timer.due_ns, 0);
	barrier_cancel(&barrier);
	reconcile(&stage.state);
	ck_assert_uint_eq(stage.state.timer.due_ns, 0);
}
END_TEST

START_TEST(waits_for_one_that_has_lost_us)
{
	tcp->drained = UINT64_MAX;
	take_away(rdma);
	finish();
	ck_assert_uint_eq(n_done, 0);
	rdma->gone_ns -= RECONCILE_OPEN_NS;
	finish();
	ck_assert_uint_eq(n_done, 1);
	ck_assert(was_drained);
}
END_TEST

/* What the dead one had may be at a worker still. */
START_TEST(waits_for_what_a_dead_one_had_in_flight_though_its_successor_is_there)
{
	uint64_t now_ns = clock_now_ns();

	tcp->drained = UINT64_MAX;
	rdma->instance = 1;
	barrier_note_birth(rdma, 2, now_ns);
	barrier.until_ns = UINT64_MAX;
	barrier_finish(&stage.state, now_ns);
	ck_assert_uint_eq(n_done, 0);
	barrier_finish(&stage.state, now_ns + RECONCILE_OPEN_NS);
	ck_assert_uint_eq(n_done, 1);
	ck_assert(was_drained);
}
END_TEST

START_TEST(does_not_wait_for_the_first_of_its_name)
{
	tcp->drained = UINT64_MAX;
	rdma->instance = 0;
	barrier_note_birth(rdma, 2, clock_now_ns());
	finish();
	ck_assert_uint_eq(n_done, 1);
}
END_TEST

START_TEST(waits_while_views_are_held_back)
{
	tcp->drained = rdma->drained = UINT64_MAX;
	stage.state.open = false;
	finish();
	ck_assert_uint_eq(n_done, 0);
	stage.state.open = true;
	finish();
	ck_assert_uint_eq(n_done, 1);
}
END_TEST

START_TEST(asks_for_a_view_that_is_newer)
{
	tcp->view_revision = barrier.revision;
	rdma->view_revision = barrier.revision + 1;
	ck_assert(barrier_needs_view(&stage.state, tcp));
	ck_assert(!barrier_needs_view(&stage.state, rdma));
	barrier_cancel(&barrier);
	ck_assert(!barrier_needs_view(&stage.state, tcp));
}
END_TEST

/* Whose sessions are not known may have any controller, and is to be told of reservations. */
START_TEST(are_not_all_here_before_both_have_presented)
{
	ck_assert(reconcile_is_everybody_here(&stage.state));
	rdma->presented = false;
	rdma->arrived_ns = clock_now_ns();
	ck_assert(!reconcile_is_everybody_here(&stage.state));
	rdma->arrived_ns -= RECONCILE_GONE_NS;
	ck_assert(reconcile_is_everybody_here(&stage.state));
	take_away(rdma);
	ck_assert(!reconcile_is_everybody_here(&stage.state));
	rdma->gone_ns -= RECONCILE_OPEN_NS;
	ck_assert(reconcile_is_everybody_here(&stage.state));
	barrier_cancel(&barrier);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a barrier");

	describe(suite,
	         "two transports",
	         given_two_transports,
	         when_closed,
	         waits_for_each_transport,
	         is_over_once,
	         does_not_take_what_was_drained_before,
	         has_a_deadline,
	         has_a_deadline_while_the_state_service_holds_back,
	         waits_for_one_that_has_lost_us,
	         waits_for_what_a_dead_one_had_in_flight_though_its_successor_is_there,
	         does_not_wait_for_the_first_of_its_name,
	         waits_while_views_are_held_back,
	         asks_for_a_view_that_is_newer,
	         are_not_all_here_before_both_have_presented);
	return run(suite);
}
