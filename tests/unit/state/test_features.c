/* SPDX-License-Identifier: BSD-2-Clause */
/* Set Features and Get Features (Base 2.1 §5.1.11, §5.1.25). */
#include <string.h>

#include "tests/unit/state/stage.h"

#define SELECT(n) ((n) << 8)
#define SAVE      (1u << 31)

enum { WRITE_CACHE = 0x06, QUEUES = 0x07, EVENTS = 0x0b, KEEP_ALIVE = 0x0f, HOST_ID = 0x81 };

static void given_a_controller(void)
{
	stage_open();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
}

static void given_a_discovery_controller(void)
{
	stage_open();
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
}

static struct nvme_status set(uint32_t feature, uint32_t value)
{
	return stage_admin(NVME_ADMIN_SET_FEATURES, 0, feature, value);
}

static void expect_value(uint32_t feature, uint32_t value)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, feature, 0), 0);
	ck_assert_uint_eq(stage.reply.result, value);
}

START_TEST(grants_as_many_queues_as_asked_for)
{
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	ck_assert_uint_eq(stage.reply.result, 3 << 16 | 3);
	ck_assert_uint_eq(stage.session->io_queues, 4);
	ck_assert(stage.reply.session_changed);
	expect_value(QUEUES, 3 << 16 | 3);
}
END_TEST

START_TEST(grants_no_more_queues_than_qid_max)
{
	expect_status(set(QUEUES, 63 << 16 | 63), 0);
	ck_assert_uint_eq(stage.reply.result, 7 << 16 | 7);
	ck_assert_uint_eq(stage.session->io_queues, 8);
}
END_TEST

START_TEST(grants_pairs_of_queues)
{
	expect_status(set(QUEUES, 5 << 16 | 1), 0);
	ck_assert_uint_eq(stage.reply.result, 5 << 16 | 5);
}
END_TEST

START_TEST(refuses_65536_queues)
{
	expect_status(set(QUEUES, 0xffff), DNR(0x002));
	expect_status(set(QUEUES, 0xffff0000), DNR(0x002));
	ck_assert_uint_eq(stage.session->io_queues, 0);
	ck_assert_uint_eq(stage.reply.error_location, 44 + 1);
}
END_TEST

START_TEST(takes_the_events_that_it_has)
{
	expect_status(set(EVENTS, 0x900), 0);
	ck_assert_uint_eq(stage.session->async_event_config, 0x900);
	expect_value(EVENTS, 0x900);
	expect_status(set(EVENTS, 0x1f), 0);
}
END_TEST

START_TEST(refuses_events_that_it_does_not_have)
{
	expect_status(set(EVENTS, 0x900 | 1u << 14), DNR(0x002));
	expect_status(set(EVENTS, 1u << 31), DNR(0x002));
	expect_status(set(EVENTS, 1u << 9), DNR(0x002));
	ck_assert_uint_eq(stage.session->async_event_config, 0);
}
END_TEST

START_TEST(rounds_the_keep_alive_up)
{
	expect_status(set(KEEP_ALIVE, 1500), 0);
	expect_value(KEEP_ALIVE, 2000);
	ck_assert_uint_eq(stage.session->kato_ms, 2000);
}
END_TEST

START_TEST(refuses_a_keep_alive_that_cannot_be_rounded)
{
	expect_status(set(KEEP_ALIVE, UINT32_MAX), DNR(0x002));
}
END_TEST

START_TEST(keeps_the_write_cache_on)
{
	expect_status(set(WRITE_CACHE, 1), 0);
	expect_status(set(WRITE_CACHE, 0), DNR(0x10e));
	expect_value(WRITE_CACHE, 1);
}
END_TEST

START_TEST(does_not_take_a_host_identifier)
{
	expect_status(set(HOST_ID, 1), DNR(0x00c));
}
END_TEST

START_TEST(gives_the_host_identifier)
{
	stage.session->host_id[15] = 9;
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, HOST_ID, 1), 0);
	ck_assert_uint_eq(stage.reply.length, 16);
	ck_assert_mem_eq(stage.reply.data, stage.session->host_id, 16);
}
END_TEST

START_TEST(gives_no_half_of_the_host_identifier)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, HOST_ID, 0), DNR(0x002));
}
END_TEST

START_TEST(saves_nothing)
{
	expect_status(set(EVENTS | SAVE, 0), DNR(0x10d));
	expect_status(set(KEEP_ALIVE | SAVE, 5000), DNR(0x10d));
}
END_TEST

START_TEST(tells_defaults)
{
	set(EVENTS, 0x900);
	expect_value(EVENTS | SELECT(1), 0);
	expect_value(EVENTS | SELECT(2), 0);
	expect_value(QUEUES | SELECT(1), 7 << 16 | 7);
	expect_value(WRITE_CACHE | SELECT(1), 1);
}
END_TEST

START_TEST(tells_what_can_be_changed)
{
	expect_value(EVENTS | SELECT(3), 4);
	expect_value(KEEP_ALIVE | SELECT(3), 4);
	expect_value(QUEUES | SELECT(3), 4);
	expect_value(WRITE_CACHE | SELECT(3), 0);
	expect_value(HOST_ID | SELECT(3), 0);
	ck_assert_uint_eq(stage.reply.length, 16);
}
END_TEST

START_TEST(refuses_a_reserved_selection)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, EVENTS | SELECT(4), 0), DNR(0x002));
}
END_TEST

START_TEST(refuses_features_that_it_does_not_have)
{
	static const uint8_t unknown[] = {
		0, 1, 2, 3, 4, 5, 8, 9, 0x0a, 0x0c, 0x0e, 0x10, 0x16, 0x82, 0x84, 0xc0};

	for (size_t i = 0; i < sizeof(unknown); i++) {
		expect_status(set(unknown[i], 0), DNR(0x002));
		expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, unknown[i], 0), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 40 + 1);
	}
}
END_TEST

START_TEST(has_its_own_event)
{
	expect_status(set(EVENTS, 1u << 31), 0);
	expect_status(set(EVENTS, 0x100), DNR(0x002));
}
END_TEST

START_TEST(has_a_keep_alive)
{
	expect_status(set(KEEP_ALIVE, 30000), 0);
	expect_value(KEEP_ALIVE, 30000);
}
END_TEST

START_TEST(has_no_queues_for_io)
{
	expect_status(set(QUEUES, 0), DNR(0x002));
	expect_status(set(WRITE_CACHE, 1), DNR(0x002));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("features");

	describe(suite,
	         "a controller",
	         given_a_controller,
	         stage_close,
	         grants_as_many_queues_as_asked_for,
	         grants_no_more_queues_than_qid_max,
	         grants_pairs_of_queues,
	         refuses_65536_queues,
	         takes_the_events_that_it_has,
	         refuses_events_that_it_does_not_have,
	         rounds_the_keep_alive_up,
	         refuses_a_keep_alive_that_cannot_be_rounded,
	         keeps_the_write_cache_on,
	         does_not_take_a_host_identifier,
	         gives_the_host_identifier,
	         gives_no_half_of_the_host_identifier,
	         saves_nothing,
	         tells_defaults,
	         tells_what_can_be_changed,
	         refuses_a_reserved_selection,
	         refuses_features_that_it_does_not_have);
	describe(suite,
	         "a controller for discovery",
	         given_a_discovery_controller,
	         stage_close,
	         has_its_own_event,
	         has_a_keep_alive,
	         has_no_queues_for_io);
	return run(suite);
}
