/* SPDX-License-Identifier: BSD-2-Clause */
/* Connect, on a queue pair that RDMA_CM has made for it (Base 2.1 §6.3, RDMA 1.1 §3.1). */
#include <string.h>

#include "common/base/clock.h"
#include "tests/rdma/suites.h"

static struct wire_queue queue;

static void given_an_admin_queue_pair(void)
{
	struct wire_wishes wishes = wishes_of(0, 32);

	given_a_good_host();
	open_queue(&queue, &wishes);
}

static void given_an_io_queue_pair(void)
{
	struct wire_wishes wishes = wishes_of(2, SCENE_ENTRIES);

	given_a_good_host();
	wishes.request.cntlid = good.cntlid;
	open_queue(&queue, &wishes);
}

static void forget_it(void)
{
	wire_queue_close(&queue);
	good_host_leaves();
}

static struct nvme_status connect_admin(uint16_t qid, uint32_t entries)
{
	return connect_queue(&queue, command_connect(qid, entries, 0), NVME_CNTLID_DYNAMIC, NULL);
}

static struct nvme_status connect_io(uint16_t qid, uint32_t entries, uint16_t cntlid)
{
	return connect_queue(&queue, command_connect(qid, entries, 0), cntlid, NULL);
}

/* ------------------------------------------------------------------ any target */

START_TEST(makes_a_controller)
{
	uint16_t cntlid = good.cntlid;

	expect_success(
		connect_queue(&queue, command_connect(0, 32, 0), NVME_CNTLID_DYNAMIC, &cntlid));
	ck_assert_uint_ne(cntlid, good.cntlid);
	others_do_not_notice();
}
END_TEST

/* Base 2.1 §3.3.2.2: Connect is the first command of a queue. */
START_TEST(is_the_first_command)
{
	struct wire_memory *memory = wire_memory_new(&queue, NVME_IDENTIFY_SIZE);
	struct capsule capsule = capsule_of(command_identify(NVME_CNS_CONTROLLER, 0),
	                                    sgl_keyed(memory, 0, NVME_IDENTIFY_SIZE));

	expect_status(execute(&queue, &capsule, NULL), NVME_SC_COMMAND_SEQUENCE);
	others_do_not_notice();
}
END_TEST

START_TEST(of_an_io_queue_is_the_first_command)
{
	struct wire_memory *memory = wire_memory_new(&queue, SCENE_BLOCK);
	struct capsule capsule = capsule_of(command_io(NVME_IO_READ, SCENE_SPACE, 0, 1),
	                                    sgl_keyed(memory, 0, SCENE_BLOCK));

	expect_status(execute(&queue, &capsule, NULL), NVME_SC_COMMAND_SEQUENCE);
	others_do_not_notice();
}
END_TEST

START_TEST(to_an_unknown_controller_is_refused)
{
	expect_status(connect_io(2, SCENE_ENTRIES, 0xffee), NVME_SC_CONNECT_INVALID_PARAMETERS);
	others_do_not_notice();
}
END_TEST

START_TEST(of_an_io_queue_is_answered)
{
	expect_success(connect_io(2, SCENE_ENTRIES, good.cntlid));
	others_do_not_notice();
}
END_TEST

/* ------------------------------------------------------------------ ours */

/* RDMA 1.1 §3.1: RDMA_CM_REQUEST has said what Connect says. */
START_TEST(for_another_queue_than_the_request_is_refused)
{
	expect_status(connect_io(3, SCENE_ENTRIES, good.cntlid),
	              NVME_SC_CONNECT_INVALID_PARAMETERS);
	others_do_not_notice();
}
END_TEST

START_TEST(with_more_entries_than_the_request_is_refused)
{
	expect_status(connect_io(2, SCENE_ENTRIES + 1, good.cntlid),
	              NVME_SC_CONNECT_INVALID_PARAMETERS);
	others_do_not_notice();
}
END_TEST

START_TEST(for_an_io_queue_where_the_request_was_for_an_admin_queue_is_refused)
{
	expect_status(connect_io(2, 32, good.cntlid), NVME_SC_CONNECT_INVALID_PARAMETERS);
	others_do_not_notice();
}
END_TEST

START_TEST(for_an_admin_queue_where_the_request_was_for_an_io_queue_is_refused)
{
	expect_status(connect_admin(0, 32), NVME_SC_CONNECT_INVALID_PARAMETERS);
	others_do_not_notice();
}
END_TEST

START_TEST(a_second_time_is_refused)
{
	expect_success(connect_admin(0, 32));
	expect_status(connect_admin(0, 32), NVME_SC_COMMAND_SEQUENCE);
	others_do_not_notice();
}
END_TEST

/* RDMA 1.1 §3.3.1: in-capsule data is not supported for the Admin Queue. */
START_TEST(with_its_data_in_the_capsule_is_not_executed)
{
	struct nvme_connect_data data = {.cntlid = le16_of(NVME_CNTLID_DYNAMIC)};
	struct capsule capsule = capsule_of(command_connect(0, 32, 0), sgl_none());

	capsule_bring(&capsule, &data, sizeof(data));
	send_capsule(&queue, &capsule);
	expect_end(&queue,
	           "the queue"); /* it is longer than the 64 bytes that a receive has room for … */
	others_do_not_notice();
}
END_TEST

START_TEST(that_never_comes_ends_the_queue_pair_after_10_seconds)
{
	uint64_t begin_ns = clock_now_ns();

	wire_must(&queue, wire_queue_await_end(&queue, 20000));
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 5 * NS_PER_S);
	others_do_not_notice();
}
END_TEST

Suite *connects_suite(void)
{
	Suite *suite = suite_create("connects");

	describe(suite,
	         "Connect of an admin queue",
	         given_an_admin_queue_pair,
	         forget_it,
	         makes_a_controller);
	describe(suite,
	         "Connect of an I/O queue",
	         given_an_io_queue_pair,
	         forget_it,
	         of_an_io_queue_is_answered,
	         to_an_unknown_controller_is_refused);
	if (target.is_kernel)
		return suite;
	describe(suite,
	         "a wrong Connect of an admin queue",
	         given_an_admin_queue_pair,
	         forget_it,
	         is_the_first_command,
	         a_second_time_is_refused,
	         with_its_data_in_the_capsule_is_not_executed,
	         for_an_io_queue_where_the_request_was_for_an_admin_queue_is_refused);
	describe(suite,
	         "a wrong Connect of an I/O queue",
	         given_an_io_queue_pair,
	         forget_it,
	         of_an_io_queue_is_the_first_command,
	         for_another_queue_than_the_request_is_refused,
	         with_more_entries_than_the_request_is_refused,
	         for_an_admin_queue_where_the_request_was_for_an_io_queue_is_refused);
	describe_slow(suite,
	              "Connect (slow)",
	              40,
	              given_an_admin_queue_pair,
	              forget_it,
	              that_never_comes_ends_the_queue_pair_after_10_seconds);
	return suite;
}
