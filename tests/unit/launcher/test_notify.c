/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said by sd_notify(3) arrives, with the kernel's word on who said it. */
#include "services/launcher/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "tests/support/spec.h"

static struct loop *loop;
static struct notify notify;
static char path[64];
static struct notification last;
static char last_name[64], last_status[64];
static unsigned heard, first_fd;

static void on_heard(struct notify *from, struct notification *notification)
{
	(void)from;
	heard++;
	last = *notification;
	snprintf(last_name, sizeof(last_name), "%s", notification->fd_name);
	snprintf(last_status,
	         sizeof(last_status),
	         "%s",
	         notification->status ? notification->status : "");
	first_fd = notification->n_fds ? (unsigned)notification->fds[0] : 0;
}

static void given_a_notify_socket(void)
{
	struct loop_options options = {0};

	heard = 0;
	ck_assert_int_eq(loop_new(&loop, &options), 0);
	snprintf(path, sizeof(path), "/tmp/nvmetd-notify-%d", getpid());
	ck_assert_int_eq(notify_init(&notify, loop, path, on_heard), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static void forget_the_socket(void)
{
	notify_deinit(&notify);
	loop = loop_free(loop);
}

static void go_round(void)
{
	ck_assert_int_eq(loop_round(loop, 0), 0);
}

START_TEST(hears_that_a_process_is_ready)
{
	ck_assert_int_gt(sd_notify(0, "READY=1\nSTATUS=all is well"), 0);
	go_round();
	ck_assert_uint_eq(heard, 1);
	ck_assert(last.is_ready);
	ck_assert(!last.is_alive);
	ck_assert_str_eq(last_status, "all is well");
}
END_TEST

START_TEST(knows_who_says_it)
{
	ck_assert_int_gt(sd_notify(0, "WATCHDOG=1"), 0);
	go_round();
	ck_assert(last.is_alive);
	ck_assert_int_eq(last.pid, getpid());
}
END_TEST

START_TEST(does_not_believe_a_process_that_says_it_is_another)
{
	ck_assert_int_gt(sd_notify(0, "WATCHDOG=1\nMAINPID=1"), 0);
	go_round();
	ck_assert_int_eq(last.pid, getpid());
}
END_TEST

START_TEST(brings_descriptors)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_gt(sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=disk", &fd, 1), 0);
	go_round();
	ck_assert(last.stores);
	ck_assert_str_eq(last_name, "disk");
	ck_assert_uint_eq(last.n_fds, 1);
	close(fd);
}
END_TEST

START_TEST(closes_descriptors_that_nobody_takes)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_gt(sd_pid_notify_with_fds(0, 0, "READY=1", &fd, 1), 0);
	go_round();
	ck_assert_uint_eq(last.n_fds, 1);
	ck_assert_int_eq(fcntl((int)first_fd, F_GETFD), -1);
	close(fd);
}
END_TEST

START_TEST(drops_a_message_with_too_many_descriptors)
{
	int fds[NOTIFY_FDS + 4], next;

	for (unsigned i = 0; i < NOTIFY_FDS + 4; i++)
		fds[i] = memfd_create("test", MFD_CLOEXEC);
	next = fds[NOTIFY_FDS + 3] + 1;
	ck_assert_int_gt(sd_pid_notify_with_fds(0, 0, "FDSTORE=1", fds, NOTIFY_FDS + 4), 0);
	go_round();
	ck_assert_uint_eq(heard, 0);
	ck_assert_int_eq(fcntl(next, F_GETFD), -1); /* none stays open */
}
END_TEST

START_TEST(drops_a_message_that_is_too_long)
{
	static char text[2 * NOTIFY_BYTES];

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "READY=1\n", 8);
	ck_assert_int_gt(sd_notify(0, text), 0);
	ck_assert_int_gt(sd_notify(0, "WATCHDOG=1"), 0);
	go_round();
	ck_assert_uint_eq(heard, 1);
	ck_assert(last.is_alive);
}
END_TEST

START_TEST(passes_over_what_it_does_not_know)
{
	ck_assert_int_gt(sd_notify(0, "\n\nREADY=0\nX\n=\nREADY=1 \nWATCHDOG=trigger\nFDNAME"), 0);
	go_round();
	ck_assert_uint_eq(heard, 1);
	ck_assert(!last.is_ready);
	ck_assert(!last.is_alive);
	ck_assert_str_eq(last_name, "stored");
}
END_TEST

START_TEST(hears_all_that_was_said_when_asked)
{
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_gt(sd_notify(0, "WATCHDOG=1"), 0);
	notify_drain(&notify);
	ck_assert_uint_eq(heard, 5);
}
END_TEST

START_TEST(takes_over_a_path_that_a_dead_launcher_left)
{
	struct notify second;

	ck_assert_int_eq(notify_init(&second, loop, path, on_heard), 0);
	ck_assert_int_gt(sd_notify(0, "READY=1"), 0);
	notify_drain(&second);
	ck_assert_uint_eq(heard, 1);
	notify_deinit(&second);
}
END_TEST

START_TEST(cannot_be_where_no_socket_can)
{
	char long_path[200];
	struct notify other = NOTIFY_NULL;

	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_int_eq(notify_init(&other, loop, long_path, on_heard), -ENAMETOOLONG);
	ck_assert_int_eq(notify_init(&other, loop, "/nowhere/to/be", on_heard), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");

	describe(suite,
	         "a notify socket",
	         given_a_notify_socket,
	         forget_the_socket,
	         hears_that_a_process_is_ready,
	         knows_who_says_it,
	         does_not_believe_a_process_that_says_it_is_another,
	         brings_descriptors,
	         closes_descriptors_that_nobody_takes,
	         drops_a_message_with_too_many_descriptors,
	         drops_a_message_that_is_too_long,
	         passes_over_what_it_does_not_know,
	         hears_all_that_was_said_when_asked,
	         takes_over_a_path_that_a_dead_launcher_left,
	         cannot_be_where_no_socket_can);
	return run(suite);
}
