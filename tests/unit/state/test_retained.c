/* SPDX-License-Identifier: BSD-2-Clause */
/* What a static controller keeps from one association to the next. */
#include "services/state/retained.h"

#include <stdio.h>

#include "services/state/apply.h"
#include "tests/unit/state/stage.h"

static struct session *session;

/* controller_model, cntlid_min, cntlid_max */
#define STATIC(model, least, most)                                                                 \
	"{\"subsystems\": [{\"nqn\": \"nqn.static\", \"attr\": {\"controller_model\": \"" model    \
	"\", \"cntlid_min\": " least ", \"cntlid_max\": " most "}}]}"

static const struct config_subsystem *subsystem(void)
{
	return config_find_subsystem(&stage.state.target.config, "nqn.static");
}

static uint32_t number; /* of the subsystem */

static struct session *new_session(uint16_t cntlid)
{
	struct session *made = session_new();

	ck_assert_ptr_nonnull(made);
	made->subsystem = number;
	made->cntlid = cntlid;
	return made;
}

static void given_a_controller_that_kept_something(void)
{
	stage_open();
	stage_restore(STATIC("static", "1", "10"));
	number = subsystem()->subsystem->number;
	session = new_session(7);
	session->async_event_config = 0x900;
	session->features.host_behavior[0] = 1;
	session->features.error_recovery[1023] = 7;
	session->kato_ms = 5000;
	retained_keep(stage.state.database, subsystem(), session);
	session = session_free(session);
}

static void forget(void)
{
	session = session_free(session);
	stage_close();
}

static void begin(uint16_t cntlid)
{
	session = new_session(cntlid);
	retained_give(stage.state.database, session);
}

START_TEST(has_its_features_in_the_next_association)
{
	begin(7);
	ck_assert_uint_eq(session->async_event_config, 0x900);
	ck_assert_uint_eq(session->features.host_behavior[0], 1);
	ck_assert_uint_eq(session->features.error_recovery[1023], 7);
}
END_TEST

START_TEST(has_them_after_a_restart)
{
	stage_reopen();
	begin(7);
	ck_assert_uint_eq(session->async_event_config, 0x900);
}
END_TEST

START_TEST(has_the_last_that_were_set)
{
	begin(7);
	session->async_event_config = 0;
	retained_keep(stage.state.database, subsystem(), session);
	session = session_free(session);
	begin(7);
	ck_assert_uint_eq(session->async_event_config, 0);
	ck_assert_uint_eq(session->features.host_behavior[0], 1);
	ck_assert_uint_eq(session->features.error_recovery[1023], 7);
}
END_TEST

/* Any read of a log changes a session: a host must not have the disk synced by that. */
START_TEST(is_not_written_when_nothing_is_new)
{
	begin(7);
	database_copy(stage.state.database);
	retained_keep(stage.state.database, subsystem(), session);
	ck_assert(!database_is_uncopied(stage.state.database));
	session->async_event_config = 0;
	retained_keep(stage.state.database, subsystem(), session);
	ck_assert(database_is_uncopied(stage.state.database));
}
END_TEST

START_TEST(has_not_what_connect_says)
{
	begin(7);
	ck_assert_uint_eq(session->kato_ms, 0);
}
END_TEST

START_TEST(has_nothing_of_another_controller)
{
	begin(8);
	ck_assert_uint_eq(session->async_event_config, 0);
	ck_assert_uint_eq(session->features.host_behavior[0], 0);
}
END_TEST

START_TEST(has_nothing_where_it_cannot_be_read)
{
	char key[32];

	snprintf(key, sizeof(key), "retained:%u:7", number);
	ck_assert_int_eq(database_set_text(stage.state.database, key, "zz"), 0);
	begin(7);
	ck_assert_uint_eq(session->async_event_config, 0);
}
END_TEST

/* ------------------------------------------------------------------ which are no more */

static void expect_kept(bool kept)
{
	begin(7);
	ck_assert_uint_eq(session->async_event_config, kept ? 0x900 : 0);
}

/* They stayed in the database for ever. */
START_TEST(keeps_nothing_once_its_subsystem_is_deleted)
{
	stage_restore("{}");
	expect_kept(false);
}
END_TEST

START_TEST(keeps_nothing_once_it_is_out_of_the_range)
{
	stage_restore(STATIC("static", "8", "10"));
	expect_kept(false);
}
END_TEST

START_TEST(keeps_nothing_once_controllers_are_dynamic)
{
	stage_restore(STATIC("dynamic", "1", "10"));
	expect_kept(false);
}
END_TEST

START_TEST(keeps_it_while_another_range_has_it_too)
{
	stage_restore(STATIC("static", "7", "7"));
	expect_kept(true);
}
END_TEST

START_TEST(keeps_it_where_the_change_was_refused)
{
	struct report report = {.file = "test"};
	uint64_t revision;

	ck_assert_int_eq(apply_text(&stage.state, "{\"ports\": 7}", &report, &revision),
	                 APPLY_E_WRONG);
	report_deinit(&report);
	expect_kept(true);
}
END_TEST

/* An association of before may live on for a moment. */
START_TEST(keeps_nothing_that_is_set_when_it_is_out_of_the_range)
{
	stage_restore(STATIC("static", "8", "10"));
	session = new_session(7);
	session->async_event_config = 0x900;
	retained_keep(stage.state.database, subsystem(), session);
	session = session_free(session);
	expect_kept(false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("retained");

	describe(suite,
	         "a static controller",
	         given_a_controller_that_kept_something,
	         forget,
	         has_its_features_in_the_next_association,
	         has_them_after_a_restart,
	         has_the_last_that_were_set,
	         is_not_written_when_nothing_is_new,
	         has_not_what_connect_says,
	         has_nothing_of_another_controller,
	         has_nothing_where_it_cannot_be_read,
	         keeps_nothing_once_its_subsystem_is_deleted,
	         keeps_nothing_once_it_is_out_of_the_range,
	         keeps_nothing_once_controllers_are_dynamic,
	         keeps_it_while_another_range_has_it_too,
	         keeps_it_where_the_change_was_refused,
	         keeps_nothing_that_is_set_when_it_is_out_of_the_range);
	return run(suite);
}
