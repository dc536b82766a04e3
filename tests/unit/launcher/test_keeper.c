/* SPDX-License-Identifier: BSD-2-Clause */
/* A keeper holds named descriptors, and not too many. */
#include "services/launcher/keeper.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/spec.h"

static struct keeper keeper;
static char names[KEEPER_NAMES_BYTES];

static void given_a_keeper(void)
{
	keeper.n = 0;
}

static void forget_the_keeper(void)
{
	keeper_deinit(&keeper);
}

static int new_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static const char *all_names(void)
{
	keeper_names(&keeper, names);
	return names;
}

START_TEST(names_what_it_keeps_in_order)
{
	ck_assert_str_eq(all_names(), "");
	ck_assert_int_eq(keeper_put(&keeper, "a", new_fd()), 0);
	ck_assert_int_eq(keeper_put(&keeper, "b.1", new_fd()), 0);
	ck_assert_str_eq(all_names(), "a:b.1");
}
END_TEST

START_TEST(replaces_what_had_the_same_name)
{
	int first = new_fd(), second = new_fd();

	ck_assert_int_eq(keeper_put(&keeper, "a", first), 0);
	ck_assert_int_eq(keeper_put(&keeper, "a", second), 0);
	ck_assert_str_eq(all_names(), "a");
	ck_assert(!is_open(first));
	ck_assert(is_open(second));
}
END_TEST

START_TEST(closes_what_it_drops)
{
	int fd = new_fd();

	ck_assert_int_eq(keeper_put(&keeper, "a", fd), 0);
	ck_assert_int_eq(keeper_put(&keeper, "b", new_fd()), 0);
	keeper_drop(&keeper, "a");
	keeper_drop(&keeper, "nothing");
	ck_assert_str_eq(all_names(), "b");
	ck_assert(!is_open(fd));
}
END_TEST

START_TEST(refuses_a_name_that_would_confuse)
{
	static const char *const bad[] = {"", "a:b", "a b", "a\n", "\xc3\xa4"};
	char too_long[KEEPER_NAME_MAX + 2];
	int fd;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = new_fd();
		ck_assert_int_eq(keeper_put(&keeper, bad[i], fd), KEEPER_E_NAME);
		ck_assert(!is_open(fd));
	}
	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	ck_assert_int_eq(keeper_put(&keeper, too_long, new_fd()), KEEPER_E_NAME);
	ck_assert_int_eq(keeper_put(&keeper, too_long + 1, new_fd()), 0);
}
END_TEST

START_TEST(refuses_one_too_many)
{
	char name[KEEPER_NAME_MAX + 1];
	int fd;

	for (int i = 0; i < KEEPER_MAX; i++) {
		snprintf(name, sizeof(name), "%063d", i);
		ck_assert_int_eq(keeper_put(&keeper, name, new_fd()), 0);
	}
	fd = new_fd();
	ck_assert_int_eq(keeper_put(&keeper, "more", fd), KEEPER_E_FULL);
	ck_assert(!is_open(fd));
	ck_assert_uint_eq(strlen(all_names()), KEEPER_NAMES_BYTES - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keeper");

	describe(suite,
	         "a keeper",
	         given_a_keeper,
	         forget_the_keeper,
	         names_what_it_keeps_in_order,
	         replaces_what_had_the_same_name,
	         closes_what_it_drops,
	         refuses_a_name_that_would_confuse,
	         refuses_one_too_many);
	return run(suite);
}
