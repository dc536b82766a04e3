/* SPDX-License-Identifier: BSD-2-Clause */
/* What the limits leave of what a host asks for: I/O queues, and a keep-alive time. */
#include "tests/unit/state/stage.h"

enum { QUEUES = 0x07, KEEP_ALIVE = 0x0f };

static void given_a_controller(void)
{
	stage_open();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
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

/* Of all controllers of a host, whatever their subsystem. */
START_TEST(grants_no_more_queues_than_its_host_may_have)
{
	struct session *first = stage.session;

	stage.state.target.config.limits.host_io_queues = 6;
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	ck_assert_uint_eq(first->io_queues, 4);
	stage_connect(STAGE_HOST, 1, STAGE_PRIVATE);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, QUEUES, 0), 0);
	ck_assert_uint_eq(stage.reply.result, 1 << 16 | 1);
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	ck_assert_uint_eq(stage.reply.result, 1 << 16 | 1);
	ck_assert_uint_eq(stage.session->io_queues, 2);
}
END_TEST

START_TEST(grants_a_queue_in_any_case)
{
	stage.state.target.config.limits.host_io_queues = 4;
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	stage_connect(STAGE_HOST, 2, STAGE_SUBSYSTEM);
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	ck_assert_uint_eq(stage.session->io_queues, 1);
}
END_TEST

START_TEST(grants_to_a_host_whatever_others_have)
{
	stage.state.target.config.limits.host_io_queues = 4;
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	stage_connect(STAGE_OTHER, 1, STAGE_SUBSYSTEM);
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	ck_assert_uint_eq(stage.session->io_queues, 4);
}
END_TEST

START_TEST(raises_a_keep_alive_that_is_too_short)
{
	stage.state.target.config.limits.keep_alive_min_ms = 4500;
	expect_status(set(KEEP_ALIVE, 1500), 0);
	expect_value(KEEP_ALIVE, 5000);
	expect_status(set(KEEP_ALIVE, 0), 0);
	expect_value(KEEP_ALIVE, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("budget");

	describe(suite,
	         "a controller",
	         given_a_controller,
	         stage_close,
	         grants_no_more_queues_than_its_host_may_have,
	         grants_a_queue_in_any_case,
	         grants_to_a_host_whatever_others_have,
	         raises_a_keep_alive_that_is_too_short);
	return run(suite);
}
