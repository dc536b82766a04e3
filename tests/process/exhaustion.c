/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors run out, in one process after the other: it says so, refuses what needs a new one,
 * goes on with what it has, and takes up again what it refused when there are some. Who may open
 * nothing at all is made so by prlimit(2), with a limit below what is open. And nobody reads the
 * log.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

enum { FEW = 128, SILENT = 2 * FEW };

#define NONE    1u /* poll(2) takes no more descriptors than the limit says, and logging polls one */
#define MANY    4096u
#define SOON_MS 1000u

static pid_t limited;

static void limit_to(pid_t pid, unsigned files)
{
	const struct rlimit limit = {files, MANY};

	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* The process may open nothing from now on; and what it has is too few to be in its way. */
static void exhaust(const char *name)
{
	limited = harness_pid(scene.harness, name, 0);
	limit_to(limited, NONE);
}

static void relieve(const char *name)
{
	ck_assert_int_eq(harness_pid(scene.harness, name, 0), limited); /* has not died of it */
	limit_to(limited, MANY);
}

/* What is tried again and again is said at debug level only. */
static void given_a_set(void)
{
	setenv("NVMETD_LOG", "debug", 1);
	scene_start(NULL);
}

static void expect_io(uint64_t seed)
{
	scene_write(1, 0, 64, seed);
	scene_read_back(1, 0, 64, seed);
	scene_write(2, 0, 8, seed);
	scene_read_back(2, 0, 8, seed);
}

static int try_to_come(unsigned timeout_ms)
{
	struct host_options options = scene.options;
	struct host_controller controller;
	int r;

	options.timeout_ms = timeout_ms;
	r = host_controller_open(&controller, &options);
	host_controller_close(&controller);
	return r;
}

static void await_host(void)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 20 * NS_PER_MS};

	while (try_to_come(SOON_MS) != 0) {
		ck_assert_msg(clock_now_ns() < deadline_ns, "no host can come any more");
		nanosleep(&pause, NULL);
	}
}

/* ------------------------------------------------------------------ nvmetd-tcp */

START_TEST(in_the_transport_leave_its_hosts_served)
{
	scene_connect();
	exhaust("tcp");
	ck_assert_int_ne(try_to_come(SOON_MS), 0);
	harness_await_log(scene.harness, "cannot accept connections", 1);
	expect_io(1);
	relieve("tcp");
	await_host();
	expect_io(2);
	scene_disconnect();
}
END_TEST

/* libzmq ended the process when a context for the next attempt found no descriptor. */
START_TEST(in_the_transport_do_not_end_it_when_the_state_service_dies)
{
	struct host_namespace space;

	scene_connect();
	exhaust("tcp");
	harness_kill(scene.harness, "state");
	harness_await_log(scene.harness, "ipc_socket_connect(): failed: Too many open files", 1);
	expect_io(3);
	relieve("tcp");
	host_must(&scene.controller, host_namespace_identify(&scene.controller, 2, &space));
	scene_disconnect();
}
END_TEST

/* The link to the next one takes four. */
START_TEST(in_the_transport_delay_what_a_worker_had_that_dies)
{
	scene_connect();
	expect_io(4);
	exhaust("tcp");
	harness_kill(scene.harness, "io-0");
	harness_await_log(scene.harness, "cannot greet the worker: Too many open files", 1);
	relieve("tcp");
	expect_io(5);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ nvmetd-state */

static int ask_status(void)
{
	static char text[1 << 16];

	return harness_ctl(scene.harness, text, sizeof(text), "--timeout", "1", "status", NULL);
}

/* libzmq ended the process when accept4() said EMFILE. */
START_TEST(in_the_state_service_leave_all_others_be)
{
	scene_connect();
	exhaust("state");
	ck_assert_int_ne(ask_status(), 0);
	harness_await_log(scene.harness, "control plane: cannot accept connections", 1);
	expect_io(6);
	ck_assert_int_eq(try_to_come(5000), 0); /* Connect needs none there */
	relieve("state");
	ck_assert_int_eq(ask_status(), 0);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ nvmetd-io */

static void await_status(const char *text)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	const struct timespec pause = {.tv_nsec = 50 * NS_PER_MS};
	static char status[1 << 16];

	for (;;) {
		harness_ctl(scene.harness, status, sizeof(status), "status", NULL);
		if (strstr(status, text))
			return;
		ck_assert_msg(clock_now_ns() < deadline_ns, "no \"%s\" in: %s", text, status);
		nanosleep(&pause, NULL);
	}
}

START_TEST(in_a_worker_keep_a_further_namespace_away_for_a_while)
{
	struct harness_exports more = scene.harness->exports;
	struct host_namespace space;

	more.subsystems[0].namespaces[2] = (struct harness_namespace){
		.nsid = 3, .path = "ram:4M", .block_bytes = 4096};
	scene_connect();
	exhaust("io-0");
	harness_restore(scene.harness, &more);
	await_status("no more files may be opened");
	expect_io(7);
	relieve("io-0");
	harness_await_log(scene.harness, ":test:3: is ready", 1);
	host_must(&scene.controller, host_namespace_identify(&scene.controller, 3, &space));
	scene_disconnect();
}
END_TEST

START_TEST(in_a_worker_delay_a_transport_that_comes_anew)
{
	scene_connect();
	scene_disconnect();
	exhaust("io-0");
	harness_kill(scene.harness, "tcp");
	harness_await_log(scene.harness, "links cannot be accepted", 1);
	relieve("io-0");
	await_host();
	scene_connect();
	expect_io(8);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ nvmetd */

START_TEST(in_the_launcher_delay_a_restart)
{
	scene_connect();
	limited = scene.harness->launcher;
	limit_to(limited, NONE);
	ck_assert_int_eq(kill(harness_pid(scene.harness, "state", 0), SIGKILL), 0);
	harness_await_log(scene.harness, "state: cannot be started: Too many open files", 1);
	expect_io(9);
	limit_to(limited, MANY);
	harness_pid(scene.harness, "state", 0);
	await_host();
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ all taken by hosts */

static void given_a_set_that_may_open_few_files(void)
{
	struct harness_exports plain = harness_plain();

	scene.harness = harness_new(&plain);
	scene.harness->files = FEW;
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

/* Hosts had all descriptors, and there was none left for the link to the next worker. */
START_TEST(leave_some_for_the_link_to_the_next_worker)
{
	static struct host_connection silent[SILENT];

	scene_connect();
	for (unsigned i = 0; i < SILENT; i++)
		host_connection_open_silent(&silent[i], &scene.options.address, 5000);
	harness_await_log(scene.harness, "cannot accept connections", 1);
	/* it stays away for so long that those who wait would have what its links had */
	for (unsigned i = 0; i < 4; i++)
		harness_kill(scene.harness, "io-0");
	expect_io(10);
	for (unsigned i = 0; i < SILENT; i++)
		host_connection_close(&silent[i]);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ a log that nobody reads */

static int log_reader = -1;

/* All of the set write into a pipe, more than it holds. */
static void given_a_log_that_nobody_reads(void)
{
	struct harness_exports plain = harness_plain();

	setenv("NVMETD_LOG", "debug", 1);
	scene.harness = harness_new(&plain);
	ck_assert_int_eq(mkfifo(harness_path(scene.harness, "log"), 0600), 0);
	log_reader = open(harness_path(scene.harness, "log"), O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(log_reader, 0);
	ck_assert_int_gt(fcntl(log_reader, F_SETPIPE_SZ, 4096), 0);
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

static void forget_the_log(void)
{
	unlink(harness_path(scene.harness, "log")); /* it would be kept, and never end */
	scene_stop();
	close(log_reader);
}

START_TEST(does_not_hold_up_a_host)
{
	scene_connect();
	expect_io(11);
	scene_disconnect();
}
END_TEST

START_TEST(does_not_hold_up_a_restart)
{
	struct host_namespace space;

	scene_connect();
	harness_kill(scene.harness, "state");
	harness_kill(scene.harness, "io-0");
	expect_io(12);
	host_must(&scene.controller, host_namespace_identify(&scene.controller, 2, &space));
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exhaustion");

	describe_running(suite,
	                 "descriptors that are used up",
	                 given_a_set,
	                 scene_stop,
	                 in_the_transport_leave_its_hosts_served,
	                 in_the_transport_do_not_end_it_when_the_state_service_dies,
	                 in_the_transport_delay_what_a_worker_had_that_dies,
	                 in_the_state_service_leave_all_others_be,
	                 in_a_worker_keep_a_further_namespace_away_for_a_while,
	                 in_a_worker_delay_a_transport_that_comes_anew,
	                 in_the_launcher_delay_a_restart);
	describe_running(suite,
	                 "descriptors that hosts have used up",
	                 given_a_set_that_may_open_few_files,
	                 scene_stop,
	                 leave_some_for_the_link_to_the_next_worker);
	describe_running(suite,
	                 "a log that nobody reads",
	                 given_a_log_that_nobody_reads,
	                 forget_the_log,
	                 does_not_hold_up_a_host,
	                 does_not_hold_up_a_restart);
	return harness_run(suite);
}
