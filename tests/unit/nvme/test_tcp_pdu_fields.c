/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in the PDUs of NVMe/TCP behind the common header (TCP Transport 1.1 §3.6). */
#include "common/nvme/tcp_pdu.h"

#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

static struct tcp_agreement agreement;
static struct tcp_violation violation;

static void given_nothing_agreed(void)
{
	agreement = (struct tcp_agreement){.in_capsule_max = 8192, .h2c_data_max = 1u << 20};
	violation = (struct tcp_violation){0};
}

static void given_both_digests(void)
{
	given_nothing_agreed();
	agreement.initialized = true;
	agreement.header_digest = true;
	agreement.data_digest = true;
}

static void expect_violation(int r, enum tcp_fes fes, uint32_t fei)
{
	ck_assert_int_eq(r, TCP_PDU_E_VIOLATION);
	ck_assert_int_eq(violation.fes, fes);
	ck_assert_uint_eq(violation.fei, fei);
}

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
	shows("TCP 1.1 §3.6.2.3",
	      "ICResp: PFV 0, CPDA 0, the digests that were asked for, MAXH2CDATA 1 MiB");
}
END_TEST

/* ------------------------------------------------------------------ H2CData */

static struct tcp_transfer transfer;
static bool last;

static void given_a_transfer_of_which_4096_bytes_have_come(void)
{
	given_nothing_agreed();
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
	shows("TCP 1.1 §3.6.2.10",
	      "R2T: one for all of a command's data, so MAXR2T is never exceeded");
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
	shows("TCP 1.1 §3.6.2.9", "C2HData is padded as HPDA asks");
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
	shows("TCP 1.1 §3.6.2.7",
	      "a response capsule has 24 bytes, and a header digest if that was agreed");
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
	Suite *suite = suite_create("tcp_pdu_fields");

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
