/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "common/ipc/envelope.h"
#include "tests/support/spec.h"

static uint8_t bytes[ENVELOPE_MAX + 1];

static size_t packed(uint32_t version, const char *reason)
{
	Nvmetd__Refusal refusal = NVMETD__REFUSAL__INIT;
	envelope message = NVMETD__ENVELOPE__INIT;

	refusal.reason = (char *)reason;
	message.version = version;
	message.request_id = 7;
	message.instance = 8;
	if (reason) {
		message.body_case = NVMETD__ENVELOPE__BODY_REFUSAL;
		message.refusal = &refusal;
	}
	return protobuf_c_message_pack(&message.base, bytes);
}

START_TEST(is_decoded_as_it_was_packed)
{
	size_t length = packed(ENVELOPE_VERSION, "no such port");
	envelope *message = NULL;

	ck_assert_int_eq(envelope_decode(&message, bytes, length), 0);
	ck_assert_uint_eq(message->request_id, 7);
	ck_assert_uint_eq(message->instance, 8);
	ck_assert_int_eq(message->body_case, NVMETD__ENVELOPE__BODY_REFUSAL);
	ck_assert_str_eq(message->refusal->reason, "no such port");
	envelope_free(message);
}
END_TEST

START_TEST(is_refused_in_another_version)
{
	envelope *message = NULL;

	ck_assert_int_eq(envelope_decode(&message, bytes, packed(2, "")), ENVELOPE_E_VERSION);
	ck_assert_ptr_null(message);
}
END_TEST

START_TEST(is_refused_without_a_body)
{
	envelope *message = NULL;
	size_t length = packed(ENVELOPE_VERSION, NULL);

	ck_assert_int_eq(envelope_decode(&message, bytes, length), ENVELOPE_E_NO_BODY);
}
END_TEST

START_TEST(is_malformed_when_cut_anywhere_within_its_body)
{
	size_t length = packed(ENVELOPE_VERSION, "no such port");

	for (size_t cut = 1; cut < 1 + strlen("no such port"); cut++) {
		envelope *message = NULL;

		ck_assert_int_eq(envelope_decode(&message, bytes, length - cut),
		                 ENVELOPE_E_MALFORMED);
	}
}
END_TEST

START_TEST(is_malformed_beyond_its_largest_size)
{
	envelope *message = NULL;

	ck_assert_int_eq(envelope_decode(&message, bytes, sizeof(bytes)), ENVELOPE_E_MALFORMED);
}
END_TEST

/* Two bytes each on the wire, some hundred in memory: 8 million subsystems. */
START_TEST(is_malformed_when_it_would_swell_beyond_bounds)
{
	const size_t length = ENVELOPE_MAX - 16;
	envelope *message = NULL;
	uint8_t *at = bytes;

	*at++ = 1 << 3; /* version */
	*at++ = ENVELOPE_VERSION;
	*at++ = 0xa2; /* transport_view, 20 << 3 | 2 */
	*at++ = 0x01;
	for (size_t left = length, i = 0; i < 4; i++, left >>= 7)
		*at++ = (uint8_t)(left & 0x7f) | (i < 3 ? 0x80 : 0);
	for (size_t i = 0; i < length; i += 2) {
		at[i] = 3 << 3 | 2; /* subsystems */
		at[i + 1] = 0;
	}
	ck_assert_int_eq(envelope_decode(&message, bytes, (size_t)(at - bytes) + length),
	                 ENVELOPE_E_MALFORMED);
}
END_TEST

START_TEST(has_its_bodys_name_as_in_the_schema)
{
	ck_assert_str_eq(envelope_body_name(NVMETD__ENVELOPE__BODY_CONNECT_REQUEST),
	                 "connect_request");
	ck_assert_str_eq(envelope_body_name(0), "nothing");
	ck_assert_str_eq(envelope_body_name(9999), "nothing");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope");

	describe(suite,
	         "an envelope",
	         NULL,
	         NULL,
	         is_decoded_as_it_was_packed,
	         is_refused_in_another_version,
	         is_refused_without_a_body,
	         is_malformed_when_cut_anywhere_within_its_body,
	         is_malformed_beyond_its_largest_size,
	         is_malformed_when_it_would_swell_beyond_bounds,
	         has_its_bodys_name_as_in_the_schema);

	return run(suite);
}
