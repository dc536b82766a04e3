/* SPDX-License-Identifier: BSD-2-Clause */
/* What a reactor writes for each command is on cache lines that no other thread writes. */
#include "common/transport/controller.h"
#include "common/transport/reactor.h"
#include "common/transport/transport.h"
#include "tests/support/lines.h"
#include "tests/support/spec.h"

#define ARENA_BYTES (4u << 20)

static const struct wire wire = {.trtype = "tcp"};
static struct transport transport = {.wire = &wire, .n_reactors = 2};
static Nvmetd__SubsystemView subsystem, *subsystems = &subsystem;
static Nvmetd__ListenerView listener, *listeners = &listener;

static void make_view(void)
{
	Nvmetd__TransportView message = NVMETD__TRANSPORT_VIEW__INIT;
	const char *reason;

	nvmetd__subsystem_view__init(&subsystem);
	nvmetd__listener_view__init(&listener);
	listener.max_queue_size = 32;
	message.revision = 1;
	message.subsystems = &subsystems;
	message.listeners = &listeners;
	message.n_subsystems = message.n_listeners = 1;
	ck_assert_int_eq(view_new(&transport.view, &message, NULL, 1, 2, &reason), 0);
}

static void given_two_reactors(void)
{
	const struct loop_options options = {0};

	list_init(&transport.views);
	list_init(&transport.controllers);
	ck_assert_int_eq(loop_new(&transport.service.loop, &options), 0);
	ck_assert_int_eq(mailbox_init(&transport.mailbox, transport.service.loop), 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(reactor_new(&transport.reactors[i], &transport, i, ARENA_BYTES),
		                 0);
	make_view();
}

static void forget_them(void)
{
	for (unsigned i = 0; i < 2; i++)
		reactor_free(transport.reactors[i]);
	view_drop(transport.view);
	mailbox_deinit(&transport.mailbox);
	loop_free(transport.service.loop);
}

START_TEST(share_no_line)
{
	expect_own_lines(transport.reactors[0]);
	expect_own_lines(transport.reactors[1]);
	expect_apart(transport.reactors[0], transport.reactors[1]);
}
END_TEST

START_TEST(have_loops_that_share_no_line)
{
	expect_own_lines(transport.reactors[0]->loop);
	expect_own_lines(transport.reactors[1]->loop);
}
END_TEST

START_TEST(are_not_disturbed_by_letters)
{
	struct reactor *reactor = transport.reactors[0];

	expect_apart(&reactor->mailbox, &reactor->room);
	expect_apart(&reactor->mailbox, &reactor->due);
	expect_apart(&reactor->mailbox, &reactor->has_responded);
	expect_apart(&reactor->mailbox, &reactor->counts);
	expect_apart(&reactor->mailbox, &reactor->n_queues);
}
END_TEST

START_TEST(are_not_disturbed_by_a_view_that_is_shown)
{
	struct reactor *reactor = transport.reactors[0];

	expect_apart(&reactor->next_view, &reactor->sight);
	expect_apart(&reactor->next_view, &reactor->counts);
	expect_apart(&reactor->view_notice, &reactor->counts);
}
END_TEST

START_TEST(count_their_commands_under_a_view_on_lines_of_their_own)
{
	const struct view_count *counts = transport.view->counts;

	expect_own_lines(counts);
	expect_apart(&counts[0], &counts[1]);
	expect_apart(&counts[0], transport.view);
	expect_apart(&counts[1], transport.view);
}
END_TEST

START_TEST(count_the_commands_of_a_controller_on_lines_of_their_own)
{
	Nvmetd__Session *session = malloc(sizeof(*session));
	struct controller *controller;

	ck_assert_ptr_nonnull(session);
	nvmetd__session__init(session);
	session->cntlid = 1;
	ck_assert_int_eq(controller_new(&controller, &transport, session), 0);
	expect_own_lines(controller);
	expect_own_lines(controller->shares);
	expect_apart(&controller->shares[0], &controller->shares[1]);
	expect_apart(&controller->shares[0], controller);
	expect_apart(&controller->shares[1], controller);
	loop_timer_clear(&controller->keep_alive);
	list_remove(&controller->link);
	controller_drop(controller);
}
END_TEST

/* They are read for each command. */
START_TEST(find_a_controller_s_phase_where_errors_are_not_written)
{
	static struct controller controller;

	expect_apart(&controller.phase, &controller.errors);
	expect_apart(&controller.phase, &controller.keep_alive);
	expect_apart(&controller.shares, &controller.errors);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");

	describe(suite,
	         "two reactors",
	         given_two_reactors,
	         forget_them,
	         share_no_line,
	         have_loops_that_share_no_line,
	         are_not_disturbed_by_letters,
	         are_not_disturbed_by_a_view_that_is_shown,
	         count_their_commands_under_a_view_on_lines_of_their_own,
	         count_the_commands_of_a_controller_on_lines_of_their_own,
	         find_a_controller_s_phase_where_errors_are_not_written);
	return run(suite);
}
