/* SPDX-License-Identifier: BSD-2-Clause */
/* Where in a JSON text a value stands, as words and as a line. */
#include <string.h>

#include "services/state/json_place.h"
#include "tests/support/spec.h"

static const char text[] = "{\n"                             /* 1 */
			   " \"hosts\": [],\n"               /* 2 */
			   " \"a\\\"}]\": \"{[\\\"\",\n"     /* 3 */
			   " \"ports\": [\n"                 /* 4 */
			   "  {\"portid\": 1, \"addr\": {\n" /* 5 */
			   "    \"traddr\": \"x\"}},\n"      /* 6 */
			   "  [1, [2,\n"                     /* 7 */
			   "   3], true],\n"                 /* 8 */
			   "  null, -1.5e3\n"                /* 9 */
			   " ],\n"                           /* 10 */
			   " \"last\": 7 }\n";               /* 11 */

static unsigned line(const struct json_place *place)
{
	return json_place_line(text, place);
}

START_TEST(the_root_is_on_the_first_line)
{
	ck_assert_uint_eq(line(NULL), 1);
}
END_TEST

START_TEST(a_member_is_on_the_line_of_its_value)
{
	ck_assert_uint_eq(line(PLACE_KEY(NULL, "hosts")), 2);
	ck_assert_uint_eq(line(PLACE_KEY(NULL, "last")), 11);
}
END_TEST

START_TEST(a_member_of_an_element_is_found)
{
	const struct json_place *port = PLACE_INDEX(PLACE_KEY(NULL, "ports"), 0);

	ck_assert_uint_eq(line(PLACE_KEY(PLACE_KEY(port, "addr"), "traddr")), 6);
}
END_TEST

START_TEST(an_element_behind_others_is_found)
{
	ck_assert_uint_eq(line(PLACE_INDEX(PLACE_KEY(NULL, "ports"), 3)), 9);
}
END_TEST

START_TEST(an_element_of_an_inner_array_is_found)
{
	const struct json_place *second = PLACE_INDEX(PLACE_KEY(NULL, "ports"), 1);

	ck_assert_uint_eq(line(PLACE_INDEX(PLACE_INDEX(second, 1), 1)), 8);
}
END_TEST

START_TEST(what_is_not_there_is_where_it_would_be)
{
	const struct json_place *port = PLACE_INDEX(PLACE_KEY(NULL, "ports"), 0);

	ck_assert_uint_eq(line(PLACE_KEY(port, "missing")), 5);
	ck_assert_uint_eq(line(PLACE_INDEX(PLACE_KEY(NULL, "ports"), 9)), 4);
	ck_assert_uint_eq(line(PLACE_KEY(PLACE_KEY(port, "missing"), "deeper")), 5);
}
END_TEST

START_TEST(a_text_that_is_no_json_gets_some_line)
{
	static const char *const texts[] = {
		"", "{", "{\"a", "{\"a\":", "[", "[1", "[[[", "}}", "{\"a\" 1", "\\"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_uint_ge(json_place_line(texts[i], PLACE_KEY(NULL, "a")), 1);
		ck_assert_uint_ge(json_place_line(texts[i], PLACE_INDEX(PLACE_INDEX(NULL, 0), 3)),
		                  1);
	}
}
END_TEST

START_TEST(a_place_is_said_as_a_path)
{
	char words[64];
	const struct json_place *namespace = PLACE_INDEX(
		PLACE_KEY(PLACE_INDEX(PLACE_KEY(NULL, "subsystems"), 0), "namespaces"), 12);

	json_place_words(words, sizeof(words), PLACE_KEY(namespace, "nsid"));
	ck_assert_str_eq(words, "subsystems[0].namespaces[12].nsid");
}
END_TEST

START_TEST(a_long_path_is_cut)
{
	char words[8];

	json_place_words(words, sizeof(words), PLACE_KEY(PLACE_KEY(NULL, "abcdef"), "ghijkl"));
	ck_assert_str_eq(words, "abcdef.");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_place");

	describe(suite,
	         "a place in a text",
	         NULL,
	         NULL,
	         the_root_is_on_the_first_line,
	         a_member_is_on_the_line_of_its_value,
	         a_member_of_an_element_is_found,
	         an_element_behind_others_is_found,
	         an_element_of_an_inner_array_is_found,
	         what_is_not_there_is_where_it_would_be,
	         a_text_that_is_no_json_gets_some_line);
	describe(suite,
	         "a place in words",
	         NULL,
	         NULL,
	         a_place_is_said_as_a_path,
	         a_long_path_is_cut);
	return run(suite);
}
