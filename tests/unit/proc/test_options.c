/* SPDX-License-Identifier: BSD-2-Clause */
/* A command line is understood whole, or refused with what is wrong. */
#include "common/proc/options.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/spec.h"

static const char *taken_name;
static unsigned taken_size;
static bool was_flagged;
static char said[2000];

static bool take_name(void *context, const char *value)
{
	*(const char **)context = value;
	return strcmp(value, "bad") != 0;
}

static bool take_size(void *context, const char *value)
{
	(void)context;
	return option_number(value, 2, 5, &taken_size);
}

static bool take_flag(void *context, const char *value)
{
	(void)context;
	was_flagged = !value;
	return true;
}

static const struct service_option first[] = {
	{"name", "NAME", "not bad", take_name},
};
static const struct service_option second[] = {
	{"size", "N",  "from 2 to 5",  take_size},
	{"flag", NULL, "has no value", take_flag},
};
static const struct option_group groups[] = {
	{first,  1, &taken_name},
	{second, 2, NULL       },
};

static void given_options(void)
{
	taken_name = "";
	taken_size = 0;
	was_flagged = false;
	said[0] = '\0';
}

/* Up to four words; what is logged is in said[]. */
static int parse(const char *a, const char *b, const char *c, const char *d)
{
	const char *argv[] = {"program", a, b, c, d, NULL};
	int argc = 1, kept = dup(STDERR_FILENO), pipe_fds[2], r;
	ssize_t length;

	while (argv[argc])
		argc++;
	ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	r = options_parse(groups, 2, argc, (char **)argv);
	dup2(kept, STDERR_FILENO);
	length = read(pipe_fds[0], said, sizeof(said) - 1);
	said[length > 0 ? length : 0] = '\0';
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(kept);
	return r;
}

static void expect_said(const char *words)
{
	ck_assert_msg(strstr(said, words), "\"%s\" does not say \"%s\"", said, words);
}

START_TEST(may_be_none)
{
	ck_assert_int_eq(parse(NULL, NULL, NULL, NULL), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(go_to_the_context_of_their_group)
{
	ck_assert_int_eq(parse("--name", "good", "--size", "3"), 0);
	ck_assert_str_eq(taken_name, "good");
	ck_assert_uint_eq(taken_size, 3);
}
END_TEST

START_TEST(may_be_written_with_an_equals_sign)
{
	ck_assert_int_eq(parse("--size=4", "--flag", NULL, NULL), 0);
	ck_assert_uint_eq(taken_size, 4);
	ck_assert(was_flagged);
}
END_TEST

START_TEST(are_refused_with_the_value_and_what_would_be_right)
{
	ck_assert_int_eq(parse("--size", "6", NULL, NULL), SERVICE_E_USAGE);
	expect_said("--size");
	expect_said("\"6\"");
	expect_said("from 2 to 5");
}
END_TEST

START_TEST(are_refused_when_unknown)
{
	ck_assert_int_eq(parse("--sice", "3", NULL, NULL), SERVICE_E_USAGE);
	expect_said("--sice");
}
END_TEST

START_TEST(are_refused_without_their_value)
{
	ck_assert_int_eq(parse("--flag", "--name", NULL, NULL), SERVICE_E_USAGE);
	expect_said("--name");
	expect_said("needs a value");
}
END_TEST

START_TEST(are_refused_with_a_value_that_they_do_not_take)
{
	ck_assert_int_eq(parse("--flag=1", NULL, NULL, NULL), SERVICE_E_USAGE);
	expect_said("--flag=1");
}
END_TEST

START_TEST(are_the_only_words)
{
	ck_assert_int_eq(parse("--flag", "word", "--name", "good"), SERVICE_E_USAGE);
	expect_said("word");
}
END_TEST

START_TEST(are_not_printed_raw)
{
	ck_assert_int_eq(parse("--size", "\x1b[31m", NULL, NULL), SERVICE_E_USAGE);
	expect_said("\\x1b[31m");
}
END_TEST

START_TEST(is_taken_within_its_limits)
{
	unsigned number = 0;

	ck_assert(option_number("2", 2, 5, &number));
	ck_assert_uint_eq(number, 2);
	ck_assert(option_number("005", 2, 5, &number));
	ck_assert_uint_eq(number, 5);
	ck_assert(option_number("4294967295", 0, UINT32_MAX, &number));
	ck_assert_uint_eq(number, UINT32_MAX);
}
END_TEST

START_TEST(is_nothing_but_digits)
{
	static const char *const bad[] = {"",
	                                  " 2",
	                                  "2 ",
	                                  "+2",
	                                  "-2",
	                                  "2.0",
	                                  "0x2",
	                                  "two",
	                                  "4294967296",
	                                  "18446744073709551618",
	                                  "00000000002"};
	unsigned number = 77;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!option_number(bad[i], 0, UINT32_MAX, &number), "%s", bad[i]);
	ck_assert_uint_eq(number, 77);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");

	describe(suite,
	         "options",
	         given_options,
	         NULL,
	         may_be_none,
	         go_to_the_context_of_their_group,
	         may_be_written_with_an_equals_sign,
	         are_refused_with_the_value_and_what_would_be_right,
	         are_refused_when_unknown,
	         are_refused_without_their_value,
	         are_refused_with_a_value_that_they_do_not_take,
	         are_the_only_words,
	         are_not_printed_raw);
	describe(suite, "a number", NULL, NULL, is_taken_within_its_limits, is_nothing_but_digits);
	return run(suite);
}
