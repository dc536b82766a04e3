/* SPDX-License-Identifier: BSD-2-Clause */
/* What somebody may have meant who has named what there is not. */
#include "common/base/hint.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/spec.h"

static struct hint hint;
static char buffer[HINT_SIZE];

static const char *words_of(const char *wanted)
{
	hint_begin(&hint, wanted);
	hint_offer(&hint, "hosts");
	hint_offer(&hint, "ports");
	hint_offer(&hint, "subsystems");
	return hint_words(&hint, buffer);
}

START_TEST(asks_for_a_name_with_another_letter)
{
	ck_assert_str_eq(words_of("subzystems"), ": did you mean \"subsystems\"?");
}
END_TEST

START_TEST(asks_for_a_name_with_two_letters_changed_places)
{
	ck_assert_str_eq(words_of("subsysetms"), ": did you mean \"subsystems\"?");
}
END_TEST

START_TEST(asks_for_the_nearest)
{
	ck_assert_str_eq(words_of("port"), ": did you mean \"ports\"?");
}
END_TEST

START_TEST(lists_what_there_is_where_none_is_near)
{
	ck_assert_str_eq(words_of("namespaces"), "; there are hosts, ports, subsystems");
}
END_TEST

/* "1" is not meant by who says "2". */
START_TEST(lists_what_there_is_where_names_are_short)
{
	hint_begin(&hint, "2");
	hint_offer(&hint, "1");
	ck_assert_str_eq(hint_words(&hint, buffer), "; there is 1");
}
END_TEST

START_TEST(says_nothing_where_there_is_nothing)
{
	hint_begin(&hint, "2");
	ck_assert_str_eq(hint_words(&hint, buffer), "");
}
END_TEST

START_TEST(says_how_many_more_there_are)
{
	static const char *const names[] = {
		"a0", "b0", "c0", "d0", "e0", "f0", "g0", "h0", "i0", "j0"};

	hint_begin(&hint, "something");
	for (unsigned i = 0; i < 10; i++)
		hint_offer(&hint, names[i]);
	ck_assert_str_eq(hint_words(&hint, buffer),
	                 "; there are a0, b0, c0, d0, e0, f0, g0, h0 and 2 more");
}
END_TEST

START_TEST(fits_whatever_is_offered)
{
	char name[4096];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	hint_begin(&hint, name);
	for (unsigned i = 0; i < 100000; i++)
		hint_offer(&hint, name);
	ck_assert_uint_lt(strlen(hint_words(&hint, buffer)), HINT_SIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hint");

	describe(suite,
	         "a hint",
	         NULL,
	         NULL,
	         asks_for_a_name_with_another_letter,
	         asks_for_a_name_with_two_letters_changed_places,
	         asks_for_the_nearest,
	         lists_what_there_is_where_none_is_near,
	         lists_what_there_is_where_names_are_short,
	         says_nothing_where_there_is_nothing,
	         says_how_many_more_there_are,
	         fits_whatever_is_offered);
	return run(suite);
}
