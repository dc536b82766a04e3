/* SPDX-License-Identifier: BSD-2-Clause */
/* The private data of RDMA_CM's messages, byte by byte (RDMA Transport 1.1 §3.1). */
#include "common/nvme/rdma_cm.h"

#include <errno.h>
#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

static const struct rdma_cm_limits limits = {
	.qid_max = 128,
	.admin_entries = 32,
	.io_entries = 1024,
};
static uint8_t bytes[56]; /* what InfiniBand's REQ has room for */
static struct rdma_cm_request request;

static void put16(size_t offset, uint16_t value)
{
	bytes[offset] = (uint8_t)value;
	bytes[offset + 1] = (uint8_t)(value >> 8);
}

/* As Linux asks for I/O queue 3 of controller 7 with 128 entries. */
static void given_a_request_for_an_io_queue(void)
{
	memset(bytes, 0, sizeof(bytes));
	put16(0, 0);   /* RECFMT */
	put16(2, 3);   /* QID */
	put16(4, 128); /* HRQSIZE */
	put16(6, 127); /* HSQSIZE, 0's based */
	put16(8, 7);   /* CNTLID */
	request = (struct rdma_cm_request){.entries = 77};
}

static void given_a_request_for_an_admin_queue(void)
{
	given_a_request_for_an_io_queue();
	put16(2, 0);
	put16(4, 32);
	put16(6, 31);
	put16(8, 0);
}

static enum rdma_cm_status read_request(void)
{
	return rdma_cm_read_request(bytes, sizeof(bytes), &limits, &request);
}

static void expect_rejected(enum rdma_cm_status status)
{
	ck_assert_int_eq(read_request(), status);
	ck_assert_uint_eq(request.entries, 77); /* nothing was written */
}

/* ------------------------------------------------------------------ any request */

START_TEST(says_what_the_host_asks_for)
{
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
	ck_assert_uint_eq(request.qid, 3);
	ck_assert_uint_eq(request.receives, 128);
	ck_assert_uint_eq(request.entries, 128);
	ck_assert_uint_eq(request.cntlid, 7);
}
END_TEST

START_TEST(need_not_be_padded)
{
	ck_assert_int_eq(rdma_cm_read_request(bytes, 32, &limits, &request), RDMA_CM_ACCEPTABLE);
}
END_TEST

START_TEST(may_have_anything_in_its_reserved_fields)
{
	memset(bytes + 10, 0xff, sizeof(bytes) - 10);
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
}
END_TEST

START_TEST(is_rejected_if_it_is_cut)
{
	for (size_t length = 0; length < 32; length++)
		ck_assert_int_eq(rdma_cm_read_request(bytes, length, &limits, &request),
		                 RDMA_CM_INVALID_LENGTH);
	ck_assert_uint_eq(request.entries, 77);
	shows("RDMA 1.1 §3.5",
	      "RDMA_CM_REQUEST with less than 32 bytes of private data: rejected, Invalid Private "
	      "Data Length");
}
END_TEST

START_TEST(is_rejected_if_there_is_no_private_data)
{
	ck_assert_int_eq(rdma_cm_read_request(NULL, 0, &limits, &request), RDMA_CM_INVALID_LENGTH);
	ck_assert_int_eq(rdma_cm_read_request(NULL, 32, &limits, &request), RDMA_CM_INVALID_LENGTH);
}
END_TEST

START_TEST(is_rejected_in_another_format)
{
	put16(0, 1);
	expect_rejected(RDMA_CM_INVALID_RECFMT);
	put16(0, 0x100);
	expect_rejected(RDMA_CM_INVALID_RECFMT);
	shows("RDMA 1.1 §3.5", "RECFMT other than 0: rejected, Invalid RECFMT");
}
END_TEST

START_TEST(is_rejected_without_receives)
{
	put16(4, 0);
	expect_rejected(RDMA_CM_INVALID_HRQSIZE);
	shows("RDMA 1.1 §3.5", "HRQSIZE of 0: rejected, Invalid HRQSIZE");
}
END_TEST

START_TEST(may_have_fewer_receives_than_entries)
{
	put16(4, 1);
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
	ck_assert_uint_eq(request.receives, 1);
}
END_TEST

START_TEST(is_rejected_with_a_queue_of_one_entry)
{
	put16(6, 0);
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(names_the_first_of_several_errors)
{
	memset(bytes, 0xff, sizeof(bytes));
	expect_rejected(RDMA_CM_INVALID_RECFMT);
	put16(0, 0);
	expect_rejected(RDMA_CM_INVALID_QID);
	put16(2, 1);
	put16(4, 0);
	expect_rejected(RDMA_CM_INVALID_HRQSIZE);
	put16(4, 1);
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
	put16(6, 1);
	expect_rejected(RDMA_CM_INVALID_CNTLID);
}
END_TEST

/* ------------------------------------------------------------------ an I/O queue's */

START_TEST(may_be_as_large_as_the_port_has_them)
{
	put16(6, 1023);
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
	ck_assert_uint_eq(request.entries, 1024);
}
END_TEST

START_TEST(is_rejected_if_it_is_larger)
{
	put16(6, 1024);
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
	put16(6, 0xffff); /* 65536 entries */
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
	shows("RDMA 1.1 §3.5", "HSQSIZE above what the port has: rejected, Invalid HSQSIZE");
}
END_TEST

START_TEST(may_be_the_ports_last)
{
	put16(2, 128);
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
}
END_TEST

START_TEST(is_rejected_beyond_the_ports_last)
{
	put16(2, 129);
	expect_rejected(RDMA_CM_INVALID_QID);
	shows("RDMA 1.1 §3.5", "a QID above attr_qid_max: rejected, Invalid QID");
}
END_TEST

START_TEST(need_not_name_its_controller)
{
	put16(8, 0); /* reserved in 1.0 */
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
	ck_assert_uint_eq(request.cntlid, 0);
}
END_TEST

START_TEST(may_name_the_highest_controller)
{
	put16(8, 0xffef);
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
	ck_assert_uint_eq(request.cntlid, 0xffef);
}
END_TEST

START_TEST(is_rejected_with_a_controller_that_cannot_be)
{
	put16(8, 0xfff0);
	expect_rejected(RDMA_CM_INVALID_CNTLID);
	put16(8, 0xffff);
	expect_rejected(RDMA_CM_INVALID_CNTLID);
	shows("RDMA 1.1 §3.5", "a CNTLID that cannot be: rejected, Invalid CNTLID");
}
END_TEST

/* ------------------------------------------------------------------ an admin queue's */

START_TEST(may_have_32_entries)
{
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
	ck_assert_uint_eq(request.qid, 0);
	ck_assert_uint_eq(request.entries, 32);
}
END_TEST

START_TEST(is_rejected_with_more_though_io_queues_may_have_them)
{
	put16(6, 32);
	expect_rejected(RDMA_CM_INVALID_HSQSIZE);
}
END_TEST

START_TEST(has_no_controller_yet_whatever_it_says)
{
	put16(8, 0xffff);
	ck_assert_int_eq(read_request(), RDMA_CM_ACCEPTABLE);
	ck_assert_uint_eq(request.cntlid, 0);
}
END_TEST

/* ------------------------------------------------------------------ depths, answers */

START_TEST(without_inbound_reads_is_rejected)
{
	ck_assert_int_eq(rdma_cm_check_ird(0), RDMA_CM_INVALID_IRD);
	ck_assert_int_eq(rdma_cm_check_ird(1), RDMA_CM_ACCEPTABLE);
	shows("RDMA 1.1 §3.5", "an IRD of 0: rejected, Invalid IRD");
}
END_TEST

START_TEST(lies_on_the_wire_as_the_specification_says)
{
	const struct rdma_cm_request wanted = {
		.qid = 3,
		.receives = 128,
		.entries = 128,
		.cntlid = 7,
	};
	struct rdma_cm_request_wire wire = rdma_cm_write_request(&wanted);

	ck_assert_mem_eq(&wire, bytes, 32);
}
END_TEST

START_TEST(is_accepted_with_our_receives)
{
	static const uint8_t accept[32] = {0, 0, 0x34, 0x12};
	struct rdma_cm_accept_wire wire = rdma_cm_write_accept(0x1234);

	ck_assert_uint_eq(sizeof(wire), 32);
	ck_assert_mem_eq(&wire, accept, 32);
	shows("RDMA 1.1 §3.1", "RDMA_CM_ACCEPT: RECFMT 0, CRQSIZE is what we receive");
}
END_TEST

START_TEST(is_rejected_with_a_status)
{
	static const uint8_t reject[4] = {0, 0, 5, 0};
	struct rdma_cm_reject_wire wire = rdma_cm_write_reject(RDMA_CM_INVALID_HRQSIZE);

	ck_assert_uint_eq(sizeof(wire), 4);
	ck_assert_mem_eq(&wire, reject, 4);
}
END_TEST

static void given_an_answer(void)
{
	memset(bytes, 0, sizeof(bytes));
	put16(2, 0x0109);
}

START_TEST(says_how_much_the_controller_takes)
{
	uint16_t receives = 0;

	ck_assert_int_eq(rdma_cm_read_accept(bytes, sizeof(bytes), &receives), 0);
	ck_assert_uint_eq(receives, 0x0109);
}
END_TEST

START_TEST(says_why_the_controller_does_not_want)
{
	uint16_t status = 0;

	ck_assert_int_eq(rdma_cm_read_reject(bytes, 4, &status), 0);
	ck_assert_uint_eq(status, 0x0109);
}
END_TEST

START_TEST(is_none_if_it_is_cut)
{
	uint16_t value = 77;

	ck_assert_int_eq(rdma_cm_read_accept(bytes, 31, &value), -EPROTO);
	ck_assert_int_eq(rdma_cm_read_accept(NULL, 0, &value), -EPROTO);
	ck_assert_int_eq(rdma_cm_read_reject(bytes, 3, &value), -EPROTO);
	ck_assert_int_eq(rdma_cm_read_reject(NULL, 0, &value), -EPROTO);
	ck_assert_uint_eq(value, 77);
}
END_TEST

START_TEST(is_none_in_another_format)
{
	uint16_t value = 77;

	put16(0, 1);
	ck_assert_int_eq(rdma_cm_read_accept(bytes, sizeof(bytes), &value), -EPROTO);
	ck_assert_int_eq(rdma_cm_read_reject(bytes, sizeof(bytes), &value), -EPROTO);
	ck_assert_uint_eq(value, 77);
}
END_TEST

START_TEST(is_no_accept_of_no_receives)
{
	uint16_t receives = 77;

	put16(2, 0);
	ck_assert_int_eq(rdma_cm_read_accept(bytes, sizeof(bytes), &receives), -EPROTO);
	ck_assert_uint_eq(receives, 77);
}
END_TEST

START_TEST(has_words_for_each_status)
{
	for (uint16_t status = 1; status <= 9; status++)
		ck_assert_ptr_eq(strstr(rdma_cm_status_words(status), "unknown"), NULL);
	ck_assert_str_eq(rdma_cm_status_words(5), "Invalid HRQSIZE");
	ck_assert_str_eq(rdma_cm_status_words(0), "unknown status");
	ck_assert_str_eq(rdma_cm_status_words(10), "unknown status");
	ck_assert_str_eq(rdma_cm_status_words(0xffff), "unknown status");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rdma_cm");

	describe(suite,
	         "a request",
	         given_a_request_for_an_io_queue,
	         NULL,
	         says_what_the_host_asks_for,
	         need_not_be_padded,
	         may_have_anything_in_its_reserved_fields,
	         is_rejected_if_it_is_cut,
	         is_rejected_if_there_is_no_private_data,
	         is_rejected_in_another_format,
	         is_rejected_without_receives,
	         may_have_fewer_receives_than_entries,
	         is_rejected_with_a_queue_of_one_entry,
	         names_the_first_of_several_errors,
	         without_inbound_reads_is_rejected,
	         lies_on_the_wire_as_the_specification_says,
	         is_accepted_with_our_receives,
	         is_rejected_with_a_status);
	describe(suite,
	         "a request for an I/O queue",
	         given_a_request_for_an_io_queue,
	         NULL,
	         may_be_as_large_as_the_port_has_them,
	         is_rejected_if_it_is_larger,
	         may_be_the_ports_last,
	         is_rejected_beyond_the_ports_last,
	         need_not_name_its_controller,
	         may_name_the_highest_controller,
	         is_rejected_with_a_controller_that_cannot_be);
	describe(suite,
	         "a request for an admin queue",
	         given_a_request_for_an_admin_queue,
	         NULL,
	         may_have_32_entries,
	         is_rejected_with_more_though_io_queues_may_have_them,
	         has_no_controller_yet_whatever_it_says);
	describe(suite,
	         "an answer",
	         given_an_answer,
	         NULL,
	         says_how_much_the_controller_takes,
	         says_why_the_controller_does_not_want,
	         is_none_if_it_is_cut,
	         is_none_in_another_format,
	         is_no_accept_of_no_receives,
	         has_words_for_each_status);
	return run(suite);
}
