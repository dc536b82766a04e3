/* SPDX-License-Identifier: BSD-2-Clause */
/* A child is one process at a time, and is alive as long as it is wanted. */
#include "services/launcher/child.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"
#include "tests/unit/launcher/stage.h"

#define WAIT_NS (10 * NS_PER_S)

static struct loop *loop;
static struct notify notify;
static struct child child;
static struct command command;
/* Long enough for a busy machine; the tests of what hangs have shorter ones. */
static struct child_limits limits;
static const struct child_limits usual = {
	.start_ms = 10000,
	.watchdog_ms = 10000,
	.stop_ms = 10000,
	.backoff_first_ms = 20,
	.backoff_most_ms = 80,
	.good_life_ms = 300,
	.short_life_ms = 0,
};

static void on_heard(struct notify *from, struct notification *notification)
{
	(void)from;
	if (notification->pid == child.pid)
		child_hear(&child, notification);
}

static void given_a_child(void)
{
	struct loop_options options = {0};
	char path[100];

	limits = usual;
	stage_open();
	snprintf(path, sizeof(path), "%s/notify.sock", stage_dir());
	ck_assert_int_eq(loop_new(&loop, &options), 0);
	ck_assert_int_eq(notify_init(&notify, loop, path, on_heard), 0);
	command = (struct command){.name = "io-0", .argc = 5, .patience = 1};
	command.argv[0] = UNDERSTUDIES "/nvmetd-io";
	command.argv[1] = "--run-dir";
	command.argv[2] = stage_dir();
	command.argv[3] = "--name";
	command.argv[4] = "io-0";
	ck_assert_int_eq(child_init(&child, loop, &notify, &command, &limits), 0);
}

static void forget_the_child(void)
{
	child_deinit(&child);
	notify_deinit(&notify);
	loop = loop_free(loop);
	stage_close();
}

/* Goes on until it is so; fails after 10 s. */
#define wait_until(condition)                                                                      \
	do {                                                                                       \
		uint64_t end_ns = clock_now_ns() + WAIT_NS;                                        \
		while (!(condition)) {                                                             \
			ck_assert_msg(clock_now_ns() < end_ns, "never: %s", #condition);           \
			ck_assert_int_eq(loop_round(loop, 10), 0);                                 \
		}                                                                                  \
	} while (0)

static void start(void)
{
	child_start(&child);
	wait_until(child.state == CHILD_READY);
}

static void given_a_child_that_is_ready(void)
{
	given_a_child();
	start();
}

START_TEST(is_ready_when_it_says_so)
{
	child_start(&child);
	ck_assert_int_eq(child.state, CHILD_STARTING);
	wait_until(child.state == CHILD_READY);
	ck_assert_str_eq(child.status, "on stage");
}
END_TEST

START_TEST(is_given_up_when_it_refuses)
{
	stage_direct("io-0", "always refuse");
	child_start(&child);
	wait_until(child.state == CHILD_ENDED);
	ck_assert(child.is_refused);
	ck_assert_uint_eq(child.n_starts, 1);
}
END_TEST

START_TEST(is_given_up_when_there_is_no_program)
{
	command.argv[0] = "/nowhere/nvmetd-io";
	child_start(&child);
	wait_until(child.state == CHILD_ENDED);
	ck_assert(child.is_refused);
}
END_TEST

START_TEST(is_tried_again_when_it_fails)
{
	stage_direct("io-0", "once fail");
	start();
	ck_assert_uint_eq(child.n_starts, 2);
	ck_assert(!child.is_refused);
}
END_TEST

START_TEST(is_tried_ever_more_seldom)
{
	uint64_t before_ns = clock_now_ns();

	stage_direct("io-0", "always fail");
	child_start(&child);
	wait_until(child.n_starts == 6);
	ck_assert_uint_ge(clock_now_ns() - before_ns, (0 + 20 + 40 + 80 + 80) * NS_PER_MS);
	ck_assert_uint_eq(child.backoff_ms, limits.backoff_most_ms);
}
END_TEST

START_TEST(is_killed_when_it_never_says_anything)
{
	limits.start_ms = 1000;
	stage_direct("io-0", "once mute");
	start();
	ck_assert_uint_ge(child.n_starts, 2);
	ck_assert_uint_eq(stage_count("io-0 stopped"), 0);
}
END_TEST

START_TEST(is_left_alone_when_there_is_no_watchdog)
{
	uint64_t later_ns;

	limits.start_ms = limits.watchdog_ms = 0;
	stage_direct("io-0", "always mute");
	child_start(&child);
	later_ns = clock_now_ns() + 300 * NS_PER_MS;
	wait_until(clock_now_ns() > later_ns);
	ck_assert_uint_eq(child.n_starts, 1);
}
END_TEST

START_TEST(leaves_its_descriptors_to_its_successor)
{
	stage_direct("io-0", "once store");
	start();
	ck_assert_uint_eq(stage_count("io-0 started"), 2);
	ck_assert_uint_eq(stage_count("io-0 inherited from-"), 1);
	ck_assert_uint_eq(stage_count("io-0 inherited what was dropped"), 0);
}
END_TEST

START_TEST(leaves_them_to_the_one_after_that_too)
{
	stage_direct("io-0", "once store");
	start();
	kill(child.pid, SIGKILL);
	wait_until(child.n_starts == 3 && child.state == CHILD_READY);
	ck_assert_uint_eq(stage_count("io-0 inherited from-"), 2);
}
END_TEST

START_TEST(is_never_started_once_it_is_not_wanted)
{
	child_stop(&child);
	ck_assert_int_eq(child.state, CHILD_ENDED);
	child_start(&child);
	ck_assert_int_eq(child.state, CHILD_ENDED);
}
END_TEST

START_TEST(is_started_again_at_once_when_it_is_killed)
{
	pid_t first = child.pid;

	kill(first, SIGKILL);
	wait_until(child.state == CHILD_READY && child.pid != first);
	ck_assert_uint_eq(child.n_starts, 2);
	ck_assert_uint_eq(stage_count("io-0 started"), 2);
}
END_TEST

/* The time from its death to the next start grew even where it had worked well in between: a
 * worker that was killed three times in ten seconds kept its hosts waiting. */
START_TEST(is_started_again_at_once_whenever_it_has_lived_well)
{
	limits.backoff_first_ms = limits.backoff_most_ms = 60000;
	for (unsigned n = 2; n < 5; n++) {
		uint64_t later_ns = clock_now_ns() + limits.good_life_ms * NS_PER_MS;

		wait_until(clock_now_ns() >= later_ns);
		kill(child.pid, SIGKILL);
		wait_until(child.n_starts == n && child.state == CHILD_READY);
	}
}
END_TEST

START_TEST(has_to_wait_when_it_ends_soon_after_it_was_ready)
{
	limits.good_life_ms = limits.backoff_first_ms = limits.backoff_most_ms = 60000;
	kill(child.pid, SIGKILL);
	wait_until(child.n_starts == 2 && child.state == CHILD_READY);
	kill(child.pid, SIGKILL);
	wait_until(child.state == CHILD_WAITING);
	ck_assert_uint_gt(child.deadline.due_ns, clock_now_ns() + 30 * NS_PER_S);
}
END_TEST

/* A launcher that was frozen with all its children killed them all when it went on. */
START_TEST(is_not_killed_for_the_time_in_which_its_launcher_stood_still)
{
	struct notification sign = {.is_alive = true};

	kill(child.pid, SIGSTOP);
	usleep(50000);
	notify_drain(&notify); /* what it has said before */
	limits.watchdog_ms = 200;
	child_hear(&child, &sign);
	usleep(500000);
	ck_assert_int_eq(loop_round(loop, 0), 0);
	ck_assert_int_eq(child.state, CHILD_READY);
	kill(child.pid, SIGCONT);
	limits.watchdog_ms = usual.watchdog_ms;
	wait_until(child.patience_ms == usual.watchdog_ms);
	ck_assert_uint_eq(child.n_starts, 1);
}
END_TEST

START_TEST(is_killed_when_it_hangs)
{
	pid_t first;

	stage_direct("io-0", "once hang");
	kill(child.pid, SIGKILL);
	wait_until(child.n_starts == 2 && child.state == CHILD_STARTING);
	limits.watchdog_ms = 1000;
	first = child.pid;
	wait_until(child.n_starts > 2 && child.state == CHILD_READY);
	ck_assert_int_ne(child.pid, first);
	ck_assert_int_eq(kill(first, 0), -1); /* certainly dead */
}
END_TEST

START_TEST(is_left_alone_as_long_as_it_gives_signs_of_life)
{
	uint64_t later_ns = clock_now_ns() + 3 * NS_PER_S;

	limits.watchdog_ms = 2000;
	wait_until(clock_now_ns() > later_ns);
	ck_assert_uint_eq(child.n_starts, 1);
	ck_assert_int_eq(child.state, CHILD_READY);
}
END_TEST

START_TEST(ends_when_it_is_told_to)
{
	child_stop(&child);
	ck_assert_int_eq(child.state, CHILD_STOPPING);
	wait_until(child.state == CHILD_ENDED);
	ck_assert_uint_eq(stage_count("io-0 stopped by 15"), 1);
	ck_assert_uint_eq(child.n_starts, 1);
}
END_TEST

START_TEST(is_killed_when_it_does_not_end)
{
	limits.stop_ms = 300;
	stage_direct("io-0", "once stubborn");
	kill(child.pid, SIGKILL);
	wait_until(child.n_starts == 2 && child.state == CHILD_READY);
	child_stop(&child);
	wait_until(child.state == CHILD_ENDED);
	ck_assert_uint_eq(stage_count("io-0 stopped"), 0);
}
END_TEST

START_TEST(ends_at_once_when_it_is_to_be_killed)
{
	child_kill(&child);
	wait_until(child.state == CHILD_ENDED);
	ck_assert_uint_eq(stage_count("io-0 stopped"), 0);
}
END_TEST

START_TEST(is_not_started_again_once_it_is_not_wanted)
{
	kill(child.pid, SIGKILL);
	child_stop(&child);
	wait_until(child.state == CHILD_ENDED);
	ck_assert_uint_eq(child.n_starts, 1);
}
END_TEST

START_TEST(is_followed_at_once_when_it_leaves)
{
	limits.backoff_first_ms = limits.backoff_most_ms = 60000;
	for (unsigned n = 1; n <= 3; n++) {
		kill(child.pid, SIGHUP);
		wait_until(child.n_starts == n + 1 && child.state == CHILD_READY);
	}
	ck_assert_uint_eq(child.backoff_ms, 0);
}
END_TEST

START_TEST(leaves_when_it_is_to_be_renewed)
{
	child_renew(&child);
	ck_assert_int_eq(child.state, CHILD_LEAVING);
	wait_until(child.n_starts == 2 && child.state == CHILD_READY);
	ck_assert_uint_eq(stage_count("io-0 stopped by 1"), 1);
}
END_TEST

/* But not ever longer. */
START_TEST(is_backed_off_when_it_leaves_again_and_again)
{
	uint64_t before_ns = clock_now_ns();

	limits.short_life_ms = 2500;
	limits.backoff_first_ms = 100;
	stage_direct("io-0", "always leave");
	kill(child.pid, SIGKILL);
	wait_until(child.n_starts == 6);
	ck_assert_uint_ge(clock_now_ns() - before_ns, 4 * 100 * NS_PER_MS);
	ck_assert_uint_le(child.backoff_ms, limits.backoff_first_ms);
}
END_TEST

START_TEST(is_killed_and_followed_when_it_does_not_leave)
{
	pid_t first;

	limits.stop_ms = 300;
	stage_direct("io-0", "once stubborn");
	kill(child.pid, SIGKILL);
	wait_until(child.n_starts == 2 && child.state == CHILD_READY);
	first = child.pid;
	child_renew(&child);
	wait_until(child.n_starts == 3 && child.state == CHILD_READY);
	ck_assert_int_eq(kill(first, 0), -1);
}
END_TEST

START_TEST(is_not_followed_when_it_is_stopped_while_it_leaves)
{
	child_renew(&child);
	child_stop(&child);
	wait_until(child.state == CHILD_ENDED);
	ck_assert_uint_eq(child.n_starts, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("child");

	describe(suite,
	         "a child",
	         given_a_child,
	         forget_the_child,
	         is_ready_when_it_says_so,
	         is_given_up_when_it_refuses,
	         is_given_up_when_there_is_no_program,
	         is_tried_again_when_it_fails,
	         is_tried_ever_more_seldom,
	         is_killed_when_it_never_says_anything,
	         is_left_alone_when_there_is_no_watchdog,
	         leaves_its_descriptors_to_its_successor,
	         leaves_them_to_the_one_after_that_too,
	         is_never_started_once_it_is_not_wanted);
	describe(suite,
	         "a child that is ready",
	         given_a_child_that_is_ready,
	         forget_the_child,
	         is_started_again_at_once_when_it_is_killed,
	         is_started_again_at_once_whenever_it_has_lived_well,
	         has_to_wait_when_it_ends_soon_after_it_was_ready,
	         is_not_killed_for_the_time_in_which_its_launcher_stood_still,
	         is_killed_when_it_hangs,
	         is_left_alone_as_long_as_it_gives_signs_of_life,
	         ends_when_it_is_told_to,
	         is_killed_when_it_does_not_end,
	         ends_at_once_when_it_is_to_be_killed,
	         is_followed_at_once_when_it_leaves,
	         leaves_when_it_is_to_be_renewed,
	         is_backed_off_when_it_leaves_again_and_again,
	         is_killed_and_followed_when_it_does_not_leave,
	         is_not_followed_when_it_is_stopped_while_it_leaves,
	         is_not_started_again_once_it_is_not_wanted);
	return run(suite);
}
