/* SPDX-License-Identifier: BSD-2-Clause */
/* What every process of ours does at its start, while it lives, and at its end. */
#include "common/proc/service.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/spec.h"

static char dir[] = "/tmp/nvmetd-probe-XXXXXX";
static int keeper; /* the socket of one who listens to sd_notify() */
static int output, errors;
static pid_t probe;
static char text[8000];

static void given_an_empty_directory(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	keeper = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/keeper", dir);
	ck_assert_int_eq(bind(keeper, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	unsetenv("WATCHDOG_USEC");
	probe = 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static void forget_the_directory(void)
{
	if (probe > 0) {
		kill(probe, SIGKILL);
		waitpid(probe, NULL, 0);
	}
	close(keeper);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void become_probe(const char *const *more, int out, int err)
{
	char run_dir[100], state_dir[100];
	const char *argv[16] = {PROBE, "--run-dir", run_dir, "--state-dir", state_dir};
	int argc = 5;

	snprintf(run_dir, sizeof(run_dir), "%s/deep/run", dir);
	snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	for (; *more; more++)
		argv[argc++] = *more;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	dup2(out, 17); /* what was left open by mistake */
	execv(PROBE, (char *const *)argv);
	_exit(99);
}

#define start(...) start_probe((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void start_probe(const char *const *more)
{
	int out[2], err[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	probe = fork();
	ck_assert_int_ge(probe, 0);
	if (probe == 0)
		become_probe(more, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	output = out[0];
	errors = err[0];
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 10000) == 1;
}

/* What it wrote until it closed that end, or until these words came. */
static const char *read_until(int fd, const char *words)
{
	size_t length = 0;
	ssize_t n = 1;

	text[0] = '\0';
	while (n > 0 && !(words && strstr(text, words))) {
		ck_assert(is_readable(fd));
		n = read(fd, text + length, sizeof(text) - 1 - length);
		length += n > 0 ? (size_t)n : 0;
		text[length] = '\0';
	}
	return text;
}

static const char *hear(void)
{
	ssize_t length;

	ck_assert(is_readable(keeper));
	length = recv(keeper, text, sizeof(text) - 1, 0);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

static void hear_until(const char *message)
{
	while (strcmp(hear(), message) != 0)
		;
}

static int end(void)
{
	int status;

	ck_assert_int_eq(waitpid(probe, &status, 0), probe);
	probe = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect_text(const char *words)
{
	ck_assert_msg(strstr(text, words), "\"%s\" does not say \"%s\"", text, words);
}

static void given_a_probe(void)
{
	given_an_empty_directory();
	start();
	read_until(output, "run_path");
}

START_TEST(has_the_names_and_numbers_it_was_given)
{
	start("--name", "io-7", "--threads", "3", "--spin-us", "0");
	read_until(output, "run_path");
	expect_text("name io-7\n");
	expect_text("threads 3\n");
	expect_text("spin_us 0\n");
}
END_TEST

START_TEST(refuses_names_that_would_not_do_for_a_file)
{
	start("--name", "../x");
	ck_assert_int_eq(end(), 2);
	read_until(errors, NULL);
	expect_text("--name");
}
END_TEST

START_TEST(refuses_too_many_threads)
{
	start("--threads", "65");
	ck_assert_int_eq(end(), 2);
	read_until(errors, NULL);
	expect_text("1 to 64");
}
END_TEST

START_TEST(refuses_an_option_of_the_role_that_is_wrong)
{
	start("--linger", "long");
	ck_assert_int_eq(end(), 2);
	read_until(errors, NULL);
	expect_text("--linger: \"long\"");
}
END_TEST

START_TEST(shows_help_and_ends_well)
{
	start("--help");
	ck_assert_int_eq(end(), 0);
	read_until(output, NULL);
	expect_text("Usage: probe");
	expect_text("Shows what service_init() makes");
	expect_text("--linger MS");
	expect_text("--run-dir DIR");
}
END_TEST

START_TEST(shows_its_version_and_ends_well)
{
	start("--version");
	ck_assert_int_eq(end(), 0);
	ck_assert_str_eq(read_until(output, NULL), "probe " NVMETD_VERSION "\n");
}
END_TEST

START_TEST(says_which_directory_cannot_be_made)
{
	int fd = open(path_of("deep"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* in the way */

	start();
	ck_assert_int_eq(end(), 1);
	read_until(errors, NULL);
	expect_text("deep/run");
	expect_text("--run-dir");
	close(fd);
}
END_TEST

static void given_one_that_cannot_start(void)
{
	given_an_empty_directory();
	close(open(path_of("deep"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* in the way */
}

static void forget_it(void)
{
	unsetenv("NVMETD_RETRY_MS");
	forget_the_directory();
}

START_TEST(waits_before_it_ends_if_its_keeper_wants_that)
{
	uint64_t began_ns = clock_now_ns();

	setenv("NVMETD_RETRY_MS", "300", 1);
	start();
	ck_assert_int_eq(end(), 1);
	ck_assert_uint_ge(clock_now_ns() - began_ns, 300 * NS_PER_MS);
}
END_TEST

START_TEST(ends_at_once_when_it_is_told_to_stop_meanwhile)
{
	setenv("NVMETD_RETRY_MS", "60000", 1);
	start();
	read_until(errors, "--run-dir");
	ck_assert_int_eq(kill(probe, SIGTERM), 0);
	ck_assert_int_ne(end(), 0); /* by the signal, where that came before it was blocked */
}
END_TEST

START_TEST(makes_its_directories_for_no_stranger)
{
	struct stat status;

	ck_assert_int_eq(stat(path_of("deep/run"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0007, 0);
	ck_assert_int_eq(stat(path_of("state"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0007, 0);
}
END_TEST

static mode_t mode_of(const char *name)
{
	struct stat status;

	ck_assert_int_eq(stat(path_of(name), &status), 0);
	return status.st_mode & 07777;
}

START_TEST(makes_its_folder_of_the_run_directory_for_nobody_else)
{
	ck_assert_uint_eq(mode_of("deep/run/s"), 0700);
}
END_TEST

START_TEST(leaves_a_folder_of_the_run_directory_as_others_made_it)
{
	ck_assert_int_eq(mkdir(path_of("deep"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("deep/run"), 0555), 0); /* it need not write there */
	ck_assert_int_eq(mkdir(path_of("deep/run/s"), 0700), 0);
	ck_assert_int_eq(chmod(path_of("deep/run/s"), 02750), 0);
	start();
	read_until(output, "run_path");
	ck_assert_uint_eq(mode_of("deep/run/s"), 02750);
	ck_assert_uint_eq(mode_of("deep/run"), 0555);
}
END_TEST

START_TEST(holds_no_descriptor_that_it_was_not_given)
{
	expect_text(
		"descriptors 7\n"); /* 0, 1, 2; to the keeper; epoll, its eventfd, the signals */
}
END_TEST

START_TEST(may_open_as_many_as_the_machine_allows)
{
	expect_text("limit_raised 1\n");
}
END_TEST

START_TEST(can_gain_no_privileges)
{
	expect_text("no_new_privileges 1\n");
}
END_TEST

START_TEST(survives_a_closed_pipe)
{
	expect_text("ignores_pipe 1\n");
}
END_TEST

START_TEST(has_another_instance_at_each_start)
{
	char first[100];

	snprintf(first, sizeof(first), "%.20s", strstr(text, "instance "));
	kill(probe, SIGTERM);
	end();
	start();
	read_until(output, "run_path");
	ck_assert_ptr_null(strstr(text, first));
}
END_TEST

START_TEST(says_what_it_does_in_one_line)
{
	ck_assert_str_eq(hear(), "STATUS=on line 1");
	ck_assert_str_eq(hear(), "READY=1");
}
END_TEST

START_TEST(ends_well_on_sigterm)
{
	hear_until("READY=1");
	kill(probe, SIGTERM);
	hear_until("STOPPING=1");
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(ends_well_on_sigint)
{
	kill(probe, SIGINT);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(leaves_nothing_when_it_is_stopped)
{
	kill(probe, SIGTERM);
	ck_assert_int_eq(end(), 0);
	ck_assert_str_eq(read_until(output, NULL), "is_leaving 0\n");
}
END_TEST

START_TEST(leaves_to_a_successor_on_sighup)
{
	kill(probe, SIGHUP);
	ck_assert_int_eq(end(), 0);
	ck_assert_str_eq(read_until(output, NULL), "is_leaving 1\n");
}
END_TEST

START_TEST(says_that_it_leaves)
{
	kill(probe, SIGHUP);
	read_until(errors, NULL);
	expect_text("SIGHUP: leaving to a successor");
}
END_TEST

static void given_a_probe_without_a_keeper(void)
{
	given_an_empty_directory();
	unsetenv("NOTIFY_SOCKET");
	start();
	read_until(output, "run_path");
}

START_TEST(stays_when_its_terminal_goes)
{
	kill(probe, SIGHUP);
	read_until(errors, "no supervisor");
	kill(probe, SIGTERM);
	ck_assert_int_eq(end(), 0);
	ck_assert_str_eq(read_until(output, NULL), "is_leaving 0\n");
}
END_TEST

START_TEST(gives_signs_of_life_where_they_are_wanted)
{
	setenv("WATCHDOG_USEC", "90000", 1);
	start();
	for (unsigned i = 0; i < 5; i++)
		hear_until("WATCHDOG=1");
}
END_TEST

START_TEST(gives_none_while_its_loop_does_not_turn)
{
	setenv("WATCHDOG_USEC", "90000", 1);
	start("--linger", "300");
	ck_assert_str_eq(hear(), "STATUS=on line 1"); /* which comes after it */
	hear_until("WATCHDOG=1");
}
END_TEST

/* It was enough that the main thread turned: an I/O thread that hung was never noticed. */
START_TEST(gives_none_while_a_thread_that_is_watched_hangs)
{
	setenv("WATCHDOG_USEC", "90000", 1);
	start("--stall", "1000");
	hear_until("WATCHDOG=1"); /* nothing was asked yet */
	ck_assert_str_eq(hear(), "STATUS=thread \"io 0\" hangs");
	ck_assert_str_eq(hear(), "STATUS=thread \"io 0\" turns again");
	ck_assert_str_eq(hear(), "WATCHDOG=1");
}
END_TEST

START_TEST(says_which_thread_hangs)
{
	setenv("WATCHDOG_USEC", "90000", 1);
	start("--stall", "1000");
	read_until(errors, "turns again");
	expect_text("thread \"io 0\": hangs, for ");
}
END_TEST

START_TEST(refuses_a_run_directory_that_is_too_long_for_sockets)
{
	char long_name[120]; /* "/s" fits behind it */

	snprintf(long_name, sizeof(long_name), "%s/%0*d", dir, 103 - (int)strlen(dir), 0);
	start("--run-dir", long_name);
	read_until(output, "run_path");
	expect_text("run_path -36\n");
	read_until(errors, "--run-dir");
}
END_TEST

START_TEST(follows_the_meaning_of_results)
{
	ck_assert_int_eq(service_exit_code(0), 0);
	ck_assert_int_eq(service_exit_code(SERVICE_E_DONE), 0);
	ck_assert_int_eq(service_exit_code(SERVICE_E_USAGE), 2);
	ck_assert_int_eq(service_exit_code(-5), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service");

	describe(suite,
	         "a command line",
	         given_an_empty_directory,
	         forget_the_directory,
	         has_the_names_and_numbers_it_was_given,
	         refuses_names_that_would_not_do_for_a_file,
	         refuses_too_many_threads,
	         refuses_an_option_of_the_role_that_is_wrong,
	         shows_help_and_ends_well,
	         shows_its_version_and_ends_well,
	         says_which_directory_cannot_be_made,
	         leaves_a_folder_of_the_run_directory_as_others_made_it,
	         refuses_a_run_directory_that_is_too_long_for_sockets);
	describe(suite,
	         "a service that cannot start",
	         given_one_that_cannot_start,
	         forget_it,
	         waits_before_it_ends_if_its_keeper_wants_that,
	         ends_at_once_when_it_is_told_to_stop_meanwhile);
	describe(suite,
	         "a service",
	         given_a_probe,
	         forget_the_directory,
	         makes_its_directories_for_no_stranger,
	         makes_its_folder_of_the_run_directory_for_nobody_else,
	         holds_no_descriptor_that_it_was_not_given,
	         may_open_as_many_as_the_machine_allows,
	         can_gain_no_privileges,
	         survives_a_closed_pipe,
	         has_another_instance_at_each_start,
	         says_what_it_does_in_one_line,
	         ends_well_on_sigterm,
	         ends_well_on_sigint,
	         leaves_nothing_when_it_is_stopped,
	         leaves_to_a_successor_on_sighup,
	         says_that_it_leaves);
	describe(suite,
	         "a service without a keeper",
	         given_a_probe_without_a_keeper,
	         forget_the_directory,
	         stays_when_its_terminal_goes);
	describe(suite,
	         "a watched service",
	         given_an_empty_directory,
	         forget_the_directory,
	         gives_signs_of_life_where_they_are_wanted,
	         gives_none_while_its_loop_does_not_turn,
	         gives_none_while_a_thread_that_is_watched_hangs,
	         says_which_thread_hangs);
	describe(suite, "an exit code", NULL, NULL, follows_the_meaning_of_results);
	return run(suite);
}
