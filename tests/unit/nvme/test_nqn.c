/* SPDX-License-Identifier: BSD-2-Clause */
/* NVMe Qualified Names (Base 2.1 §4.7). */
#include <string.h>

#include "common/nvme/nqn.h"
#include "tests/support/shows.h"
#include "tests/support/spec.h"

START_TEST(may_be_of_223_bytes)
{
	char name[NVME_NQN_SIZE] = "nqn.";

	memset(name + 4, 'x', 219);
	ck_assert(nqn_is_valid(name));
	name[223] = 'x';
	ck_assert_str_eq(nqn_objection(name), "is longer than 223 bytes");
	shows("Base 2.1 §4.7", "names of up to 223 bytes");
}
END_TEST

START_TEST(may_be_without_nqn_in_front)
{
	ck_assert(nqn_is_valid("blktests-subsystem-1"));
}
END_TEST

START_TEST(may_be_of_utf_8)
{
	ck_assert(nqn_is_valid("nqn.2024-01.de.b\xc3\xbc"
	                       "cher:a"));
	shows("Base 2.1 §4.7",
	      "names may have any UTF-8; control characters and what harms a path are refused");
}
END_TEST

START_TEST(may_not_be_empty)
{
	ck_assert_str_eq(nqn_objection(""), "is empty");
}
END_TEST

START_TEST(may_not_hold_what_harms_a_log_or_a_path)
{
	static const char *const names[] = {
		"nqn.a b", "nqn.a\n", "nqn.\x1b[2J", "nqn.a/b", "nqn.\x7f", " nqn.a"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert(!nqn_is_valid(names[i]));
}
END_TEST

START_TEST(end_in_their_field)
{
	char field[NVME_NQN_SIZE];

	memset(field, 'a', sizeof(field));
	ck_assert_ptr_null(nqn_of_field(field));
	field[255] = '\0';
	ck_assert_ptr_eq(nqn_of_field(field), field);
}
END_TEST

START_TEST(name_the_discovery_service)
{
	ck_assert(nqn_is_discovery("nqn.2014-08.org.nvmexpress.discovery"));
	ck_assert(!nqn_is_discovery("nqn.2014-08.org.nvmexpress.discovery2"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nqn");

	describe(suite,
	         "names",
	         NULL,
	         NULL,
	         may_be_of_223_bytes,
	         may_be_without_nqn_in_front,
	         may_be_of_utf_8,
	         may_not_be_empty,
	         may_not_hold_what_harms_a_log_or_a_path,
	         end_in_their_field,
	         name_the_discovery_service);
	return run(suite);
}
