/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct usage usage_of_set(struct harness *harness)
{
	return (struct usage){
		.pids = {[USAGE_STATE] = harness_pid(harness, "state", 0),
	                 [USAGE_TCP] = harness_pid(harness, "tcp", 0),
	                 [USAGE_IO] = harness_pid(harness, "io-0", 0),
	                 [USAGE_LAUNCHER] = harness->launcher},
	};
}

/* ------------------------------------------------------------------ processor time */

/* User and system time, in clock ticks. */
static unsigned long ticks_of(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file,
	                        "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
	                        &user,
	                        &system),
	                 2);
	fclose(file);
	return user + system;
}

/* Nanoseconds on a CPU, of all of its threads: finer than ticks. 0 where the kernel does not say.
 */
static unsigned long long run_ns_of(pid_t pid)
{
	unsigned long long sum = 0, ns;
	const struct dirent *entry;
	char path[320];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	ck_assert_ptr_nonnull(tasks);
	while ((entry = readdir(tasks))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		file = fopen(path, "re");
		if (file && fscanf(file, "%llu", &ns) == 1)
			sum += ns;
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return sum;
}

double usage_busy_seconds(const struct usage *usage)
{
	double seconds = 0;

	for (unsigned i = 0; i < USAGE_PROCESSES; i++) {
		unsigned long long ns = run_ns_of(usage->pids[i]);

		seconds += ns ? (double)ns / 1e9
		              : (double)ticks_of(usage->pids[i]) / (double)sysconf(_SC_CLK_TCK);
	}
	return seconds;
}

double usage_cpu_percent(const struct usage *usage, unsigned seconds)
{
	const struct timespec window = {.tv_sec = seconds};
	double before = usage_busy_seconds(usage);

	nanosleep(&window, NULL);
	return 100 * (usage_busy_seconds(usage) - before) / seconds;
}

/* ------------------------------------------------------------------ memory */

unsigned usage_pss_kib(pid_t pid)
{
	unsigned kib = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) && sscanf(line, "Pss: %u", &kib) != 1)
		continue;
	fclose(file);
	return kib;
}

unsigned usage_sum_kib(const struct usage *usage)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < USAGE_PROCESSES; i++)
		sum += usage_pss_kib(usage->pids[i]);
	return sum;
}

const char *usage_words(const struct usage *usage)
{
	static char words[128];

	snprintf(words,
	         sizeof(words),
	         "state %.1f, tcp %.1f, io %.1f, launcher %.1f",
	         usage_pss_kib(usage->pids[USAGE_STATE]) / 1024.0,
	         usage_pss_kib(usage->pids[USAGE_TCP]) / 1024.0,
	         usage_pss_kib(usage->pids[USAGE_IO]) / 1024.0,
	         usage_pss_kib(usage->pids[USAGE_LAUNCHER]) / 1024.0);
	return words;
}

unsigned usage_tcp_buffers_kib(void)
{
	FILE *file = fopen("/proc/net/sockstat", "re");
	unsigned pages = 0;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) &&
	       sscanf(line, "TCP: %*s %*u %*s %*u %*s %*u %*s %*u mem %u", &pages) != 1)
		continue;
	fclose(file);
	return pages * (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
}
