/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory runs short in one process after the other, while hosts come and go, commands are sent and
 * the configuration changes: one in so many allocations fails (tests/support/scarcity.h). What
 * cannot be done is refused or waits; the process lives on, and when there is memory again
 * everything is as it was.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/scarcity.h"

#define SECONDS    1u /* NVMETD_TEST_SECONDS: longer */
#define SOON_MS    500u
#define ASAN_EXTRA "verify_asan_link_order=0"

static struct scarcity *scarcity;
static pid_t process;
static const char *which;

static void preload(const char *program)
{
	char *path = realpath("/proc/self/exe", NULL), *slash, library[512];

	ck_assert_ptr_nonnull(path);
	slash = strrchr(path, '/');
	snprintf(library, sizeof(library), "%.*s/scarcity.so", (int)(slash - path), path);
	free(path);
	setenv("LD_PRELOAD", library, 1);
	setenv("ASAN_OPTIONS", ASAN_EXTRA, 1);
	setenv(SCARCITY_PROGRAM, program, 1);
}

static void make_file(void)
{
	const char *path = harness_path(scene.harness, "scarcity");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	scarcity = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(scarcity, MAP_FAILED);
	close(fd);
	setenv(SCARCITY_FILE, path, 1);
}

static void start_with(const char *program, const char *name)
{
	struct harness_exports plain = harness_plain();

	scene.harness = harness_new(&plain);
	make_file();
	preload(program);
	harness_start(scene.harness, true);
	unsetenv("LD_PRELOAD"); /* not for nvmetctl */
	scene.options = harness_host(scene.harness, 0, 0);
	which = name;
	process = harness_pid(scene.harness, name, 0);
	ck_assert_uint_eq(atomic_load(&scarcity->runs), 1);
}

static void given_a_state_service(void)
{
	start_with("nvmetd-state", "state");
}

static void given_a_transport(void)
{
	start_with("nvmetd-tcp", "tcp");
}

static void given_a_worker(void)
{
	start_with("nvmetd-io", "io-0");
}

static void forget(void)
{
	scene_stop();
}

/* ------------------------------------------------------------------ what goes on meanwhile */

/* A host that comes, asks for this and that, reads, and goes: as far as it gets. */
static void visit(void)
{
	struct host_options options = scene.options;
	struct host_controller controller;
	struct host_queue queue;
	struct host_namespace space;
	static uint8_t page[4096];
	char error[256];
	uint16_t granted;

	options.timeout_ms = SOON_MS;
	controller.status = STATUS_OK;
	if (host_controller_open(&controller, &options) == 0 &&
	    host_controller_queues(&controller, 1, &granted) == 0 &&
	    host_controller_open_queue(&controller, &queue, 1, 16, 4) == 0) {
		/* what is not answered in time stays in flight, and its place on the stack with it
		 */
		if (host_get_log(&controller, 0x02, false, 0, page, 512) != HOST_E_DEADLINE &&
		    host_namespace_identify(&controller, 2, &space) == 0) {
			struct host_request request = host_io(&space, NVME_IO_READ, 0, 1, page);

			host_queue_execute(&queue, &request, SOON_MS);
		}
		host_queue_close(&queue);
	}
	snprintf(error, sizeof(error), "%s", host_controller_error(&controller));
	/* for want of memory nobody is told never to come again */
	ck_assert_msg(!(controller.status.value & NVME_STATUS_DNR),
	              "status %04x: %s",
	              controller.status.value,
	              error);
	host_controller_close(&controller);
}

static void reconfigure(unsigned round)
{
	static struct harness_exports changed;
	static char text[4096];

	changed = scene.harness->exports;
	if (round % 2)
		changed.subsystems[0].namespaces[2] = (struct harness_namespace){
			.nsid = 3, .path = "ram:4M", .block_bytes = 4096};
	harness_write(scene.harness, "changed.json", &changed);
	harness_ctl(scene.harness,
	            text,
	            sizeof(text),
	            "--timeout",
	            "1",
	            "restore",
	            harness_path(scene.harness, "changed.json"),
	            NULL);
	harness_ctl(scene.harness, text, sizeof(text), "--timeout", "1", "status", NULL);
}

static void await_service(void)
{
	atomic_store(&scarcity->one_in, 0);
	harness_restore(scene.harness, &scene.harness->exports);
	harness_await_service(scene.harness);
}

/* ------------------------------------------------------------------ what holds */

static void have_little(void (*meanwhile)(unsigned round))
{
	static const unsigned one_in[] = {100, 3, 30, 10};
	const char *seconds = getenv("NVMETD_TEST_SECONDS");
	uint64_t end_ns = clock_now_ns() +
	                  (seconds ? strtoull(seconds, NULL, 10) : SECONDS) * NS_PER_S;

	for (unsigned round = 0; clock_now_ns() < end_ns; round++) {
		atomic_store(&scarcity->one_in, one_in[round % 4]);
		visit();
		meanwhile(round);
	}
	atomic_store(&scarcity->one_in, 0);
	printf("# %s: %u of %u allocations failed\n",
	       which,
	       atomic_load(&scarcity->failed),
	       atomic_load(&scarcity->calls));
	fflush(stdout);
}

START_TEST(lives_on_while_hosts_come_with_little_memory)
{
	have_little(reconfigure);
	ck_assert_uint_gt(atomic_load(&scarcity->failed), 0);
	ck_assert_int_eq(harness_pid(scene.harness, which, 0), process);
}
END_TEST

START_TEST(serves_as_before_when_there_is_memory_again)
{
	await_service();
	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	scene_write(2, 0, 8, 2);
	scene_read_back(2, 0, 8, 2);
	scene_expect_ready();
	scene_disconnect();
	ck_assert_int_eq(harness_pid(scene.harness, which, 0), process);
	ck_assert_uint_eq(atomic_load(&scarcity->runs), 1);
}
END_TEST

static void do_io(unsigned round)
{
	scene_write(1, 0, 8, round);
	scene_read_back(1, 0, 8, round);
}

/* What is there already needs no memory. */
START_TEST(does_the_io_of_those_who_are_there)
{
	scene_connect();
	have_little(do_io);
	scene_disconnect();
}
END_TEST

/* Planned, and the successor has as little: what cannot be handed over is let go of. */
START_TEST(is_followed_without_a_crash_when_it_leaves)
{
	static const unsigned one_in[] = {30, 10, 4};
	const struct timespec pause = {.tv_nsec = 300 * NS_PER_MS};

	for (size_t i = 0; i < sizeof(one_in) / sizeof(one_in[0]); i++) {
		pid_t pid = harness_pid(scene.harness, which, 0);

		scene_connect();
		atomic_store(&scarcity->one_in, one_in[i]);
		ck_assert_int_eq(kill(pid, SIGHUP), 0);
		nanosleep(&pause, NULL); /* not for luck: so long there is little */
		atomic_store(&scarcity->one_in, 0);
		harness_pid(scene.harness, which, pid);
		scene_disconnect();
		await_service();
	}
	ck_assert_uint_eq(harness_log_count(scene.harness, "ended: signal"), 0);
	ck_assert_uint_eq(harness_log_count(scene.harness, "Sanitizer"), 0);
}
END_TEST

#define TESTS                                                                                      \
	does_the_io_of_those_who_are_there, lives_on_while_hosts_come_with_little_memory,          \
		serves_as_before_when_there_is_memory_again,                                       \
		is_followed_without_a_crash_when_it_leaves

/* ------------------------------------------------------------------ at the start */

#define STILL_MS 150u /* without an allocation: it is up, or on its way out */
#define END_MS   10000u
#define TOLD     (128 + SIGTERM) /* before it could hear it: by us all the same */

static void given_no_process(void)
{
	struct harness_exports plain = harness_plain();

	scene.harness = harness_new(&plain);
	harness_write(scene.harness, "config.json", &scene.harness->exports);
	make_file();
}

static void forget_no_process(void)
{
	harness_stop(scene.harness);
	scene.harness = NULL;
}

/* When it allocates no more, it is told to end, if it has not ended. */
static int await_end(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	uint64_t end_ns = clock_now_ns() + END_MS * NS_PER_MS, still_ns = 0;
	unsigned calls = 0;
	siginfo_t info = {0};

	while (!info.si_pid && clock_now_ns() < end_ns &&
	       (calls == 0 || clock_now_ns() < still_ns + STILL_MS * NS_PER_MS)) {
		if (atomic_load(&scarcity->calls) != calls)
			still_ns = clock_now_ns();
		calls = atomic_load(&scarcity->calls);
		nanosleep(&pause, NULL);
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG);
	}
	if (!info.si_pid)
		kill(pid, SIGTERM);
	return harness_await(pid, END_MS);
}

/* The next one starts with nothing, too: no database, and no copy of one. */
static void forget_database(void)
{
	DIR *directory = opendir(harness_path(scene.harness, "state"));
	const struct dirent *entry;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			ck_assert_int_eq(unlinkat(dirfd(directory), entry->d_name, 0), 0);
	closedir(directory);
}

/* It comes up all the same, or says why not. */
static void fail_one(const char *program, unsigned nth)
{
	char run[128], state[128], config[128], output[128], text[8192];
	char *arguments[] = {(char *)(uintptr_t)program,
	                     "--run-dir",
	                     run,
	                     "--state-dir",
	                     state,
	                     strcmp(program, "nvmetd-state") == 0 ? "--config" : NULL,
	                     config,
	                     NULL};
	int status;

	snprintf(run, sizeof(run), "%s/run", scene.harness->directory);
	snprintf(state, sizeof(state), "%s/state", scene.harness->directory);
	snprintf(config, sizeof(config), "%s/config.json", scene.harness->directory);
	snprintf(output, sizeof(output), "%s/log", scene.harness->directory);
	atomic_store(&scarcity->calls, 0);
	atomic_store(&scarcity->nth, nth);
	preload(program);
	forget_database();
	status = await_end(harness_spawn(program, output, arguments));
	unsetenv("LD_PRELOAD");
	harness_read(output, text, sizeof(text));
	ck_assert_msg(status == 0 || status == 1 || status == TOLD,
	              "%s ended with %d when allocation %u failed: %s",
	              program,
	              status,
	              nth,
	              text);
	ck_assert_msg(status != 1 || strstr(text, "err "),
	              "%s ended without a word when allocation %u failed",
	              program,
	              nth);
}

START_TEST(comes_up_or_says_why_not_as_a_launcher)
{
	for (unsigned nth = 1; nth <= 4; nth++)
		fail_one("nvmetd", nth);
}
END_TEST

START_TEST(comes_up_or_says_why_not_as_a_transport)
{
	for (unsigned nth = 1; nth <= 14; nth++)
		fail_one("nvmetd-tcp", nth);
}
END_TEST

START_TEST(comes_up_or_says_why_not_as_a_worker)
{
	for (unsigned nth = 1; nth <= 10; nth++)
		fail_one("nvmetd-io", nth);
}
END_TEST

/* Two thousand, most of them SQLite's; of the last quarter most are for the configuration, which
 * was said to be wrong where there was no memory to read it. */
START_TEST(comes_up_or_says_why_not_as_a_state_service)
{
	unsigned all;

	fail_one("nvmetd-state", UINT_MAX);
	all = atomic_load(&scarcity->calls);
	for (unsigned nth = 1; nth < all * 60 / 100; nth = 4 * nth + 1)
		fail_one("nvmetd-state", nth);
	for (unsigned percent = 60; percent < 80; percent += 2)
		fail_one("nvmetd-state", all * percent / 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scarcity");

	describe_running(suite,
	                 "a process that starts with little memory",
	                 given_no_process,
	                 forget_no_process,
	                 comes_up_or_says_why_not_as_a_launcher,
	                 comes_up_or_says_why_not_as_a_transport,
	                 comes_up_or_says_why_not_as_a_worker,
	                 comes_up_or_says_why_not_as_a_state_service);

	describe_running(
		suite, "a state service with little memory", given_a_state_service, forget, TESTS);
	describe_running(suite, "a transport with little memory", given_a_transport, forget, TESTS);
	describe_running(suite, "a worker with little memory", given_a_worker, forget, TESTS);
	return harness_run(suite);
}
