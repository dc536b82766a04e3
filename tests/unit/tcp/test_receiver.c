/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream of a host, cut into PDUs; in whatever pieces it comes. */
#include "services/tcp/receiver.h"

#include <stdio.h>
#include <string.h>

#include "services/tcp/digest.h"
#include "tests/support/spec.h"

static struct receiver receiver;
static uint8_t stream[8192];
static size_t stream_bytes;
static uint8_t place[4096];
static char story[512]; /* what the receiver said, a letter each */

static void append(const void *bytes, size_t length)
{
	ck_assert_uint_le(stream_bytes + length, sizeof(stream));
	memcpy(stream + stream_bytes, bytes, length);
	stream_bytes += length;
}

static void append_icreq(uint8_t dgst)
{
	struct tcp_icreq icreq = {
		.header = {.type = TCP_PDU_ICREQ, .hlen = 128, .plen = le32_of(128)},
		.dgst = dgst,
	};

	append(&icreq, sizeof(icreq));
}

static void append_capsule(uint8_t flags, uint8_t pad, uint32_t data_bytes)
{
	uint32_t header_digest_bytes = flags & TCP_PDU_HDGSTF ? 4 : 0;
	uint32_t data_digest_bytes = flags & TCP_PDU_DDGSTF ? 4 : 0;
	uint32_t before = 72 + header_digest_bytes + pad;
	struct tcp_capsule_command capsule = {
		.header = {.type = TCP_PDU_CAPSULE_COMMAND,
	                   .flags = flags,
	                   .hlen = 72,
	                   .pdo = data_bytes ? (uint8_t)before : 0,
	                   .plen = le32_of(before + data_bytes + data_digest_bytes)},
		.command = {.opcode = NVME_IO_WRITE, .cid = le16_of(0x1234)},
	};
	struct le32 digest = digest_of(&capsule, sizeof(capsule));
	uint8_t data[1024];

	for (uint32_t i = 0; i < data_bytes; i++)
		data[i] = (uint8_t)(i * 13 + 1);
	append(&capsule, sizeof(capsule));
	append(&digest, header_digest_bytes);
	append((uint8_t[64]){0}, pad);
	append(data, data_bytes);
	digest = digest_of(data, data_bytes);
	append(&digest, data_digest_bytes);
}

static void tell(char letter)
{
	size_t length = strlen(story);

	ck_assert_uint_lt(length + 1, sizeof(story));
	story[length] = letter;
	story[length + 1] = '\0';
}

static void on_header(void)
{
	struct tcp_violation violation;

	tell('H');
	if (receiver.pdu.header.type == TCP_PDU_ICREQ)
		ck_assert_int_eq(
			tcp_icreq_decode(&receiver.pdu.icreq, &receiver.agreement, &violation), 0);
	receiver_place(&receiver, place, sizeof(place));
}

/* Feeds some bytes; what fits the gap goes there if `directly`. */
static void feed(const uint8_t *at, const uint8_t *end, bool directly)
{
	for (;;) {
		uint8_t *gap;
		size_t room = directly ? receiver_gap(&receiver, &gap) : 0;

		if (room > (size_t)(end - at))
			room = (size_t)(end - at);
		if (room > 0) {
			memcpy(gap, at, room);
			at += room;
			receiver_filled(&receiver, room);
		}
		switch (receiver_take(&receiver, &at, end)) {
		case RECEIVER_HUNGRY:
			ck_assert_ptr_eq(at, end);
			return;
		case RECEIVER_HEADER:
			on_header();
			break;
		case RECEIVER_END:
			tell(receiver.data_is_good ? 'E' : 'e');
			break;
		case RECEIVER_VIOLATION:
			tell('V');
			return;
		case RECEIVER_HANGUP:
			tell('X');
			return;
		}
	}
}

static void feed_in_pieces(size_t piece, bool directly)
{
	story[0] = '\0';
	for (size_t from = 0; from < stream_bytes; from += piece) {
		size_t length = stream_bytes - from < piece ? stream_bytes - from : piece;

		feed(stream + from, stream + from + length, directly);
	}
}

static void begin(void)
{
	receiver_init(&receiver);
	receiver.agreement.in_capsule_max = 1024;
	receiver.agreement.h2c_data_max = 4096;
}

static void given_an_empty_stream(void)
{
	begin();
	stream_bytes = 0;
	story[0] = '\0';
	memset(place, 0, sizeof(place));
}

static void given_an_agreement_on_digests(void)
{
	given_an_empty_stream();
	append_icreq(TCP_DGST_HEADER | TCP_DGST_DATA);
	feed_in_pieces(sizeof(stream), false);
	ck_assert_str_eq(story, "HE");
	stream_bytes = 0;
	story[0] = '\0';
}

/* ------------------------------------------------------------------ a new connection */

START_TEST(wants_nothing_between_two_pdus)
{
	uint8_t *gap;

	ck_assert(receiver_is_idle(&receiver));
	ck_assert_uint_eq(receiver_gap(&receiver, &gap), 0);
	append_icreq(0);
	feed(stream, stream + 1, false);
	ck_assert(!receiver_is_idle(&receiver));
	feed(stream + 1, stream + stream_bytes, false);
	ck_assert_str_eq(story, "HE");
	ck_assert(receiver_is_idle(&receiver));
}
END_TEST

START_TEST(says_a_header_again_until_it_is_placed)
{
	const uint8_t *at = stream;

	append_icreq(0);
	append_icreq(0);
	ck_assert_int_eq(receiver_take(&receiver, &at, stream + stream_bytes), RECEIVER_HEADER);
	ck_assert_int_eq(receiver_take(&receiver, &at, stream + stream_bytes), RECEIVER_HEADER);
	ck_assert_ptr_eq(at, stream + 128);
	receiver_place(&receiver, NULL, 0);
	ck_assert_int_eq(receiver_take(&receiver, &at, stream + stream_bytes), RECEIVER_END);
}
END_TEST

START_TEST(knows_a_stranger_by_its_first_8_bytes)
{
	append("GET / HTTP/1.1\r\n", 16);
	feed(stream, stream + 7, false);
	ck_assert_str_eq(story, "");
	feed(stream + 7, stream + stream_bytes, false);
	ck_assert_str_eq(story, "V");
	ck_assert_int_eq(receiver.violation.fes, TCP_FES_INVALID_HEADER_FIELD);
	ck_assert_uint_eq(receiver.violation.fei, 0);
	ck_assert_uint_eq(receiver_header_bytes(&receiver), 8);
}
END_TEST

START_TEST(takes_nothing_after_a_violation)
{
	const uint8_t *at = stream;

	append("GET / HTTP/1.1\r\n", 16);
	append_icreq(0);
	feed(stream, stream + 16, false);
	at = stream + 16;
	ck_assert_int_eq(receiver_take(&receiver, &at, stream + stream_bytes), RECEIVER_VIOLATION);
	ck_assert_ptr_eq(at, stream + 16);
}
END_TEST

START_TEST(hangs_up_on_a_term_request_without_sense)
{
	struct tcp_term term = {
		.header = {.type = TCP_PDU_H2C_TERM, .hlen = 24}
        };

	append(&term, sizeof(term));
	feed_in_pieces(sizeof(stream), false);
	ck_assert_str_eq(story, "X");
}
END_TEST

START_TEST(takes_what_follows_with_the_digests_just_agreed)
{
	append_icreq(TCP_DGST_HEADER);
	append_capsule(TCP_PDU_HDGSTF, 0, 0);
	feed_in_pieces(sizeof(stream), false);
	ck_assert_str_eq(story, "HEHE");
}
END_TEST

START_TEST(says_the_same_in_pieces_of_any_size)
{
	append_icreq(TCP_DGST_HEADER | TCP_DGST_DATA);
	append_capsule(TCP_PDU_HDGSTF, 0, 0);
	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 52, 512);
	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 1024);
	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 4);
	for (size_t piece = 1; piece <= stream_bytes; piece++) {
		for (int directly = 0; directly <= 1; directly++) {
			begin();
			memset(place, 0, sizeof(place));
			feed_in_pieces(piece, directly);
			ck_assert_str_eq(story, "HEHEHEHEHE");
			ck_assert_uint_eq(place[1023], (uint8_t)(1023 * 13 + 1));
		}
	}
}
END_TEST

/* ------------------------------------------------------------------ with digests */

START_TEST(puts_data_where_it_was_placed)
{
	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 52, 512);
	feed_in_pieces(sizeof(stream), false);
	ck_assert_str_eq(story, "HE");
	ck_assert_mem_eq(place, stream + 128, 512);
	ck_assert_uint_eq(place[512], 0);
	ck_assert_uint_eq(le16_get(receiver.pdu.capsule.command.cid), 0x1234);
}
END_TEST

START_TEST(wants_the_rest_of_the_data_directly)
{
	uint8_t *gap;

	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 512);
	feed(stream, stream + 76 + 100, false);
	ck_assert_uint_eq(receiver_gap(&receiver, &gap), 412);
	ck_assert_ptr_eq(gap, place + 100);
}
END_TEST

START_TEST(drops_data_that_has_no_place)
{
	const uint8_t *at = stream;
	const uint8_t *end;
	uint8_t *gap;

	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 512);
	end = stream + stream_bytes;
	ck_assert_int_eq(receiver_take(&receiver, &at, end), RECEIVER_HEADER);
	receiver_place(&receiver, NULL, 0);
	ck_assert_int_eq(receiver_take(&receiver, &at, stream + 100), RECEIVER_HUNGRY);
	ck_assert_uint_eq(receiver_gap(&receiver, &gap), 0);
	ck_assert_int_eq(receiver_take(&receiver, &at, end), RECEIVER_END);
	ck_assert(receiver.data_is_good);
}
END_TEST

START_TEST(drops_what_is_more_than_the_place_holds)
{
	const uint8_t *at = stream;

	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 512);
	ck_assert_int_eq(receiver_take(&receiver, &at, stream + stream_bytes), RECEIVER_HEADER);
	receiver_place(&receiver, place, 100);
	ck_assert_int_eq(receiver_take(&receiver, &at, stream + stream_bytes), RECEIVER_END);
	ck_assert(receiver.data_is_good);
	ck_assert_uint_eq(place[99], (uint8_t)(99 * 13 + 1));
	ck_assert_uint_eq(place[100], 0);
}
END_TEST

START_TEST(refuses_a_header_with_any_wrong_bit)
{
	uint8_t good[76];

	append_capsule(TCP_PDU_HDGSTF, 0, 0);
	memcpy(good, stream, sizeof(good));
	for (unsigned bit = 8 * 8; bit < 8 * 76; bit++) {
		given_an_agreement_on_digests();
		append(good, sizeof(good));
		stream[bit / 8] ^= (uint8_t)(1u << bit % 8);
		feed_in_pieces(sizeof(stream), false);
		ck_assert_str_eq(story, "V");
		ck_assert_int_eq(receiver.violation.fes, TCP_FES_HEADER_DIGEST);
	}
}
END_TEST

START_TEST(shows_the_wrong_header_digest_as_it_was_received)
{
	uint32_t received = 0x01020304;

	append_capsule(TCP_PDU_HDGSTF, 0, 0);
	memcpy(stream + 72, &received, sizeof(received));
	feed_in_pieces(sizeof(stream), false);
	ck_assert_uint_eq(receiver.violation.fei, 0x01020304);
	ck_assert_uint_eq(receiver_header_bytes(&receiver), 72);
}
END_TEST

START_TEST(says_that_data_is_wrong)
{
	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 512);
	stream[76 + 511] ^= 1;
	feed_in_pieces(sizeof(stream), false);
	ck_assert_str_eq(story, "He");
}
END_TEST

START_TEST(goes_on_after_wrong_data)
{
	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 512);
	stream[stream_bytes - 1] ^= 0x80;
	append_capsule(TCP_PDU_HDGSTF | TCP_PDU_DDGSTF, 0, 8);
	feed_in_pieces(sizeof(stream), false);
	ck_assert_str_eq(story, "HeHE");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receiver");

	describe(suite,
	         "a new connection",
	         given_an_empty_stream,
	         NULL,
	         wants_nothing_between_two_pdus,
	         says_a_header_again_until_it_is_placed,
	         knows_a_stranger_by_its_first_8_bytes,
	         takes_nothing_after_a_violation,
	         hangs_up_on_a_term_request_without_sense,
	         takes_what_follows_with_the_digests_just_agreed,
	         says_the_same_in_pieces_of_any_size);
	describe(suite,
	         "a connection with digests",
	         given_an_agreement_on_digests,
	         NULL,
	         puts_data_where_it_was_placed,
	         wants_the_rest_of_the_data_directly,
	         drops_data_that_has_no_place,
	         drops_what_is_more_than_the_place_holds,
	         refuses_a_header_with_any_wrong_bit,
	         shows_the_wrong_header_digest_as_it_was_received,
	         says_that_data_is_wrong,
	         goes_on_after_wrong_data);
	return run(suite);
}
