/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host's connection request gets: from what the port and the adapter allow, the sizes of a
 * queue pair, or why it is rejected. */
#include "services/rdma/agreement.h"

#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

#define ADMIN_ENTRIES 128u
#define IN_CAPSULE    16384u
#define PORTS_SIZE    128u
#define HOST_READS    16u

static struct rdma_cm_request_wire wire;
static struct agreement_limits limits;
static struct agreement agreement;
static const struct agreement untouched = {.receives = 0xdddddddd, .sends = 0xdddddddd};

static void ask(uint16_t qid, uint32_t entries)
{
	const struct rdma_cm_request request = {
		.qid = qid, .receives = (uint16_t)(entries - 1), .entries = entries};

	wire = rdma_cm_write_request(&request);
}

static void given_a_request_for_an_io_queue(void)
{
	ask(1, 32);
	limits = (struct agreement_limits){.in_capsule_bytes = IN_CAPSULE,
	                                   .queue_size = PORTS_SIZE,
	                                   .send_requests = 8192,
	                                   .completions = 65536,
	                                   .reads = 64};
	agreement = untouched;
}

static void given_a_request_for_an_admin_queue(void)
{
	given_a_request_for_an_io_queue();
	ask(0, 32);
}

static void expect_agreed(uint8_t host_reads)
{
	ck_assert_uint_eq(agreement_make(&wire, sizeof(wire), host_reads, &limits, &agreement),
	                  RDMA_CM_ACCEPTABLE);
}

static void expect_rejected(enum rdma_cm_status status)
{
	ck_assert_uint_eq(agreement_make(&wire, sizeof(wire), HOST_READS, &limits, &agreement),
	                  status);
	ck_assert_mem_eq(&agreement, &untouched, sizeof(agreement));
}

/* ------------------------------------------------------------------ I/O queues */

START_TEST(gets_what_it_asked_for)
{
	expect_agreed(HOST_READS);
	ck_assert_uint_eq(agreement.asked.qid, 1);
	ck_assert_uint_eq(agreement.asked.entries, 32);
	ck_assert_uint_eq(agreement.asked.receives, 31);
}
END_TEST

START_TEST(brings_in_a_capsule_what_the_port_allows)
{
	expect_agreed(HOST_READS);
	ck_assert_uint_eq(agreement.in_capsule_bytes, IN_CAPSULE);
}
END_TEST

START_TEST(has_a_receive_for_each_command_that_may_be_under_way)
{
	expect_agreed(HOST_READS);
	ck_assert_uint_eq(agreement.receives, 32 + AGREEMENT_SPARE);
	shows("RDMA 1.1 §3.1",
	      "a receive for each command of the queue, so that RNR is not needed for flow "
	      "control");
}
END_TEST

START_TEST(has_an_answer_for_each_command_beside_its_data)
{
	expect_agreed(HOST_READS);
	ck_assert_uint_eq(agreement.sends, 2 * (32 + AGREEMENT_SPARE));
}
END_TEST

START_TEST(reads_no_more_at_a_time_than_its_host_takes)
{
	expect_agreed(16);
	ck_assert_uint_eq(agreement.reads, 16);
	shows("RDMA 1.1 §3.1", "no more RDMA READs at a time than the host's IRD");
}
END_TEST

START_TEST(reads_no_more_at_a_time_than_the_adapter_does)
{
	limits.reads = 4;
	expect_agreed(16);
	ck_assert_uint_eq(agreement.reads, 4);
}
END_TEST

START_TEST(may_have_all_entries_of_the_port)
{
	ask(UINT16_MAX, PORTS_SIZE);
	expect_agreed(1);
	ck_assert_uint_eq(agreement.asked.qid, UINT16_MAX);
	ck_assert_uint_eq(agreement.asked.entries, PORTS_SIZE);
}
END_TEST

START_TEST(is_rejected_with_more_entries_than_the_port_has)
{
	ask(1, PORTS_SIZE + 1);
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(is_rejected_with_more_entries_than_the_adapter_has)
{
	limits.send_requests = 2 * (31 + AGREEMENT_SPARE);
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(is_rejected_where_the_adapter_has_no_entries)
{
	limits.send_requests = 16;
	ask(1, 2);
	expect_rejected(RDMA_CM_NO_RESOURCES);
}
END_TEST

START_TEST(is_rejected_with_a_host_that_cannot_be_read_from)
{
	ck_assert_uint_eq(agreement_make(&wire, sizeof(wire), 0, &limits, &agreement),
	                  RDMA_CM_INVALID_IRD);
	ck_assert_mem_eq(&agreement, &untouched, sizeof(agreement));
}
END_TEST

START_TEST(is_rejected_with_too_little_said)
{
	ck_assert_uint_eq(agreement_make(&wire, sizeof(wire) - 1, HOST_READS, &limits, &agreement),
	                  RDMA_CM_INVALID_LENGTH);
	ck_assert_uint_eq(agreement_make(NULL, 0, HOST_READS, &limits, &agreement),
	                  RDMA_CM_INVALID_LENGTH);
	ck_assert_mem_eq(&agreement, &untouched, sizeof(agreement));
}
END_TEST

START_TEST(is_rejected_with_another_record_format)
{
	wire.recfmt = le16_of(1);
	expect_rejected(RDMA_CM_INVALID_RECFMT);
}
END_TEST

/* What is wrong in the private data is said before what is wrong in the request itself. */
START_TEST(is_rejected_for_its_private_data_first)
{
	wire.hrqsize = le16_of(0);
	ck_assert_uint_eq(agreement_make(&wire, sizeof(wire), 0, &limits, &agreement),
	                  RDMA_CM_INVALID_HRQSIZE);
}
END_TEST

/* ------------------------------------------------------------------ admin queues */

START_TEST(brings_nothing_in_a_capsule)
{
	expect_agreed(HOST_READS);
	ck_assert_uint_eq(agreement.in_capsule_bytes, 0);
	shows("RDMA 1.1 §3.3.1", "the admin queue has no in-capsule data");
}
END_TEST

START_TEST(may_have_more_entries_than_the_ports_io_queues)
{
	limits.queue_size = 16;
	ask(0, ADMIN_ENTRIES);
	expect_agreed(HOST_READS);
	ck_assert_uint_eq(agreement.sends, 2 * (ADMIN_ENTRIES + AGREEMENT_SPARE));
}
END_TEST

START_TEST(is_rejected_with_more_entries_than_any_needs)
{
	ask(0, ADMIN_ENTRIES + 1);
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(says_what_io_queues_beside_it_may_have)
{
	expect_agreed(HOST_READS);
	ck_assert_uint_eq(agreement.io_entries, PORTS_SIZE);
}
END_TEST

/* ------------------------------------------------------------------ an adapter */

/* Two work requests and three completions for each command. */
static void set_commands(uint32_t by_sends, uint32_t by_completions)
{
	limits.send_requests = 2 * by_sends;
	limits.completions = 3 * by_completions;
}

START_TEST(has_as_many_entries_as_the_port_says_at_most)
{
	set_commands(PORTS_SIZE + AGREEMENT_SPARE, PORTS_SIZE + AGREEMENT_SPARE);
	ck_assert_uint_eq(agreement_io_entries(&limits), PORTS_SIZE);
	set_commands(UINT32_MAX / 2, UINT32_MAX / 3);
	ck_assert_uint_eq(agreement_io_entries(&limits), PORTS_SIZE);
}
END_TEST

START_TEST(has_as_many_entries_as_its_send_queues)
{
	set_commands(100 + AGREEMENT_SPARE, 1000);
	ck_assert_uint_eq(agreement_io_entries(&limits), 100);
}
END_TEST

START_TEST(has_as_many_entries_as_its_completion_queues)
{
	set_commands(1000, 100 + AGREEMENT_SPARE);
	ck_assert_uint_eq(agreement_io_entries(&limits), 100);
}
END_TEST

START_TEST(does_not_count_a_command_that_has_not_all)
{
	set_commands(1000, 1000);
	limits.send_requests = 2 * (100 + AGREEMENT_SPARE) + 1;
	ck_assert_uint_eq(agreement_io_entries(&limits), 100);
	limits.completions = 3 * (90 + AGREEMENT_SPARE) + 2;
	ck_assert_uint_eq(agreement_io_entries(&limits), 90);
}
END_TEST

START_TEST(has_none_when_it_is_too_small)
{
	set_commands(AGREEMENT_SPARE, 1000);
	ck_assert_uint_eq(agreement_io_entries(&limits), 0);
	set_commands(1000, 1);
	ck_assert_uint_eq(agreement_io_entries(&limits), 0);
	set_commands(0, 0);
	ck_assert_uint_eq(agreement_io_entries(&limits), 0);
}
END_TEST

/* What is agreed on fits what the adapter has: the promise that agreement.h makes. */
START_TEST(has_all_that_was_agreed_on)
{
	unsigned agreed = 0;

	for (uint32_t sends = 0; sends < 400; sends++)
		for (uint32_t entries = 2; entries <= PORTS_SIZE; entries++) {
			limits.send_requests = sends;
			limits.completions = 500;
			ask(1, entries);
			if (agreement_make(&wire, sizeof(wire), 1, &limits, &agreement))
				continue;
			agreed++;
			ck_assert_uint_le(agreement.sends, sends);
			ck_assert_uint_le(agreement.sends + agreement.receives, 500);
		}
	ck_assert_uint_gt(agreed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("agreement");

	describe(suite,
	         "a request for an I/O queue",
	         given_a_request_for_an_io_queue,
	         NULL,
	         gets_what_it_asked_for,
	         brings_in_a_capsule_what_the_port_allows,
	         has_a_receive_for_each_command_that_may_be_under_way,
	         has_an_answer_for_each_command_beside_its_data,
	         reads_no_more_at_a_time_than_its_host_takes,
	         reads_no_more_at_a_time_than_the_adapter_does,
	         may_have_all_entries_of_the_port,
	         is_rejected_with_more_entries_than_the_port_has,
	         is_rejected_with_more_entries_than_the_adapter_has,
	         is_rejected_where_the_adapter_has_no_entries,
	         is_rejected_with_a_host_that_cannot_be_read_from,
	         is_rejected_with_too_little_said,
	         is_rejected_with_another_record_format,
	         is_rejected_for_its_private_data_first);
	describe(suite,
	         "a request for an admin queue",
	         given_a_request_for_an_admin_queue,
	         NULL,
	         brings_nothing_in_a_capsule,
	         may_have_more_entries_than_the_ports_io_queues,
	         is_rejected_with_more_entries_than_any_needs,
	         says_what_io_queues_beside_it_may_have);
	describe(suite,
	         "an adapter",
	         given_a_request_for_an_io_queue,
	         NULL,
	         has_as_many_entries_as_the_port_says_at_most,
	         has_as_many_entries_as_its_send_queues,
	         has_as_many_entries_as_its_completion_queues,
	         does_not_count_a_command_that_has_not_all,
	         has_none_when_it_is_too_small,
	         has_all_that_was_agreed_on);
	return run(suite);
}
