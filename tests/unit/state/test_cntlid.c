/* SPDX-License-Identifier: BSD-2-Clause */
/* Controller identifiers: in range, never twice, and a freed one last. */
#include <string.h>

#include "services/state/cntlid.h"
#include "tests/support/shows.h"
#include "tests/unit/state/stage.h"

static struct subsystem *subsystem;

static void given_a_subsystem(void)
{
	stage_open();
	subsystem = target_find_subsystem_named(&stage.state.target, STAGE_SUBSYSTEM);
}

static uint16_t give(uint16_t min, uint16_t max)
{
	uint16_t cntlid = 0;

	ck_assert_int_eq(
		cntlid_allocate(
			subsystem, min, max, &stage.state.sessions, stage.state.database, &cntlid),
		0);
	return cntlid;
}

static struct session *hold(uint16_t cntlid)
{
	struct session *session = session_new();

	session->subsystem = subsystem->number;
	session->cntlid = cntlid;
	list_append(&stage.state.sessions, &session->link);
	return session;
}

START_TEST(begins_with_the_least)
{
	ck_assert_uint_eq(give(10, 12), 10);
}
END_TEST

START_TEST(goes_round)
{
	ck_assert_uint_eq(give(10, 12), 10);
	ck_assert_uint_eq(give(10, 12), 11);
	ck_assert_uint_eq(give(10, 12), 12);
	ck_assert_uint_eq(give(10, 12), 10);
	shows("Base 2.1 §3.1.2",
	      "CNTLIDs are given one after the other, from attr_cntlid_min to attr_cntlid_max, and "
	      "not again soon");
}
END_TEST

START_TEST(gives_none_that_is_in_use)
{
	hold(10);
	hold(12);
	ck_assert_uint_eq(give(10, 12), 11);
	ck_assert_uint_eq(give(10, 12), 11);
}
END_TEST

START_TEST(minds_only_its_own_subsystem)
{
	hold(10)->subsystem = 99;
	ck_assert_uint_eq(give(10, 12), 10);
}
END_TEST

START_TEST(has_none_when_all_are_in_use)
{
	uint16_t cntlid;

	hold(10);
	hold(11);
	hold(12);
	ck_assert_int_eq(
		cntlid_allocate(
			subsystem, 10, 12, &stage.state.sessions, stage.state.database, &cntlid),
		CNTLID_E_NONE_FREE);
	shows("Base 2.1 §6.3", "all CNTLIDs are in use: Connect Controller Busy, without DNR");
}
END_TEST

START_TEST(has_room_for_a_whole_range)
{
	for (unsigned i = 1; i <= NVME_CNTLID_MAX; i += 4096)
		hold((uint16_t)i);
	ck_assert_uint_eq(give(1, NVME_CNTLID_MAX), 2);
}
END_TEST

START_TEST(gives_none_again_after_a_restart)
{
	uint16_t last = 0;

	for (int i = 0; i < 3 * CNTLID_STEP + 5; i++)
		last = give(1, NVME_CNTLID_MAX);
	stage_reopen();
	subsystem = target_find_subsystem_named(&stage.state.target, STAGE_SUBSYSTEM);
	ck_assert_uint_gt(give(1, NVME_CNTLID_MAX), last);
	ck_assert_uint_le(give(1, NVME_CNTLID_MAX), last + CNTLID_STEP + 2);
}
END_TEST

START_TEST(follows_a_range_that_has_moved)
{
	give(10, 12);
	ck_assert_uint_eq(give(500, 600), 500);
	ck_assert_uint_eq(give(1, 20), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cntlid");

	describe(suite,
	         "a subsystem",
	         given_a_subsystem,
	         stage_close,
	         begins_with_the_least,
	         goes_round,
	         gives_none_that_is_in_use,
	         minds_only_its_own_subsystem,
	         has_none_when_all_are_in_use,
	         has_room_for_a_whole_range,
	         gives_none_again_after_a_restart,
	         follows_a_range_that_has_moved);
	return run(suite);
}
