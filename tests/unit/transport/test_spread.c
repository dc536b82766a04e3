/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections are spread over reactors, queue by queue. */
#include "common/transport/spread.h"

#include <stdio.h>

#include "tests/support/spec.h"

enum { REACTORS = 4, ROOM = 64, HOSTS = 3 };

static struct spread *spread;

static void given_four_reactors(void)
{
	spread = spread_new(REACTORS, ROOM);
	ck_assert_ptr_nonnull(spread);
}

static void forget_it(void)
{
	spread = spread_free(spread);
}

static unsigned pick(uint32_t host)
{
	int reactor = spread_pick(spread, host);

	ck_assert_int_ge(reactor, 0);
	ck_assert_int_lt(reactor, REACTORS);
	return (unsigned)reactor;
}

static void connect_admin(uint32_t host)
{
	spread_is_admin(spread, pick(host), host);
}

START_TEST(get_one_each_of_a_host_s_queues)
{
	unsigned n[REACTORS] = {0};

	connect_admin(1);
	for (unsigned i = 0; i < REACTORS; i++)
		n[pick(1)]++;
	for (unsigned i = 0; i < REACTORS; i++)
		ck_assert_uint_eq(n[i], 1);
}
END_TEST

START_TEST(get_one_each_of_every_host_s_queues_that_come_in_turns)
{
	unsigned n[REACTORS][HOSTS] = {0};

	for (uint32_t host = 0; host < HOSTS; host++)
		connect_admin(host + 1);
	for (unsigned i = 0; i < REACTORS; i++)
		for (uint32_t host = 0; host < HOSTS; host++)
			n[pick(host + 1)][host]++;
	for (unsigned i = 0; i < REACTORS; i++)
		for (uint32_t host = 0; host < HOSTS; host++)
			ck_assert_uint_eq(n[i][host], 1);
}
END_TEST

START_TEST(are_not_loaded_by_admin_queues)
{
	for (uint32_t host = 1; host < 6; host++)
		connect_admin(host);
	/* all of these are on the first, which is as free as the others */
	ck_assert_uint_eq(pick(6), 0);
}
END_TEST

START_TEST(get_the_queues_of_hosts_that_have_one_each_evenly)
{
	unsigned n[REACTORS] = {0};

	for (uint32_t host = 1; host <= 2 * REACTORS; host++) {
		connect_admin(host);
		n[pick(host)]++;
	}
	for (unsigned i = 0; i < REACTORS; i++)
		ck_assert_uint_eq(n[i], 2);
}
END_TEST

START_TEST(get_the_next_where_one_has_gone)
{
	for (unsigned i = 0; i < REACTORS; i++)
		pick(1);
	spread_forget(spread, 2, 1, false);
	ck_assert_uint_eq(pick(1), 2);
}
END_TEST

/* Of a place that many come to at once, before their reactors have seen any of them. */
START_TEST(count_connections_that_are_on_their_way)
{
	unsigned first = pick(1), second = pick(2);

	ck_assert_uint_ne(first, second);
}
END_TEST

START_TEST(leave_half_of_their_room_to_other_hosts)
{
	for (unsigned i = 0; i < REACTORS * ROOM / 2; i++)
		pick(1);
	ck_assert_int_eq(spread_pick(spread, 1), SPREAD_E_HOST);
	ck_assert_int_ge(spread_pick(spread, 2), 0);
}
END_TEST

START_TEST(count_admin_queues_for_their_room)
{
	for (uint32_t host = 1; host <= REACTORS * ROOM; host++)
		connect_admin(host);
	ck_assert_int_eq(spread_pick(spread, REACTORS * ROOM + 1), SPREAD_E_FULL);
}
END_TEST

START_TEST(have_room_again_when_all_have_gone)
{
	for (unsigned round = 0; round < 3; round++) {
		unsigned where[REACTORS * ROOM];

		for (uint32_t i = 0; i < REACTORS * ROOM; i++)
			where[i] = pick(1000 * round + i + 1);
		ck_assert_int_eq(spread_pick(spread, 1), SPREAD_E_FULL);
		for (uint32_t i = 0; i < REACTORS * ROOM; i++)
			spread_forget(spread, where[i], 1000 * round + i + 1, false);
	}
}
END_TEST

/* Which have the same place in the table, so that those behind it must move up. */
START_TEST(find_a_host_when_one_before_it_has_gone)
{
	const uint32_t step = 2 * ROOM; /* places */
	unsigned where[4];

	for (uint32_t i = 0; i < 4; i++)
		for (unsigned j = 0; j < REACTORS; j++)
			where[i] = pick(5 + i * step);
	for (uint32_t gone = 0; gone < 4; gone++) {
		for (unsigned j = 0; j < REACTORS; j++)
			spread_forget(spread, j, 5 + gone * step, false);
		for (uint32_t i = gone + 1; i < 4; i++) {
			spread_forget(spread, where[i], 5 + i * step, false);
			ck_assert_uint_eq(pick(5 + i * step), where[i]);
		}
	}
}
END_TEST

START_TEST(is_the_same_for_each_of_its_ports)
{
	ck_assert_uint_eq(spread_host("192.0.2.7:5000"), spread_host("192.0.2.7:5001"));
	ck_assert_uint_eq(spread_host("[2001:db8::1]:1"), spread_host("[2001:db8::1]:2"));
}
END_TEST

START_TEST(is_another_than_its_neighbour)
{
	ck_assert_uint_ne(spread_host("192.0.2.7:5000"), spread_host("192.0.2.8:5000"));
	ck_assert_uint_ne(spread_host("[2001:db8::1]:1"), spread_host("[2001:db8::2]:1"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spread");

	describe(suite,
	         "four reactors",
	         given_four_reactors,
	         forget_it,
	         get_one_each_of_a_host_s_queues,
	         get_one_each_of_every_host_s_queues_that_come_in_turns,
	         are_not_loaded_by_admin_queues,
	         get_the_queues_of_hosts_that_have_one_each_evenly,
	         get_the_next_where_one_has_gone,
	         count_connections_that_are_on_their_way,
	         leave_half_of_their_room_to_other_hosts,
	         count_admin_queues_for_their_room,
	         have_room_again_when_all_have_gone,
	         find_a_host_when_one_before_it_has_gone);
	describe(suite,
	         "a host's address",
	         NULL,
	         NULL,
	         is_the_same_for_each_of_its_ports,
	         is_another_than_its_neighbour);
	return run(suite);
}
