/* SPDX-License-Identifier: BSD-2-Clause */
/* A process that leaks, or stands still, is found. The process is a shell that has the name of a
 * service. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/service.h"
#include "tests/support/spec.h"

#define PATIENT_NS (10 * NS_PER_S)

/* At SIGUSR1 it opens 40 descriptors. It starts no process: between fork and exec that would be
 * another one of its name. */
static const char script[] = "trap 'for i in {1..40}; do exec {fd}</dev/null; done' USR1; "
			     "exec {nothing}<> <(:); wait $!; echo; "
			     "while :; do read -rt 0.02 -u $nothing; done";

static struct chaos chaos;
static pid_t pid;
static char place[64];

static void be_a_service(int to_us)
{
	dup2(to_us, STDOUT_FILENO);
	execl("/bin/bash", "nvmetd-io", "-c", script, "x", "--run-dir", place, NULL);
	_exit(127);
}

static void given_a_process(void)
{
	int ends[2];
	char line;

	chaos = (struct chaos){.findings = FINDINGS_NULL, .options = {.patience = 1}};
	chaos.set.has_processes = true;
	chaos.journal.findings = &chaos.findings;
	journal_init(&chaos.journal);
	snprintf(place, sizeof(place), "/tmp/nvmetd-watch-%d", (int)getpid());
	snprintf(chaos.set.run_dir, sizeof(chaos.set.run_dir), "%s", place);
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_a_service(ends[1]);
	ck_assert_int_eq(read(ends[0], &line, 1), 1); /* it has set its trap */
	close(ends[0]);
	close(ends[1]);
}

static void forget(void)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void nap(void)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	nanosleep(&pause, NULL);
}

static struct watched *watched(void)
{
	return watch_process(&chaos.watch, pid, clock_now_ns());
}

/* It was seen first a while ago, and what it had then is known. */
static void is_known(void)
{
	watched()->seen_ns -= PATIENT_NS;
	leak_check_processes(&chaos);
	ck_assert_uint_gt(watched()->fds, 0);
	ck_assert_uint_eq(chaos.findings.n, 0);
}

START_TEST(is_found_by_its_run_directory)
{
	pid_t found[2];

	ck_assert_uint_eq(service_pids(SERVICE_IO, place, found, 2), 1);
	ck_assert_int_eq(found[0], pid);
	ck_assert_uint_eq(service_pids(SERVICE_IO, SERVICE_RUN_DIR "-of-another", found, 2), 0);
	ck_assert_uint_eq(service_pids(SERVICE_TCP, place, found, 2), 0);
}
END_TEST

START_TEST(is_no_finding_while_it_is_as_it_was)
{
	is_known();
	leak_check_processes(&chaos);
	ck_assert_uint_eq(chaos.findings.n, 0);
}
END_TEST

START_TEST(is_found_where_it_has_more_descriptors)
{
	uint64_t deadline_ns = clock_now_ns() + PATIENT_NS;

	is_known();
	kill(pid, SIGUSR1);
	while (!chaos.findings.n && clock_now_ns() < deadline_ns) {
		nap();
		leak_check_processes(&chaos);
	}
	ck_assert_uint_eq(chaos.findings.n, 1);
	ck_assert_str_eq(chaos.findings.kept[0].invariant, "leak");
}
END_TEST

static void stop(void)
{
	kill(pid, SIGSTOP);
	while (service_state(pid) != 'T')
		nap();
	stuck_check_processes(&chaos);
	ck_assert_uint_eq(chaos.findings.n, 0);
	if (watched()->blocked_ns)
		watched()->blocked_ns -= 2 * PATIENT_NS;
	stuck_check_processes(&chaos);
}

START_TEST(is_found_where_it_is_stopped_for_long)
{
	stop();
	ck_assert_uint_eq(chaos.findings.n, 1);
	ck_assert_str_eq(chaos.findings.kept[0].invariant, "stuck");
}
END_TEST

START_TEST(is_no_finding_where_it_is_stopped_by_a_fault)
{
	struct occurrence ours = {.begin_ns = 1, .pids = {pid}, .n_pids = 1};

	chaos.schedule = (struct schedule){.occurrences = &ours, .n = 1};
	stop();
	ck_assert_uint_eq(chaos.findings.n, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");

	describe(suite,
	         "a process",
	         given_a_process,
	         forget,
	         is_found_by_its_run_directory,
	         is_no_finding_while_it_is_as_it_was,
	         is_found_where_it_has_more_descriptors,
	         is_found_where_it_is_stopped_for_long,
	         is_no_finding_where_it_is_stopped_by_a_fault);
	return run(suite);
}
