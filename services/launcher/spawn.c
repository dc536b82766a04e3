/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/launcher/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"

#define FIRST_HANDED_OVER 3 /* SD_LISTEN_FDS_START */

/* From here on in the child, which has one thread: it may call anything. */

static int end_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it died before we asked to be told */
}

static int reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int close_standard_input(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd < 0 || dup2(fd, STDIN_FILENO) < 0 ? -errno : 0;
}

/* To their places, by way of copies above all places, so that none is overwritten before it
 * was copied. */
static int place_descriptors(const struct keeper *keeper)
{
	int above[KEEPER_MAX];

	for (unsigned i = 0; i < keeper->n; i++) {
		above[i] = fcntl(
			keeper->kept[i].fd, F_DUPFD_CLOEXEC, FIRST_HANDED_OVER + (int)keeper->n);
		if (above[i] < 0)
			return -errno;
	}
	for (unsigned i = 0; i < keeper->n; i++)
		if (dup2(above[i], FIRST_HANDED_OVER + (int)i) < 0)
			return -errno;
	return 0;
}

static int set_number(const char *name, unsigned long long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", number);
	return setenv(name, text, 1) < 0 ? -errno : 0;
}

static int set_environment(const struct spawn *spawn)
{
	static const char *const ours[] = {
		"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"};
	char names[KEEPER_NAMES_BYTES];
	int r;

	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		unsetenv(ours[i]);
	if (setenv("NOTIFY_SOCKET", spawn->notify_path, 1) < 0)
		return -errno;
	if (spawn->watchdog_s > 0) {
		r = set_number("WATCHDOG_USEC", spawn->watchdog_s * 1000000ULL);
		if (r)
			return r;
	}
	if (spawn->keeper->n == 0)
		return 0;
	keeper_names(spawn->keeper, names);
	r = setenv("LISTEN_FDNAMES", names, 1) < 0 ? -errno : 0;
	if (!r)
		r = set_number("LISTEN_FDS", spawn->keeper->n);
	if (!r)
		r = set_number("LISTEN_PID", (unsigned long long)getpid());
	return r;
}

static _Noreturn void become(const struct spawn *spawn, pid_t parent)
{
	int r;

	setpgid(0, 0);
	r = end_with_parent(parent);
	if (!r)
		r = reset_signals();
	if (!r)
		r = close_standard_input();
	if (!r)
		r = set_environment(spawn);
	if (!r)
		r = place_descriptors(spawn->keeper);
	if (!r) {
		execv(spawn->argv[0], (char *const *)spawn->argv);
		r = -errno;
	}
	log_err("%s: cannot be executed: %s", spawn->argv[0], error_words(r));
	_exit(2);
}

pid_t spawn(const struct spawn *spawn)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return error_origin(-errno);
	if (pid == 0)
		become(spawn, parent);
	return pid;
}
