/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/outgoing.h"

#include <string.h>

#include "services/tcp/digest.h"
#include "tests/support/shows.h"
#include "tests/support/spec.h"

#define MEMBERS 5

static struct tcp_agreement agreement;
static struct nvme_completion completion;
static struct outgoing outgoing;
static uint8_t data[512];
static struct list list;

static void given_no_digests(void)
{
	agreement = (struct tcp_agreement){.initialized = true};
	completion = (struct nvme_completion){.cid = le16_of(0x1234), .sqhd = le16_of(3)};
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	list_init(&list);
}

static void given_digests_and_alignment(void)
{
	given_no_digests();
	agreement.header_digest = true;
	agreement.data_digest = true;
	agreement.hpda = 15;
}

/* All bytes of the list behind the first `skip`, as they would be sent in pieces of at most
 * `max` iovecs. */
static size_t flatten(uint8_t *into, size_t skip, unsigned max)
{
	struct iovec iov[64];
	size_t bytes, used = 0;
	unsigned n = outgoing_gather(&list, skip, iov, max, SIZE_MAX, &bytes);

	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_gt(iov[i].iov_len, 0);
		memcpy(into + used, iov[i].iov_base, iov[i].iov_len);
		used += iov[i].iov_len;
	}
	ck_assert_uint_eq(used, bytes);
	return used;
}

static size_t put(uint8_t *into)
{
	list_append(&list, &outgoing.link);
	ck_assert_uint_eq(flatten(into, 0, 64), outgoing_bytes(&outgoing));
	return outgoing_bytes(&outgoing);
}

/* ------------------------------------------------------------------ without digests */

START_TEST(is_a_capsule_alone_without_data)
{
	uint8_t bytes[64];

	outgoing_answer(&outgoing, &agreement, &completion, NULL, 0, true);
	ck_assert_uint_eq(put(bytes), 24);
	ck_assert_uint_eq(bytes[0], TCP_PDU_CAPSULE_RESPONSE);
	ck_assert_mem_eq(bytes + 8, &completion, sizeof(completion));
}
END_TEST

START_TEST(is_data_alone_where_success_may_be_flagged)
{
	uint8_t bytes[1024];

	outgoing_answer(&outgoing, &agreement, &completion, data, sizeof(data), true);
	ck_assert_uint_eq(put(bytes), 24 + 512);
	ck_assert_uint_eq(bytes[0], TCP_PDU_C2H_DATA);
	ck_assert_uint_eq(bytes[1], TCP_PDU_LAST | TCP_PDU_SUCCESS);
	ck_assert_mem_eq(bytes + 24, data, sizeof(data));
	shows("TCP 1.1 §3.6.2.9",
	      "one C2HData has all data of a command, with LAST_PDU, and with SUCCESS where that "
	      "may be");
}
END_TEST

START_TEST(has_a_capsule_behind_the_data_where_sqhd_is_needed)
{
	uint8_t bytes[1024];

	outgoing_answer(&outgoing, &agreement, &completion, data, sizeof(data), false);
	ck_assert_uint_eq(put(bytes), 24 + 512 + 24);
	ck_assert_uint_eq(bytes[1], TCP_PDU_LAST);
	ck_assert_uint_eq(bytes[24 + 512], TCP_PDU_CAPSULE_RESPONSE);
	ck_assert_mem_eq(bytes + 24 + 512 + 8, &completion, sizeof(completion));
	shows("TCP 1.1 §3.3.2.1",
	      "with SQ flow control a response capsule follows C2HData, and SUCCESS is clear");
}
END_TEST

START_TEST(has_a_capsule_where_there_is_a_result)
{
	uint8_t bytes[1024];

	completion.dw1 = le32_of(1);
	outgoing_answer(&outgoing, &agreement, &completion, data, sizeof(data), true);
	ck_assert_uint_eq(put(bytes), 24 + 512 + 24);
	ck_assert_uint_eq(bytes[1], TCP_PDU_LAST);
}
END_TEST

START_TEST(has_a_capsule_where_there_is_an_error)
{
	uint8_t bytes[1024];

	completion.status = le16_of(0x0004);
	outgoing_answer(&outgoing, &agreement, &completion, data, sizeof(data), true);
	ck_assert_uint_eq(put(bytes), 24 + 512 + 24);
	ck_assert_uint_eq(bytes[1], TCP_PDU_LAST);
}
END_TEST

/* ------------------------------------------------------------------ with digests, 64-byte
 * alignment */

START_TEST(has_digests_around_aligned_data)
{
	static const uint8_t padding[36];
	uint8_t bytes[1024];
	struct le32 header_digest, data_digest, response_digest;

	outgoing_answer(&outgoing, &agreement, &completion, data, sizeof(data), false);
	ck_assert_uint_eq(put(bytes), 64 + 512 + 4 + 24 + 4);
	header_digest = digest_of(bytes, 24);
	data_digest = digest_of(data, sizeof(data));
	response_digest = digest_of(bytes + 580, 24);
	ck_assert_mem_eq(bytes + 24, &header_digest, 4);
	ck_assert_mem_eq(bytes + 28, padding, sizeof(padding));
	ck_assert_mem_eq(bytes + 64, data, sizeof(data));
	ck_assert_mem_eq(bytes + 576, &data_digest, 4);
	ck_assert_mem_eq(bytes + 604, &response_digest, 4);
}
END_TEST

START_TEST(asks_for_data_with_a_header_digest)
{
	struct tcp_transfer transfer = {.cid = 1, .ttag = 2, .length = 4096};
	uint8_t bytes[64];
	struct le32 digest;

	outgoing_r2t(&outgoing, &agreement, &transfer);
	ck_assert_uint_eq(put(bytes), 28);
	ck_assert_uint_eq(bytes[0], TCP_PDU_R2T);
	digest = digest_of(bytes, 24);
	ck_assert_mem_eq(bytes + 24, &digest, 4);
}
END_TEST

/* ------------------------------------------------------------------ many */

static struct outgoing members[MEMBERS];
static uint8_t whole[MEMBERS * 1024];
static size_t whole_bytes;

static void given_a_list_of_several(void)
{
	given_digests_and_alignment();
	for (unsigned i = 0; i < MEMBERS; i++) {
		completion.cid = le16_of((uint16_t)i);
		outgoing_answer(&members[i],
		                &agreement,
		                &completion,
		                data,
		                i % 2 ? 0 : (uint32_t)sizeof(data),
		                i == 2);
		list_append(&list, &members[i].link);
	}
	whole_bytes = flatten(whole, 0, 64);
}

START_TEST(goes_on_from_any_byte_of_its_first)
{
	uint8_t bytes[sizeof(whole)];

	for (size_t skip = 0; skip < outgoing_bytes(&members[0]); skip++) {
		ck_assert_uint_eq(flatten(bytes, skip, 64), whole_bytes - skip);
		ck_assert_mem_eq(bytes, whole + skip, whole_bytes - skip);
	}
}
END_TEST

START_TEST(is_cut_between_members_where_iovecs_run_out)
{
	uint8_t bytes[sizeof(whole)];
	size_t taken = flatten(bytes, 0, 8);

	ck_assert_uint_lt(taken, whole_bytes);
	ck_assert_uint_ge(taken, outgoing_bytes(&members[0]) + outgoing_bytes(&members[1]));
	ck_assert_mem_eq(bytes, whole, taken);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outgoing");

	describe(suite,
	         "an answer without digests",
	         given_no_digests,
	         NULL,
	         is_a_capsule_alone_without_data,
	         is_data_alone_where_success_may_be_flagged,
	         has_a_capsule_behind_the_data_where_sqhd_is_needed,
	         has_a_capsule_where_there_is_a_result,
	         has_a_capsule_where_there_is_an_error);
	describe(suite,
	         "an answer with digests, aligned to 64 bytes",
	         given_digests_and_alignment,
	         NULL,
	         has_digests_around_aligned_data,
	         asks_for_data_with_a_header_digest);
	describe(suite,
	         "a list of answers",
	         given_a_list_of_several,
	         NULL,
	         goes_on_from_any_byte_of_its_first,
	         is_cut_between_members_where_iovecs_run_out);
	return run(suite);
}
