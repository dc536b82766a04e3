/* SPDX-License-Identifier: BSD-2-Clause */
/* A region is memory of two processes that cannot be taken away by one of them. */
#include "common/shm/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/spec.h"

#define SIZE 65536u

static struct region made;

static void given_a_region(void)
{
	ck_assert_int_eq(region_create(&made, "test", SIZE - 1, true), 0);
}

static void forget_the_region(void)
{
	region_deinit(&made);
}

/* A file of SIZE bytes with these seals, as a peer might hand it over. */
static int file_with_seals(int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void expect_refused(int fd, size_t size)
{
	struct region region = REGION_NULL;

	ck_assert_int_eq(region_adopt(&region, fd, size), REGION_E_UNFIT);
	ck_assert_ptr_null(region.memory);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* taken in any case */
}

START_TEST(is_as_long_as_whole_pages)
{
	ck_assert_uint_eq(made.size, SIZE);
}
END_TEST

START_TEST(is_zeroed)
{
	const unsigned char *bytes = made.memory;

	for (size_t i = 0; i < made.size; i++)
		ck_assert_uint_eq(bytes[i], 0);
}
END_TEST

START_TEST(can_be_neither_shrunk_nor_grown)
{
	ck_assert_int_eq(ftruncate(made.fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(made.fd, 2 * SIZE), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(is_the_same_memory_for_who_adopts_it)
{
	struct region other;

	ck_assert_int_eq(region_adopt(&other, dup(made.fd), SIZE), 0);
	memcpy((char *)made.memory + 100, "hello", 6);
	ck_assert_str_eq((char *)other.memory + 100, "hello");
	region_deinit(&other);
}
END_TEST

START_TEST(is_not_adopted_with_another_size)
{
	expect_refused(dup(made.fd), 2 * SIZE);
	expect_refused(dup(made.fd), SIZE / 2);
	expect_refused(dup(made.fd), 0);
	expect_refused(dup(made.fd), SIZE_MAX);
}
END_TEST

START_TEST(cannot_be_made_of_nothing)
{
	struct region region = REGION_NULL;

	ck_assert_int_eq(region_create(&region, "test", 0, false), -EINVAL);
	ck_assert_int_eq(region_create(&region, "test", SIZE_MAX, false), -EINVAL);
}
END_TEST

START_TEST(is_refused_if_it_could_shrink)
{
	expect_refused(file_with_seals(F_SEAL_GROW | F_SEAL_SEAL), SIZE);
}
END_TEST

START_TEST(is_refused_if_it_could_grow)
{
	expect_refused(file_with_seals(F_SEAL_SHRINK | F_SEAL_SEAL), SIZE);
}
END_TEST

START_TEST(is_refused_if_seals_could_be_added)
{
	expect_refused(file_with_seals(F_SEAL_SHRINK | F_SEAL_GROW), SIZE);
}
END_TEST

START_TEST(is_refused_if_it_cannot_be_written)
{
	expect_refused(file_with_seals(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
	               SIZE);
}
END_TEST

START_TEST(is_refused_if_opened_for_reading_only)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", made.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	expect_refused(fd, SIZE);
}
END_TEST

START_TEST(is_refused_if_it_is_no_memory)
{
	expect_refused(open("/dev/zero", O_RDWR | O_CLOEXEC), SIZE);
}
END_TEST

START_TEST(is_refused_if_nothing_was_handed_over)
{
	expect_refused(-1, SIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("region");

	describe(suite,
	         "a region",
	         given_a_region,
	         forget_the_region,
	         is_as_long_as_whole_pages,
	         is_zeroed,
	         can_be_neither_shrunk_nor_grown,
	         is_the_same_memory_for_who_adopts_it,
	         is_not_adopted_with_another_size,
	         is_refused_if_opened_for_reading_only,
	         cannot_be_made_of_nothing);
	describe(suite,
	         "a region of a hostile peer",
	         NULL,
	         NULL,
	         is_refused_if_it_could_shrink,
	         is_refused_if_it_could_grow,
	         is_refused_if_seals_could_be_added,
	         is_refused_if_it_cannot_be_written,
	         is_refused_if_it_is_no_memory,
	         is_refused_if_nothing_was_handed_over);
	return run(suite);
}
