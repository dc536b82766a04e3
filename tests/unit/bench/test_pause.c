/* SPDX-License-Identifier: BSD-2-Clause */
/* Only the side whose turn it is runs; and whatever becomes of us, nobody stays stopped. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/bench/pause.h"
#include "tests/support/spec.h"

#define WAIT_MS 3000u /* before the guard lets go by itself */

static struct pause ours;
static pid_t a, b, child_of_b;
static char a_text[32], b_text[32];

/* A process that does nothing, and ends with us. */
static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

/* One that has a child, whose pid it says. */
static pid_t start_parent(pid_t *ret_child)
{
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pid_t child = start_sleeper();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ends[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ends[0], ret_child, sizeof(*ret_child)), sizeof(*ret_child));
	close(ends[0]);
	close(ends[1]);
	return pid;
}

/* 'T' of one that is stopped. */
static char state_of(pid_t pid)
{
	char path[40], text[256] = {0}, state = '?';
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	ck_assert_int_eq(sscanf(strrchr(text, ')'), ") %c", &state), 1);
	return state;
}

static void expect_within(pid_t pid, bool is_stopped, unsigned wait_ms)
{
	const struct timespec pause_between = {.tv_nsec = 2000000};
	uint64_t deadline_ns = clock_now_ns() + wait_ms * NS_PER_MS;

	while ((state_of(pid) == 'T') != is_stopped) {
		ck_assert_msg(
			clock_now_ns() < deadline_ns, "process %d is %c", (int)pid, state_of(pid));
		nanosleep(&pause_between, NULL);
	}
}

static void expect(pid_t pid, bool is_stopped)
{
	expect_within(pid, is_stopped, WAIT_MS);
}

static void given_a_process_on_each_side(void)
{
	a = start_sleeper();
	b = start_parent(&child_of_b);
	snprintf(a_text, sizeof(a_text), "%d", (int)a);
	snprintf(b_text, sizeof(b_text), "%d", (int)b);
	memset(&ours, 0, sizeof(ours));
}

static void forget_them(void)
{
	pause_deinit(&ours);
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	waitpid(a, NULL, 0);
	waitpid(b, NULL, 0);
}

START_TEST(stops_the_side_whose_turn_it_is_not)
{
	ck_assert_int_eq(pause_init(&ours, a_text, b_text, false), 0);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_A_RUNS), 0);
	expect(b, true);
	expect(a, false);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_B_RUNS), 0);
	expect(a, true);
	expect(b, false);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_NONE_RUNS), 0);
	expect(a, true);
	expect(b, true);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_BOTH_RUN), 0);
	expect(a, false);
	expect(b, false);
}
END_TEST

START_TEST(leaves_alone_who_was_not_named)
{
	ck_assert_int_eq(pause_init(&ours, a_text, b_text, false), 0);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_A_RUNS), 0);
	expect(b, true);
	expect(child_of_b, false);
}
END_TEST

START_TEST(stops_descendants_as_well)
{
	ck_assert_int_eq(pause_init(&ours, a_text, b_text, true), 0);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_A_RUNS), 0);
	expect(b, true);
	expect(child_of_b, true);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_B_RUNS), 0);
	expect(b, false);
	expect(child_of_b, false);
}
END_TEST

START_TEST(lets_all_go_on_at_its_end)
{
	ck_assert_int_eq(pause_init(&ours, a_text, b_text, true), 0);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_NONE_RUNS), 0);
	expect(a, true);
	expect(child_of_b, true);
	pause_deinit(&ours);
	expect(a, false);
	expect(child_of_b, false);
}
END_TEST

/* The guard of the second has the first one's pipe too: once, the end of the first waited for the
 * end of the second. */
START_TEST(ends_while_another_goes_on)
{
	struct pause other = {0};

	ck_assert_int_eq(pause_init(&ours, a_text, NULL, false), 0);
	ck_assert_int_eq(pause_init(&other, b_text, NULL, false), 0);
	pause_deinit(&ours);
	ck_assert_int_eq(pause_turn(&other, PAUSE_NONE_RUNS), 0);
	expect(b, true);
	pause_deinit(&other);
	expect(b, false);
}
END_TEST

START_TEST(lets_all_go_on_when_it_is_killed)
{
	pid_t bench = fork();

	ck_assert_int_ge(bench, 0);
	if (bench == 0) {
		if (pause_init(&ours, a_text, b_text, false) || pause_turn(&ours, PAUSE_NONE_RUNS))
			_exit(1);
		for (;;)
			pause();
	}
	expect(a, true);
	expect(b, true);
	kill(bench, SIGKILL);
	waitpid(bench, NULL, 0);
	expect(a, false);
	expect(b, false);
}
END_TEST

START_TEST(lets_all_go_on_when_no_turn_comes)
{
	ck_assert_int_eq(pause_init(&ours, a_text, NULL, false), 0);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_B_RUNS), 0);
	expect(a, true);
	expect_within(a, false, 2 * PAUSE_MOST_MS);
}
END_TEST

START_TEST(stops_nobody_without_its_guard)
{
	ck_assert_int_eq(pause_init(&ours, a_text, b_text, false), 0);
	kill(ours.guard, SIGKILL);
	waitpid(ours.guard, NULL, 0);
	ck_assert_int_lt(pause_turn(&ours, PAUSE_NONE_RUNS), 0);
	expect(a, false);
}
END_TEST

START_TEST(does_nothing_when_there_is_nobody)
{
	ck_assert_int_eq(pause_init(&ours, NULL, NULL, false), 0);
	ck_assert_int_eq(ours.guard, 0);
	ck_assert_int_eq(pause_turn(&ours, PAUSE_A_RUNS), 0);
}
END_TEST

START_TEST(refuses_what_is_no_process)
{
	ck_assert_int_eq(pause_init(&ours, "12x", NULL, false), PAUSE_E_NO);
	ck_assert_int_eq(pause_init(&ours, "0", NULL, false), PAUSE_E_NO);
	ck_assert_int_eq(pause_init(&ours, "1,", NULL, false), PAUSE_E_NO);
	ck_assert_int_eq(pause_init(&ours, "2147483647", NULL, false), PAUSE_E_NO);
}
END_TEST

START_TEST(refuses_itself)
{
	char us[16];

	snprintf(us, sizeof(us), "%d", (int)getpid());
	ck_assert_int_eq(pause_init(&ours, us, NULL, false), PAUSE_E_NO);
	snprintf(us, sizeof(us), "%d", (int)getppid());
	ck_assert_int_eq(pause_init(&ours, NULL, us, true), PAUSE_E_NO);
}
END_TEST

START_TEST(refuses_a_process_on_both_sides)
{
	ck_assert_int_eq(pause_init(&ours, a_text, a_text, false), PAUSE_E_NO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pause");

	describe(suite,
	         "a pause",
	         given_a_process_on_each_side,
	         forget_them,
	         stops_the_side_whose_turn_it_is_not,
	         leaves_alone_who_was_not_named,
	         stops_descendants_as_well,
	         lets_all_go_on_at_its_end,
	         ends_while_another_goes_on,
	         lets_all_go_on_when_it_is_killed,
	         lets_all_go_on_when_no_turn_comes,
	         stops_nobody_without_its_guard,
	         does_nothing_when_there_is_nobody,
	         refuses_what_is_no_process,
	         refuses_itself,
	         refuses_a_process_on_both_sides);
	return run(suite);
}
