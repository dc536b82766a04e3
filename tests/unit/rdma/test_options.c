/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/options.h"

#include "tests/support/spec.h"

START_TEST(is_up_to_the_device_at_first)
{
	ck_assert_int_eq(options_srq(), OPTIONS_SRQ_AUTO);
}
END_TEST

START_TEST(is_as_one_of_its_words_says)
{
	ck_assert(options_take_srq(NULL, "on"));
	ck_assert_int_eq(options_srq(), OPTIONS_SRQ_ON);
	ck_assert(options_take_srq(NULL, "off"));
	ck_assert_int_eq(options_srq(), OPTIONS_SRQ_OFF);
	ck_assert(options_take_srq(NULL, "auto"));
	ck_assert_int_eq(options_srq(), OPTIONS_SRQ_AUTO);
}
END_TEST

START_TEST(is_not_what_another_word_says)
{
	static const char *const words[] = {"", "o", "onn", "ON", "yes", "1", " on", "automatic"};

	ck_assert(options_take_srq(NULL, "off"));
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		ck_assert_msg(!options_take_srq(NULL, words[i]), "\"%s\"", words[i]);
		ck_assert_int_eq(options_srq(), OPTIONS_SRQ_OFF);
	}
}
END_TEST

START_TEST(has_1024_receives_at_first)
{
	ck_assert_uint_eq(options_srq_size(), 1024);
}
END_TEST

START_TEST(has_64_to_65536)
{
	ck_assert(options_take_srq_size(NULL, "64"));
	ck_assert_uint_eq(options_srq_size(), 64);
	ck_assert(options_take_srq_size(NULL, "65536"));
	ck_assert_uint_eq(options_srq_size(), 65536);
}
END_TEST

START_TEST(has_no_other_number)
{
	static const char *const numbers[] = {
		"", "0", "63", "65537", "4294967360", "-64", "64k", "1e3", " 64", "0x100"};

	ck_assert(options_take_srq_size(NULL, "100"));
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ck_assert_msg(!options_take_srq_size(NULL, numbers[i]), "\"%s\"", numbers[i]);
		ck_assert_uint_eq(options_srq_size(), 100);
	}
}
END_TEST

/* Each test is a process of its own: nothing was taken before. */
int main(void)
{
	Suite *suite = suite_create("options");

	describe(suite,
	         "a shared receive queue",
	         NULL,
	         NULL,
	         is_up_to_the_device_at_first,
	         is_as_one_of_its_words_says,
	         is_not_what_another_word_says,
	         has_1024_receives_at_first,
	         has_64_to_65536,
	         has_no_other_number);
	return run(suite);
}
