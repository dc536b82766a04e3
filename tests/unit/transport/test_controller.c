/* SPDX-License-Identifier: BSD-2-Clause */
/* A controller: when it ends, and what I/O commands are told then. */
#include "common/transport/controller.h"

#include <string.h>

#include "common/transport/keep_alive.h"
#include "common/transport/seat.h"
#include "common/transport/transition.h"
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

/* It is looked at, as long after a command was heard. */
static void time_passes(uint64_t ms)
{
	loop_timer_clear(&controller->keep_alive);
	controller->heard_ns -= ms * NS_PER_MS;
	controller->keep_alive.expired(&controller->keep_alive);
}

static void a_command_is_read(void)
{
	controller_hears(&controller->shares[0]);
}

/* Within the next so many nanoseconds. */
static void expect_look(uint64_t ns)
{
	ck_assert_uint_gt(controller->keep_alive.due_ns, 0);
	ck_assert_uint_le(controller->keep_alive.due_ns, clock_now_ns() + ns);
}

START_TEST(lives_on_when_a_command_has_come)
{
	a_command_is_read();
	time_passes(KATO_MS);
	ck_assert(!controller->ended);
	expect_look(KEEP_ALIVE_TICK_NS);
	time_passes(KATO_MS - 1000);
	ck_assert(!controller->is_last_chance);
}
END_TEST

START_TEST(lives_on_before_its_time_has_passed)
{
	time_passes(KATO_MS - 1000);
	ck_assert(!controller->is_last_chance);
	expect_look(KEEP_ALIVE_TICK_NS);
}
END_TEST

START_TEST(has_a_moment_when_none_has_come)
{
	time_passes(KATO_MS);
	ck_assert(!controller->ended);
	ck_assert(controller->is_last_chance);
	expect_look(KEEP_ALIVE_GRACE_NS);
}
END_TEST

START_TEST(ends_when_none_comes_in_that_moment)
{
	time_passes(KATO_MS);
	time_passes(0);
	ck_assert(controller->ended);
}
END_TEST

START_TEST(lives_on_when_what_had_come_is_read_in_that_moment)
{
	time_passes(KATO_MS);
	a_command_is_read();
	time_passes(0);
	ck_assert(!controller->ended);
	time_passes(KATO_MS); /* and has the moment each time */
	ck_assert(!controller->ended);
}
END_TEST

static void set_kato(uint32_t ms)
{
	Nvmetd__Session session = NVMETD__SESSION__INIT;

	session.subsystem = 7;
	session.cntlid = 3;
	session.port_id = 1;
	session.kato_ms = ms;
	controller_take_session(controller, &session);
}

START_TEST(begins_anew_with_another_time)
{
	time_passes(KATO_MS - 1000);
	set_kato(2000);
	time_passes(1000);
	ck_assert(!controller->is_last_chance);
	time_passes(1000);
	ck_assert(controller->is_last_chance);
}
END_TEST

START_TEST(is_not_looked_at_when_its_host_wants_none)
{
	set_kato(0);
	ck_assert_uint_eq(controller->keep_alive.due_ns, 0);
	ck_assert(!atomic_load(&controller->keeps_alive));
	set_kato(2000);
	expect_look(KEEP_ALIVE_TICK_NS);
	ck_assert(atomic_load(&controller->keeps_alive));
}
END_TEST

/* ------------------------------------------------------------------ resets and shutdowns */

#define CC      (6u << 16 | 4u << 20)
#define SHUT(n) ((n) << 14)

static struct seat admin_seat, io_seat;

static void write_cc(uint32_t cc)
{
	struct nvme_property_command written = {.opcode = NVME_FABRICS,
	                                        .fctype = NVME_FABRICS_PROPERTY_SET,
	                                        .ofst = le32_of(NVME_PROPERTY_CC),
	                                        .value = le64_of(cc)};
	struct nvme_command command;
	enum properties_change change;
	uint16_t location;

	memcpy(&command, &written, sizeof(command));
	ck_assert(status_is_ok(
		properties_set(&controller->properties, &command, &change, &location)));
	transition_begin(controller, change);
}

static void given_an_enabled_controller(void)
{
	given_a_controller();
	controller->properties.cap = UINT64_C(1) << 37 | UINT64_C(15) << 24;
	admin_seat = io_seat = (struct seat){.terminating = true};
	list_init(&admin_seat.link);
	list_init(&io_seat.link);
	controller_seat(controller, &admin_seat, 0, 32);
	controller_seat(controller, &io_seat, 1, 32);
	write_cc(CC | NVME_CC_EN);
}

static void forget_the_enabled_one(void)
{
	controller_end(controller, "the test is over");
	controller_unseat(&io_seat);
	controller_unseat(&admin_seat);
	forget_it();
}

static void expect_csts(uint32_t csts)
{
	ck_assert_uint_eq(controller->properties.csts, csts);
}

static void expect_limit(uint64_t ms)
{
	uint64_t due_ns = controller->transition.due_ns, now_ns = clock_now_ns();

	ck_assert_uint_gt(due_ns, now_ns + (ms - 2000) * NS_PER_MS);
	ck_assert_uint_le(due_ns, now_ns + ms * NS_PER_MS);
}

static void is_late(void)
{
	loop_timer_clear(&controller->transition);
	controller->transition.expired(&controller->transition);
}

START_TEST(has_two_minutes_to_be_enabled)
{
	expect_limit(120000);
	is_late();
	ck_assert(controller->ended);
}
END_TEST

START_TEST(may_be_enabled_for_ever)
{
	ck_assert_int_eq(atomic_load(&controller->phase), CONTROLLER_READY);
	ck_assert_uint_eq(controller->transition.due_ns, 0);
}
END_TEST

START_TEST(is_reset_when_its_io_queues_are_gone)
{
	write_cc(CC);
	ck_assert_int_eq(atomic_load(&controller->phase), CONTROLLER_OFF);
	expect_csts(NVME_CSTS_RDY);
	expect_limit(7500);
	controller_unseat(&io_seat);
	expect_csts(0);
	expect_limit(120000);
}
END_TEST

START_TEST(is_reset_when_they_are_fenced)
{
	write_cc(CC);
	io_seat.is_fenced = true;
	transition_settle(controller);
	expect_csts(0);
}
END_TEST

START_TEST(fails_when_they_do_not_end)
{
	write_cc(CC);
	is_late();
	expect_csts(NVME_CSTS_CFS);
	expect_limit(120000);
	is_late();
	ck_assert(controller->ended);
}
END_TEST

START_TEST(is_shut_down_when_its_io_queues_are_gone)
{
	write_cc(CC | NVME_CC_EN | SHUT(1));
	ck_assert_int_eq(atomic_load(&controller->phase), CONTROLLER_OFF);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_OCCURS);
	expect_limit(10000);
	controller_unseat(&io_seat);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
	expect_limit(120000);
	is_late();
	ck_assert(controller->ended);
}
END_TEST

START_TEST(is_shut_down_at_once_when_that_is_abrupt)
{
	write_cc(CC | NVME_CC_EN | SHUT(2));
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_COMPLETE);
	expect_limit(120000);
}
END_TEST

START_TEST(fails_when_its_shutdown_does_not_end)
{
	write_cc(CC | NVME_CC_EN | SHUT(1));
	is_late();
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_SHST_OCCURS | NVME_CSTS_CFS);
	expect_limit(120000);
	is_late();
	ck_assert(controller->ended);
}
END_TEST

START_TEST(is_reset_with_its_subsystem)
{
	transition_reset_subsystem(controller);
	ck_assert_int_eq(atomic_load(&controller->phase), CONTROLLER_OFF);
	expect_csts(NVME_CSTS_RDY | NVME_CSTS_NSSRO);
	controller_unseat(&io_seat);
	expect_csts(NVME_CSTS_NSSRO);
	ck_assert(!controller->ended);
	expect_limit(120000);
}
END_TEST

/* ------------------------------------------------------------------ retry delays */

static void expect_delays(bool acre, uint8_t delays)
{
	Nvmetd__ControllerFeatures features = NVMETD__CONTROLLER_FEATURES__INIT;
	uint8_t behavior[6] = {acre};

	features.host_behavior.data = behavior;
	features.host_behavior.len = sizeof(behavior);
	controller->session->features = &features;
	controller_take_limits(controller);
	controller->session->features = NULL;
	ck_assert_uint_eq(atomic_load(&controller->retry_delays), delays);
}

START_TEST(has_retry_delays_where_there_are_some)
{
	expect_delays(true, 0);
	transport.view->limits.crdt1 = 5;
	transport.view->limits.crdt3 = 1;
	expect_delays(true, 1 | 4);
}
END_TEST

START_TEST(has_no_retry_delays_for_a_host_that_does_not_know_them)
{
	transport.view->limits.crdt1 = 5;
	expect_delays(false, 0);
}
END_TEST

/* So that the next state service knows it, should this one not hear of the reset. */
START_TEST(forgets_what_its_host_has_set_when_it_is_reset)
{
	Nvmetd__Session session = NVMETD__SESSION__INIT;
	Nvmetd__ControllerFeatures features = NVMETD__CONTROLLER_FEATURES__INIT;
	Nvmetd__EventContext context = NVMETD__EVENT_CONTEXT__INIT;
	Nvmetd__AsyncEvent event = NVMETD__ASYNC_EVENT__INIT, *events = &event;
	Nvmetd__ReservationNotice notice = NVMETD__RESERVATION_NOTICE__INIT, *notices = &notice;
	uint8_t masks[2] = {7, 7};

	session.subsystem = 7;
	session.cntlid = 3;
	session.kato_ms = KATO_MS;
	session.io_queues = 4;
	session.async_event_config = 0x100;
	session.features = &features;
	context.is_there = true;
	session.event_context = &context;
	session.events = session.masked_events = &events;
	session.n_events = session.n_masked_events = 1;
	session.reservation_notices = &notices;
	session.n_reservation_notices = 1;
	session.reservation_masks = (ProtobufCBinaryData){sizeof(masks), masks};
	controller_take_session(controller, &session);
	controller_reset_session(controller);
	ck_assert_ptr_null(controller->session->features);
	ck_assert(!controller->session->event_context->is_there);
	ck_assert_uint_eq(controller->session->io_queues, 0);
	ck_assert_uint_eq(controller->session->async_event_config, 0);
	ck_assert_uint_eq(controller->session->n_events, 0);
	ck_assert_uint_eq(controller->session->n_masked_events, 0);
	ck_assert_uint_eq(controller->session->n_reservation_notices, 0);
	ck_assert_uint_eq(controller->session->reservation_masks.len, 0);
	ck_assert_uint_eq(controller->session->kato_ms, KATO_MS);
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
	         lives_on_before_its_time_has_passed,
	         has_a_moment_when_none_has_come,
	         ends_when_none_comes_in_that_moment,
	         lives_on_when_what_had_come_is_read_in_that_moment,
	         begins_anew_with_another_time,
	         is_not_looked_at_when_its_host_wants_none,
	         has_two_minutes_to_be_enabled,
	         has_retry_delays_where_there_are_some,
	         has_no_retry_delays_for_a_host_that_does_not_know_them,
	         forgets_what_its_host_has_set_when_it_is_reset,
	         is_off_at_first,
	         is_not_off_but_ended_in_the_end,
	         does_not_wait_for_a_queue_that_is_fenced,
	         has_queues_of_the_ports_size,
	         has_smaller_queues_where_its_wire_has,
	         has_no_larger_queues_than_the_port,
	         has_queues_of_the_ports_size_where_its_wire_says_nothing);
	describe(suite,
	         "an enabled controller",
	         given_an_enabled_controller,
	         forget_the_enabled_one,
	         may_be_enabled_for_ever,
	         is_reset_when_its_io_queues_are_gone,
	         is_reset_when_they_are_fenced,
	         fails_when_they_do_not_end,
	         is_shut_down_when_its_io_queues_are_gone,
	         is_shut_down_at_once_when_that_is_abrupt,
	         fails_when_its_shutdown_does_not_end,
	         is_reset_with_its_subsystem);
	return run(suite);
}
