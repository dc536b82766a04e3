/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a configuration: the version of NVMe that a subsystem says. */
#include <string.h>

#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

#define VERSION(v) "{\"subsystems\": [\n{\"nqn\": \"nqn.a\", \"attr\": {\"version\": " v "}}]}"
#define AT         "f:2: subsystems[0].attr.version: "
#define NONE                                                                                       \
	AT "is no version of NVMe that may be said: these are 1.2 1.2.1 1.3 1.4 2.0 2.1 2.2 2.3"

REFUSES(refuses_1_1, VERSION("\"1.1\""), NONE)
REFUSES(refuses_one_with_a_tail, VERSION("\"2.1x\""), NONE)
REFUSES(refuses_one_without_a_second_part, VERSION("\"2\""), NONE)
REFUSES(refuses_one_of_four_parts, VERSION("\"2.1.0.0\""), NONE)
/* Any from 1.2 on was taken. */
REFUSES(refuses_one_that_there_is_not, VERSION("\"9.9\""), NONE)
REFUSES(refuses_one_between_two_that_there_are, VERSION("\"1.9\""), NONE)
REFUSES(refuses_a_third_part_that_there_is_not, VERSION("\"1.4.2\""), NONE)

START_TEST(may_be_said_with_three_parts)
{
	expect_good(VERSION("\"2.0.0\""));
	ck_assert_uint_eq(config.subsystems[0].version, 0x20000);
}
END_TEST

START_TEST(may_be_the_one_that_has_three)
{
	expect_good(VERSION("\"1.2.1\""));
	ck_assert_uint_eq(config.subsystems[0].version, 0x10201);
}
END_TEST

/* What is in the database of an earlier release must not keep this one from starting. */
START_TEST(that_was_taken_once_is_mended)
{
	const char *text = VERSION("\"9.9\"");

	config = CONFIG_NULL;
	report = (struct report){.file = "f", .text = text, .mends = true};
	ck_assert_int_eq(config_parse(&config, text, strlen(text), &report), 0);
	ck_assert_uint_eq(config.subsystems[0].version, 0x20300);
	ck_assert_str_eq(report.warnings.line[0],
	                 AT "is no version of NVMe; hosts are told the one before it");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a version");

	describe(suite,
	         "a version",
	         NULL,
	         forget_file,
	         refuses_1_1,
	         refuses_one_with_a_tail,
	         refuses_one_without_a_second_part,
	         refuses_one_of_four_parts,
	         refuses_one_that_there_is_not,
	         refuses_one_between_two_that_there_are,
	         refuses_a_third_part_that_there_is_not,
	         may_be_said_with_three_parts,
	         may_be_the_one_that_has_three,
	         that_was_taken_once_is_mended);
	return run(suite);
}
