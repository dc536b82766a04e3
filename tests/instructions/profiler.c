/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/instructions/profiler.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MONITOR_MS  10000u
#define THREADS_MAX 16u /* of a process */

enum { PROCESSES = 2 };

static const char *const processes[PROCESSES] = {"tcp", "io"};

static unsigned n_dumps;

void profiler_take_turns(void)
{
	const struct sched_param none = {0};
	cpu_set_t cpus;
	int cpu = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &cpus))
		cpu++;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	ck_assert_int_eq(sched_setscheduler(0, SCHED_BATCH, &none), 0);
}

/* ------------------------------------------------------------------ the programs */

static void link_program(const struct harness *harness, const char *program)
{
	char from[512], to[256];

	snprintf(from, sizeof(from), "%s/%s", NVMETD_BIN_DIR, program);
	snprintf(to, sizeof(to), "%s/%s", harness_path(harness, "profiled"), program);
	ck_assert_int_eq(symlink(from, to), 0);
}

/* The same process becomes valgrind, so it has the pid that is written. */
static void write_script(const struct harness *harness, const char *process)
{
	const char *folder = harness_path(harness, "profiled");
	char path[256];
	FILE *script;

	snprintf(path, sizeof(path), "%s/nvmetd-%s", folder, process);
	script = fopen(path, "we");
	ck_assert_ptr_nonnull(script);
	fprintf(script,
	        "#!/bin/sh\n"
	        "echo $$ >'%s/%s.pid'\n"
	        "exec valgrind -q --tool=callgrind --collect-systime=yes --separate-threads=yes"
	        " --vgdb-prefix='%s/vgdb' --callgrind-out-file='%s/%s' '%s/nvmetd-%s' \"$@\"\n",
	        folder,
	        process,
	        folder,
	        folder,
	        process,
	        NVMETD_BIN_DIR,
	        process);
	ck_assert_int_eq(fchmod(fileno(script), 0700), 0);
	ck_assert_int_eq(fclose(script), 0);
}

void profiler_prepare(struct harness *harness)
{
	static char folder[192];

	snprintf(folder, sizeof(folder), "%s", harness_path(harness, "profiled"));
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	link_program(harness, "nvmetd");
	link_program(harness, "nvmetd-state");
	for (unsigned i = 0; i < PROCESSES; i++)
		write_script(harness, processes[i]);
	harness->bin_dir = folder;
	harness->spin_us = "0"; /* what is looked for in vain depends on the time */
	n_dumps = 0;
}

/* ------------------------------------------------------------------ the monitor */

static void become_vgdb(const struct harness *harness, pid_t pid)
{
	char prefix[256], process[32];
	int output = open(harness_path(harness, "log"), O_APPEND | O_WRONLY);

	snprintf(
		prefix, sizeof(prefix), "--vgdb-prefix=%s/vgdb", harness_path(harness, "profiled"));
	snprintf(process, sizeof(process), "--pid=%d", pid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execlp("vgdb", "vgdb", prefix, process, "dump", (char *)NULL);
	perror("vgdb");
	_exit(127);
}

static void tell_to_dump(const struct harness *harness, const char *process)
{
	char path[256], text[32];
	pid_t pid, vgdb;
	int status;

	snprintf(path, sizeof(path), "%s/%s.pid", harness_path(harness, "profiled"), process);
	harness_read(path, text, sizeof(text));
	pid = (pid_t)strtol(text, NULL, 10);
	ck_assert_int_gt(pid, 1);
	vgdb = fork();
	ck_assert_int_ge(vgdb, 0);
	if (vgdb == 0)
		become_vgdb(harness, pid);
	status = harness_await(vgdb, MONITOR_MS);
	ck_assert_msg(status == 0, "vgdb of %s ended with %d", process, status);
}

/* ------------------------------------------------------------------ what it writes */

/* A thread's dump: what it came to, in instructions; 0 if there is no such dump. */
static uint64_t read_total(const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t instructions = 0;
	char line[512];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "summary: %" SCNu64, &instructions) == 1)
			break;
	fclose(file);
	return instructions;
}

/* The dump of the thread that has done the most; the others are removed. */
static void take_busiest(const struct harness *harness, const char *process, const char *to)
{
	uint64_t most = 0;

	for (unsigned thread = 1; thread <= THREADS_MAX; thread++) {
		char path[256];
		uint64_t instructions;

		snprintf(path,
		         sizeof(path),
		         "%s/%s.%u-%02u",
		         harness_path(harness, "profiled"),
		         process,
		         n_dumps,
		         thread);
		instructions = read_total(path);
		if (instructions > most) {
			most = instructions;
			ck_assert_int_eq(rename(path, to), 0);
		} else {
			unlink(path);
		}
	}
	ck_assert_msg(most > 0, "callgrind has not written what it counted of %s", process);
}

void profiler_dump(const struct harness *harness, const char *folder, const char *name)
{
	char to[512];

	n_dumps++;
	for (unsigned i = 0; i < PROCESSES; i++) {
		tell_to_dump(harness, processes[i]);
		snprintf(to, sizeof(to), "%s/%s.%s", folder, name, processes[i]);
		take_busiest(harness, processes[i], to);
	}
}
