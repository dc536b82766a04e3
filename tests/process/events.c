/* SPDX-License-Identifier: BSD-2-Clause */
/* What hosts are told without asking: events, the requests that wait for them, and their end. */

#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS        5000u
#define AEC_NS_CHANGED (1u << 8)

static void given_a_set(void)
{
	scene_start(NULL);
}

/* ------------------------------------------------------------------ events */

static struct host_request event;

static void expect_changed(uint32_t nsid)
{
	struct le32 list[1024];

	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_CHANGED_NAMESPACES,
	                       false,
	                       0,
	                       list,
	                       sizeof(list)));
	ck_assert_uint_eq(le32_get(list[0]), nsid);
	ck_assert_uint_eq(le32_get(list[1]), 0);
}

START_TEST(keeps_an_event_request_until_there_is_an_event)
{
	scene_connect();
	scene_ask_for_event(&event);
	host_must(&scene.controller,
	          host_property_get(&scene.controller, 8, false, &(uint64_t){0}));
	harness_pause(1000);
	queue_must(&scene.controller.admin, host_queue_poll(&scene.controller.admin));
	ck_assert(!event.completed);
	scene_disconnect();
}
END_TEST

START_TEST(tells_that_a_namespace_was_added)
{
	struct host_namespace space;

	scene_connect();
	scene_ask_for_event(&event);
	scene_add_namespace(3);
	scene_expect_event(&event);
	expect_changed(3);
	host_must(&scene.controller, host_namespace_identify(&scene.controller, 3, &space));
	ck_assert_uint_eq(space.blocks * space.block_bytes, 1 << 20);
	scene_disconnect();
}
END_TEST

START_TEST(tells_that_a_namespace_was_removed)
{
	struct harness_exports exports = scene.harness->exports;
	uint8_t data[512];
	struct nvme_status status;

	scene_connect();
	scene_ask_for_event(&event);
	exports.subsystems[0].namespaces[0].nsid = 0;
	harness_restore(scene.harness, &exports);
	scene_expect_event(&event);
	expect_changed(1);
	status = scene_io(NVME_IO_READ, 1, 0, 1, data);
	expect_status(status, DNR(NVME_SC_INVALID_NAMESPACE));
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.5", "the NSID of a namespace that came or went");
}
END_TEST

START_TEST(keeps_an_event_for_a_request_that_comes_later)
{
	scene_connect();
	host_must(&scene.controller,
	          host_set_feature(
			  &scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, AEC_NS_CHANGED));
	scene_add_namespace(3);
	scene_ask_for_event(&event);
	scene_expect_event(&event);
	expect_changed(3);
	scene_disconnect();
	shows("Base 2.1 §5.1.2", "an event is kept until an AER comes");
}
END_TEST

/* The request is there, and the event: only the host has not said yet that it wants it. */
START_TEST(sends_an_event_as_soon_as_it_is_wanted)
{
	scene_connect();
	event = host_event_request();
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &event));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
	scene_add_namespace(3);
	host_must(&scene.controller,
	          host_property_get(&scene.controller, 8, false, &(uint64_t){0}));
	ck_assert(!event.completed);
	host_must(&scene.controller,
	          host_set_feature(
			  &scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, AEC_NS_CHANGED));
	scene_expect_event(&event);
	expect_changed(3);
	scene_disconnect();
	shows("Base 2.1 §5.1.2",
	      "an event that nobody has asked for yet waits, and is sent when it is enabled");
}
END_TEST

START_TEST(sends_no_second_event_before_the_log_was_read)
{
	scene_connect();
	scene_ask_for_event(&event);
	scene_add_namespace(3);
	scene_expect_event(&event);
	scene_ask_for_event(&event);
	scene_add_namespace(4);
	/* the answer to this comes after the change: if there were an event, it would be here */
	host_must(&scene.controller,
	          host_property_get(&scene.controller, 8, false, &(uint64_t){0}));
	harness_pause(500);
	queue_must(&scene.controller.admin, host_queue_poll(&scene.controller.admin));
	ck_assert(!event.completed);
	scene_disconnect();
	shows("Base 2.1 §5.1.2", "a reported event is masked until its log page is read");
}
END_TEST

START_TEST(refuses_more_event_requests_than_it_says)
{
	struct host_request requests[20];
	unsigned limit;

	scene_connect();
	limit = scene.controller.identity.aerl_0based + 1u;
	ck_assert_uint_lt(limit, 20);
	for (unsigned i = 0; i <= limit; i++) {
		requests[i] = host_event_request();
		queue_must(&scene.controller.admin,
		           host_queue_submit(&scene.controller.admin, &requests[i]));
	}
	ck_assert_int_eq(host_queue_await(&scene.controller.admin, &requests[limit], WAIT_MS),
	                 HOST_E_STATUS);
	expect_status(requests[limit].status, DNR(NVME_SC_AER_LIMIT));
	ck_assert(!requests[0].completed);
	scene_disconnect();
	shows("Base 2.1 §5.1.2", "more AERs than AERL: AER Limit Exceeded, DNR");
}
END_TEST

/* ------------------------------------------------------------------ abort */

START_TEST(aborts_an_event_request)
{
	scene_connect();
	scene_ask_for_event(&event);
	host_must(
		&scene.controller,
		host_abort(&scene.controller, 0, host_queue_cid(&scene.controller.admin, &event)));
	ck_assert_uint_eq(scene.controller.result & 1, 0);
	ck_assert_int_eq(host_queue_await(&scene.controller.admin, &event, WAIT_MS), HOST_E_STATUS);
	ck_assert_uint_eq(status_code(event.status), NVME_SC_ABORT_REQUESTED);
	scene_disconnect();
}
END_TEST

START_TEST(aborts_event_requests_when_it_is_reset)
{
	struct host_request requests[3];

	scene_connect();
	for (unsigned i = 0; i < 3; i++) {
		requests[i] = host_event_request();
		queue_must(&scene.controller.admin,
		           host_queue_submit(&scene.controller.admin, &requests[i]));
	}
	host_must(&scene.controller,
	          host_property_set(&scene.controller, NVME_PROPERTY_CC, false, 0x460000));
	for (unsigned i = 0; i < 3; i++) {
		int r = host_queue_await(&scene.controller.admin, &requests[i], WAIT_MS);

		ck_assert_int_eq(r, HOST_E_STATUS);
		expect_status(requests[i].status, NVME_SC_ABORT_REQUESTED);
	}
	scene_disconnect();
}
END_TEST

START_TEST(says_that_there_was_nothing_to_abort)
{
	scene_connect();
	host_must(&scene.controller, host_abort(&scene.controller, 1, 0x1234));
	ck_assert_uint_eq(scene.controller.result & 1, 1);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("events");

	describe_running(suite,
	                 "a controller",
	                 given_a_set,
	                 scene_stop,
	                 keeps_an_event_request_until_there_is_an_event,
	                 refuses_more_event_requests_than_it_says,
	                 aborts_an_event_request,
	                 aborts_event_requests_when_it_is_reset,
	                 says_that_there_was_nothing_to_abort);
	describe_alone(suite,
	               "a controller whose subsystem changes",
	               given_a_set,
	               scene_stop,
	               tells_that_a_namespace_was_added,
	               tells_that_a_namespace_was_removed,
	               keeps_an_event_for_a_request_that_comes_later,
	               sends_an_event_as_soon_as_it_is_wanted,
	               sends_no_second_event_before_the_log_was_read);
	return harness_run(suite);
}
