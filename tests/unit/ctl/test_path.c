/* SPDX-License-Identifier: BSD-2-Clause */
/* The way to an object. */
#include <string.h>

#include "services/ctl/path.h"
#include "tests/support/spec.h"

static struct path path;

static void forget(void)
{
	path_deinit(&path);
}

static void expect(const char *from, const char *text, const char *wanted, size_t count)
{
	char *found;

	path_deinit(&path);
	path_enter(&path, from);
	path_enter(&path, text);
	found = path_text(&path);
	ck_assert_str_eq(found, wanted);
	ck_assert_uint_eq(path.count, count);
	free(found);
}

START_TEST(begins_at_the_root_or_where_one_is)
{
	expect("/", "/ports/1", "/ports/1", 2);
	expect("/ports", "1", "/ports/1", 2);
	expect("/ports/1", "/hosts", "/hosts", 1);
	expect("/ports/1", "/", "/", 0);
	expect("/ports/1", "", "/ports/1", 2);
}
END_TEST

START_TEST(goes_up)
{
	expect("/ports/1", "..", "/ports", 1);
	expect("/ports/1", "../2/./addr", "/ports/2/addr", 3);
	expect("/ports", "../../..", "/", 0);
}
END_TEST

START_TEST(passes_over_empty_components)
{
	expect("/", "//ports///1/", "/ports/1", 2);
}
END_TEST

START_TEST(keeps_slashes_of_names)
{
	expect("/", "/a/b\\/c\\\\d", "/a/b\\/c\\\\d", 2);
	ck_assert_str_eq(path.component[1], "b/c\\d");
	expect("/", "/a/nqn.2001-01.com.example:x", "/a/nqn.2001-01.com.example:x", 2);
}
END_TEST

START_TEST(takes_a_name_as_it_is)
{
	char *text;

	path_add(&path, "..");
	path_add(&path, "a/b");
	text = path_text(&path);
	ck_assert_str_eq(text, "/../a\\/b");
	ck_assert_uint_eq(path.count, 2);
	free(text);
}
END_TEST

START_TEST(is_known_from_other_words)
{
	ck_assert(path_is_one("/"));
	ck_assert(path_is_one("/ports"));
	ck_assert(path_is_one(".."));
	ck_assert(path_is_one("../a"));
	ck_assert(path_is_one("./a"));
	ck_assert(!path_is_one("nqn.2001-01.com.example:a"));
	ck_assert(!path_is_one(".hidden"));
	ck_assert(!path_is_one("a/b"));
	ck_assert(!path_is_one(""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a path");

	describe(suite,
	         "a text",
	         NULL,
	         forget,
	         begins_at_the_root_or_where_one_is,
	         goes_up,
	         passes_over_empty_components,
	         keeps_slashes_of_names,
	         takes_a_name_as_it_is,
	         is_known_from_other_words);
	return run(suite);
}
