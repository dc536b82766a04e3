/* SPDX-License-Identifier: BSD-2-Clause */
/* A target is written [NAME=]TRADDR[:TRSVCID]/SUBNQN[/NSID], and what is none says why. */
#include <string.h>

#include "tests/bench/target.h"
#include "tests/support/spec.h"

#define NQN "nqn.2001-01.com.example:disk"

static struct target target;

static void given_nothing(void)
{
	memset(&target, 0, sizeof(target));
}

static void parse(const char *text)
{
	const char *why = target_parse(text, "A", &target);

	ck_assert_msg(!why, "%s: %s", text, why);
}

static void expect_refusal(const char *text, const char *wanted)
{
	const char *why = target_parse(text, "A", &target);

	ck_assert_msg(why && strstr(why, wanted), "%s: %s, not: %s", text, why, wanted);
	ck_assert_str_eq(target.subnqn, ""); /* it was left alone */
}

START_TEST(has_defaults)
{
	parse("127.0.0.1/" NQN);
	ck_assert_str_eq(target.name, "A");
	ck_assert_str_eq(target.traddr, "127.0.0.1");
	ck_assert_str_eq(target.trsvcid, "4420");
	ck_assert_str_eq(target.subnqn, NQN);
	ck_assert_uint_eq(target.nsid, 1);
}
END_TEST

START_TEST(has_all_its_parts)
{
	parse("old one=10.1.2.3:4421/" NQN "/7");
	ck_assert_str_eq(target.name, "old one");
	ck_assert_str_eq(target.traddr, "10.1.2.3");
	ck_assert_str_eq(target.trsvcid, "4421");
	ck_assert_str_eq(target.subnqn, NQN);
	ck_assert_uint_eq(target.nsid, 7);
}
END_TEST

START_TEST(has_an_ipv6_address_in_brackets)
{
	parse("six=[fe80::1%eth0]:4421/" NQN);
	ck_assert_str_eq(target.traddr, "fe80::1%eth0");
	ck_assert_str_eq(target.trsvcid, "4421");
	parse("[::1]/" NQN);
	ck_assert_str_eq(target.traddr, "::1");
	ck_assert_str_eq(target.trsvcid, "4420");
}
END_TEST

START_TEST(has_an_nqn_with_a_slash)
{
	parse("127.0.0.1/" NQN "/a=b");
	ck_assert_str_eq(target.subnqn, NQN "/a=b");
	parse("127.0.0.1/" NQN "/12/3");
	ck_assert_str_eq(target.subnqn, NQN "/12");
	ck_assert_uint_eq(target.nsid, 3);
	parse("127.0.0.1/" NQN "/");
	ck_assert_str_eq(target.subnqn, NQN "/");
}
END_TEST

START_TEST(is_given_to_the_options)
{
	struct options options = {.depth = 5};

	parse("127.0.0.1:4421/" NQN "/2");
	target_apply(&target, &options);
	ck_assert_str_eq(options.host.address.traddr, "127.0.0.1");
	ck_assert_str_eq(options.host.address.trsvcid, "4421");
	ck_assert_str_eq(options.host.subnqn, NQN);
	ck_assert_uint_eq(options.nsid, 2);
	ck_assert_uint_eq(options.depth, 5);
}
END_TEST

START_TEST(needs_an_address)
{
	expect_refusal("", "address is missing");
	expect_refusal("/" NQN, "address is missing");
	expect_refusal("a=/" NQN, "address is missing");
	expect_refusal(":4420/" NQN, "address is missing");
}
END_TEST

START_TEST(needs_an_nqn)
{
	expect_refusal("127.0.0.1", "/NQN");
	expect_refusal("127.0.0.1:4420", "/NQN");
	expect_refusal("127.0.0.1/", "NQN of the subsystem is missing");
	expect_refusal("127.0.0.1//3", "NQN of the subsystem is missing");
}
END_TEST

START_TEST(needs_brackets_around_ipv6)
{
	expect_refusal("::1/" NQN, "brackets");
	expect_refusal("fe80::1:4420/" NQN, "brackets");
	expect_refusal("[::1/" NQN, "]");
}
END_TEST

START_TEST(needs_a_port_in_range)
{
	expect_refusal("127.0.0.1:/" NQN, "port");
	expect_refusal("127.0.0.1:0/" NQN, "port");
	expect_refusal("127.0.0.1:65536/" NQN, "port");
	expect_refusal("127.0.0.1:44x/" NQN, "port");
}
END_TEST

START_TEST(needs_a_namespace_in_range)
{
	expect_refusal("127.0.0.1/" NQN "/0", "NSID");
	expect_refusal("127.0.0.1/" NQN "/4294967295", "NSID");
}
END_TEST

START_TEST(needs_a_name_that_may_be_printed_anywhere)
{
	expect_refusal("=127.0.0.1/" NQN, "empty");
	expect_refusal("<b>=127.0.0.1/" NQN, "ASCII");
	expect_refusal("a\tb=127.0.0.1/" NQN, "ASCII");
	expect_refusal("\xc3\xa4=127.0.0.1/" NQN, "ASCII");
	expect_refusal("123456789012345678901234567890123=127.0.0.1/" NQN, "32");
}
END_TEST

START_TEST(needs_an_nqn_that_is_short_enough)
{
	char text[400] = "127.0.0.1/";

	memset(text + 10, 'n', 223);
	parse(text);
	given_nothing();
	text[233] = 'n';
	expect_refusal(text, "223");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("target");

	describe(suite,
	         "a target on the command line",
	         given_nothing,
	         NULL,
	         has_defaults,
	         has_all_its_parts,
	         has_an_ipv6_address_in_brackets,
	         has_an_nqn_with_a_slash,
	         is_given_to_the_options);
	describe(suite,
	         "what is no target",
	         given_nothing,
	         NULL,
	         needs_an_address,
	         needs_an_nqn,
	         needs_brackets_around_ipv6,
	         needs_a_port_in_range,
	         needs_a_namespace_in_range,
	         needs_a_name_that_may_be_printed_anywhere,
	         needs_an_nqn_that_is_short_enough);
	return run(suite);
}
