/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host takes from a controller, and what it does not. */
#include "services/announce/receiver.h"

#include <string.h>

#include "tests/support/spec.h"

#define CID 7

static struct receiver receiver;

/* In pieces of `piece` bytes at most: what receiver_take() said last. */
static int give_in(const void *bytes, size_t length, size_t piece)
{
	const uint8_t *at = bytes;
	int r = 0;

	while (length > 0 && !r) {
		size_t room;
		uint8_t *to = receiver_room(&receiver, &room);
		size_t n = room < piece ? room : piece;

		n = n < length ? n : length;
		memcpy(to, at, n);
		at += n;
		length -= n;
		r = receiver_take(&receiver, n);
	}
	ck_assert_uint_eq(length, 0);
	return r;
}

static int give(const void *bytes, size_t length)
{
	return give_in(bytes, length, length);
}

static struct tcp_icresp icresp(void)
{
	return (struct tcp_icresp){
		.header = {.type = TCP_PDU_ICRESP, .hlen = 128, .plen = le32_of(128)},
		.maxh2cdata = le32_of(4096),
	};
}

static struct tcp_capsule_response response(uint16_t cid)
{
	return (struct tcp_capsule_response){
		.header = {.type = TCP_PDU_CAPSULE_RESPONSE, .hlen = 24, .plen = le32_of(24)},
		.completion = {.cid = le16_of(cid),                                .dw0 = le32_of(5)                       },
	};
}

static struct {
	struct tcp_data pdu;
	uint8_t data[RECEIVER_DATA_MAX + 1];
} carrier;

/* Of the header alone; the data is that of the carrier. */
static size_t data(uint32_t offset, uint32_t length, uint8_t flags)
{
	carrier.pdu = (struct tcp_data){
		.header = {.type = TCP_PDU_C2H_DATA,
	                   .flags = flags,
	                   .hlen = 24,
	                   .pdo = 24,
	                   .plen = le32_of(24 + length)},
		.cccid = le16_of(CID),
		.datao = le32_of(offset),
		.datal = le32_of(length),
	};
	for (uint32_t i = 0; i < length; i++)
		carrier.data[i] = (uint8_t)(offset + i);
	return 24 + length;
}

static void expect_broken(int r, const char *reason)
{
	ck_assert_int_eq(r, RECEIVER_E_BROKEN);
	ck_assert_str_eq(receiver.reason, reason);
}

/* ------------------------------------------------------------------ before ICResp */

static void given_a_connection(void)
{
	receiver_init(&receiver);
}

START_TEST(is_ready_after_icresp)
{
	struct tcp_icresp pdu = icresp();

	pdu.cpda = 3;
	ck_assert_int_eq(give_in(&pdu, sizeof(pdu), 1), RECEIVER_E_READY);
	ck_assert_uint_eq(receiver.cpda, 3);
}
END_TEST

START_TEST(refuses_digests)
{
	struct tcp_icresp pdu = icresp();

	pdu.dgst = TCP_DGST_DATA;
	expect_broken(give(&pdu, sizeof(pdu)), "it wants digests");
}
END_TEST

START_TEST(refuses_another_version)
{
	struct tcp_icresp pdu = icresp();

	pdu.pfv = le16_of(1);
	expect_broken(give(&pdu, sizeof(pdu)), "it speaks another version of NVMe/TCP");
}
END_TEST

START_TEST(refuses_an_alignment_that_cannot_be)
{
	struct tcp_icresp pdu = icresp();

	pdu.cpda = 32;
	expect_broken(give(&pdu, sizeof(pdu)), "its ICResp makes no sense");
}
END_TEST

START_TEST(refuses_an_answer_before_icresp)
{
	struct tcp_capsule_response pdu = response(CID);

	expect_broken(give(&pdu.header, sizeof(pdu.header)), "it sends what does not belong here");
}
END_TEST

START_TEST(refuses_what_is_no_pdu)
{
	expect_broken(give("HTTP/1.1", 8), "it sends what does not belong here");
}
END_TEST

/* ------------------------------------------------------------------ a command */

static void given_a_command(void)
{
	struct tcp_icresp pdu = icresp();

	receiver_init(&receiver);
	ck_assert_int_eq(give(&pdu, sizeof(pdu)), RECEIVER_E_READY);
	receiver_expect(&receiver, CID, 4096);
}

START_TEST(is_answered)
{
	struct tcp_capsule_response pdu = response(CID);

	ck_assert_int_eq(give_in(&pdu, sizeof(pdu), 5), RECEIVER_E_ANSWER);
	ck_assert_uint_eq(le32_get(receiver.completion.dw0), 5);
	ck_assert_uint_eq(receiver.data_bytes, 0);
}
END_TEST

START_TEST(gets_its_data_in_pieces)
{
	struct tcp_capsule_response pdu = response(CID);

	ck_assert_int_eq(give(&carrier, data(0, 1000, 0)), 0);
	ck_assert_int_eq(give_in(&carrier, data(1000, 3096, TCP_PDU_LAST), 100), 0);
	ck_assert_int_eq(give(&pdu, sizeof(pdu)), RECEIVER_E_ANSWER);
	ck_assert_uint_eq(receiver.data_bytes, 4096);
	for (unsigned i = 0; i < 4096; i++)
		ck_assert_uint_eq(receiver.data[i], (uint8_t)i);
}
END_TEST

START_TEST(is_answered_by_its_data_alone)
{
	size_t length = data(0, 4096, TCP_PDU_LAST | TCP_PDU_SUCCESS);

	ck_assert_int_eq(give(&carrier, length), RECEIVER_E_ANSWER);
	ck_assert_uint_eq(le16_get(receiver.completion.status), 0);
	ck_assert_uint_eq(receiver.data_bytes, 4096);
}
END_TEST

START_TEST(refuses_more_data_than_was_asked_for)
{
	ck_assert_int_eq(give(&carrier, data(0, 4096, 0)), 0);
	expect_broken(give(&carrier, data(4096, 1, 0)), "it sends data that was not asked for");
}
END_TEST

START_TEST(refuses_data_out_of_order)
{
	expect_broken(give(&carrier, data(8, 100, 0)), "it sends data that was not asked for");
}
END_TEST

START_TEST(refuses_a_length_that_is_another_in_the_header)
{
	size_t length = data(0, 100, 0);

	carrier.pdu.datal = le32_of(104);
	expect_broken(give(&carrier, length), "it sends data that was not asked for");
}
END_TEST

START_TEST(refuses_data_of_another_command)
{
	size_t length = data(0, 100, 0);

	carrier.pdu.cccid = le16_of(CID + 1);
	expect_broken(give(&carrier, length), "it sends data of a command that was not sent");
}
END_TEST

START_TEST(refuses_success_in_the_middle)
{
	expect_broken(give(&carrier, data(0, 100, TCP_PDU_SUCCESS)),
	              "it says success before the last of the data");
}
END_TEST

START_TEST(refuses_an_answer_to_another_command)
{
	struct tcp_capsule_response pdu = response(CID + 1);

	expect_broken(give(&pdu, sizeof(pdu)), "it answers a command that was not sent");
}
END_TEST

START_TEST(refuses_a_second_answer)
{
	struct tcp_capsule_response pdu = response(CID);

	ck_assert_int_eq(give(&pdu, sizeof(pdu)), RECEIVER_E_ANSWER);
	expect_broken(give(&pdu.header, sizeof(pdu.header)), "it sends what does not belong here");
}
END_TEST

START_TEST(refuses_a_pdu_that_would_not_fit)
{
	data(0, 100, 0);
	carrier.pdu.header.plen = le32_of(RECEIVER_PDU_MAX + 1);
	expect_broken(give(&carrier, 8), "it sends a PDU of an impossible length");
}
END_TEST

START_TEST(refuses_data_that_would_begin_in_the_header)
{
	data(0, 100, 0);
	carrier.pdu.header.pdo = 20;
	expect_broken(give(&carrier, 8), "it sends a PDU of an impossible length");
}
END_TEST

START_TEST(refuses_a_digest_that_was_not_agreed_on)
{
	data(0, 100, TCP_PDU_DDGSTF);
	expect_broken(give(&carrier, 8), "it sends digests that were not agreed on");
}
END_TEST

START_TEST(ends_with_the_words_of_a_term_request)
{
	struct tcp_term pdu = {
		.header = {.type = TCP_PDU_C2H_TERM, .hlen = 24, .plen = le32_of(24)},
		.fes = le16_of(TCP_FES_PDU_SEQUENCE),
	};

	expect_broken(give(&pdu, sizeof(pdu)), "PDU Sequence Error");
}
END_TEST

START_TEST(refuses_a_request_for_data)
{
	struct tcp_r2t pdu = {
		.header = {.type = TCP_PDU_R2T, .hlen = 24, .plen = le32_of(24)},
	};

	expect_broken(give(&pdu.header, sizeof(pdu.header)), "it sends what does not belong here");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receiver");

	describe(suite,
	         "a connection that is new",
	         given_a_connection,
	         NULL,
	         is_ready_after_icresp,
	         refuses_digests,
	         refuses_another_version,
	         refuses_an_alignment_that_cannot_be,
	         refuses_an_answer_before_icresp,
	         refuses_what_is_no_pdu);
	describe(suite,
	         "a command under way",
	         given_a_command,
	         NULL,
	         is_answered,
	         gets_its_data_in_pieces,
	         is_answered_by_its_data_alone,
	         refuses_more_data_than_was_asked_for,
	         refuses_data_out_of_order,
	         refuses_a_length_that_is_another_in_the_header,
	         refuses_data_of_another_command,
	         refuses_success_in_the_middle,
	         refuses_an_answer_to_another_command,
	         refuses_a_second_answer,
	         refuses_a_pdu_that_would_not_fit,
	         refuses_data_that_would_begin_in_the_header,
	         refuses_a_digest_that_was_not_agreed_on,
	         ends_with_the_words_of_a_term_request,
	         refuses_a_request_for_data);
	return run(suite);
}
