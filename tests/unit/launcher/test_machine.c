/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine has, as its file system says it. */
#include "services/launcher/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/spec.h"

static char root[64];

static void given_an_empty_machine(void)
{
	snprintf(root, sizeof(root), "/tmp/nvmetd-machine-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void forget_it(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void make_folder(const char *name)
{
	ck_assert_int_eq(mkdir(path_of(name), 0755), 0);
}

static void make_file(const char *name, mode_t mode)
{
	int fd = open(path_of(name), O_CREAT | O_WRONLY | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void make_class(void)
{
	make_folder("sys");
	make_folder("sys/class");
	make_folder("sys/class/infiniband");
}

START_TEST(has_no_rdma)
{
	ck_assert(!machine_has_rdma(root));
}
END_TEST

START_TEST(has_none_with_a_module_and_no_device)
{
	make_class();
	ck_assert(!machine_has_rdma(root));
}
END_TEST

START_TEST(has_rdma_with_a_device)
{
	make_class();
	make_folder("sys/class/infiniband/mlx5_0");
	ck_assert(machine_has_rdma(root));
}
END_TEST

START_TEST(has_rdma_with_the_connection_manager)
{
	make_folder("dev");
	make_folder("dev/infiniband");
	make_file("dev/infiniband/rdma_cm", 0600);
	ck_assert(machine_has_rdma(root));
}
END_TEST

START_TEST(has_a_program_that_may_be_executed)
{
	make_file("nvmetd-rdma", 0700);
	ck_assert(machine_has_program(root, "nvmetd-rdma"));
}
END_TEST

START_TEST(has_no_program_that_is_not_there)
{
	ck_assert(!machine_has_program(root, "nvmetd-rdma"));
}
END_TEST

START_TEST(has_no_program_that_may_not_be_executed)
{
	make_file("nvmetd-rdma", 0600);
	ck_assert(!machine_has_program(root, "nvmetd-rdma"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("machine");

	describe(suite,
	         "a machine",
	         given_an_empty_machine,
	         forget_it,
	         has_no_rdma,
	         has_none_with_a_module_and_no_device,
	         has_rdma_with_a_device,
	         has_rdma_with_the_connection_manager,
	         has_a_program_that_may_be_executed,
	         has_no_program_that_is_not_there,
	         has_no_program_that_may_not_be_executed);
	return run(suite);
}
