/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/life.h"

#include "tests/support/spec.h"

START_TEST(has_a_next_state_for_every_event)
{
	static const enum life_state expected[LIFE_STATE_COUNT][LIFE_EVENT_COUNT] = {
  /*   INITIALIZED    REFUSED         DISMISSED       SENT               LATE  HUNG_UP
  */
		{LIFE_READY,
	         LIFE_DRAINING,	         LIFE_DRAINING,
	         LIFE_AWAIT_ICREQ,	                                   LIFE_CLOSED,
	         LIFE_CLOSED									 },
		{LIFE_READY,     LIFE_DRAINING, LIFE_DRAINING,  LIFE_READY,  LIFE_CLOSED, LIFE_CLOSED},
		{LIFE_DRAINING,
	         LIFE_DRAINING,	         LIFE_DRAINING,
	         LIFE_LINGERING,	                                     LIFE_CLOSED,
	         LIFE_CLOSED									 },
		{LIFE_LINGERING,
	         LIFE_LINGERING,                LIFE_LINGERING,
	         LIFE_LINGERING,	                                     LIFE_CLOSED,
	         LIFE_CLOSED									 },
		{LIFE_CLOSED,    LIFE_CLOSED,   LIFE_CLOSED,    LIFE_CLOSED, LIFE_CLOSED, LIFE_CLOSED},
	};

	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		for (int event = 0; event < LIFE_EVENT_COUNT; event++)
			ck_assert_msg(life_next((enum life_state)state, (enum life_event)event) ==
			                      expected[state][event],
			              "%s, %s",
			              life_state_name((enum life_state)state),
			              life_event_words((enum life_event)event));
}
END_TEST

START_TEST(is_over_wherever_the_host_hangs_up)
{
	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		ck_assert_int_eq(life_next((enum life_state)state, LIFE_ON_HUNG_UP), LIFE_CLOSED);
}
END_TEST

START_TEST(waits_for_the_end_not_for_ever)
{
	ck_assert_uint_eq(life_deadline_ns(LIFE_DRAINING), 2 * NS_PER_S);
	ck_assert_uint_eq(life_deadline_ns(LIFE_LINGERING), 2 * NS_PER_S);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("life");

	describe(suite,
	         "a connection",
	         NULL,
	         NULL,
	         has_a_next_state_for_every_event,
	         is_over_wherever_the_host_hangs_up,
	         waits_for_the_end_not_for_ever);
	return run(suite);
}
