/* SPDX-License-Identifier: BSD-2-Clause */
/* Running a program of the build, and finding the processes of a set. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/harness.h"

#define CTL_TIMEOUT_MS 20000u
#define CTL_ARGUMENTS  16

static void become(const char *program, char *const *arguments, int output)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", NVMETD_BIN_DIR, program);
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execv(path, arguments);
	dprintf(output, "cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

/* Reads until its end, or the deadline. */
static bool read_all(int fd, char *text, size_t text_size, uint64_t deadline_ns)
{
	size_t have = 0;
	char spill[4096];

	text[0] = 0;
	while (clock_now_ns() < deadline_ns) {
		struct pollfd poller = {.fd = fd, .events = POLLIN};
		bool is_full = have + 1 >= text_size;
		ssize_t n;

		if (poll(&poller, 1, 100) <= 0)
			continue;
		n = is_full ? read(fd, spill, sizeof(spill))
		            : read(fd, text + have, text_size - have - 1);
		if (n <= 0)
			return true;
		if (!is_full)
			have += (size_t)n;
		text[have] = 0;
	}
	return false;
}

int harness_program(const char *program, char *ret_text, size_t text_size, char *const *arguments,
                    unsigned timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	int fds[2];
	int status;
	bool has_ended;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(program, arguments, fds[1]);
	close(fds[1]);
	has_ended = read_all(fds[0], ret_text, text_size, deadline_ns);
	close(fds[0]);
	if (!has_ended)
		kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (!has_ended)
		ck_abort_msg("%s did not end in %u ms; it said: %s", program, timeout_ms, ret_text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

pid_t harness_spawn(const char *program, const char *output_path, char *const *arguments)
{
	int output = open(output_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	pid_t pid;

	ck_assert_int_ge(output, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		become(program, arguments, output);
	}
	close(output);
	return pid;
}

int harness_await(pid_t pid, unsigned timeout_ms)
{
	uint64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 5000000};
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_now_ns() >= deadline_ns) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			ck_abort_msg("a program did not end in %u ms", timeout_ms);
		}
		nanosleep(&pause, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void harness_end_program(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void harness_read(const char *path, char *ret_text, size_t text_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = read(fd, ret_text, text_size - 1);
	ck_assert_int_ge(n, 0);
	ret_text[n] = 0;
	close(fd);
}

int harness_ctl(struct harness *harness, char *ret_text, size_t text_size, ...)
{
	char run_dir[128];
	char *arguments[CTL_ARGUMENTS] = {(char[]){"nvmetctl"}, (char[]){"--run-dir"}, run_dir};
	va_list args;
	unsigned n = 3;

	snprintf(run_dir, sizeof(run_dir), "%s/run", harness->directory);
	va_start(args, text_size);
	do {
		ck_assert_uint_lt(n, CTL_ARGUMENTS);
		arguments[n] = va_arg(args, char *);
	} while (arguments[n++]);
	va_end(args);
	return harness_program("nvmetctl", ret_text, text_size, arguments, CTL_TIMEOUT_MS);
}

/* ------------------------------------------------------------------ processes */

static bool is_child(const char *pid, pid_t parent, const char *program)
{
	char path[64], line[256] = "", name[64], state;
	int found;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	/* PID (COMMAND) STATE PPID; a zombie is none */
	return sscanf(line, "%*d (%63[^)]) %c %d", name, &state, &found) == 3 && found == parent &&
	       state != 'Z' && strcmp(name, program) == 0;
}

static pid_t find_child(pid_t parent, const char *program)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	pid_t pid = 0;

	ck_assert_ptr_nonnull(processes);
	while (!pid && (entry = readdir(processes)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    is_child(entry->d_name, parent, program))
			pid = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(processes);
	return pid;
}

pid_t harness_pid(struct harness *harness, const char *name, pid_t but_not)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 5000000};
	char program[32];
	pid_t pid;

	snprintf(program, sizeof(program), "nvmetd-%.*s", (int)strcspn(name, "-"), name);
	for (;;) {
		pid = find_child(harness->launcher, program);
		if (pid && pid != but_not)
			return pid;
		if (clock_now_ns() >= deadline_ns)
			ck_abort_msg("there is no %s in %u ms", name, HARNESS_WAIT_MS);
		nanosleep(&pause, NULL);
	}
}

pid_t harness_kill(struct harness *harness, const char *name)
{
	pid_t pid = harness_pid(harness, name, 0);

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	return harness_pid(harness, name, pid);
}
