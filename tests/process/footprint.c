/* SPDX-License-Identifier: BSD-2-Clause */
/* What the set costs while one host is connected and idle: CPU and memory, read from /proc. The
 * figures are printed. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/process/scene.h"

#define WINDOW_S    3
#define ATTEMPTS    5 /* other programs may disturb one */
#define CPU_PERCENT 1.0
#define PSS_KIB     (64u << 10)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true /* most of the memory is the sanitizer's */
#else
#define IS_SANITIZED false
#endif

enum { PROCESSES = 4 };

static pid_t pids[PROCESSES];

static void given_a_set(void)
{
	static const char *const names[] = {"state", "tcp", "io-0"};

	scene_start(NULL);
	for (unsigned i = 0; i < 3; i++)
		pids[i] = harness_pid(scene.harness, names[i], 0);
	pids[3] = scene.harness->launcher;
}

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

static double busy_seconds(void)
{
	double seconds = 0;

	for (unsigned i = 0; i < PROCESSES; i++) {
		unsigned long long ns = run_ns_of(pids[i]);

		seconds += ns ? (double)ns / 1e9
		              : (double)ticks_of(pids[i]) / (double)sysconf(_SC_CLK_TCK);
	}
	return seconds;
}

static double cpu_percent(void)
{
	const struct timespec window = {.tv_sec = WINDOW_S};
	double before = busy_seconds();

	nanosleep(&window, NULL);
	return 100 * (busy_seconds() - before) / WINDOW_S;
}

static unsigned pss_kib_of(pid_t pid)
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

START_TEST(takes_less_than_one_per_cent_of_a_core)
{
	double percent = 100;

	scene.options.kato_ms = 60000;
	scene_connect();
	scene_write(1, 0, 64, 1);
	for (unsigned i = 0; i < ATTEMPTS && percent >= CPU_PERCENT; i++)
		percent = cpu_percent();
	printf("# idle with one host: %.2f %% of a core\n", percent);
	fflush(stdout);
	ck_assert_msg(percent < CPU_PERCENT, "%.2f %% of a core", percent);
	scene_disconnect();
}
END_TEST

START_TEST(takes_less_than_64_mebibytes)
{
	unsigned sum = 0;

	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	for (unsigned i = 0; i < PROCESSES; i++)
		sum += pss_kib_of(pids[i]);
	printf("# with one host: %.1f MiB (state %.1f, tcp %.1f, io %.1f, launcher %.1f)\n",
	       sum / 1024.0,
	       pss_kib_of(pids[0]) / 1024.0,
	       pss_kib_of(pids[1]) / 1024.0,
	       pss_kib_of(pids[2]) / 1024.0,
	       pss_kib_of(pids[3]) / 1024.0);
	fflush(stdout);
	if (!IS_SANITIZED)
		ck_assert_uint_lt(sum, PSS_KIB);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("footprint");

	describe_running(suite,
	                 "a set with one idle host",
	                 given_a_set,
	                 scene_stop,
	                 takes_less_than_one_per_cent_of_a_core,
	                 takes_less_than_64_mebibytes);
	return harness_run(suite);
}
