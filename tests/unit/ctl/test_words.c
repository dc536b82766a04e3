/* SPDX-License-Identifier: BSD-2-Clause */
/* A line that somebody typed, as words. */
#include <stdio.h>
#include <string.h>

#include "services/ctl/words.h"
#include "tests/support/spec.h"

static struct words words;

static void forget(void)
{
	words_deinit(&words);
}

static void expect(const char *line, const char *wanted)
{
	char all[256] = "";

	words_deinit(&words);
	words_split(&words, line);
	for (size_t i = 0; i < words.count; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "<%s>", words.word[i]);
	ck_assert_str_eq(all, wanted);
}

START_TEST(is_split_at_blanks)
{
	expect("ls /ports\t2\n", "<ls></ports><2>");
	expect("  a  ", "<a>");
	expect("", "");
	expect("   ", "");
}
END_TEST

START_TEST(holds_together_what_is_quoted)
{
	expect("set treq='not required' b", "<set><treq=not required><b>");
	expect("a\"b c\"d", "<ab cd>");
	expect("'' \"\"", "<><>");
	expect("'a\"b' \"c'd\"", "<a\"b><c'd>");
	expect("\"a\\\"b\"", "<a\"b>");
}
END_TEST

START_TEST(takes_the_meaning_of_what_is_escaped_away)
{
	expect("not\\ required \\#1 \\'", "<not required><#1><'>");
}
END_TEST

/* They belong to the path. */
START_TEST(keeps_other_backslashes)
{
	expect("cd a\\/b\\\\c", "<cd><a\\/b\\\\c>");
	expect("a\\", "<a\\>");
}
END_TEST

START_TEST(ends_where_a_comment_begins)
{
	expect("# all", "");
	expect("a # b", "<a>");
	expect("a#b", "<a#b>");
}
END_TEST

START_TEST(says_that_a_quote_is_open)
{
	expect("a 'b c", "<a><b c>");
	ck_assert(words.is_open);
	expect("a 'b' c", "<a><b><c>");
	ck_assert(!words.is_open);
}
END_TEST

START_TEST(says_where_each_word_begins)
{
	expect(" a 'b c'", "<a><b c>");
	ck_assert_uint_eq(words.begin[0], 1);
	ck_assert_uint_eq(words.begin[1], 3);
}
END_TEST

START_TEST(says_whether_it_ends_in_a_word)
{
	expect("a b", "<a><b>");
	ck_assert(!words.is_between);
	expect("a b ", "<a><b>");
	ck_assert(words.is_between);
	expect("a b\\ ", "<a><b >");
	ck_assert(!words.is_between);
	expect("", "");
	ck_assert(words.is_between);
}
END_TEST

START_TEST(takes_a_quoted_word_as_it_was)
{
	static const char *const each[] = {
		"", "plain", "two words", "it's", "\"q\"", "#no", "a\\/b", "tab\there", "a#b"};

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		char *quoted = words_quote(each[i]);

		words_deinit(&words);
		words_split(&words, quoted);
		ck_assert_uint_eq(words.count, 1);
		ck_assert_str_eq(words.word[0], each[i]);
		free(quoted);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("words");

	describe(suite,
	         "a line",
	         NULL,
	         forget,
	         is_split_at_blanks,
	         holds_together_what_is_quoted,
	         takes_the_meaning_of_what_is_escaped_away,
	         keeps_other_backslashes,
	         ends_where_a_comment_begins,
	         says_that_a_quote_is_open,
	         says_where_each_word_begins,
	         says_whether_it_ends_in_a_word,
	         takes_a_quoted_word_as_it_was);
	return run(suite);
}
