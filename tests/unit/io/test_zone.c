/* SPDX-License-Identifier: BSD-2-Clause */
/* The state machine of zones: what may be done in which state, what limits mean, what
 * may come again. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/io/zone_machine.h"
#include "tests/unit/io/zone_transition.h"

static void given_zones(void)
{
	machine_make(0, 0);
}

static void given_few_that_may_be_open(void)
{
	machine_make(2, 4);
}

/* ------------------------------------------------------------------ what the tests do */

static unsigned append(uint32_t index, uint64_t count, uint64_t *ret_block)
{
	struct nvme_status status = zones_begin_append(
		&zones, zones_first_block(&zones, index), count, ret_block);

	if (status_is_ok(status))
		zones_wrote(&zones, index, count, NULL);
	return code_of(status);
}

static unsigned act_on_all(enum nvme_zone_send_action action)
{
	struct nvme_status status = zones_begin_all(&zones, action);
	uint32_t index = 0;

	for (; status_is_ok(status) && index < ZONES; index++) {
		index = zones_find_concerned(&zones, action, index);
		if (index < ZONES)
			zones_did(&zones, index, action);
	}
	return code_of(status);
}

/* ------------------------------------------------------------------ writing */

START_TEST(are_empty_at_first)
{
	for (uint32_t i = 0; i < ZONES; i++)
		ck_assert_uint_eq(state_of(i), NVME_ZONE_EMPTY);
	ck_assert_uint_eq(zones.n_active, 0);
}
END_TEST

START_TEST(are_opened_by_a_write)
{
	ck_assert_uint_eq(write_at(1, 0, 4), 0);
	ck_assert_uint_eq(state_of(1), NVME_ZONE_IMPLICITLY_OPEN);
	ck_assert_uint_eq(zones.zones[1].written, 4);
}
END_TEST

START_TEST(are_written_at_their_pointer_only)
{
	ck_assert_uint_eq(write_at(1, 4, 4), NVME_SC_ZONE_INVALID_WRITE);
	ck_assert_uint_eq(write_at(1, 0, 4), 0);
	ck_assert_uint_eq(write_at(1, 0, 4), NVME_SC_ZONE_INVALID_WRITE);
	ck_assert_uint_eq(write_at(1, 4, 4), 0);
}
END_TEST

START_TEST(are_full_at_their_capacity)
{
	ck_assert_uint_eq(write_at(0, 0, CAPACITY), 0);
	ck_assert_uint_eq(state_of(0), NVME_ZONE_FULL);
	ck_assert_uint_eq(zones.n_active, 0);
	ck_assert_uint_eq(write_at(0, CAPACITY, 1), NVME_SC_ZONE_FULL);
}
END_TEST

START_TEST(are_not_written_beyond_their_capacity)
{
	ck_assert_uint_eq(write_at(0, 0, CAPACITY - 1), 0);
	ck_assert_uint_eq(write_at(0, CAPACITY - 1, 2), NVME_SC_ZONE_BOUNDARY);
	ck_assert_uint_eq(write_at(0, CAPACITY - 1, BLOCKS), NVME_SC_ZONE_BOUNDARY);
	ck_assert_uint_eq(zones.zones[0].written, CAPACITY - 1);
}
END_TEST

START_TEST(say_where_an_append_went)
{
	uint64_t block = 0;

	ck_assert_uint_eq(append(2, 3, &block), 0);
	ck_assert_uint_eq(block, 2 * BLOCKS);
	ck_assert_uint_eq(append(2, 3, &block), 0);
	ck_assert_uint_eq(block, 2 * BLOCKS + 3);
	ck_assert_uint_eq(append(2, CAPACITY, &block), NVME_SC_ZONE_BOUNDARY);
	ck_assert_uint_eq(block, 2 * BLOCKS + 3);
}
END_TEST

START_TEST(are_appended_to_by_their_first_block)
{
	uint64_t block;

	ck_assert_uint_eq(code_of(zones_begin_append(&zones, 1, 1, &block)), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(refuse_writes_when_they_are_read_only)
{
	zones_set(&zones, 1, NVME_ZONE_READ_ONLY, CAPACITY);
	ck_assert_uint_eq(write_at(1, 0, 1), NVME_SC_ZONE_READ_ONLY);
	ck_assert_uint_eq(act(1, NVME_ZONE_RESET), NVME_SC_ZONE_TRANSITION);
	ck_assert(status_is_ok(zones_check_read(&zones, BLOCKS, 1)));
}
END_TEST

START_TEST(refuse_all_when_they_are_offline)
{
	zones_set(&zones, 1, NVME_ZONE_READ_ONLY, CAPACITY);
	ck_assert_uint_eq(act(1, NVME_ZONE_OFFLINE), 0);
	ck_assert_uint_eq(act(1, NVME_ZONE_OFFLINE), 0);
	ck_assert_uint_eq(write_at(1, 0, 1), NVME_SC_ZONE_OFFLINE);
	ck_assert_uint_eq(code_of(zones_check_read(&zones, 0, BLOCKS + 1)), NVME_SC_ZONE_OFFLINE);
	ck_assert(status_is_ok(zones_check_read(&zones, 0, BLOCKS)));
	ck_assert_uint_eq(act(1, NVME_ZONE_RESET), NVME_SC_ZONE_TRANSITION);
}
END_TEST

/* ------------------------------------------------------------------ reading */

START_TEST(are_read_up_to_their_pointer)
{
	struct zone_run found;

	ck_assert_uint_eq(write_at(0, 0, 5), 0);
	found = zones_find_run(&zones, 2, 20);
	ck_assert(found.is_written);
	ck_assert_uint_eq(found.count, 3);
	found = zones_find_run(&zones, 5, 20);
	ck_assert(!found.is_written);
	ck_assert_uint_eq(found.count, BLOCKS - 5);
	found = zones_find_run(&zones, BLOCKS, 4);
	ck_assert(!found.is_written);
	ck_assert_uint_eq(found.count, 4);
}
END_TEST

START_TEST(keep_what_was_written_when_they_are_finished)
{
	ck_assert_uint_eq(write_at(0, 0, 5), 0);
	ck_assert_uint_eq(act(0, NVME_ZONE_FINISH), 0);
	ck_assert_uint_eq(state_of(0), NVME_ZONE_FULL);
	ck_assert_uint_eq(zones_find_run(&zones, 0, BLOCKS).count, 5);
}
END_TEST

/* ------------------------------------------------------------------ management */

START_TEST(go_from_state_to_state_as_the_specification_says)
{
	const struct transition *of = &transitions[_i];

	for (unsigned action = NVME_ZONE_CLOSE; action <= NVME_ZONE_OFFLINE; action++) {
		zones_set(&zones, 3, of->from, of->from == NVME_ZONE_EMPTY ? 0 : 3);
		ck_assert_uint_eq(act(3, (enum nvme_zone_send_action)action),
		                  of->to[action] ? 0 : NVME_SC_ZONE_TRANSITION);
		ck_assert_uint_eq(state_of(3), of->to[action] ? of->to[action] : of->from);
	}
}
END_TEST

START_TEST(know_no_other_action)
{
	bool changes;

	for (unsigned action = 0; action < 256; action++)
		if (action < NVME_ZONE_CLOSE || action > NVME_ZONE_OFFLINE)
			ck_assert_uint_eq(
				code_of(zones_begin_action(
					&zones, 0, (enum nvme_zone_send_action)action, &changes)),
				NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(begin_anew_when_they_are_reset)
{
	ck_assert_uint_eq(write_at(0, 0, CAPACITY), 0);
	ck_assert_uint_eq(act(0, NVME_ZONE_RESET), 0);
	ck_assert(!zones_find_run(&zones, 0, 1).is_written);
	ck_assert_uint_eq(write_at(0, 0, 1), 0);
}
END_TEST

/* 0 empty, 1 implicitly open, 2 explicitly open, 3 closed, 4 full, 5 read-only. */
static void given_one_of_each(void)
{
	machine_make(0, 0);
	write_at(1, 0, 1);
	act(2, NVME_ZONE_OPEN);
	write_at(3, 0, 1);
	act(3, NVME_ZONE_CLOSE);
	write_at(4, 0, CAPACITY);
	zones_set(&zones, 5, NVME_ZONE_READ_ONLY, CAPACITY);
}

/* One hexadecimal digit for each zone's state. */
static void expect_states(uint32_t digits)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < ZONES; i++)
		found = found << 4 | state_of(i);
	ck_assert_msg(found == digits, "the states are %06x, not %06x", found, digits);
}

START_TEST(are_closed_if_they_are_open)
{
	ck_assert_uint_eq(act_on_all(NVME_ZONE_CLOSE), 0);
	expect_states(0x1444ed);
}
END_TEST

START_TEST(are_finished_if_they_are_active)
{
	ck_assert_uint_eq(act_on_all(NVME_ZONE_FINISH), 0);
	expect_states(0x1eeeed);
}
END_TEST

START_TEST(are_opened_if_they_are_closed)
{
	ck_assert_uint_eq(act_on_all(NVME_ZONE_OPEN), 0);
	expect_states(0x1233ed);
}
END_TEST

START_TEST(are_reset_if_they_are_active_or_full)
{
	ck_assert_uint_eq(act_on_all(NVME_ZONE_RESET), 0);
	expect_states(0x11111d);
}
END_TEST

START_TEST(are_taken_offline_if_they_are_read_only)
{
	ck_assert_uint_eq(act_on_all(NVME_ZONE_OFFLINE), 0);
	expect_states(0x1234ef);
}
END_TEST

START_TEST(are_reported_by_state)
{
	static const struct {
		enum nvme_zone_filter filter;
		uint32_t index;
	} of[] = {
		{NVME_ZONES_EMPTY,           0    },
		{NVME_ZONES_IMPLICITLY_OPEN, 1    },
		{NVME_ZONES_EXPLICITLY_OPEN, 2    },
		{NVME_ZONES_CLOSED,          3    },
		{NVME_ZONES_FULL,            4    },
		{NVME_ZONES_READ_ONLY,       5    },
		{NVME_ZONES_OFFLINE,         ZONES},
	};

	for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		ck_assert_uint_eq(zones_find_listed(&zones, of[i].filter, 0), of[i].index);
		if (of[i].index < ZONES)
			ck_assert_uint_eq(zones_find_listed(&zones, of[i].filter, of[i].index + 1),
			                  ZONES);
	}
}
END_TEST

START_TEST(are_described)
{
	struct nvme_zone_descriptor zone;

	zones_describe(&zones, 3, &zone);
	ck_assert_uint_eq(zone.zt, NVME_ZONE_TYPE_SEQUENTIAL);
	ck_assert_uint_eq(zone.zs, NVME_ZONE_CLOSED << 4);
	ck_assert_uint_eq(le64_get(zone.zslba), 3 * BLOCKS);
	ck_assert_uint_eq(le64_get(zone.wp), 3 * BLOCKS + 1);
	ck_assert_uint_eq(le64_get(zone.zcap), CAPACITY);
	zones_describe(&zones, 4, &zone);
	ck_assert_uint_eq(le64_get(zone.wp), UINT64_MAX);
}
END_TEST

/* ------------------------------------------------------------------ limits */

START_TEST(are_closed_to_make_room_for_others)
{
	write_at(0, 0, 1);
	write_at(1, 0, 1);
	write_at(0, 1, 1);
	ck_assert_uint_eq(write_at(2, 0, 1), 0);
	expect_states(0x242111); /* the one that was written longest ago */
	ck_assert_uint_eq(write_at(1, 1, 1), 0);
	expect_states(0x422111);
}
END_TEST

START_TEST(are_not_closed_if_a_host_has_opened_them)
{
	ck_assert_uint_eq(act(0, NVME_ZONE_OPEN), 0);
	ck_assert_uint_eq(act(1, NVME_ZONE_OPEN), 0);
	ck_assert_uint_eq(write_at(2, 0, 1), NVME_SC_ZONES_OPEN);
	ck_assert_uint_eq(act(2, NVME_ZONE_OPEN), NVME_SC_ZONES_OPEN);
	expect_states(0x331111);
}
END_TEST

START_TEST(are_no_more_than_may_be_active)
{
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(write_at(i, 0, 1), 0);
	ck_assert_uint_eq(write_at(4, 0, 1), NVME_SC_ZONES_ACTIVE);
	ck_assert_uint_eq(act(4, NVME_ZONE_OPEN), NVME_SC_ZONES_ACTIVE);
	ck_assert_uint_eq(act(1, NVME_ZONE_FINISH), 0);
	ck_assert_uint_eq(write_at(4, 0, 1), 0);
}
END_TEST

START_TEST(are_opened_all_or_none)
{
	for (uint32_t i = 0; i < 3; i++) {
		write_at(i, 0, 1);
		act(i, NVME_ZONE_CLOSE);
	}
	ck_assert_uint_eq(act_on_all(NVME_ZONE_OPEN), NVME_SC_ZONES_OPEN);
	expect_states(0x444111);
	act(2, NVME_ZONE_RESET);
	write_at(3, 0, 1); /* it gives way */
	ck_assert_uint_eq(act_on_all(NVME_ZONE_OPEN), 0);
	expect_states(0x331411);
}
END_TEST

START_TEST(are_closed_where_a_store_has_too_many_open)
{
	for (uint32_t i = 0; i < 4; i++)
		zones_set(&zones, i, NVME_ZONE_EXPLICITLY_OPEN, 1);
	zones_set(&zones, 4, NVME_ZONE_IMPLICITLY_OPEN, 1);
	expect_states(0x334441);
}
END_TEST

/* ------------------------------------------------------------------ doubt */

static int a_link, another_link;

START_TEST(have_no_write_again)
{
	write_at(0, 0, 4);
	ck_assert(!zones_may_be_again(&zones, 0, 4));
}
END_TEST

START_TEST(may_have_a_write_again_when_its_link_has_ended)
{
	zones_begin_write(&zones, 0, 4);
	zones_wrote(&zones, 0, 4, &a_link);
	zones_begin_write(&zones, BLOCKS, 4);
	zones_wrote(&zones, 1, 4, &another_link);
	zones_doubt(&zones, &a_link);
	ck_assert(zones_may_be_again(&zones, 0, 4));
	ck_assert(zones_may_be_again(&zones, 1, 3));
	ck_assert(!zones_may_be_again(&zones, 1, 4)); /* one block is not there yet */
	ck_assert(!zones_may_be_again(&zones, BLOCKS, 4));
}
END_TEST

START_TEST(may_have_a_write_again_after_the_start)
{
	zones_set(&zones, 0, NVME_ZONE_FULL, CAPACITY);
	ck_assert(zones_may_be_again(&zones, CAPACITY - 2, 2));
}
END_TEST

START_TEST(have_none_again_once_they_are_written_otherwise)
{
	zones_set(&zones, 0, NVME_ZONE_CLOSED, 4);
	write_at(0, 4, 1);
	ck_assert(!zones_may_be_again(&zones, 0, 4));
}
END_TEST

START_TEST(may_have_one_again_beside_others_while_all_settles)
{
	zones.is_settling = true;
	zones_set(&zones, 0, NVME_ZONE_CLOSED, 4);
	write_at(0, 4, 1);
	ck_assert(zones_may_be_again(&zones, 0, 4));
}
END_TEST

START_TEST(have_none_again_once_they_are_reset)
{
	zones_set(&zones, 0, NVME_ZONE_CLOSED, 4);
	act(0, NVME_ZONE_RESET);
	write_at(0, 0, 4);
	ck_assert(!zones_may_be_again(&zones, 0, 4));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zones");
	TCase *machine = tcase_create("zones in any state");

	tcase_add_checked_fixture(machine, given_zones, machine_forget);
	tcase_add_loop_test(
		machine, go_from_state_to_state_as_the_specification_says, 0, TRANSITIONS);
	suite_add_tcase(suite, machine);
	describe(suite,
	         "zones without limits",
	         given_zones,
	         machine_forget,
	         are_empty_at_first,
	         are_opened_by_a_write,
	         are_written_at_their_pointer_only,
	         are_full_at_their_capacity,
	         are_not_written_beyond_their_capacity,
	         say_where_an_append_went,
	         are_appended_to_by_their_first_block,
	         refuse_writes_when_they_are_read_only,
	         refuse_all_when_they_are_offline,
	         are_read_up_to_their_pointer,
	         keep_what_was_written_when_they_are_finished,
	         know_no_other_action,
	         begin_anew_when_they_are_reset);
	describe(suite,
	         "all zones at once",
	         given_one_of_each,
	         machine_forget,
	         are_closed_if_they_are_open,
	         are_finished_if_they_are_active,
	         are_opened_if_they_are_closed,
	         are_reset_if_they_are_active_or_full,
	         are_taken_offline_if_they_are_read_only,
	         are_reported_by_state,
	         are_described);
	describe(suite,
	         "zones of which two may be open, four active",
	         given_few_that_may_be_open,
	         machine_forget,
	         are_closed_to_make_room_for_others,
	         are_not_closed_if_a_host_has_opened_them,
	         are_no_more_than_may_be_active,
	         are_opened_all_or_none,
	         are_closed_where_a_store_has_too_many_open);
	describe(suite,
	         "zones in doubt",
	         given_zones,
	         machine_forget,
	         have_no_write_again,
	         may_have_a_write_again_when_its_link_has_ended,
	         may_have_a_write_again_after_the_start,
	         have_none_again_once_they_are_written_otherwise,
	         may_have_one_again_beside_others_while_all_settles,
	         have_none_again_once_they_are_reset);
	return run(suite);
}
