/* SPDX-License-Identifier: BSD-2-Clause */
/* A controller: when it ends, and what I/O commands are told then. */
#include "common/transport/controller.h"

#include "common/transport/keep_alive.h"
#include "common/transport/seat.h"
#include "common/transport/transport.h"
#include "tests/support/spec.h"

#define KATO_MS 5000u
#define CAP     UINT64_C(0x123456789abc0000) /* MQES is the port's */

static const struct wire wire = {.trtype = "tcp"};
static struct transport transport = {.wire = &wire};
static struct controller *controller;

static void make_view(void)
{
	Nvmetd__TransportView message = NVMETD__TRANSPORT_VIEW__INIT;
	Nvmetd__ListenerView listener = NVMETD__LISTENER_VIEW__INIT, *listeners = &listener;
	Nvmetd__SubsystemView subsystem = NVMETD__SUBSYSTEM_VIEW__INIT, *subsystems = &subsystem;
	const char *reason;

	listener.port_id = 1;
	listener.adrfam = "ipv4";
	listener.traddr = "127.0.0.1";
	listener.trsvcid = "4420";
	listener.in_capsule_bytes = 16384;
	listener.max_queue_size = 128;
	subsystem.subsystem = 7;
	subsystem.nqn = "nqn.2024-01.org.example:a";
	subsystem.cap = CAP;
	message.revision = 1;
	message.listeners = &listeners;
	message.n_listeners = 1;
	message.subsystems = &subsystems;
	message.n_subsystems = 1;
	ck_assert_int_eq(view_new(&transport.view, &message, NULL, 1, 1, &reason), 0);
}

static void given_a_controller(void)
{
	const struct loop_options options = {0};
	Nvmetd__Session session = NVMETD__SESSION__INIT;

	ck_assert_int_eq(loop_new(&transport.service.loop, &options), 0);
	list_init(&transport.controllers);
	transport.n_reactors = 1;
	make_view();
	session.subsystem = 7;
	session.cntlid = 3;
	session.port_id = 1;
	session.kato_ms = KATO_MS;
	ck_assert_int_eq(controller_new(&controller, &transport, session_copy(&session)), 0);
	controller_hold(controller);
}

static void forget_it(void)
{
	controller_end(controller, "the test is over");
	controller = controller_drop(controller);
	transport.view = view_drop(transport.view);
	transport.service.loop = loop_free(transport.service.loop);
}

/* As if its time had come. */
static void keep_alive_expires(void)
{
	loop_timer_clear(&controller->keep_alive);
	controller->keep_alive.expired(&controller->keep_alive);
}

static void a_command_is_read(void)
{
	controller_hears(&controller->shares[0]);
}

static void expect_timer(uint64_t ns)
{
	uint64_t now_ns = clock_now_ns();

	ck_assert_uint_gt(controller->keep_alive.due_ns, now_ns + ns - NS_PER_S / 2);
	ck_assert_uint_le(controller->keep_alive.due_ns, now_ns + ns + KEEP_ALIVE_TICK_NS);
}

START_TEST(lives_on_when_a_command_has_come)
{
	a_command_is_read();
	keep_alive_expires();
	ck_assert(!controller->ended);
	expect_timer(KATO_MS * NS_PER_MS);
}
END_TEST

START_TEST(has_a_moment_when_none_has_come)
{
	keep_alive_expires();
	ck_assert(!controller->ended);
	expect_timer(KEEP_ALIVE_GRACE_NS);
}
END_TEST

START_TEST(ends_when_none_comes_in_that_moment)
{
	keep_alive_expires();
	keep_alive_expires();
	ck_assert(controller->ended);
}
END_TEST

START_TEST(lives_on_when_what_had_come_is_read_in_that_moment)
{
	keep_alive_expires();
	a_command_is_read();
	keep_alive_expires();
	ck_assert(!controller->ended);
	expect_timer(KATO_MS * NS_PER_MS);
	keep_alive_expires(); /* and has the moment each time */
	ck_assert(!controller->ended);
}
END_TEST

START_TEST(is_off_at_first)
{
	ck_assert_int_eq(atomic_load(&controller->phase), CONTROLLER_OFF);
}
END_TEST

START_TEST(is_not_off_but_ended_in_the_end)
{
	atomic_store(&controller->phase, CONTROLLER_READY);
	controller_end(controller, "because");
	ck_assert_int_eq(atomic_load(&controller->phase), CONTROLLER_ENDED);
}
END_TEST

START_TEST(does_not_wait_for_a_queue_that_is_fenced)
{
	struct seat old = {.closing = true}, newer = {.closing = false};

	list_init(&old.link);
	list_init(&newer.link);
	controller_seat(controller, &old, 1, 32);
	ck_assert(controller_host_is_ending(controller));
	ck_assert_ptr_eq(controller_queue(controller, 1), &old);
	old.is_fenced = true;
	ck_assert(!controller_host_is_ending(controller));
	ck_assert_ptr_null(controller_queue(controller, 1));
	controller_seat(controller, &newer, 1, 32);
	ck_assert_ptr_eq(controller_queue(controller, 1), &newer);
	controller_unseat(&old);
	controller_unseat(&newer);
}
END_TEST

/* ------------------------------------------------------------------ its queues */

static void expect_entries_0based(uint64_t mqes)
{
	ck_assert_uint_eq(controller->properties.cap, CAP | mqes);
}

START_TEST(has_queues_of_the_ports_size)
{
	expect_entries_0based(127);
}
END_TEST

START_TEST(has_smaller_queues_where_its_wire_has)
{
	controller_limit_queues(controller, 64);
	expect_entries_0based(63);
}
END_TEST

START_TEST(has_no_larger_queues_than_the_port)
{
	controller_limit_queues(controller, 128);
	expect_entries_0based(127);
	controller_limit_queues(controller, 129);
	expect_entries_0based(127);
	controller_limit_queues(controller, UINT32_MAX);
	expect_entries_0based(127);
}
END_TEST

START_TEST(has_queues_of_the_ports_size_where_its_wire_says_nothing)
{
	controller_limit_queues(controller, 0);
	expect_entries_0based(127);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("controller");

	describe(suite,
	         "a controller",
	         given_a_controller,
	         forget_it,
	         lives_on_when_a_command_has_come,
	         has_a_moment_when_none_has_come,
	         ends_when_none_comes_in_that_moment,
	         lives_on_when_what_had_come_is_read_in_that_moment,
	         is_off_at_first,
	         is_not_off_but_ended_in_the_end,
	         does_not_wait_for_a_queue_that_is_fenced,
	         has_queues_of_the_ports_size,
	         has_smaller_queues_where_its_wire_has,
	         has_no_larger_queues_than_the_port,
	         has_queues_of_the_ports_size_where_its_wire_says_nothing);
	return run(suite);
}
