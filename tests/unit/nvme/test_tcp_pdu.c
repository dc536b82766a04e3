/* SPDX-License-Identifier: BSD-2-Clause */
/* The PDUs of NVMe/TCP, byte by byte (TCP Transport 1.1 §3.6). */
#include "common/nvme/tcp_pdu.h"

#include <string.h>

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

/* ------------------------------------------------------------------ ICReq */

static struct tcp_icreq icreq;

static void given_an_icreq(void)
{
	static const uint8_t bytes[16] = {
		0x00, /* type */
		0x00, /* flags */
		0x80, /* HLEN 128 */
		0x00, /* PDO */
		0x80,
		0x00,
		0x00,
		0x00, /* PLEN 128 */
		0x00,
		0x00, /* PFV 0 */
		0x1f, /* HPDA 31: 128 bytes */
		0x03, /* DGST: header, data */
		0x07,
		0x00,
		0x00,
		0x00, /* MAXR2T: 8 */
	};

	given_nothing_agreed();
	memset(&icreq, 0, sizeof(icreq));
	memcpy(&icreq, bytes, sizeof(bytes));
}

static int decode_icreq(void)
{
	return tcp_icreq_decode(&icreq, &agreement, &violation);
}

START_TEST(says_what_the_host_wants)
{
	ck_assert_int_eq(decode_icreq(), 0);
	ck_assert(agreement.initialized);
	ck_assert(agreement.header_digest);
	ck_assert(agreement.data_digest);
	ck_assert_uint_eq(agreement.hpda, 31);
	ck_assert_uint_eq(agreement.maxr2t_0based, 7);
}
END_TEST

START_TEST(leaves_what_is_ours_to_decide)
{
	ck_assert_int_eq(decode_icreq(), 0);
	ck_assert_uint_eq(agreement.h2c_data_max, 1u << 20);
	ck_assert_uint_eq(agreement.in_capsule_max, 8192);
}
END_TEST

START_TEST(is_refused_in_another_pdu_format)
{
	icreq.pfv = le16_of(1);
	expect_violation(decode_icreq(), TCP_FES_UNSUPPORTED_PARAMETER, 8);
	ck_assert(!agreement.initialized);
}
END_TEST

START_TEST(is_refused_with_an_impossible_alignment)
{
	icreq.hpda = 32;
	expect_violation(decode_icreq(), TCP_FES_INVALID_HEADER_FIELD, 10);
	ck_assert(!agreement.initialized);
}
END_TEST

START_TEST(is_answered_with_the_digests_asked_for)
{
	static const uint8_t answer[16] = {
		0x01, /* type */
		0x00, /* flags */
		0x80, /* HLEN 128 */
		0x00, /* PDO */
		0x80,
		0x00,
		0x00,
		0x00, /* PLEN 128 */
		0x00,
		0x00, /* PFV 0 */
		0x00, /* CPDA 0 */
		0x01, /* DGST: header */
		0x00,
		0x00,
		0x10,
		0x00, /* MAXH2CDATA 1 MiB */
	};
	static const uint8_t zeroes[112];
	struct tcp_icresp icresp;

	icreq.dgst = 0x01;
	ck_assert_int_eq(decode_icreq(), 0);
	tcp_icresp_encode(&icresp, &agreement);
	ck_assert_mem_eq(&icresp, answer, sizeof(answer));
	ck_assert_mem_eq(icresp.reserved16, zeroes, sizeof(zeroes));
}
END_TEST

/* ------------------------------------------------------------------ H2CData */

static struct tcp_transfer transfer;
static bool last;

static void given_a_transfer_of_which_4096_bytes_have_come(void)
{
	given_no_digests();
	transfer = (struct tcp_transfer){
		.cid = 0x1234,
		.ttag = 0x0005,
		.length = 16384,
		.received = 4096,
	};
	last = false;
}

static int decode_data(uint8_t flags, uint16_t cccid, uint32_t offset, uint32_t length)
{
	struct tcp_data pdu = {
		.header = {.type = TCP_PDU_H2C_DATA, .flags = flags},
		.cccid = le16_of(cccid),
		.ttag = le16_of(0x0005),
		.datao = le32_of(offset),
		.datal = le32_of(length),
	};

	return tcp_h2c_data_decode(&pdu, length, &transfer, &last, &violation);
}

START_TEST(takes_the_next_piece)
{
	ck_assert_int_eq(decode_data(0, 0x1234, 4096, 4096), 0);
	ck_assert(!last);
}
END_TEST

START_TEST(takes_the_last_piece)
{
	ck_assert_int_eq(decode_data(TCP_PDU_LAST, 0x1234, 4096, 12288), 0);
	ck_assert(last);
}
END_TEST

START_TEST(refuses_data_of_another_command)
{
	expect_violation(decode_data(0, 0x1235, 4096, 4096), TCP_FES_INVALID_HEADER_FIELD, 8);
}
END_TEST

START_TEST(refuses_a_tag_that_was_not_given_out)
{
	struct tcp_data pdu = {.header = {.type = TCP_PDU_H2C_DATA}};

	expect_violation(tcp_h2c_data_decode(&pdu, 4, NULL, &last, &violation),
	                 TCP_FES_INVALID_HEADER_FIELD,
	                 10);
}
END_TEST

START_TEST(refuses_a_datal_that_is_not_the_data_in_the_pdu)
{
	struct tcp_data pdu = {
		.cccid = le16_of(0x1234),
		.datao = le32_of(4096),
		.datal = le32_of(512),
	};

	expect_violation(tcp_h2c_data_decode(&pdu, 1024, &transfer, &last, &violation),
	                 TCP_FES_INVALID_HEADER_FIELD,
	                 16);
}
END_TEST

START_TEST(refuses_data_behind_the_end)
{
	expect_violation(decode_data(0, 0x1234, 4096, 12292), TCP_FES_DATA_OUT_OF_RANGE, 0);
	expect_violation(decode_data(0, 0x1234, 16388, 4), TCP_FES_DATA_OUT_OF_RANGE, 0);
}
END_TEST

START_TEST(refuses_offsets_whose_sum_overflows)
{
	expect_violation(decode_data(0, 0x1234, 0xfffffffc, 8), TCP_FES_DATA_OUT_OF_RANGE, 0);
}
END_TEST

START_TEST(refuses_a_piece_again)
{
	expect_violation(decode_data(0, 0x1234, 0, 4096), TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(refuses_a_gap)
{
	expect_violation(decode_data(0, 0x1234, 8192, 4096), TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(refuses_last_before_the_end)
{
	expect_violation(decode_data(TCP_PDU_LAST, 0x1234, 4096, 4096), TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

START_TEST(refuses_the_end_without_last)
{
	expect_violation(decode_data(0, 0x1234, 4096, 12288), TCP_FES_PDU_SEQUENCE, 0);
}
END_TEST

/* ------------------------------------------------------------------ sending */

START_TEST(puts_r2t_on_the_wire)
{
	static const uint8_t expected[24] = {
		0x09,                   /* type */
		0x01,                   /* flags: HDGSTF */
		0x18,                   /* HLEN 24 */
		0x00,                   /* PDO */
		0x1c, 0x00, 0x00, 0x00, /* PLEN 24 + 4 */
		0x34, 0x12,             /* CCCID */
		0x05, 0x00,             /* TTAG */
		0x00, 0x00, 0x00, 0x00, /* R2TO */
		0x00, 0x40, 0x00, 0x00, /* R2TL 16384 */
		0x00, 0x00, 0x00, 0x00,
	};
	struct tcp_r2t r2t;

	transfer = (struct tcp_transfer){.cid = 0x1234, .ttag = 5, .length = 16384};
	tcp_r2t_encode(&r2t, &agreement, &transfer);
	ck_assert_mem_eq(&r2t, expected, sizeof(expected));
}
END_TEST

START_TEST(puts_c2h_data_on_the_wire)
{
	static const uint8_t expected[24] = {
		0x07,                               /* type */
		0x0f,                               /* flags: SUCCESS, LAST, DDGSTF, HDGSTF */
		0x18,                               /* HLEN 24 */
		0x1c,                               /* PDO 24 + 4 */
		0x20, 0x10, 0x00, 0x00,             /* PLEN 24 + 4 + 4096 + 4 */
		0x34, 0x12,                         /* CCCID */
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* DATAO */
		0x00, 0x10, 0x00, 0x00,             /* DATAL */
		0x00, 0x00, 0x00, 0x00,
	};
	struct tcp_data data;

	ck_assert_uint_eq(tcp_c2h_data_encode(&data, &agreement, 0x1234, 4096, true), 0);
	ck_assert_mem_eq(&data, expected, sizeof(expected));
}
END_TEST

START_TEST(pads_c2h_data_as_hpda_asks)
{
	struct tcp_data data;

	for (unsigned hpda = 0; hpda <= 31; hpda++) {
		uint8_t pad;

		agreement.hpda = (uint8_t)hpda;
		pad = tcp_c2h_data_encode(&data, &agreement, 0, 512, false);
		ck_assert_uint_eq(data.header.pdo, 28 + pad);
		ck_assert_uint_eq(data.header.pdo % ((hpda + 1) * 4), 0);
		ck_assert_uint_lt(pad, (hpda + 1) * 4);
		ck_assert_uint_eq(le32_get(data.header.plen), data.header.pdo + 512u + 4u);
	}
}
END_TEST

START_TEST(puts_a_response_on_the_wire)
{
	static const uint8_t expected[24] = {
		0x05,                   /* type */
		0x01,                   /* flags: HDGSTF */
		0x18,                   /* HLEN 24 */
		0x00,                   /* PDO */
		0x1c, 0x00, 0x00, 0x00, /* PLEN 24 + 4 */
		0x78, 0x56, 0x34, 0x12, /* dword 0 */
		0x00, 0x00, 0x00, 0x00, /* dword 1 */
		0x09, 0x00,             /* SQHD */
		0x00, 0x00,             /* SQID, reserved in fabrics */
		0x34, 0x12,             /* CID */
		0x04, 0x80,             /* status: Invalid Field, DNR */
	};
	struct nvme_completion completion = {
		.dw0 = le32_of(0x12345678),
		.sqhd = le16_of(9),
		.cid = le16_of(0x1234),
		.status = le16_of(0x8004),
	};
	struct tcp_capsule_response response;

	tcp_capsule_response_encode(&response, &agreement, &completion);
	ck_assert_mem_eq(&response, expected, sizeof(expected));
}
END_TEST

START_TEST(puts_a_term_request_on_the_wire)
{
	static const uint8_t expected[24] = {
		0x03, /* type */
		0x00, /* flags: never a digest */
		0x18, /* HLEN 24 */
		0x00, /* PDO */
		0x60,
		0x00,
		0x00,
		0x00, /* PLEN 24 + 72 */
		0x01,
		0x00, /* FES: Invalid PDU Header Field */
		0x04,
		0x00,
		0x00,
		0x00, /* FEI: PLEN */
	};
	struct tcp_violation wrong = {.fes = TCP_FES_INVALID_HEADER_FIELD, .fei = 4};
	struct tcp_term term;

	tcp_c2h_term_encode(&term, &wrong, 72);
	ck_assert_mem_eq(&term, expected, sizeof(expected));
}
END_TEST

START_TEST(has_words_for_every_error)
{
	for (uint16_t fes = TCP_FES_INVALID_HEADER_FIELD; fes <= TCP_FES_UNSUPPORTED_PARAMETER;
	     fes++)
		ck_assert_str_ne(tcp_fes_words(fes), "unknown error");
	ck_assert_str_eq(tcp_fes_words(0), "unknown error");
	ck_assert_str_eq(tcp_fes_words(0xffff), "unknown error");
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
	describe(suite,
	         "ICReq",
	         given_an_icreq,
	         NULL,
	         says_what_the_host_wants,
	         leaves_what_is_ours_to_decide,
	         is_refused_in_another_pdu_format,
	         is_refused_with_an_impossible_alignment,
	         is_answered_with_the_digests_asked_for);
	describe(suite,
	         "H2CData",
	         given_a_transfer_of_which_4096_bytes_have_come,
	         NULL,
	         takes_the_next_piece,
	         takes_the_last_piece,
	         refuses_data_of_another_command,
	         refuses_a_tag_that_was_not_given_out,
	         refuses_a_datal_that_is_not_the_data_in_the_pdu,
	         refuses_data_behind_the_end,
	         refuses_offsets_whose_sum_overflows,
	         refuses_a_piece_again,
	         refuses_a_gap,
	         refuses_last_before_the_end,
	         refuses_the_end_without_last);
	describe(suite,
	         "a controller with digests",
	         given_both_digests,
	         NULL,
	         puts_r2t_on_the_wire,
	         puts_c2h_data_on_the_wire,
	         pads_c2h_data_as_hpda_asks,
	         puts_a_response_on_the_wire,
	         puts_a_term_request_on_the_wire,
	         has_words_for_every_error);
	return run(suite);
}
