/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/life.h"

#include "tests/support/spec.h"

/* Of the columns of the table. */
static const enum life_event events[] = {LIFE_ON_ESTABLISHED,
                                         LIFE_ON_DISMISSED,
                                         LIFE_ON_SENT,
                                         LIFE_ON_FLUSHED,
                                         LIFE_ON_LATE,
                                         LIFE_ON_HUNG_UP};

/* clang-format off */
static const struct {
	enum life_state state, next[LIFE_EVENT_COUNT];
} table[] = {
	/* state          ESTABLISHED    DISMISSED      SENT           FLUSHED        LATE           HUNG_UP */
	{LIFE_ACCEPTED, {LIFE_LIVE,     LIFE_DRAINING, LIFE_ACCEPTED, LIFE_ACCEPTED, LIFE_FLUSHING, LIFE_FLUSHING}},
	{LIFE_LIVE,     {LIFE_LIVE,     LIFE_DRAINING, LIFE_LIVE,     LIFE_LIVE,     LIFE_FLUSHING, LIFE_FLUSHING}},
	{LIFE_DRAINING, {LIFE_DRAINING, LIFE_DRAINING, LIFE_FLUSHING, LIFE_DRAINING, LIFE_FLUSHING, LIFE_FLUSHING}},
	{LIFE_FLUSHING, {LIFE_FLUSHING, LIFE_FLUSHING, LIFE_FLUSHING, LIFE_CLOSED,   LIFE_CLOSED,   LIFE_FLUSHING}},
	{LIFE_CLOSED,   {LIFE_CLOSED,   LIFE_CLOSED,   LIFE_CLOSED,   LIFE_CLOSED,   LIFE_CLOSED,   LIFE_CLOSED}},
};
/* clang-format on */
_Static_assert(sizeof(table) / sizeof(table[0]) == LIFE_STATE_COUNT, "all states");
_Static_assert(sizeof(events) / sizeof(events[0]) == LIFE_EVENT_COUNT, "all events");

static enum life_state after(enum life_state state, const enum life_event *happened, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		state = life_next(state, happened[i]);
	return state;
}

START_TEST(has_a_next_state_for_every_event)
{
	for (unsigned s = 0; s < LIFE_STATE_COUNT; s++)
		for (unsigned e = 0; e < LIFE_EVENT_COUNT; e++)
			ck_assert_msg(life_next(table[s].state, events[e]) == table[s].next[e],
			              "%s, %s",
			              life_state_name(table[s].state),
			              life_event_words(events[e]));
}
END_TEST

/* Its adapter may be at our memory until it has given all back. */
START_TEST(is_over_only_when_all_has_come_back_or_too_late)
{
	for (unsigned s = 0; s < LIFE_STATE_COUNT; s++)
		for (unsigned e = 0; e < LIFE_EVENT_COUNT; e++) {
			if (table[s].state == LIFE_CLOSED ||
			    life_next(table[s].state, events[e]) != LIFE_CLOSED)
				continue;
			ck_assert_int_eq(table[s].state, LIFE_FLUSHING);
			ck_assert(events[e] == LIFE_ON_FLUSHED || events[e] == LIFE_ON_LATE);
		}
}
END_TEST

START_TEST(flushes_wherever_the_host_hangs_up)
{
	static const enum life_event happened[] = {LIFE_ON_HUNG_UP};

	for (int state = LIFE_ACCEPTED; state < LIFE_CLOSED; state++)
		ck_assert_int_eq(after((enum life_state)state, happened, 1), LIFE_FLUSHING);
}
END_TEST

START_TEST(ends_with_its_answers_sent)
{
	static const enum life_event happened[] = {
		LIFE_ON_ESTABLISHED, LIFE_ON_DISMISSED, LIFE_ON_SENT, LIFE_ON_FLUSHED};

	ck_assert_int_eq(after(LIFE_ACCEPTED, happened, 4), LIFE_CLOSED);
}
END_TEST

/* Both deadlines, and nothing that helps. */
START_TEST(ends_when_its_host_never_says_anything)
{
	static const enum life_event happened[] = {LIFE_ON_LATE, LIFE_ON_LATE};

	ck_assert_int_eq(after(LIFE_ACCEPTED, happened, 2), LIFE_CLOSED);
}
END_TEST

START_TEST(does_not_come_to_life_again)
{
	static const enum life_event happened[] = {LIFE_ON_ESTABLISHED};

	for (int state = LIFE_DRAINING; state < LIFE_STATE_COUNT; state++)
		ck_assert_int_eq(after((enum life_state)state, happened, 1), state);
}
END_TEST

START_TEST(waits_for_its_answers_for_its_adapter_not_for_ever)
{
	ck_assert_uint_eq(life_deadline_ns(LIFE_DRAINING), 2 * NS_PER_S);
	ck_assert_uint_eq(life_deadline_ns(LIFE_FLUSHING), 2 * NS_PER_S);
}
END_TEST

START_TEST(has_no_deadline_while_it_lives)
{
	ck_assert_uint_eq(life_deadline_ns(LIFE_LIVE), 0);
	ck_assert_uint_eq(life_deadline_ns(LIFE_CLOSED), 0);
}
END_TEST

/* A state with a deadline in which it does nothing would be one for ever. */
START_TEST(leaves_each_state_with_a_deadline_when_it_is_late)
{
	for (int state = 0; state < LIFE_STATE_COUNT; state++)
		if (state == LIFE_ACCEPTED || life_deadline_ns((enum life_state)state) > 0)
			ck_assert_int_ne(life_next((enum life_state)state, LIFE_ON_LATE), state);
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
	         is_over_only_when_all_has_come_back_or_too_late,
	         flushes_wherever_the_host_hangs_up,
	         ends_with_its_answers_sent,
	         ends_when_its_host_never_says_anything,
	         does_not_come_to_life_again,
	         waits_for_its_answers_for_its_adapter_not_for_ever,
	         has_no_deadline_while_it_lives,
	         leaves_each_state_with_a_deadline_when_it_is_late);
	return run(suite);
}
