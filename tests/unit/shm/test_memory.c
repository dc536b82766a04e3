/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is not there makes a copy fail, not the process. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/shm/memory.h"
#include "tests/support/spec.h"

#define SIZE 8192

static int fd;
static char *memory; /* its second page is not there */
static char private[SIZE];

static void given_memory_with_a_missing_page(void)
{
	ck_assert_int_eq(memory_guard(), 0);
	fd = memfd_create("test", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	memset(memory, 'x', SIZE);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
}

static void forget_it(void)
{
	munmap(memory, SIZE);
	close(fd);
}

START_TEST(copies_what_is_there)
{
	ck_assert_int_eq(memory_copy(private, memory, 4096), 0);
	ck_assert_int_eq(private[4095], 'x');
}
END_TEST

START_TEST(says_that_it_cannot_read_a_missing_page)
{
	ck_assert_int_eq(memory_copy(private, memory, SIZE), -EFAULT);
}
END_TEST

START_TEST(says_that_it_cannot_write_a_missing_page)
{
	ck_assert_int_eq(memory_copy(memory, private, SIZE), -EFAULT);
	ck_assert_int_eq(memory_zero(memory, SIZE), -EFAULT);
}
END_TEST

START_TEST(says_so_each_time)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(memory_copy(private, memory, SIZE), -EFAULT);
		ck_assert_int_eq(memory_copy(private, memory, 4096), 0);
	}
}
END_TEST

START_TEST(leaves_every_other_access_to_end_the_process)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(((volatile char *)memory)[4096]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGBUS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");

	describe(suite,
	         "memory with a missing page",
	         given_memory_with_a_missing_page,
	         forget_it,
	         copies_what_is_there,
	         says_that_it_cannot_read_a_missing_page,
	         says_that_it_cannot_write_a_missing_page,
	         says_so_each_time,
	         leaves_every_other_access_to_end_the_process);
	return run(suite);
}
