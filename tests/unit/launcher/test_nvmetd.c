/* SPDX-License-Identifier: BSD-2-Clause */
/* nvmetd runs a set of processes, here played by understudies. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"
#include "tests/unit/launcher/stage.h"

#define WAIT_NS (10 * NS_PER_S)

static pid_t launcher;
static int output = -1; /* of the launcher */

static pid_t launch_in(const char *folder, const char *run_dir, const char *option,
                       const char *value)
{
	const char *argv[] = {NVMETD,
	                      "--run-dir",
	                      run_dir,
	                      "--state-dir",
	                      run_dir,
	                      "--bin-dir",
	                      UNDERSTUDIES,
	                      option,
	                      value,
	                      NULL};
	int pipe_fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (chdir(folder) < 0)
			_exit(98);
		dup2(pipe_fds[1], STDOUT_FILENO);
		execv(NVMETD, (char *const *)argv);
		_exit(99);
	}
	close(pipe_fds[1]);
	if (output >= 0)
		close(output);
	output = pipe_fds[0];
	return pid;
}

/* A device of RDMA, for those who look into /sys: true, where that may be done. */
static bool has_rdma_from_now_on(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", "/sys/class", "tmpfs", 0, NULL) == 0 &&
	       mkdir("/sys/class/infiniband", 0755) == 0 &&
	       mkdir("/sys/class/infiniband/rxe0", 0755) == 0;
}

static pid_t launch(const char *option, const char *value)
{
	return launch_in(".", stage_dir(), option, value);
}

static void wait_for_ready_line(void)
{
	struct pollfd readable = {.fd = output, .events = POLLIN};
	char line[64] = "";

	ck_assert_int_eq(poll(&readable, 1, 10000), 1);
	ck_assert_int_gt(read(output, line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "nvmetd: ready\n");
}

/* Exit code, or 128 and the signal. */
static int end_of(pid_t pid)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		ck_assert_msg(clock_now_ns() < end_ns, "process %d does not end", pid);
		usleep(5000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define wait_until(condition)                                                                      \
	do {                                                                                       \
		uint64_t end_ns = clock_now_ns() + WAIT_NS;                                        \
		while (!(condition)) {                                                             \
			ck_assert_msg(clock_now_ns() < end_ns, "never: %s", #condition);           \
			usleep(5000);                                                              \
		}                                                                                  \
	} while (0)

static void given_a_stage(void)
{
	stage_open();
	launcher = 0;
}

static void given_a_running_set(void)
{
	given_a_stage();
	launcher = launch("--io", "2");
	wait_for_ready_line();
}

static void forget_the_set(void)
{
	if (launcher > 0) {
		kill(launcher, SIGKILL);
		waitpid(launcher, NULL, 0);
	}
	stage_close();
}

START_TEST(starts_each_when_the_one_before_is_ready)
{
	int state = stage_place("state started"), io_0 = stage_place("io-0 started");
	int io_1 = stage_place("io-1 started"), tcp = stage_place("tcp started");

	ck_assert(0 <= state && state < io_0 && io_0 < io_1 && io_1 < tcp);
}
END_TEST

START_TEST(stops_all_in_the_opposite_order)
{
	int state, io_0, io_1, tcp;

	kill(launcher, SIGTERM);
	ck_assert_int_eq(end_of(launcher), 0);
	launcher = 0;
	state = stage_place("state stopped by 15");
	io_0 = stage_place("io-0 stopped by 15");
	io_1 = stage_place("io-1 stopped by 15");
	tcp = stage_place("tcp stopped by 15");
	ck_assert(0 <= tcp && tcp < io_1 && io_1 < io_0 && io_0 < state);
}
END_TEST

START_TEST(takes_an_interrupt_for_the_same_wish)
{
	kill(launcher, SIGINT);
	ck_assert_int_eq(end_of(launcher), 0);
	launcher = 0;
	ck_assert_uint_eq(stage_count("state stopped by 15"), 1);
}
END_TEST

START_TEST(starts_again_what_is_killed_alone)
{
	kill(stage_last_number("io-0 started"), SIGKILL);
	wait_until(stage_count("io-0 started") == 2);
	ck_assert_uint_eq(stage_count("state started"), 1);
	ck_assert_uint_eq(stage_count("io-1 started"), 1);
	ck_assert_uint_eq(stage_count("tcp started"), 1);
}
END_TEST

/* In the trace: each successor starts only when that of the process before has started. */
START_TEST(restarts_all_one_after_the_other_on_sighup)
{
	static const char *const names[] = {"state", "io-0", "io-1", "tcp"};
	int last = -1;

	kill(launcher, SIGHUP);
	wait_until(stage_count("tcp started") == 2);
	for (unsigned i = 0; i < 4; i++) {
		char stopped[32], started[32];

		snprintf(stopped, sizeof(stopped), "%s stopped by 1", names[i]);
		snprintf(started, sizeof(started), "%s started", names[i]);
		ck_assert_uint_eq(stage_count(started), 2);
		ck_assert_int_gt(stage_place(stopped), last);
		last = stage_last_place(started);
	}
	kill(launcher, SIGTERM);
	ck_assert_int_eq(end_of(launcher), 0);
	launcher = 0;
	ck_assert_uint_eq(stage_count("state started"), 2);
}
END_TEST

START_TEST(lets_nothing_survive_its_own_death)
{
	int state = stage_last_number("state started"), tcp = stage_last_number("tcp started");

	kill(launcher, SIGKILL);
	ck_assert_int_eq(end_of(launcher), 128 + SIGKILL);
	launcher = 0;
	wait_until(kill(state, 0) < 0 && kill(tcp, 0) < 0);
}
END_TEST

START_TEST(does_not_share_its_run_directory)
{
	pid_t second = launch("--io", "1");

	ck_assert_int_eq(end_of(second), 1);
	ck_assert_uint_eq(stage_count("state started"), 1);
}
END_TEST

START_TEST(gives_its_run_directory_free_when_it_dies)
{
	kill(launcher, SIGKILL);
	ck_assert_int_eq(end_of(launcher), 128 + SIGKILL);
	launcher = launch("--io", "1");
	wait_for_ready_line();
}
END_TEST

START_TEST(kills_what_is_left_when_told_to_stop_twice)
{
	uint64_t before_ns = clock_now_ns();

	stage_direct("tcp", "once stubborn");
	kill(stage_last_number("tcp started"), SIGKILL);
	wait_until(stage_count("tcp started") == 2);
	kill(launcher, SIGTERM);
	do {
		usleep(20000); /* until the first signal is taken, two are one */
		kill(launcher, SIGTERM);
	} while (kill(stage_last_number("tcp started"), 0) == 0 &&
	         clock_now_ns() - before_ns < WAIT_NS);
	ck_assert_int_eq(end_of(launcher), 0);
	launcher = 0;
	ck_assert_uint_eq(stage_count("tcp stopped"), 0);
}
END_TEST

START_TEST(ends_with_2_when_a_process_refuses)
{
	stage_direct("state", "always refuse");
	launcher = launch("--io", "1");
	ck_assert_int_eq(end_of(launcher), 2);
	launcher = 0;
	ck_assert_uint_eq(stage_count("state started"), 1);
	ck_assert_uint_eq(stage_count("tcp started"), 0);
}
END_TEST

START_TEST(stops_those_that_run_when_one_refuses)
{
	stage_direct("tcp", "always refuse");
	launcher = launch("--io", "1");
	ck_assert_int_eq(end_of(launcher), 2);
	launcher = 0;
	ck_assert_uint_eq(stage_count("io-0 stopped by 15"), 1);
	ck_assert_uint_eq(stage_count("state stopped by 15"), 1);
}
END_TEST

START_TEST(is_ready_only_when_all_are)
{
	stage_direct("io-0", "once fail");
	launcher = launch("--io", "1");
	wait_for_ready_line();
	ck_assert_uint_eq(stage_count("io-0 started"), 2);
	ck_assert_int_lt(stage_place("io-0 started"), stage_place("tcp started"));
}
END_TEST

START_TEST(takes_a_relative_directory)
{
	launcher = launch_in(stage_dir(), "run", "--io", "1");
	wait_for_ready_line();
	kill(launcher, SIGTERM);
	ck_assert_int_eq(end_of(launcher), 0);
	launcher = 0;
}
END_TEST

START_TEST(kills_what_hangs)
{
	stage_direct("io-0", "once hang");
	launcher = launch("--watchdog", "1");
	wait_for_ready_line();
	wait_until(stage_count("io-0 started") >= 2);
}
END_TEST

START_TEST(runs_rdma_where_it_is_wanted)
{
	launcher = launch("--rdma", "yes");
	wait_for_ready_line();
	ck_assert_int_lt(stage_place("tcp started"), stage_place("rdma started"));
}
END_TEST

START_TEST(is_ready_only_when_rdma_that_is_wanted_is)
{
	stage_direct("rdma", "once fail");
	launcher = launch("--rdma", "yes");
	wait_for_ready_line();
	ck_assert_uint_eq(stage_count("rdma started"), 2);
}
END_TEST

START_TEST(runs_no_rdma_where_it_is_not_wanted)
{
	(void)has_rdma_from_now_on();
	launcher = launch("--rdma", "no");
	wait_for_ready_line();
	ck_assert_uint_eq(stage_count("rdma started"), 0);
}
END_TEST

/* As root only; machine_has_rdma() has tests that are for anybody. */
START_TEST(runs_rdma_by_itself_where_there_is_a_device)
{
	if (!has_rdma_from_now_on())
		return;
	launcher = launch("--io", "1");
	wait_for_ready_line();
	ck_assert_uint_eq(stage_count("rdma started"), 1);
}
END_TEST

START_TEST(is_ready_without_rdma_that_fails_and_that_nobody_wants)
{
	if (!has_rdma_from_now_on())
		return;
	stage_direct("rdma", "always fail");
	launcher = launch("--io", "1");
	wait_for_ready_line();
	wait_until(stage_count("rdma started") >= 3);
	ck_assert_uint_eq(stage_count("tcp started"), 1);
}
END_TEST

START_TEST(goes_on_without_rdma_that_refuses_and_that_nobody_wants)
{
	if (!has_rdma_from_now_on())
		return;
	stage_direct("rdma", "always refuse");
	launcher = launch("--io", "1");
	wait_for_ready_line();
	ck_assert_uint_eq(stage_count("rdma started"), 1);
	kill(launcher, SIGTERM);
	ck_assert_int_eq(end_of(launcher), 0);
	launcher = 0;
}
END_TEST

START_TEST(refuses_what_it_does_not_understand)
{
	ck_assert_int_eq(end_of(launch("--rdma", "maybe")), 2);
	ck_assert_int_eq(end_of(launch("--srq", "maybe")), 2);
	ck_assert_int_eq(end_of(launch("--io", "0")), 2);
	ck_assert_int_eq(end_of(launch("--io", "17")), 2);
	ck_assert_int_eq(end_of(launch("--watchdog", "often")), 2);
	ck_assert_int_eq(end_of(launch("--nothing", "1")), 2);
	ck_assert_uint_eq(stage_count("state started"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nvmetd");

	describe(suite,
	         "a running set",
	         given_a_running_set,
	         forget_the_set,
	         starts_each_when_the_one_before_is_ready,
	         stops_all_in_the_opposite_order,
	         takes_an_interrupt_for_the_same_wish,
	         starts_again_what_is_killed_alone,
	         restarts_all_one_after_the_other_on_sighup,
	         lets_nothing_survive_its_own_death,
	         does_not_share_its_run_directory,
	         gives_its_run_directory_free_when_it_dies,
	         kills_what_is_left_when_told_to_stop_twice);
	describe(suite,
	         "a set that cannot be as it should",
	         given_a_stage,
	         forget_the_set,
	         ends_with_2_when_a_process_refuses,
	         stops_those_that_run_when_one_refuses,
	         is_ready_only_when_all_are,
	         takes_a_relative_directory,
	         kills_what_hangs,
	         runs_rdma_where_it_is_wanted,
	         is_ready_only_when_rdma_that_is_wanted_is,
	         runs_no_rdma_where_it_is_not_wanted,
	         runs_rdma_by_itself_where_there_is_a_device,
	         is_ready_without_rdma_that_fails_and_that_nobody_wants,
	         goes_on_without_rdma_that_refuses_and_that_nobody_wants,
	         refuses_what_it_does_not_understand);
	return run(suite);
}
