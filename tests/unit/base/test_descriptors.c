/* SPDX-License-Identifier: BSD-2-Clause */
/* How many files may still be open. */
#include "common/base/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/spec.h"

enum { ALLOWED = 100, RESERVE = 20 };

static struct rlimit before;
static int last; /* that was opened */

static void given_a_hundred(void)
{
	struct rlimit few;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ALLOWED, before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void give_back(void)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void open_until(int fd)
{
	do
		last = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (last >= 0 && last < fd);
	ck_assert_int_eq(last, fd);
}

START_TEST(are_as_many_as_the_limit_says)
{
	ck_assert_uint_eq(descriptors_allowed(), ALLOWED);
}
END_TEST

START_TEST(are_free_until_they_are_used)
{
	open_until(ALLOWED - 3);
	ck_assert(descriptors_are_free(2));
	ck_assert(!descriptors_are_free(3));
	ck_assert(descriptors_are_free(2)); /* what was tried is closed */
}
END_TEST

START_TEST(are_reserved_from_the_end)
{
	open_until(ALLOWED - RESERVE - 2);
	ck_assert(!descriptors_are_scarce(RESERVE));
	open_until(ALLOWED - RESERVE - 1);
	ck_assert(!descriptor_is_reserved(last, RESERVE));
	ck_assert(descriptors_are_scarce(RESERVE));
	open_until(ALLOWED - RESERVE);
	ck_assert(descriptor_is_reserved(last, RESERVE));
}
END_TEST

START_TEST(are_never_reserved_but_for_a_quarter)
{
	ck_assert(!descriptor_is_reserved(ALLOWED * 3 / 4 - 1, 1000));
	ck_assert(descriptor_is_reserved(ALLOWED * 3 / 4, 1000));
}
END_TEST

START_TEST(are_scarce_where_none_is_left)
{
	open_until(ALLOWED - 1);
	ck_assert(descriptors_are_scarce(0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("descriptors");

	describe(suite,
	         "a hundred descriptors",
	         given_a_hundred,
	         give_back,
	         are_as_many_as_the_limit_says,
	         are_free_until_they_are_used,
	         are_reserved_from_the_end,
	         are_never_reserved_but_for_a_quarter,
	         are_scarce_where_none_is_left);
	return run(suite);
}
