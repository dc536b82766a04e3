/* SPDX-License-Identifier: BSD-2-Clause */
/* A file system that is full: the host is told so, and what was there stays readable. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

#define MIB (1u << 20)

static struct player player;
static const char *mount_point;

/* Seen by this process only, and gone with it. */
static bool mount_small(const char *where)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("small", where, "tmpfs", 0, "size=1m") == 0;
}

static bool can_mount(void)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0)
		_exit(mount_small("/tmp") ? 0 : 1);
	waitpid(child, &status, 0);
	return status == 0;
}

static void given_a_file_larger_than_its_file_system(void)
{
	char path[160];
	int fd;

	rig_begin(1);
	mount_point = rig_path("small");
	ck_assert_int_eq(mkdir(mount_point, 0700), 0);
	ck_assert(mount_small(mount_point));
	snprintf(path, sizeof(path), "%s/disk", mount_point);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(fd, 16 * MIB), 0);
	close(fd);
	rig_serve_one(path);
	player_begin(&player);
}

static void leave(void)
{
	player_leave(&player);
	umount2(mount_point, MNT_DETACH);
	rmdir(mount_point);
	rig_end();
}

START_TEST(a_write_is_answered_with_capacity_exceeded)
{
	ck_assert_uint_eq(player_write(&player, 1, 0, 2 * MIB >> 9, 0), 0x4081);
}
END_TEST

START_TEST(zeroes_that_must_be_written_are_answered_so_too)
{
	ck_assert_uint_eq(player_zero(&player, 1, 0, 2 * MIB >> 9, 0), 0x4081);
}
END_TEST

START_TEST(what_was_written_before_stays_readable)
{
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(player_write(&player, 1, 8, 2 * MIB >> 9, 0), 0x4081);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
}
END_TEST

START_TEST(space_that_was_given_back_can_be_written_again)
{
	ck_assert_uint_eq(player_write(&player, 1, 0, 2 * MIB >> 9, 0), 0x4081);
	ck_assert_uint_eq(player_deallocate(&player, 1, 0, 2 * MIB >> 9), 0);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite;

	if (!can_mount()) {
		printf("1..0 # SKIP a small file system cannot be mounted here\n");
		return 77;
	}
	suite = suite_create("a full file system");
	describe(suite,
	         "a file larger than its file system",
	         given_a_file_larger_than_its_file_system,
	         leave,
	         a_write_is_answered_with_capacity_exceeded,
	         zeroes_that_must_be_written_are_answered_so_too,
	         what_was_written_before_stays_readable,
	         space_that_was_given_back_can_be_written_again);
	return run(suite);
}
