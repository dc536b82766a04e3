/* SPDX-License-Identifier: BSD-2-Clause */
/* How many connections a port has. */
#include "common/transport/crowd.h"

#include "tests/support/spec.h"

static struct crowd crowd;

static void given_a_port_with_three(void)
{
	for (unsigned i = 0; i < 3; i++)
		ck_assert(crowd_enter(&crowd, 7, 0));
}

static void forget_it(void)
{
	crowd_deinit(&crowd);
}

START_TEST(has_three)
{
	ck_assert_uint_eq(crowd_count(&crowd, 7), 3);
	ck_assert_uint_eq(crowd_count(&crowd, 8), 0);
}
END_TEST

START_TEST(takes_no_more_than_it_may_have)
{
	ck_assert(!crowd_enter(&crowd, 7, 3));
	ck_assert(!crowd_enter(&crowd, 7, 2));
	ck_assert(crowd_enter(&crowd, 7, 4));
	ck_assert_uint_eq(crowd_count(&crowd, 7), 4);
}
END_TEST

START_TEST(takes_one_more_when_one_has_gone)
{
	crowd_leave(&crowd, 7);
	ck_assert(crowd_enter(&crowd, 7, 3));
	ck_assert(!crowd_enter(&crowd, 7, 3));
}
END_TEST

START_TEST(is_not_full_because_another_is)
{
	for (uint32_t port = 100; port < 200; port++)
		ck_assert(crowd_enter(&crowd, port, 1));
	ck_assert(!crowd_enter(&crowd, 150, 1));
	for (uint32_t port = 100; port < 200; port++)
		crowd_leave(&crowd, port);
	ck_assert_uint_eq(crowd.n_ports, 1);
	ck_assert_uint_eq(crowd_count(&crowd, 7), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crowd");

	describe(suite,
	         "a port with three connections",
	         given_a_port_with_three,
	         forget_it,
	         has_three,
	         takes_no_more_than_it_may_have,
	         takes_one_more_when_one_has_gone,
	         is_not_full_because_another_is);
	return run(suite);
}
