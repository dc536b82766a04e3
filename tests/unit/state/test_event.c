/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous events: told once, to a request that waits, until their log is read. */
#include "services/state/event.h"
#include "tests/unit/state/stage.h"

static uint64_t request_id;
static uint32_t result;

static void given_a_controller(void)
{
	stage_open();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	stage.session->async_event_config = 0x900;
}

static struct nvme_status ask(void)
{
	return stage_admin(NVME_ADMIN_ASYNC_EVENT, 0, 0, 0);
}

START_TEST(parks_a_request_while_there_is_none)
{
	expect_status(ask(), 0);
	ck_assert(stage.reply.parked);
}
END_TEST

START_TEST(answers_a_request_with_one_that_waits)
{
	event_raise(stage.session, SESSION_EVENT_NAMESPACE);
	expect_status(ask(), 0);
	ck_assert(!stage.reply.parked);
	ck_assert_uint_eq(stage.reply.result, 0x040002);
	ck_assert(stage.reply.session_changed);
}
END_TEST

START_TEST(answers_a_parked_request_when_one_comes)
{
	ck_assert_int_eq(event_park(stage.session, 77), 0);
	ck_assert(!event_take_parked(stage.session, &request_id, &result));
	event_raise(stage.session, SESSION_EVENT_ANA);
	ck_assert(event_take_parked(stage.session, &request_id, &result));
	ck_assert_uint_eq(request_id, 77);
	ck_assert_uint_eq(result, 0x0c0302);
	ck_assert_uint_eq(stage.session->n_parked, 0);
}
END_TEST

START_TEST(tells_one_only_once_until_its_log_is_read)
{
	event_raise(stage.session, SESSION_EVENT_NAMESPACE);
	ck_assert(event_take(stage.session, &result));
	ck_assert(!event_raise(stage.session, SESSION_EVENT_NAMESPACE));
	ck_assert(!event_take(stage.session, &result));
	event_forget(stage.session, SESSION_EVENT_NAMESPACE);
	ck_assert(event_raise(stage.session, SESSION_EVENT_NAMESPACE));
	ck_assert(event_take(stage.session, &result));
}
END_TEST

/* It was lost until its log was read, which nobody had a reason to do. */
START_TEST(tells_one_again_whose_request_was_cancelled_meanwhile)
{
	ck_assert_int_eq(event_park(stage.session, 77), 0);
	event_raise(stage.session, SESSION_EVENT_NAMESPACE);
	ck_assert(event_take_parked(stage.session, &request_id, &result));
	ck_assert(!event_take_back(stage.session, 76));
	ck_assert(event_take_back(stage.session, 77));
	ck_assert(!event_take_back(stage.session, 77));
	ck_assert(event_take(stage.session, &result));
	ck_assert_uint_eq(result, 0x040002);
}
END_TEST

START_TEST(tells_none_again_whose_log_was_read)
{
	ck_assert_int_eq(event_park(stage.session, 77), 0);
	event_raise(stage.session, SESSION_EVENT_NAMESPACE);
	ck_assert(event_take_parked(stage.session, &request_id, &result));
	event_forget(stage.session, SESSION_EVENT_NAMESPACE);
	ck_assert(!event_take_back(stage.session, 77));
}
END_TEST

START_TEST(keeps_one_that_is_not_enabled_until_it_is)
{
	stage.session->async_event_config = 0;
	event_raise(stage.session, SESSION_EVENT_NAMESPACE);
	ck_assert(!event_take(stage.session, &result));
	stage.session->async_event_config = 0x100;
	ck_assert(event_take(stage.session, &result));
}
END_TEST

START_TEST(tells_of_discovery)
{
	stage.session->async_event_config = 1u << 31;
	event_raise(stage.session, SESSION_EVENT_DISCOVERY);
	ck_assert(event_take(stage.session, &result));
	ck_assert_uint_eq(result, 0x70f002);
}
END_TEST

START_TEST(takes_four_requests_and_no_fifth)
{
	for (uint64_t i = 1; i <= 4; i++) {
		expect_status(ask(), 0);
		ck_assert(stage.reply.parked);
		ck_assert_int_eq(event_park(stage.session, i), 0);
	}
	expect_status(ask(), 0x105);
	ck_assert(!stage.reply.parked);
}
END_TEST

START_TEST(forgets_a_request_that_was_cancelled)
{
	ck_assert_int_eq(event_park(stage.session, 1), 0);
	ck_assert_int_eq(event_park(stage.session, 2), 0);
	ck_assert(event_unpark(stage.session, 1));
	ck_assert(!event_unpark(stage.session, 1));
	event_raise(stage.session, SESSION_EVENT_ANA);
	ck_assert(event_take_parked(stage.session, &request_id, &result));
	ck_assert_uint_eq(request_id, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("events");

	describe(suite,
	         "a controller with events",
	         given_a_controller,
	         stage_close,
	         parks_a_request_while_there_is_none,
	         answers_a_request_with_one_that_waits,
	         answers_a_parked_request_when_one_comes,
	         tells_one_only_once_until_its_log_is_read,
	         tells_one_again_whose_request_was_cancelled_meanwhile,
	         tells_none_again_whose_log_was_read,
	         keeps_one_that_is_not_enabled_until_it_is,
	         tells_of_discovery,
	         takes_four_requests_and_no_fifth,
	         forgets_a_request_that_was_cancelled);
	return run(suite);
}
