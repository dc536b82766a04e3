/* SPDX-License-Identifier: BSD-2-Clause */
/* nvmetctl trace says where the time of commands goes, of a set that lives or has died. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"

static char text[65536];
static pid_t load, follower;

static void given_a_set(void)
{
	scene_start(NULL);
}

static pid_t start_load(const char *rw, const char *nsid)
{
	return load_start("--nsid", nsid, "--rw", rw, "--qd", "4", "--seconds", "60", NULL);
}

/* nvmetctl trace of each command, until it is ended. */
static pid_t start_follower(void)
{
	const char *arguments[] = {"nvmetctl",
	                           "--run-dir",
	                           harness_path(scene.harness, "run"),
	                           "trace",
	                           "--every",
	                           "1",
	                           "--seconds",
	                           "600",
	                           NULL};

	return harness_spawn("nvmetctl",
	                     harness_path(scene.harness, "follower"),
	                     (char *const *)(uintptr_t)arguments);
}

static void expect_text(const char *wanted)
{
	ck_assert_msg(strstr(text, wanted), "no \"%s\" in: %s", wanted, text);
}

/* Row by row, in the order of a command's life. */
static void expect_stages_in_order(const char *kind)
{
	static const char *const rows[] = {"\n  admitted ",
	                                   "\n  put ",
	                                   "\n  took ",
	                                   "\n  done ",
	                                   "\n  back ",
	                                   "\n  sent ",
	                                   "\n  whole "};
	const char *at = strstr(text, kind);

	ck_assert_msg(at, "no \"%s\" in: %s", kind, text);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		at = strstr(at, rows[i]);
		ck_assert_msg(at, "no row \"%s\" at its place in: %s", rows[i] + 3, text);
	}
	ck_assert_ptr_nonnull(strstr(at, "from \"seen\" to \"sent\""));
}

static void trace(const char *seconds, const char *every, const char *json)
{
	ck_assert_int_eq(harness_ctl(scene.harness,
	                             text,
	                             sizeof(text),
	                             "trace",
	                             "--seconds",
	                             seconds,
	                             "--every",
	                             every,
	                             json,
	                             NULL),
	                 0);
}

static void dump(void)
{
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "trace", "--dump", NULL),
	                 0);
}

/* It may not have begun yet. */
static void trace_until(const char *wanted, const char *json)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	do {
		ck_assert_msg(clock_now_ns() < deadline_ns, "no \"%s\" in: %s", wanted, text);
		trace("1", "3", json);
	} while (!strstr(text, wanted));
}

/* A command's record is written when its answer has been sent: its host may be quicker. */
static void dump_until(const char *wanted)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	do {
		ck_assert_msg(clock_now_ns() < deadline_ns, "no \"%s\" in: %s", wanted, text);
		dump();
	} while (!strstr(text, wanted));
}

/* That the dump has of this process, of all its threads. */
static unsigned long long records_of(pid_t pid)
{
	unsigned long long sum = 0;
	const char *at = text;
	char origin[64];

	snprintf(origin, sizeof(origin), " of tcp, process %d: ", pid);
	while ((at = strstr(at, origin))) {
		at += strlen(origin);
		sum += strtoull(at, NULL, 10);
	}
	return sum;
}

static void await_records_of(pid_t pid)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	do {
		ck_assert_msg(clock_now_ns() < deadline_ns, "none of process %d: %s", pid, text);
		dump();
	} while (records_of(pid) == 0);
}

START_TEST(shows_all_stages_of_reads)
{
	load = start_load("randread", "2");
	trace_until("read: ", NULL);
	harness_end_program(load);
	expect_stages_in_order("read: ");
	expect_text(" 0 unsound");
}
END_TEST

START_TEST(shows_all_stages_of_writes_to_a_file)
{
	load = start_load("randwrite", "1");
	trace_until("write: ", NULL);
	harness_end_program(load);
	expect_stages_in_order("write: ");
	expect_text(" 0 unsound");
}
END_TEST

START_TEST(has_every_command_if_asked_for_each)
{
	follower = start_follower();
	scene_connect();
	do { /* until it is heard */
		expect_good(scene_io(NVME_IO_FLUSH, 2, 0, 0, NULL));
		dump();
	} while (!strstr(text, " flush "));
	scene_write(2, 4321, 1, 1);
	scene_read_back(2, 4321, 1, 1);
	scene_write(2, 4322, 1, 1);
	dump_until(" 4322 ");
	expect_text(" 4321 ");
	scene_disconnect();
	harness_end_program(follower);
}
END_TEST

START_TEST(traces_no_longer_than_asked_for)
{
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);
	unsigned long long before;

	scene_connect();
	trace("1", "1", NULL);
	scene_write(2, 0, 1, 1); /* whose round may be the last that is traced */
	dump();
	before = records_of(tcp);
	for (unsigned i = 0; i < 20; i++)
		scene_write(2, i, 1, 1);
	dump();
	ck_assert_uint_eq(records_of(tcp), before);
	scene_disconnect();
}
END_TEST

START_TEST(says_its_figures_as_json)
{
	load = start_load("randread", "2");
	trace_until("\"stage\": ", "--json"); /* there are none without a command */
	harness_end_program(load);
	expect_text("\"kind\": \"read\"");
	expect_text("\"stage\": \"took\"");
	expect_text("\"p99_ns\": ");
	expect_text("\"unsound\": 0");
}
END_TEST

START_TEST(refuses_a_command_line_that_makes_no_sense)
{
	static const char *const wrong[][2] = {
		{"--seconds", "0"     },
		{"--every",   "x"     },
		{"--last",    "3"     },
		{"--dump",    "-1"    },
		{"--dump",    "--json"}
        };

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(harness_ctl(scene.harness,
		                             text,
		                             sizeof(text),
		                             "trace",
		                             wrong[i][0],
		                             wrong[i][1],
		                             NULL),
		                 2);
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "trace", "--every", NULL),
	                 2);
}
END_TEST

START_TEST(keeps_its_file_from_others)
{
	struct stat status;

	ck_assert_int_eq(stat(harness_path(scene.harness, "run/trace/trace-tcp-0"), &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0600);
}
END_TEST

/* ------------------------------------------------------------------ without a worker */

static void given_a_set_with_an_io_grant(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[1].has_io_grant = true;
	scene_start(&exports);
}

START_TEST(shows_the_stages_of_what_a_transport_did_by_itself)
{
	const char *at;

	load = start_load("randread", "2");
	trace_until("read_direct: ", NULL); /* the memory may not have been handed over before */
	harness_end_program(load);
	at = strstr(text, "read_direct: ");
	ck_assert_ptr_nonnull(strstr(at, "\n  took "));
	ck_assert_ptr_nonnull(strstr(at, "\n  done "));
	ck_assert_ptr_null(strstr(at, "\n  put "));
	expect_text(" 0 not through all stages");
	dump();
	expect_text(" read_direct ");
}
END_TEST

/* ------------------------------------------------------------------ after a death */

/* What it did last is there, although its successor has been up for long. */
START_TEST(shows_what_the_dead_did_last)
{
	pid_t dead = harness_pid(scene.harness, "tcp", 0);

	load = start_load("randrw", "2");
	trace_until("read: ", NULL);
	harness_kill(scene.harness, "tcp");
	harness_end_program(load);
	harness_await_service(scene.harness);
	dump();
	ck_assert_msg(records_of(dead) > 0, "none of process %d: %s", dead, text);
	expect_text(".old: reactor ");
	expect_text(" read ");
}
END_TEST

START_TEST(shows_what_was_killed_while_it_was_traced)
{
	pid_t dead = harness_pid(scene.harness, "tcp", 0);

	follower = start_follower();
	load = start_load("randrw", "2");
	await_records_of(dead);
	harness_kill(scene.harness, "tcp");
	harness_end_program(load);
	harness_end_program(follower);
	harness_await_service(scene.harness);
	dump();
	ck_assert_msg(records_of(dead) > 0, "none of process %d: %s", dead, text);
	expect_text(".old: reactor ");
	expect_text(" read ");
}
END_TEST

START_TEST(is_left_for_a_dump_when_all_have_gone)
{
	load = start_load("randread", "2");
	trace_until("read: ", NULL);
	harness_end_program(load);
	harness_end(scene.harness);
	dump();
	expect_text(" read ");
	harness_start(scene.harness, true);
}
END_TEST

/* ------------------------------------------------------------------ from the start */

static void given_a_set_that_traces_all(void)
{
	struct harness_exports plain = harness_plain();

	scene.harness = harness_new(&plain);
	scene.harness->trace = "1";
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

START_TEST(has_the_last_commands_of_any_time)
{
	scene_connect();
	scene_write(2, 4321, 1, 1);
	dump_until(" 4321 ");
	trace("1", "1000000", NULL); /* in its place; then it goes on */
	do
		scene_write(2, 4322, 1, 1);
	while ((dump(), !strstr(text, " 4322 ")));
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");

	describe_running(suite,
	                 "nvmetctl trace",
	                 given_a_set,
	                 scene_stop,
	                 shows_all_stages_of_reads,
	                 shows_all_stages_of_writes_to_a_file,
	                 has_every_command_if_asked_for_each,
	                 traces_no_longer_than_asked_for,
	                 says_its_figures_as_json,
	                 refuses_a_command_line_that_makes_no_sense,
	                 keeps_its_file_from_others,
	                 shows_what_the_dead_did_last,
	                 shows_what_was_killed_while_it_was_traced);
	describe_alone(suite,
	               "nvmetctl trace of a namespace with an io grant",
	               given_a_set_with_an_io_grant,
	               scene_stop,
	               shows_the_stages_of_what_a_transport_did_by_itself);
	describe_alone(suite,
	               "a set that has ended",
	               given_a_set,
	               scene_stop,
	               is_left_for_a_dump_when_all_have_gone);
	describe_alone(suite,
	               "a set that is started with --trace 1",
	               given_a_set_that_traces_all,
	               scene_stop,
	               has_the_last_commands_of_any_time);
	return harness_run(suite);
}
