/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/pause.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "tests/bench/words.h"

/* ------------------------------------------------------------------ which processes */

static int refuse(const struct pause_list *list, pid_t pid, const char *why)
{
	fprintf(stderr, "nvmetd-bench: %s: process %d %s\n", list->option, (int)pid, why);
	return PAUSE_E_NO;
}

static bool has(const struct pause_list *list, pid_t pid)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->pids[i] == pid)
			return true;
	return false;
}

static int add(struct pause_list *list, pid_t pid)
{
	int fd;

	if (has(list, pid))
		return 0;
	if (pid == getpid())
		return refuse(list, pid, "is this nvmetd-bench itself");
	if (list->n == PAUSE_PROCESSES)
		return refuse(list, pid, "is one more than the 256 that can be");
	fd = pidfd_open(pid, 0);
	if (fd < 0)
		return refuse(list, pid, errno == ESRCH ? "is not there" : strerror(errno));
	list->pids[list->n] = pid;
	list->fds[list->n++] = fd;
	if (pidfd_send_signal(fd, 0, NULL, 0) < 0)
		return refuse(list, pid, "may not be stopped by you: run as root or as its user");
	return 0;
}

/* 0: it has none, or is not there. */
static pid_t parent_of(pid_t pid)
{
	char path[40], text[512];
	const char *after;
	ssize_t n;
	int parent;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* the name before it may hold anything, also ")" */
	after = strrchr(text, ')');
	return after && sscanf(after, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_below(const struct pause_list *list, pid_t pid)
{
	/* the number of steps is bounded: the tree may change while it is climbed */
	for (unsigned i = 0; i < 64 && pid > 1; i++) {
		pid = parent_of(pid);
		if (has(list, pid))
			return true;
	}
	return false;
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static int add_descendants(struct pause_list *list)
{
	_cleanup_(close_folder) DIR *folder = opendir("/proc");
	struct dirent *entry;
	unsigned pid;
	int r = 0;

	if (!folder)
		return -errno;
	while (!r && (entry = readdir(folder)))
		if (words_unsigned(entry->d_name, 1, INT32_MAX, &pid) && is_below(list, (pid_t)pid))
			r = add(list, (pid_t)pid);
	return r;
}

static int fill(struct pause_list *list, const char *option, const char *text, bool has_tree)
{
	unsigned pids[PAUSE_PROCESSES], n;
	int r = 0;

	list->option = option;
	if (!text)
		return 0;
	if (!words_list(text, 1, INT32_MAX, PAUSE_PROCESSES, pids, &n)) {
		fprintf(stderr,
		        "nvmetd-bench: %s: \"%s\" are no process numbers: PID[,PID]...\n",
		        option,
		        text);
		return PAUSE_E_NO;
	}
	for (unsigned i = 0; !r && i < n; i++)
		r = add(list, (pid_t)pids[i]);
	if (!r && has_tree)
		r = add_descendants(list);
	return r;
}

static int check_separate(const struct pause *pause)
{
	for (unsigned i = 0; i < pause->sides[0].n; i++)
		if (has(&pause->sides[1], pause->sides[0].pids[i]))
			return refuse(
				&pause->sides[0], pause->sides[0].pids[i], "is of --pause-b too");
	return 0;
}

/* ------------------------------------------------------------------ stop, and go on */

/* A process that has ended is not our concern: its connection will tell. */
static void tell(const struct pause_list *list, int signal_number)
{
	for (unsigned i = 0; i < list->n; i++)
		(void)pidfd_send_signal(list->fds[i], signal_number, NULL, 0);
}

static void let_all_go_on(const struct pause *pause)
{
	tell(&pause->sides[0], SIGCONT);
	tell(&pause->sides[1], SIGCONT);
}

/* Ends when the other end of the pipe is closed, which the kernel sees to. */
static void be_the_guard(const struct pause *pause, int from_us)
{
	struct pollfd readable = {.fd = from_us, .events = POLLIN};
	sigset_t all;
	char word;

	/* a Ctrl-C, or a signal to the whole group, is for the process that we guard against */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (;;) {
		int r = poll(&readable, 1, PAUSE_MOST_MS);

		if (r > 0 && read(from_us, &word, 1) != 1)
			break;
		if (r == 0)
			let_all_go_on(pause);
	}
	let_all_go_on(pause);
	_exit(0);
}

static int start_guard(struct pause *pause)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pause->guard = fork();
	if (pause->guard < 0) {
		pause->guard = 0;
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (pause->guard == 0) {
		close(ends[1]);
		be_the_guard(pause, ends[0]);
	}
	close(ends[0]);
	pause->to_guard = ends[1];
	/* a guard that was killed is to be an error, not our end while somebody is stopped */
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int pause_init(struct pause *pause, const char *a, const char *b, bool has_tree)
{
	int r;

	*pause = (struct pause){0};
	r = fill(&pause->sides[0], "--pause-a", a, has_tree);
	if (!r)
		r = fill(&pause->sides[1], "--pause-b", b, has_tree);
	if (!r)
		r = check_separate(pause);
	if (!r && pause->sides[0].n + pause->sides[1].n)
		r = start_guard(pause);
	if (r < 0)
		fprintf(stderr,
		        "nvmetd-bench: cannot watch over what is paused: %s\n",
		        strerror(-r));
	return r;
}

int pause_turn(struct pause *pause, enum pause_turn turn)
{
	const bool does_a_run = turn == PAUSE_A_RUNS || turn == PAUSE_BOTH_RUN;
	const bool does_b_run = turn == PAUSE_B_RUNS || turn == PAUSE_BOTH_RUN;

	if (!pause->guard)
		return 0;
	/* before anybody is stopped; EPIPE: the guard was killed, so we stop nobody any more */
	if (write(pause->to_guard, "", 1) != 1)
		return -errno;
	if (!does_a_run)
		tell(&pause->sides[0], SIGSTOP);
	if (!does_b_run)
		tell(&pause->sides[1], SIGSTOP);
	if (does_a_run)
		tell(&pause->sides[0], SIGCONT);
	if (does_b_run)
		tell(&pause->sides[1], SIGCONT);
	return 0;
}

void pause_deinit(struct pause *pause)
{
	if (pause->guard) {
		let_all_go_on(pause);
		close(pause->to_guard);
		/* a guard that was started later has our end of its pipe too, so it sees no end of
		 * it */
		kill(pause->guard, SIGKILL);
		waitpid(pause->guard, NULL, 0);
	}
	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < pause->sides[side].n; i++)
			close(pause->sides[side].fds[i]);
	*pause = (struct pause){0};
}
