/* SPDX-License-Identifier: BSD-2-Clause */
/* The PDUs of NVMe/TCP, byte by byte (TCP Transport 1.1 §3.6). */
#include "common/nvme/tcp_pdu.h"

#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

static struct tcp_agreement agreement;
static struct tcp_pdu_shape shape;
static struct tcp_violation violation;

static void given_nothing_agreed(void)
{
	agreement = (struct tcp_agreement){.in_capsule_max = 8192, .h2c_data_max = 1u << 20};
	shape = (struct tcp_pdu_shape){0};
	violation = (struct tcp_violation){0};
}

static void given_no_digests(void)
{
	given_nothing_agreed();
	agreement.initialized = true;
}

static void given_both_digests(void)
{
	given_no_digests();
	agreement.header_digest = true;
	agreement.data_digest = true;
}

static int check(const uint8_t bytes[8])
{
	struct tcp_pdu_header header;

	memcpy(&header, bytes, sizeof(header));
	return tcp_pdu_check(&header, &agreement, &shape, &violation);
}

#define CHECK(...) check((const uint8_t[8]){__VA_ARGS__})

static void expect_violation(int r, enum tcp_fes fes, uint32_t fei)
{
	ck_assert_int_eq(r, TCP_PDU_E_VIOLATION);
	ck_assert_int_eq(violation.fes, fes);
	ck_assert_uint_eq(violation.fei, fei);
}

#define EXPECT_BAD_FIELD(offset, ...)                                                              \
	expect_violation(CHECK(__VA_ARGS__), TCP_FES_INVALID_HEADER_FIELD, (offset))

static void expect_shape(uint8_t header, uint8_t header_digest, uint8_t pad, uint32_t data,
                         uint8_t data_digest)
{
	ck_assert_uint_eq(shape.header_bytes, header);
	ck_assert_uint_eq(shape.header_digest_bytes, header_digest);
	ck_assert_uint_eq(shape.pad_bytes, pad);
	ck_assert_uint_eq(shape.data_bytes, data);
	ck_assert_uint_eq(shape.data_digest_bytes, data_digest);
}

/* ------------------------------------------------------------------ before ICReq */

START_TEST(takes_icreq)
{
	/*                     type  flags HLEN  PDO   PLEN                */
	ck_assert_int_eq(CHECK(0x00, 0x00, 0x80, 0x00, 0x80, 0x00, 0x00, 0x00), 0);
	expect_shape(128, 0, 0, 0, 0);
}
END_TEST

START_TEST(does_not_look_at_icreqs_reserved_fields)
{
	/*                     type  flags HLEN  PDO   PLEN                */
	ck_assert_int_eq(CHECK(0x00, 0xff, 0x80, 0xff, 0x80, 0x00, 0x00, 0x00), 0);
	shows("TCP 1.1 §3.6.2.2", "reserved fields of ICReq are not looked at");
}
END_TEST

START_TEST(refuses_icreq_of_another_length)
{
	/*                  type  flags HLEN  PDO   PLEN                */
	EXPECT_BAD_FIELD(2, 0x00, 0x00, 0x7f, 0x00, 0x80, 0x00, 0x00, 0x00);
	EXPECT_BAD_FIELD(4, 0x00, 0x00, 0x80, 0x00, 0x81, 0x00, 0x00, 0x00);
	EXPECT_BAD_FIELD(4, 0x00, 0x00, 0x80, 0x00, 0x80, 0x00, 0x00, 0x80);
}
END_TEST

START_TEST(refuses_a_capsule_as_out_of_sequence)
{
	/*                      type  flags HLEN  PDO   PLEN                */
	expect_violation(
		CHECK(0x04, 0x00, 0x48, 0x00, 0x48, 0x00, 0x00, 0x00), TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(refuses_h2c_data_as_out_of_sequence)
{
	expect_violation(
		CHECK(0x06, 0x04, 0x18, 0x18, 0x38, 0x00, 0x00, 0x00), TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(takes_a_term_request_at_any_time)
{
	/*                     type  flags HLEN  PDO   PLEN                */
	ck_assert_int_eq(CHECK(0x02, 0x00, 0x18, 0x00, 0x18, 0x00, 0x00, 0x00), 0);
	expect_shape(24, 0, 0, 0, 0);
	ck_assert_int_eq(CHECK(0x02, 0x00, 0x18, 0x00, 0x98, 0x00, 0x00, 0x00), 0);
	expect_shape(24, 0, 0, 128, 0);
}
END_TEST

START_TEST(hangs_up_on_a_term_request_of_an_impossible_length)
{
	ck_assert_int_eq(CHECK(0x02, 0x00, 0x18, 0x00, 0x17, 0x00, 0x00, 0x00), TCP_PDU_E_HANGUP);
	ck_assert_int_eq(CHECK(0x02, 0x00, 0x18, 0x00, 0x99, 0x00, 0x00, 0x00), TCP_PDU_E_HANGUP);
	ck_assert_int_eq(CHECK(0x02, 0x00, 0x08, 0x00, 0x18, 0x00, 0x00, 0x00), TCP_PDU_E_HANGUP);
}
END_TEST

START_TEST(refuses_every_type_that_a_host_does_not_send)
{
	for (unsigned type = 0; type < 256; type++) {
		if (type == TCP_PDU_ICREQ || type == TCP_PDU_H2C_TERM ||
		    type == TCP_PDU_CAPSULE_COMMAND || type == TCP_PDU_H2C_DATA)
			continue;
		EXPECT_BAD_FIELD(0, (uint8_t)type, 0, 0x18, 0, 0x18, 0, 0, 0);
	}
}
END_TEST

/* ------------------------------------------------------------------ without digests */

START_TEST(refuses_a_second_icreq_as_out_of_sequence)
{
	expect_violation(
		CHECK(0x00, 0x00, 0x80, 0x00, 0x80, 0x00, 0x00, 0x00), TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(takes_a_capsule_without_data_whatever_pdo_says)
{
	/*                     type  flags HLEN  PDO   PLEN                */
	ck_assert_int_eq(CHECK(0x04, 0x00, 0x48, 0x00, 0x48, 0x00, 0x00, 0x00), 0);
	expect_shape(72, 0, 0, 0, 0);
	ck_assert_int_eq(CHECK(0x04, 0x00, 0x48, 0x48, 0x48, 0x00, 0x00, 0x00), 0);
	expect_shape(72, 0, 0, 0, 0);
}
END_TEST

START_TEST(takes_a_capsule_with_as_much_data_as_it_may_carry)
{
	/*                     type  flags HLEN  PDO   PLEN 72 + 8192      */
	ck_assert_int_eq(CHECK(0x04, 0x00, 0x48, 0x48, 0x48, 0x20, 0x00, 0x00), 0);
	expect_shape(72, 0, 0, 8192, 0);
}
END_TEST

START_TEST(refuses_a_capsule_with_a_byte_more)
{
	EXPECT_BAD_FIELD(4, 0x04, 0x00, 0x48, 0x48, 0x49, 0x20, 0x00, 0x00);
	EXPECT_BAD_FIELD(4, 0x04, 0x00, 0x48, 0x48, 0xff, 0xff, 0xff, 0xff);
}
END_TEST

START_TEST(takes_padding_before_the_data)
{
	/*                     type  flags HLEN  PDO   PLEN 128 + 512      */
	ck_assert_int_eq(CHECK(0x04, 0x00, 0x48, 0x80, 0x80, 0x02, 0x00, 0x00), 0);
	expect_shape(72, 0, 56, 512, 0);
	shows("TCP 1.1 §3.3",
	      "padding before data, up to the PDO that one byte can say; CPDA is 0");
}
END_TEST

START_TEST(refuses_data_that_lies_within_the_header)
{
	EXPECT_BAD_FIELD(3, 0x04, 0x00, 0x48, 0x44, 0x48, 0x02, 0x00, 0x00);
	EXPECT_BAD_FIELD(3, 0x04, 0x00, 0x48, 0x00, 0x48, 0x02, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_data_behind_the_end_of_the_pdu)
{
	EXPECT_BAD_FIELD(3, 0x04, 0x00, 0x48, 0x50, 0x4c, 0x00, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_data_that_is_not_aligned_as_cpda_says)
{
	EXPECT_BAD_FIELD(3, 0x04, 0x00, 0x48, 0x4a, 0x48, 0x02, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_padding_without_data)
{
	EXPECT_BAD_FIELD(4, 0x04, 0x00, 0x48, 0x50, 0x50, 0x00, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_another_header_length)
{
	EXPECT_BAD_FIELD(2, 0x04, 0x00, 0x47, 0x00, 0x48, 0x00, 0x00, 0x00);
	EXPECT_BAD_FIELD(2, 0x06, 0x00, 0x48, 0x48, 0x48, 0x02, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_a_pdu_shorter_than_its_header)
{
	EXPECT_BAD_FIELD(4, 0x04, 0x00, 0x48, 0x00, 0x47, 0x00, 0x00, 0x00);
	EXPECT_BAD_FIELD(4, 0x04, 0x00, 0x48, 0x00, 0x00, 0x00, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_flags_of_digests_that_were_not_agreed)
{
	EXPECT_BAD_FIELD(1, 0x04, 0x01, 0x48, 0x00, 0x4c, 0x00, 0x00, 0x00);
	EXPECT_BAD_FIELD(1, 0x04, 0x02, 0x48, 0x48, 0x4c, 0x02, 0x00, 0x00);
}
END_TEST

START_TEST(takes_h2c_data_up_to_maxh2cdata)
{
	/*                     type  flags HLEN  PDO   PLEN 24 + 1 MiB     */
	ck_assert_int_eq(CHECK(0x06, 0x04, 0x18, 0x18, 0x18, 0x00, 0x10, 0x00), 0);
	expect_shape(24, 0, 0, 1u << 20, 0);
	expect_violation(
		CHECK(0x06, 0x04, 0x18, 0x18, 0x1c, 0x00, 0x10, 0x00), TCP_FES_DATA_LIMIT, 0);
}
END_TEST

START_TEST(refuses_h2c_data_without_data)
{
	EXPECT_BAD_FIELD(4, 0x06, 0x04, 0x18, 0x00, 0x18, 0x00, 0x00, 0x00);
}
END_TEST

/* ------------------------------------------------------------------ with digests */

START_TEST(finds_both_digests_around_the_data)
{
	/*                     type  flags HLEN  PDO   PLEN 72+4 + 512 + 4 */
	ck_assert_int_eq(CHECK(0x04, 0x03, 0x48, 0x4c, 0x50, 0x02, 0x00, 0x00), 0);
	expect_shape(72, 4, 0, 512, 4);
}
END_TEST

START_TEST(wants_no_data_digest_where_there_is_no_data)
{
	ck_assert_int_eq(CHECK(0x04, 0x01, 0x48, 0x00, 0x4c, 0x00, 0x00, 0x00), 0);
	expect_shape(72, 4, 0, 0, 0);
	EXPECT_BAD_FIELD(1, 0x04, 0x03, 0x48, 0x00, 0x4c, 0x00, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_flags_that_lack_an_agreed_digest)
{
	EXPECT_BAD_FIELD(1, 0x04, 0x00, 0x48, 0x00, 0x48, 0x00, 0x00, 0x00);
	EXPECT_BAD_FIELD(1, 0x04, 0x01, 0x48, 0x4c, 0x50, 0x02, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_data_no_longer_than_its_digest)
{
	EXPECT_BAD_FIELD(4, 0x04, 0x03, 0x48, 0x4c, 0x50, 0x00, 0x00, 0x00);
	EXPECT_BAD_FIELD(4, 0x06, 0x07, 0x18, 0x1c, 0x1e, 0x00, 0x00, 0x00);
}
END_TEST

START_TEST(refuses_data_that_begins_in_the_header_digest)
{
	EXPECT_BAD_FIELD(3, 0x04, 0x03, 0x48, 0x48, 0x50, 0x02, 0x00, 0x00);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tcp_pdu");

	describe(suite,
	         "before ICReq",
	         given_nothing_agreed,
	         NULL,
	         takes_icreq,
	         does_not_look_at_icreqs_reserved_fields,
	         refuses_icreq_of_another_length,
	         refuses_a_capsule_as_out_of_sequence,
	         refuses_h2c_data_as_out_of_sequence,
	         takes_a_term_request_at_any_time,
	         hangs_up_on_a_term_request_of_an_impossible_length,
	         refuses_every_type_that_a_host_does_not_send);
	describe(suite,
	         "without digests",
	         given_no_digests,
	         NULL,
	         refuses_a_second_icreq_as_out_of_sequence,
	         takes_a_capsule_without_data_whatever_pdo_says,
	         takes_a_capsule_with_as_much_data_as_it_may_carry,
	         refuses_a_capsule_with_a_byte_more,
	         takes_padding_before_the_data,
	         refuses_data_that_lies_within_the_header,
	         refuses_data_behind_the_end_of_the_pdu,
	         refuses_data_that_is_not_aligned_as_cpda_says,
	         refuses_padding_without_data,
	         refuses_another_header_length,
	         refuses_a_pdu_shorter_than_its_header,
	         refuses_flags_of_digests_that_were_not_agreed,
	         takes_h2c_data_up_to_maxh2cdata,
	         refuses_h2c_data_without_data);
	describe(suite,
	         "with digests",
	         given_both_digests,
	         NULL,
	         finds_both_digests_around_the_data,
	         wants_no_data_digest_where_there_is_no_data,
	         refuses_flags_that_lack_an_agreed_digest,
	         refuses_data_no_longer_than_its_digest,
	         refuses_data_that_begins_in_the_header_digest);
	return run(suite);
}
