/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hung is dead: a process that is stopped, or one of whose threads does not turn any more, is
 * killed and replaced, long before a host (30 s) loses its patience. And nothing is taken for
 * hung that only has to share the processors. The times are printed.
 */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"

#define PATIENT_MS 25000u
#define BURNERS    64

static void start_set(const char *watchdog)
{
	struct harness_exports plain = harness_plain();

	scene.harness = harness_new(&plain);
	scene.harness->watchdog = watchdog;
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
	scene.options.timeout_ms = PATIENT_MS;
}

static void given_a_set(void)
{
	start_set(NULL);
}

static void given_a_set_with_a_short_watchdog(void)
{
	start_set("1");
}

static void given_a_set_with_a_strict_watchdog(void)
{
	start_set("2");
}

static void say(const char *what, uint64_t since_ns)
{
	printf("# %s: I/O again after %.1f s\n",
	       what,
	       (double)(clock_now_ns() - since_ns) / NS_PER_S);
	fflush(stdout);
}

/* ------------------------------------------------------------------ whole processes */

START_TEST(io_that_is_stopped_is_replaced_while_its_hosts_wait)
{
	uint64_t since_ns;
	pid_t old;

	scene_connect();
	scene_write(1, 0, 64, 1);
	old = harness_pid(scene.harness, "io-0", 0);
	since_ns = clock_now_ns();
	ck_assert_int_eq(kill(old, SIGSTOP), 0);
	scene_write(1, 0, 64, 2);
	say("io stopped, the default watchdog", since_ns);
	ck_assert_int_ne(harness_pid(scene.harness, "io-0", old), old);
	scene_read_back(1, 0, 64, 2);
	scene_disconnect();
}
END_TEST

START_TEST(state_that_is_stopped_is_replaced_while_io_goes_on)
{
	pid_t old = harness_pid(scene.harness, "state", 0);

	scene_connect();
	ck_assert_int_eq(kill(old, SIGSTOP), 0);
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	harness_pid(scene.harness, "state", old);
	host_must(&scene.controller, host_controller_identify(&scene.controller));
	scene_disconnect();
}
END_TEST

START_TEST(tcp_that_is_stopped_is_replaced_and_hosts_come_again)
{
	pid_t old = harness_pid(scene.harness, "tcp", 0);

	scene_connect();
	ck_assert_int_eq(kill(old, SIGSTOP), 0);
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, PATIENT_MS));
	scene_disconnect();
	harness_pid(scene.harness, "tcp", old);
	harness_await_service(scene.harness);
	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ one thread */

static pid_t find_thread(pid_t process, const char *name)
{
	char path[300], found[64];
	const struct dirent *entry;
	pid_t thread = 0;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	threads = opendir(path);
	ck_assert_ptr_nonnull(threads);
	while (!thread && (entry = readdir(threads))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", process, entry->d_name);
		harness_read(path, found, sizeof(found));
		found[strcspn(found, "\n")] = '\0';
		if (strcmp(found, name) == 0)
			thread = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	closedir(threads);
	ck_assert_int_gt(thread, 0);
	return thread;
}

/* Stops one thread, as a system call that does not return would; the others go on. */
static void stop_thread(pid_t thread)
{
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, thread, NULL, NULL), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(thread, NULL, __WALL), thread);
}

/* Its end is ours to take note of, or its process would not end. */
static void await_end_of(pid_t thread)
{
	uint64_t end_ns = clock_now_ns() + 15 * NS_PER_S;
	int status;

	for (;;) {
		if (waitpid(thread, &status, __WALL | WNOHANG) == thread &&
		    (WIFEXITED(status) || WIFSIGNALED(status)))
			return;
		ck_assert_msg(clock_now_ns() < end_ns, "nobody ends it");
		harness_pause(5);
	}
}

static void expect_end_for(const char *name, const char *thread_name)
{
	pid_t process = harness_pid(scene.harness, name, 0);
	pid_t thread = find_thread(process, thread_name);
	char words[64];

	stop_thread(thread);
	await_end_of(thread);
	snprintf(words, sizeof(words), "thread \"%s\": hangs", thread_name);
	harness_await_log(scene.harness, words, 1);
	harness_await_log(scene.harness, "hangs: killed", 1);
	harness_pid(scene.harness, name, process);
}

START_TEST(an_io_thread_that_hangs_ends_its_process_and_the_next_goes_on)
{
	scene_connect();
	scene_write(1, 0, 64, 1);
	expect_end_for("io-0", "io 0");
	scene_read_back(1, 0, 64, 1);
	scene_disconnect();
}
END_TEST

START_TEST(a_reactor_that_hangs_ends_its_process_and_the_next_serves)
{
	expect_end_for("tcp", "reactor 0");
	harness_await_service(scene.harness);
	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ nothing false */

static pid_t burners[BURNERS];
static unsigned n_burners;

static void burn(void)
{
	n_burners = 2 * (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (n_burners > BURNERS)
		n_burners = BURNERS;
	for (unsigned i = 0; i < n_burners; i++) {
		burners[i] = fork();
		ck_assert_int_ge(burners[i], 0);
		if (burners[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			alarm(30);
			for (volatile unsigned long n = 0;; n++)
				;
		}
	}
}

static void stop_burning(void)
{
	for (unsigned i = 0; i < n_burners; i++)
		harness_end_program(burners[i]);
}

START_TEST(nothing_is_taken_for_hung_while_others_want_twice_the_processors)
{
	const char *const names[] = {"state", "tcp", "io-0"};
	pid_t pids[3], load;

	for (unsigned i = 0; i < 3; i++)
		pids[i] = harness_pid(scene.harness, names[i], 0);
	burn();
	load = load_start_verified("1", "5", NULL);
	load_expect_good_end(load);
	stop_burning();
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(harness_pid(scene.harness, names[i], 0), pids[i]);
	ck_assert_uint_eq(harness_log_count(scene.harness, "hangs"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hang");

	describe_alone(suite,
	               "a set with the default watchdog",
	               given_a_set,
	               scene_stop,
	               io_that_is_stopped_is_replaced_while_its_hosts_wait);
	describe_alone(suite,
	               "a set with a short watchdog",
	               given_a_set_with_a_short_watchdog,
	               scene_stop,
	               state_that_is_stopped_is_replaced_while_io_goes_on,
	               tcp_that_is_stopped_is_replaced_and_hosts_come_again,
	               an_io_thread_that_hangs_ends_its_process_and_the_next_goes_on,
	               a_reactor_that_hangs_ends_its_process_and_the_next_serves);
	describe_alone(suite,
	               "a set on a busy machine",
	               given_a_set_with_a_strict_watchdog,
	               scene_stop,
	               nothing_is_taken_for_hung_while_others_want_twice_the_processors);
	return harness_run(suite);
}
