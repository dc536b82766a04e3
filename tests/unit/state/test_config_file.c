/* SPDX-License-Identifier: BSD-2-Clause */
/* What a configuration file must be as a file, before what it says counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "tests/support/spec.h"
#include "tests/unit/state/reading.h"

REFUSES(says_the_line_of_a_syntax_error, "{\n\"hosts\": [\n}", "f:3: unexpected token near '}'")
REFUSES(refuses_an_empty_file, "", "f:1: the file is empty; without objects it is {}")
REFUSES(refuses_what_is_no_object, "[]",
        "f:1: the file is no object in braces, as nvmetcli writes it")
/* It was taken, with a warning, for a configuration without anything. */
REFUSES(refuses_what_has_nothing_that_is_known, "{\"subzystems\": []}",
        "f:1: subzystems: is not known, nor is anything else in the file: did you mean "
        "\"subsystems\"?")
REFUSES(refuses_a_file_of_blanks, " \n", "f:1: the file is empty; without objects it is {}")
REFUSES(refuses_a_key_that_is_there_twice, "{\"hosts\": [],\n\"hosts\": []}",
        "f:2: duplicate object key near '\"hosts\"'")
REFUSES(refuses_hosts_that_are_no_array, "{\n\"hosts\": 1}", "f:2: hosts: is no array")
REFUSES(refuses_an_element_that_is_no_object, "{\"hosts\": [\n3]}", "f:2: hosts[0]: is no object")

START_TEST(takes_an_empty_object)
{
	expect_good("{}");
	ck_assert_uint_eq(config.n_hosts + config.n_ports + config.n_subsystems, 0);
}
END_TEST

START_TEST(asks_for_the_key_that_was_meant)
{
	expect_good("{\"hosts\": [], \"subzystems\": []}");
	ck_assert_str_eq(report.warnings.line[0],
	                 "f:1: subzystems: is not known here and has no effect: did you mean "
	                 "\"subsystems\"?");
}
END_TEST

START_TEST(warns_of_a_key_that_is_not_known)
{
	expect_good("{\"hosts\": [],\n\"gadgets\": []}");
	ck_assert_str_eq(report.warnings.line[0],
	                 "f:2: gadgets: is not known here and has no effect");
}
END_TEST

START_TEST(says_all_errors_of_a_kind_at_once)
{
	ck_assert_int_eq(parse_text("{\"hosts\": [{}, {}, 1]}"), CONFIG_E_WRONG);
	ck_assert_uint_eq(report.errors.count, 3);
}
END_TEST

START_TEST(keeps_the_first_of_very_many_errors)
{
	char text[1000] = "{\"hosts\": [1";

	for (int i = 0; i < 99; i++)
		strcat(text, ",1");
	strcat(text, "]}");
	ck_assert_int_eq(parse_text(text), CONFIG_E_WRONG);
	ck_assert_uint_eq(report.errors.count, 100);
	ck_assert_uint_eq(report_kept(&report.errors), REPORT_LINES);
}
END_TEST

REFUSES(refuses_a_byte_order_mark, "\xef\xbb\xbf{}",
        "f:1: begins with a byte order mark; save it without one")

/* `before`, count times "{}", and what closes it. */
static char *long_list(const char *before, size_t count, const char *after)
{
	char *text = malloc(strlen(before) + 3 * count + strlen(after) + 1), *at;

	ck_assert_ptr_nonnull(text);
	at = text + sprintf(text, "%s", before);
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "%s", i ? ",{}" : "{}");
	strcpy(at, after);
	return text;
}

/* Each list of the file, much too long: one error, found without looking at
 * them, so that neither time nor memory goes with their number. */
START_TEST(a_list_that_is_too_long_is_one_error)
{
	static const struct {
		const char *before, *after, *error;
	} lists[] = {
		{"{\"hosts\":[",                               "]}", "hosts: there are 100000, and may be 4096"              },
		{"{\"ports\":[",                               "]}", "ports: there are 100000, and may be 1024"              },
		{"{\"subsystems\":[",                          "]}", "subsystems: there are 100000, and may be 4095"         },
		{"{\"ports\":[{\"portid\":1,\"ana_groups\":[",
	         "]}]}",	                                     "ports[0].ana_groups: there are 100000, and may be 128" },
		{"{\"ports\":[{\"portid\":1,\"referrals\":[",
	         "]}]}",	                                     "ports[0].referrals: there are 100000, and may be 128"  },
		{"{\"ports\":[{\"portid\":1,\"subsystems\":[",
	         "]}]}",	                                     "ports[0].subsystems: there are 100000, and may be 4096"},
	};
	char wanted[128];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char *text = long_list(lists[i].before, 100000, lists[i].after);

		snprintf(wanted, sizeof(wanted), "f:1: %s", lists[i].error);
		expect_refused(text, wanted);
		forget_file();
		free(text);
	}
}
END_TEST

/* What is said of them takes no longer when there are more of them than are kept. */
START_TEST(very_many_unknown_keys_are_read_in_one_go)
{
	enum { KEYS = 50000 };
	char *text = malloc(16 * KEYS), *at = text;

	ck_assert_ptr_nonnull(text);
	at += sprintf(at, "{\"hosts\":[]");
	for (unsigned i = 0; i < KEYS; i++)
		at += sprintf(at, ",\"k%u\":0", i);
	strcpy(at, "}");
	expect_good(text);
	ck_assert_uint_eq(report.warnings.count, KEYS);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config file");

	log_set_level("err");
	describe(suite,
	         "a file",
	         NULL,
	         forget_file,
	         says_the_line_of_a_syntax_error,
	         refuses_an_empty_file,
	         refuses_what_is_no_object,
	         refuses_what_has_nothing_that_is_known,
	         refuses_a_file_of_blanks,
	         asks_for_the_key_that_was_meant,
	         refuses_a_key_that_is_there_twice,
	         refuses_hosts_that_are_no_array,
	         refuses_an_element_that_is_no_object,
	         takes_an_empty_object,
	         warns_of_a_key_that_is_not_known,
	         says_all_errors_of_a_kind_at_once,
	         keeps_the_first_of_very_many_errors,
	         refuses_a_byte_order_mark,
	         a_list_that_is_too_long_is_one_error,
	         very_many_unknown_keys_are_read_in_one_go);
	return run(suite);
}
