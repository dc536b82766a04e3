/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/digest.h"

#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

/* The check value of CRC32C, and the vectors of RFC 3720 B.4. */
START_TEST(is_the_known_one)
{
	uint8_t bytes[32];

	ck_assert_uint_eq(le32_get(digest_of("123456789", 9)), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	ck_assert_uint_eq(le32_get(digest_of(bytes, sizeof(bytes))), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	ck_assert_uint_eq(le32_get(digest_of(bytes, sizeof(bytes))), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	ck_assert_uint_eq(le32_get(digest_of(bytes, sizeof(bytes))), 0x46dd794e);
	shows("TCP 1.1 §3.3.1.1", "digests are CRC32C");
}
END_TEST

START_TEST(lies_on_the_wire_with_its_low_byte_first)
{
	static const uint8_t expected[4] = {0x83, 0x92, 0x06, 0xe3};
	struct le32 digest = digest_of("123456789", 9);

	ck_assert_mem_eq(&digest, expected, sizeof(expected));
}
END_TEST

START_TEST(is_the_same_in_pieces)
{
	for (unsigned cut = 0; cut <= 9; cut++) {
		uint32_t digest = digest_add(DIGEST_BEGIN, "123456789", cut);

		digest = digest_add(digest, &"123456789"[cut], 9 - cut);
		ck_assert_uint_eq(le32_get(digest_end(digest)), 0xe3069283);
	}
}
END_TEST

START_TEST(of_nothing_is_0)
{
	ck_assert_uint_eq(le32_get(digest_of("", 0)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("digest");

	describe(suite,
	         "a digest",
	         NULL,
	         NULL,
	         is_the_known_one,
	         lies_on_the_wire_with_its_low_byte_first,
	         is_the_same_in_pieces,
	         of_nothing_is_0);
	return run(suite);
}
