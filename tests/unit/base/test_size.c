/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes as people write them. */
#include "common/base/size.h"
#include "tests/support/spec.h"

static void expect_bytes(const char *text, uint64_t wanted)
{
	uint64_t bytes = 1;

	ck_assert_int_eq(size_parse(text, &bytes), 0);
	ck_assert_uint_eq(bytes, wanted);
}

static void expect_refused(const char *text, int wanted)
{
	uint64_t bytes = 77;

	ck_assert_int_eq(size_parse(text, &bytes), wanted);
	ck_assert_uint_eq(bytes, 77);
}

START_TEST(are_bytes_without_a_suffix)
{
	expect_bytes("0", 0);
	expect_bytes("4096", 4096);
	expect_bytes("18446744073709551615", UINT64_MAX);
}
END_TEST

START_TEST(are_powers_of_1024_with_one)
{
	expect_bytes("1K", 1024);
	expect_bytes("3m", 3u << 20);
	expect_bytes("1G", UINT64_C(1) << 30);
	expect_bytes("2T", UINT64_C(2) << 40);
	expect_bytes("1P", UINT64_C(1) << 50);
	expect_bytes("16383P", UINT64_C(16383) << 50);
}
END_TEST

START_TEST(are_nothing_else)
{
	static const char *const texts[] = {
		"", "K", "-1", "+1", " 1", "1 ", "1KB", "1.5G", "0x10", "1E", "G1", "1KK"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refused(texts[i], SIZE_E_FORM);
}
END_TEST

START_TEST(fit_in_64_bits)
{
	expect_refused("18446744073709551616", SIZE_E_RANGE);
	expect_refused("99999999999999999999", SIZE_E_RANGE);
	expect_refused("16384P", SIZE_E_RANGE);
	expect_refused("18014398509481984K", SIZE_E_RANGE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("size");

	describe(suite,
	         "sizes",
	         NULL,
	         NULL,
	         are_bytes_without_a_suffix,
	         are_powers_of_1024_with_one,
	         are_nothing_else,
	         fit_in_64_bits);
	return run(suite);
}
