/* SPDX-License-Identifier: BSD-2-Clause */
/* A listener that is lost is closed, and opened again as soon as that can be. */
#include "common/transport/listeners.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/transport/transport.h"
#include "tests/support/spec.h"

#define PORTS 2u

/* A wire's: by the port's number, from 1. */
struct listener {
	unsigned n_opened, n_closed;
};

static struct listener listeners[PORTS + 1];
static int answer; /* of listen() */
static struct view_port ports[PORTS] = {
	{.id = 1, .adrfam = "ipv4", .traddr = "192.0.2.1", .trsvcid = "4420"},
	{.id = 2, .adrfam = "ipv4", .traddr = "192.0.2.2", .trsvcid = "4420"}
};
static const struct view view = {.n_ports = PORTS, .ports = ports};

static int open_one(struct transport *transport, const struct listener_address *address,
                    struct listener **ret_listener, char *reason, size_t reason_size)
{
	(void)transport;
	(void)reason;
	(void)reason_size;
	if (answer)
		return answer;
	ck_assert_str_eq(address->traddr, ports[address->port_id - 1].traddr);
	listeners[address->port_id].n_opened++;
	*ret_listener = &listeners[address->port_id];
	return 0;
}

static void close_one(struct listener *listener)
{
	listener->n_closed++;
}

static const struct wire wire = {.listen = open_one, .unlisten = close_one};
static struct transport transport = {.wire = &wire};

static void given_two_listeners(void)
{
	const struct loop_options options = {0};

	answer = 0;
	memset(listeners, 0, sizeof(listeners));
	ck_assert_int_eq(loop_new(&transport.service.loop, &options), 0);
	list_init(&transport.controllers);
	listeners_init(&transport.listeners);
	listeners_show(&transport, &view);
}

static void forget_them(void)
{
	listeners_close(&transport);
	for (unsigned i = 1; i <= PORTS; i++)
		ck_assert_uint_eq(listeners[i].n_closed, listeners[i].n_opened);
	transport.service.loop = loop_free(transport.service.loop);
}

static void given_a_listener_that_is_lost(void)
{
	given_two_listeners();
	transport_listener_lost(&transport, &listeners[1], "its device is gone");
}

static void expect(unsigned port, unsigned n_opened, unsigned n_closed)
{
	ck_assert_uint_eq(listeners[port].n_opened, n_opened);
	ck_assert_uint_eq(listeners[port].n_closed, n_closed);
}

/* In a second, not sooner. */
static void expect_another_try(void)
{
	uint64_t now_ns = clock_now_ns();

	ck_assert_uint_gt(transport.listeners.timer.due_ns, now_ns + NS_PER_S / 2);
	ck_assert_uint_le(transport.listeners.timer.due_ns, now_ns + NS_PER_S);
}

/* As if it had passed. */
static void a_second_passes(void)
{
	ck_assert_uint_ne(transport.listeners.timer.due_ns, 0);
	loop_timer_clear(&transport.listeners.timer);
	transport.listeners.timer.expired(&transport.listeners.timer);
}

START_TEST(listens_on_each_port)
{
	expect(1, 1, 0);
	expect(2, 1, 0);
	ck_assert_uint_eq(transport.listeners.timer.due_ns, 0);
}
END_TEST

START_TEST(does_not_mind_one_that_it_does_not_know)
{
	struct listener stranger = {0};

	transport_listener_lost(&transport, &stranger, "it was closed before");
	ck_assert_uint_eq(stranger.n_closed, 0);
	expect(1, 1, 0);
	expect(2, 1, 0);
	ck_assert_uint_eq(transport.listeners.timer.due_ns, 0);
}
END_TEST

START_TEST(is_closed)
{
	expect(1, 1, 1);
}
END_TEST

START_TEST(is_closed_once)
{
	transport_listener_lost(&transport, &listeners[1], "its device is gone");
	expect(1, 1, 1);
}
END_TEST

START_TEST(leaves_the_others_alone)
{
	expect(2, 1, 0);
}
END_TEST

START_TEST(is_opened_again_after_a_second)
{
	expect_another_try();
	a_second_passes();
	expect(1, 2, 1);
	expect(2, 1, 0);
	ck_assert_uint_eq(transport.listeners.timer.due_ns, 0);
}
END_TEST

START_TEST(is_tried_each_second_until_it_can_be)
{
	answer = -ENODEV;
	for (unsigned i = 0; i < 3; i++) {
		a_second_passes();
		expect(1, 1, 1);
		expect_another_try();
	}
	answer = 0;
	a_second_passes();
	expect(1, 2, 1);
}
END_TEST

START_TEST(may_be_lost_again)
{
	a_second_passes();
	transport_listener_lost(&transport, &listeners[1], "its address has moved");
	expect(1, 2, 2);
	expect_another_try();
	a_second_passes();
	expect(1, 3, 2);
}
END_TEST

START_TEST(is_opened_again_with_a_view_too)
{
	listeners_show(&transport, &view);
	expect(1, 2, 1);
	expect(2, 1, 0);
	ck_assert_uint_eq(transport.listeners.timer.due_ns, 0);
}
END_TEST

START_TEST(is_not_opened_again_when_its_port_is_gone)
{
	const struct view without = {.n_ports = 1, .ports = &ports[1]};

	listeners_show(&transport, &without);
	expect(1, 1, 1);
	expect(2, 1, 0);
	ck_assert_uint_eq(transport.listeners.timer.due_ns, 0);
}
END_TEST

/* Its hosts' connections are not the listener's. */
START_TEST(leaves_its_controllers_alone)
{
	struct controller controller = {.port_id = 1};

	list_append(&transport.controllers, &controller.link);
	a_second_passes();
	ck_assert(!controller.ended);
	list_remove(&controller.link);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listeners");

	describe(suite,
	         "a transport with two ports",
	         given_two_listeners,
	         forget_them,
	         listens_on_each_port,
	         does_not_mind_one_that_it_does_not_know);
	describe(suite,
	         "a listener that is lost",
	         given_a_listener_that_is_lost,
	         forget_them,
	         is_closed,
	         is_closed_once,
	         leaves_the_others_alone,
	         is_opened_again_after_a_second,
	         is_tried_each_second_until_it_can_be,
	         may_be_lost_again,
	         is_opened_again_with_a_view_too,
	         is_not_opened_again_when_its_port_is_gone,
	         leaves_its_controllers_alone);
	return run(suite);
}
