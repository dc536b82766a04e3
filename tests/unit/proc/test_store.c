/* SPDX-License-Identifier: BSD-2-Clause */
/* A store keeps descriptors for the next instance of a process. */
#include "common/proc/store.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/spec.h"

static int keeper;
static char path[64], heard[400];
static int heard_fd;

static void given_no_keeper(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

static void given_a_keeper(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	given_no_keeper();
	snprintf(path, sizeof(path), "/tmp/nvmetd-store-%d", getpid());
	strcpy(address.sun_path, path);
	keeper = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(keeper, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static void forget_the_keeper(void)
{
	close(keeper);
	unlink(path);
}

static void hear(void)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {.iov_base = heard, .iov_len = sizeof(heard) - 1};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	struct pollfd readable = {.fd = keeper, .events = POLLIN};
	ssize_t length;

	ck_assert_int_eq(poll(&readable, 1, 10000), 1);
	length = recvmsg(keeper, &message, MSG_CMSG_CLOEXEC);
	ck_assert_int_gt(length, 0);
	heard[length] = '\0';
	heard_fd = -1;
	if (message.msg_controllen > 0)
		memcpy(&heard_fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(heard_fd));
}

/* Two files as from a predecessor, at 3 and 4, whatever Check had there: a failure is known by
 * the exit code then. */
static void hand_over_two(void)
{
	char pid[16];

	for (int fd = 3; fd < 5; fd++) {
		int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

		ck_assert_int_ge(file, 0);
		if (file != fd) {
			ck_assert_int_eq(dup2(file, fd), fd);
			close(file);
		}
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "ram.1:listener-2", 1);
}

START_TEST(is_no_error)
{
	ck_assert_int_eq(store_put("memory", STDIN_FILENO), 0);
	store_drop("memory");
	store_open();
	ck_assert_int_eq(store_take("memory"), -1);
	store_close();
}
END_TEST

START_TEST(is_given_name_and_descriptor)
{
	struct stat ours, theirs;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(store_put("ram.1", fd), 0);
	hear();
	ck_assert_ptr_nonnull(strstr(heard, "FDSTORE=1"));
	ck_assert_ptr_nonnull(strstr(heard, "FDNAME=ram.1"));
	ck_assert_int_eq(fstat(fd, &ours), 0); /* it is still ours too */
	ck_assert_int_eq(fstat(heard_fd, &theirs), 0);
	ck_assert_uint_eq(ours.st_ino, theirs.st_ino);
	close(heard_fd);
	close(fd);
}
END_TEST

START_TEST(is_told_what_to_drop)
{
	store_drop("ram.1");
	hear();
	ck_assert_ptr_nonnull(strstr(heard, "FDSTOREREMOVE=1"));
	ck_assert_ptr_nonnull(strstr(heard, "FDNAME=ram.1"));
	ck_assert_int_eq(heard_fd, -1);
}
END_TEST

START_TEST(drops_nothing_once_all_is_left_to_the_successor)
{
	struct pollfd readable;

	ck_assert(store_drop("ram.1"));
	hear();
	store_leave();
	ck_assert(!store_drop("ram.1"));
	readable = (struct pollfd){.fd = keeper, .events = POLLIN};
	ck_assert_int_eq(poll(&readable, 1, 0), 0);
}
END_TEST

static bool is_wanted(const char *name, int fd)
{
	return fd == 4 && strcmp(name, "listener-2") == 0;
}

START_TEST(hands_out_what_is_wanted)
{
	hand_over_two();
	store_open();
	ck_assert_int_eq(store_take_if(is_wanted), 4);
	ck_assert_int_eq(store_take_if(is_wanted), -1);
	ck_assert_int_eq(store_take("listener-2"), -1);
	store_close();
}
END_TEST

START_TEST(hands_each_out_once)
{
	hand_over_two();
	store_open();
	ck_assert_int_eq(store_take("listener-2"), 4);
	ck_assert_int_eq(store_take("listener-2"), -1);
	ck_assert_int_eq(store_take("ram.1"), 3);
	store_close();
	ck_assert_int_ge(fcntl(3, F_GETFD), 0);
	ck_assert_int_ge(fcntl(4, F_GETFD), 0);
}
END_TEST

START_TEST(closes_what_nobody_took)
{
	hand_over_two();
	store_open();
	ck_assert_int_eq(store_take("ram.1"), 3);
	store_close();
	ck_assert_int_ge(fcntl(3, F_GETFD), 0);
	ck_assert_int_eq(fcntl(4, F_GETFD), -1);
}
END_TEST

START_TEST(does_not_take_what_was_meant_for_another_process)
{
	hand_over_two();
	setenv("LISTEN_PID", "1", 1);
	store_open();
	ck_assert_int_eq(store_take("ram.1"), -1);
	store_close();
	ck_assert_int_ge(fcntl(3, F_GETFD), 0);
}
END_TEST

START_TEST(does_not_let_a_child_have_it)
{
	hand_over_two();
	store_open();
	ck_assert_int_eq(store_take("ram.1"), 3);
	ck_assert_int_eq(fcntl(3, F_GETFD), FD_CLOEXEC);
	store_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");

	describe(suite, "the lack of a keeper", given_no_keeper, NULL, is_no_error);
	describe(suite,
	         "a keeper",
	         given_a_keeper,
	         forget_the_keeper,
	         is_given_name_and_descriptor,
	         is_told_what_to_drop,
	         drops_nothing_once_all_is_left_to_the_successor);
	describe(suite,
	         "a store with what a predecessor left",
	         given_no_keeper,
	         NULL,
	         hands_each_out_once,
	         hands_out_what_is_wanted,
	         closes_what_nobody_took,
	         does_not_take_what_was_meant_for_another_process,
	         does_not_let_a_child_have_it);
	return run(suite);
}
