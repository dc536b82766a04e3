/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said to whom started the process. A message was sent by sd_notify(3), which waited for
 * ever where nobody read, and needed a descriptor of its own. */
#include "common/proc/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"

enum { MANY = 3000 }; /* more than a queue holds, also where systemd has raised it */

#define PATIENCE_MS 200u

static int hearer;
static char path[64];

static void given_nobody(void)
{
	unsetenv("NOTIFY_SOCKET");
}

static void given_one_who_hears(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(path, sizeof(path), "/tmp/nvmetd-supervisor-%d", getpid());
	strcpy(address.sun_path, path);
	hearer = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(hearer, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
	ck_assert_int_eq(supervisor_open(), 0);
}

static void forget(void)
{
	close(hearer);
	unlink(path);
	supervisor_close();
}

static void expect_heard(const char *wanted)
{
	struct pollfd readable = {.fd = hearer, .events = POLLIN};
	char heard[100];
	ssize_t n;

	ck_assert_int_eq(poll(&readable, 1, 10000), 1);
	n = recv(hearer, heard, sizeof(heard) - 1, 0);
	ck_assert_int_ge(n, 0);
	heard[n] = '\0';
	ck_assert_str_eq(heard, wanted);
}

static void fill(void)
{
	for (unsigned i = 0; i < MANY; i++)
		if (supervisor_tell("WATCHDOG=1", -1, 0) == -EAGAIN)
			return;
	ck_abort_msg("a queue of %u messages is not full", MANY);
}

START_TEST(is_told)
{
	ck_assert_int_eq(supervisor_tell("READY=1", -1, 0), 0);
	expect_heard("READY=1");
}
END_TEST

START_TEST(need_not_be_there)
{
	ck_assert_int_eq(supervisor_tell("READY=1", -1, 0), 0);
}
END_TEST

START_TEST(that_does_not_read_holds_up_no_longer_than_it_may)
{
	uint64_t since_ns;

	fill();
	while (recv(hearer, NULL, 0, MSG_DONTWAIT) >= 0)
		continue;
	ck_assert_int_eq(supervisor_tell("WATCHDOG=1", -1, 0), 0); /* it hears again */
	while (supervisor_tell("WATCHDOG=1", -1, 0) == 0)
		continue;
	expect_heard("WATCHDOG=1");
	ck_assert_int_eq(supervisor_tell("WATCHDOG=1", -1, 0), 0);
	since_ns = clock_now_ns();
	ck_assert_int_eq(supervisor_tell("READY=1", -1, PATIENCE_MS), -EAGAIN);
	ck_assert_uint_ge(clock_now_ns() - since_ns, PATIENCE_MS * NS_PER_MS);
}
END_TEST

START_TEST(that_has_not_heard_the_last_is_not_waited_for)
{
	uint64_t since_ns;

	fill();
	since_ns = clock_now_ns();
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(supervisor_tell("WATCHDOG=1", -1, PATIENCE_MS), -EAGAIN);
	ck_assert_uint_lt(clock_now_ns() - since_ns, 10 * PATIENCE_MS * NS_PER_MS);
}
END_TEST

START_TEST(hears_a_process_that_may_open_nothing)
{
	struct rlimit before, none;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){1, before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(supervisor_tell("WATCHDOG=1", -1, 0), 0);
	expect_heard("WATCHDOG=1");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("supervisor");

	describe(suite, "nobody", given_nobody, NULL, need_not_be_there);
	describe(suite,
	         "a supervisor",
	         given_one_who_hears,
	         forget,
	         is_told,
	         that_does_not_read_holds_up_no_longer_than_it_may,
	         that_has_not_heard_the_last_is_not_waited_for,
	         hears_a_process_that_may_open_nothing);
	return run(suite);
}
