/* SPDX-License-Identifier: BSD-2-Clause */
/* RDMA_CM_REQUEST and how it is answered (RDMA Transport 1.1 §3.1, §3.5). */
#include <string.h>

#include "tests/rdma/suites.h"

static struct wire_wishes wishes;

static void given_an_admin_queue(void)
{
	given_a_good_host();
	wishes = wishes_of(0, 32);
}

static void given_an_io_queue(void)
{
	given_a_good_host();
	wishes = wishes_of(2, SCENE_ENTRIES);
	wishes.request.cntlid = good.cntlid;
}

static void expect_rejected(enum rdma_cm_status status)
{
	uint16_t got = reject_status(&wishes);

	ck_assert_msg(got == status,
	              "%u (%s), and not %s",
	              got,
	              got ? rdma_cm_status_words(got) : "accepted",
	              rdma_cm_status_words((uint16_t)status));
	others_do_not_notice();
}

/* ------------------------------------------------------------------ any target */

START_TEST(is_accepted_with_receives_for_its_capsules)
{
	struct wire_queue queue;

	open_queue(&queue, &wishes);
	/* CRQSIZE may be less than the queue's size (RNR_RETRY_COUNT), but not more (§3.1) */
	ck_assert_uint_ge(queue.receives_granted, 1);
	ck_assert_uint_le(queue.receives_granted, wishes.request.entries);
	wire_queue_close(&queue);
	others_do_not_notice();
}
END_TEST

START_TEST(in_another_format_is_rejected)
{
	struct rdma_cm_request_wire wire = rdma_cm_write_request(&wishes.request);

	wire.recfmt = le16_of(1);
	wishes.private_data = &wire;
	wishes.private_bytes = sizeof(wire);
	wishes.has_private_data = true;
	expect_rejected(RDMA_CM_INVALID_RECFMT);
}
END_TEST

/* Base 2.1 §3.3.3.1: an admin queue has 4096 entries at most. */
START_TEST(for_4097_entries_of_an_admin_queue_is_rejected)
{
	wishes.request.entries = 4097;
	wishes.sends = 4;
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(may_be_padded_with_anything)
{
	uint8_t bytes[56];
	struct rdma_cm_request_wire wire = rdma_cm_write_request(&wishes.request);

	memset(bytes, 0xff, sizeof(bytes));
	memcpy(bytes, &wire, offsetof(struct rdma_cm_request_wire, reserved10));
	wishes.private_data = bytes;
	wishes.private_bytes = sizeof(bytes);
	wishes.has_private_data = true;
	ck_assert_uint_eq(reject_status(&wishes), 0);
}
END_TEST

/* ------------------------------------------------------------------ ours */

START_TEST(without_private_data_is_rejected)
{
	wishes.has_private_data = true;
	/* RoCE's REQ has zeroes there, of which the first that cannot be is HRQSIZE */
	expect_rejected(target.is_iwarp ? RDMA_CM_INVALID_LENGTH : RDMA_CM_INVALID_HRQSIZE);
}
END_TEST

START_TEST(that_is_cut_is_rejected)
{
	struct rdma_cm_request_wire wire = rdma_cm_write_request(&wishes.request);

	if (!target.is_iwarp)
		return; /* RoCE fills it up to 56 bytes with zeroes, which is a good request */
	wishes.private_data = &wire;
	wishes.private_bytes = sizeof(wire) - 1;
	wishes.has_private_data = true;
	expect_rejected(RDMA_CM_INVALID_LENGTH);
}
END_TEST

/* What queues there are is known with the controller, that is, with Connect: so it is there that
 * one too many is refused. */
START_TEST(for_a_queue_that_was_not_granted_comes_to_nothing)
{
	struct wire_queue queue;

	wishes.request.qid = 0xffff;
	open_queue(&queue, &wishes);
	expect_status(
		connect_queue(&queue, command_connect(0xffff, SCENE_ENTRIES, 0), good.cntlid, NULL),
		NVME_SC_CONNECT_INVALID_PARAMETERS);
	wire_queue_close(&queue);
	others_do_not_notice();
}
END_TEST

START_TEST(for_65536_entries_is_rejected)
{
	wishes.request.entries = 65536;
	wishes.sends = 4;
	wishes.receives = 4;
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(for_one_entry_is_rejected)
{
	wishes.request.entries = 1;
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(of_a_host_without_receives_is_rejected)
{
	wishes.request.receives = 0;
	expect_rejected(RDMA_CM_INVALID_HRQSIZE);
}
END_TEST

START_TEST(of_a_host_that_cannot_be_read_from_is_rejected)
{
	wishes.ird = 0;
	expect_rejected(RDMA_CM_INVALID_IRD);
}
END_TEST

START_TEST(for_a_controller_that_cannot_be_is_rejected)
{
	wishes.request.cntlid = 0xffff;
	expect_rejected(RDMA_CM_INVALID_CNTLID);
}
END_TEST

START_TEST(rejected_a_hundred_times_leaves_nothing)
{
	wishes.request.receives = 0;
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(reject_status(&wishes), RDMA_CM_INVALID_HRQSIZE);
	others_do_not_notice();
}
END_TEST

Suite *requests_suite(void)
{
	Suite *suite = suite_create("requests");

	describe(suite,
	         "a request for an admin queue",
	         given_an_admin_queue,
	         good_host_leaves,
	         is_accepted_with_receives_for_its_capsules,
	         in_another_format_is_rejected,
	         for_4097_entries_of_an_admin_queue_is_rejected,
	         may_be_padded_with_anything);
	describe(suite,
	         "a request for an I/O queue",
	         given_an_io_queue,
	         good_host_leaves,
	         is_accepted_with_receives_for_its_capsules,
	         in_another_format_is_rejected);
	if (target.is_kernel)
		return suite;
	describe(suite,
	         "a wrong request for an admin queue",
	         given_an_admin_queue,
	         good_host_leaves,
	         without_private_data_is_rejected,
	         that_is_cut_is_rejected,
	         for_one_entry_is_rejected,
	         of_a_host_without_receives_is_rejected,
	         of_a_host_that_cannot_be_read_from_is_rejected,
	         rejected_a_hundred_times_leaves_nothing);
	describe(suite,
	         "a wrong request for an I/O queue",
	         given_an_io_queue,
	         good_host_leaves,
	         for_a_queue_that_was_not_granted_comes_to_nothing,
	         for_65536_entries_is_rejected,
	         for_one_entry_is_rejected,
	         for_a_controller_that_cannot_be_is_rejected);
	return suite;
}
