/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/chaos/service.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"

const struct service_kind service_kinds[SERVICES] = {
	[SERVICE_STATE] = {"state",    "nvmetd-state", 3},
	[SERVICE_IO] = {"io",       "nvmetd-io",    1},
	[SERVICE_TCP] = {"tcp",      "nvmetd-tcp",   1},
	[SERVICE_LAUNCHER] = {"launcher", "nvmetd",       1},
};

/* What a file of /proc holds, with NUL at the end; -1: it is not there. */
static ssize_t read_file(pid_t pid, const char *name, char *text, size_t size)
{
	_cleanup_(cleanup_close) int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = 0;
	return n;
}

char service_state(pid_t pid)
{
	char text[512];
	const char *after;

	if (read_file(pid, "stat", text, sizeof(text)) <= 0)
		return 0;
	/* the name before it may hold anything, also ")" */
	after = strrchr(text, ')');
	return after && after[1] == ' ' ? after[2] : 0;
}

static bool has_run_dir(const char *arguments, size_t length, const char *run_dir)
{
	const char *said = SERVICE_RUN_DIR;

	for (const char *at = arguments; at < arguments + length; at += strlen(at) + 1) {
		const char *next = at + strlen(at) + 1;

		if (strcmp(at, "--run-dir") == 0 && next < arguments + length)
			said = next;
		else if (strncmp(at, "--run-dir=", 10) == 0)
			said = at + 10;
	}
	return strcmp(said, run_dir) == 0;
}

static bool is_of(pid_t pid, const char *program, const char *run_dir)
{
	char text[4096];
	const char *name;
	ssize_t n = read_file(pid, "cmdline", text, sizeof(text));

	if (n <= 0)
		return false;
	name = strrchr(text, '/');
	name = name ? name + 1 : text;
	return strcmp(name, program) == 0 && has_run_dir(text, (size_t)n, run_dir) &&
	       service_state(pid) != 'Z';
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

unsigned service_pids(enum service_number service, const char *run_dir, pid_t *ret_pids,
                      unsigned most)
{
	_cleanup_(close_folder) DIR *folder = opendir("/proc");
	const struct dirent *entry;
	unsigned n = 0;

	while (folder && n < most && (entry = readdir(folder))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && is_of(pid, service_kinds[service].program, run_dir))
			ret_pids[n++] = pid;
	}
	return n;
}
