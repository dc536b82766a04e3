/* SPDX-License-Identifier: BSD-2-Clause */
/* Invariants: nothing is left over. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/service.h"

#define SETTLE_NS (2 * NS_PER_S) /* a process has found its place */
#define MORE_FDS  16u            /* what may come and go */
#define MORE_KIB  (64ul << 10)
#define TRIES     20u

/* ------------------------------------------------------------------ processes */

static unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

static unsigned long rss_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned long anonymous = 0, kib;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	/* shared memory (arenas, RAM namespaces) is touched by and by, and of a fixed size */
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %lu kB", &kib) == 1)
			anonymous = kib;
	if (file)
		fclose(file);
	return anonymous;
}

static void look_at(struct chaos *chaos, enum service_number service, pid_t pid)
{
	uint64_t now_ns = clock_now_ns();
	struct watched *watched = watch_process(&chaos->watch, pid, now_ns);
	unsigned fds = count_fds(pid);
	unsigned long rss = rss_kib(pid);

	if (now_ns - watched->seen_ns < SETTLE_NS || !fds)
		return;
	if (!watched->fds) {
		watched->fds = fds;
		watched->rss_kib = rss;
		return;
	}
	if (fds > watched->fds + MORE_FDS && !watched->is_reported) {
		watched->is_reported = true;
		findings_add(
			&chaos->findings,
			"leak",
			"%s, process %d, has %u descriptors, and had %u in an earlier quiet moment",
			service_kinds[service].program,
			(int)pid,
			fds,
			watched->fds);
	}
	if (rss > watched->rss_kib * 3 / 2 + MORE_KIB && !watched->is_reported) {
		watched->is_reported = true;
		findings_add(
			&chaos->findings,
			"leak",
			"%s, process %d, has %lu KiB of memory, and had %lu in an earlier quiet "
			"moment",
			service_kinds[service].program,
			(int)pid,
			rss,
			watched->rss_kib);
	}
}

void leak_check_processes(struct chaos *chaos)
{
	pid_t pids[32];

	if (!chaos->set.has_processes)
		return;
	chaos->watch.quiet_moments++;
	for (unsigned i = 0; i < SERVICES; i++)
		for (unsigned n = service_pids(i, chaos->set.run_dir, pids, 32); n > 0; n--)
			look_at(chaos, i, pids[n - 1]);
}

/* ------------------------------------------------------------------ the target's own account */

/* The sum of all numbers that have this name in the status; -1: no answer. */
static long sum_of(const struct chaos *chaos, const char *name)
{
	char command[512], line[1024];
	char key[32];
	long sum = 0;
	FILE *status;

	snprintf(key, sizeof(key), "\"%s\":", name);

	snprintf(command,
	         sizeof(command),
	         "'%s/nvmetctl' --run-dir '%s' status --json 2>/dev/null",
	         chaos->set.bin_dir,
	         chaos->set.run_dir);
	status = popen(command, "re");
	if (!status)
		return -1;
	while (fgets(line, sizeof(line), status))
		for (const char *at = line; (at = strstr(at, key));) {
			at += strlen(key);
			sum += strtol(at, NULL, 10);
		}
	return pclose(status) == 0 ? sum : -1;
}

static void expect_none(struct chaos *chaos, const char *name, const char *what)
{
	const struct timespec pause = {.tv_nsec = 250000000};
	long sum = -1;

	for (unsigned i = 0; i < TRIES * chaos->options.patience && sum != 0; i++) {
		if (i)
			nanosleep(&pause, NULL);
		sum = sum_of(chaos, name);
	}
	if (sum < 0)
		findings_add(&chaos->findings, "status", "nvmetctl status --json fails at the end");
	if (sum > 0)
		findings_add(&chaos->findings,
		             "in flight",
		             "%ld %s in the target, and all hosts have their answers",
		             sum,
		             what);
}

/* The user's target may have other hosts. */
void leak_check_in_flight(struct chaos *chaos)
{
	if (!chaos->set.is_own)
		return;
	expect_none(chaos, "in_flight", "requests are in flight");
	expect_none(chaos, "bytes_used", "bytes of arenas are in use");
}

static bool is_bad(const char *line)
{
	/* a limit of memory that is reached is no fault of the program's */
	if (strstr(line, "failed to allocate") || strstr(line, "out of memory"))
		return false;
	return strstr(line, "ERROR: AddressSanitizer") || strstr(line, "runtime error:") ||
	       strstr(line, "ERROR: LeakSanitizer") || strstr(line, "WARNING: ThreadSanitizer");
}

void leak_check_log(struct chaos *chaos)
{
	char line[1024];
	FILE *log;

	if (!chaos->set.is_own)
		return;
	log = fopen(set_path(&chaos->set, "log"), "re");
	while (log && fgets(line, sizeof(line), log))
		if (is_bad(line)) {
			line[strcspn(line, "\n")] = 0;
			findings_add(&chaos->findings, "log", "%s", line);
			break;
		}
	if (log)
		fclose(log);
}
