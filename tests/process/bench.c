/* SPDX-License-Identifier: BSD-2-Clause */
/* nvmetd-bench says what it measured, finds what is wrong, and says what to do when it cannot. */
#include <stdarg.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"

#define BENCH_MS 40000u

static char text[16384];

static void given_a_set(void)
{
	scene_start(NULL);
}

/* Starts it on namespace nsid with these further arguments. */
static int bench(const char *nsid, ...)
{
	const char *arguments[40] = {"nvmetd-bench",
	                             "--traddr",
	                             "127.0.0.1",
	                             "--trsvcid",
	                             scene.harness->exports.ports[0].trsvcid,
	                             "--nqn",
	                             HARNESS_NQN,
	                             "--cpu",
	                             "-1",
	                             "--nsid",
	                             nsid};
	unsigned n = 11;
	va_list args;

	va_start(args, nsid);
	while ((arguments[n++] = va_arg(args, const char *)))
		continue;
	va_end(args);
	return harness_program(
		"nvmetd-bench", text, sizeof(text), (char *const *)(uintptr_t)arguments, BENCH_MS);
}

static void expect_text(const char *wanted)
{
	ck_assert_msg(strstr(text, wanted), "no \"%s\" in: %s", wanted, text);
}

START_TEST(says_its_figures_as_json)
{
	static const char *const keys[] = {
		"iops", "mean_us", "p50_us", "p99_us", "p999_us", "errors", "ceiling_percent"};
	char key[32];

	ck_assert_int_eq(bench("2", "--seconds", "1", "--qd", "4", "--json", NULL), 0);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(key, sizeof(key), "\"%s\": ", keys[i]);
		expect_text(key);
	}
	expect_text("\"ceiling_percent\": null");
	expect_text("\"errors\": 0,");
}
END_TEST

START_TEST(ends_after_a_number_of_ios)
{
	ck_assert_int_eq(
		bench("2", "--ios", "1001", "--qd", "8", "--connections", "2", "--json", NULL), 0);
	expect_text("\"reads\": 1001,");
}
END_TEST

START_TEST(goes_in_lockstep)
{
	ck_assert_int_eq(bench("2",
	                       "--ios",
	                       "1K",
	                       "--qd",
	                       "8",
	                       "--connections",
	                       "2",
	                       "--lockstep",
	                       "--rw",
	                       "randrw",
	                       "--verify",
	                       "--region",
	                       "1M",
	                       NULL),
	                 0);
	expect_text(" 0 wrong");
}
END_TEST

START_TEST(measures_the_ceiling_of_reads)
{
	ck_assert_int_eq(bench("2", "--seconds", "1", "--qd", "8", "--ceiling", NULL), 0);
	expect_text("of bare TCP");
	ck_assert_ptr_null(strstr(text, "compare with care"));
}
END_TEST

START_TEST(measures_the_ceiling_of_reads_with_success_and_digests)
{
	ck_assert_int_eq(bench("2",
	                       "--seconds",
	                       "1",
	                       "--qd",
	                       "8",
	                       "--ceiling",
	                       "--disable-sqflow",
	                       "--hdgst",
	                       "--ddgst",
	                       NULL),
	                 0);
	expect_text("of bare TCP");
	ck_assert_ptr_null(strstr(text, "compare with care"));
}
END_TEST

START_TEST(measures_the_ceiling_of_writes_that_are_fetched)
{
	ck_assert_int_eq(bench("2",
	                       "--seconds",
	                       "1",
	                       "--qd",
	                       "8",
	                       "--ceiling",
	                       "--rw",
	                       "randrw",
	                       "--bs",
	                       "128K",
	                       "--connections",
	                       "2",
	                       NULL),
	                 0);
	expect_text("of bare TCP");
	ck_assert_ptr_null(strstr(text, "compare with care"));
}
END_TEST

START_TEST(verifies_small_blocks_with_digests)
{
	ck_assert_int_eq(bench("1",
	                       "--seconds",
	                       "1",
	                       "--rw",
	                       "randrw",
	                       "--bs",
	                       "512",
	                       "--qd",
	                       "16",
	                       "--region",
	                       "2M",
	                       "--verify",
	                       "--hdgst",
	                       "--ddgst",
	                       NULL),
	                 0);
	expect_text(" 0 wrong");
}
END_TEST

START_TEST(verifies_large_blocks_on_several_connections)
{
	ck_assert_int_eq(bench("1",
	                       "--seconds",
	                       "1",
	                       "--rw",
	                       "rw",
	                       "--bs",
	                       "1M",
	                       "--qd",
	                       "4",
	                       "--region",
	                       "32M",
	                       "--connections",
	                       "4",
	                       "--verify",
	                       NULL),
	                 0);
	expect_text(" 0 wrong");
}
END_TEST

START_TEST(verifies_where_every_write_is_fetched)
{
	ck_assert_int_eq(bench("2",
	                       "--seconds",
	                       "1",
	                       "--rw",
	                       "randrw",
	                       "--qd",
	                       "16",
	                       "--region",
	                       "8M",
	                       "--verify",
	                       "--r2t",
	                       "--disable-sqflow",
	                       NULL),
	                 0);
	expect_text(" 0 wrong");
}
END_TEST

START_TEST(finds_what_somebody_else_has_written)
{
	pid_t other = load_start("--rw", "randwrite", "--region", "1M", "--seconds", "20", NULL);

	ck_assert_int_eq(
		bench("1", "--seconds", "3", "--rw", "randrw", "--region", "1M", "--verify", NULL),
		1);
	expect_text("wrong data: namespace 1, LBA ");
	expect_text("expected");
	harness_end_program(other);
}
END_TEST

START_TEST(says_what_to_do_when_nothing_listens)
{
	ck_assert_int_eq(bench("1", "--trsvcid", "1", NULL), 3);
	expect_text("cannot connect to 127.0.0.1 port 1: Connection refused");
	expect_text("nvmetctl status");
}
END_TEST

START_TEST(says_which_subsystem_was_refused)
{
	ck_assert_int_eq(bench("1", "--nqn", HARNESS_NQN ".nowhere", NULL), 3);
	expect_text("Connect to " HARNESS_NQN ".nowhere");
	expect_text("Connect Invalid Parameters");
}
END_TEST

START_TEST(says_that_a_namespace_is_not_there)
{
	ck_assert_int_eq(bench("9", NULL), 3);
	expect_text("namespace 9 is not active");
	expect_text("Does the subsystem have namespace 9");
}
END_TEST

START_TEST(refuses_a_command_line_that_makes_no_sense)
{
	ck_assert_int_eq(bench("1", "--bs", "100", NULL), 2);
	expect_text("--bs");
	ck_assert_int_eq(bench("1", "--rw", "sideways", NULL), 2);
	ck_assert_int_eq(bench("1", "--qd", "0", NULL), 2);
	ck_assert_int_eq(bench("1", "surplus", NULL), 2);
}
END_TEST

/* Until the set has counted reads. */
static void await_reads(void)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	const char *found;

	do {
		ck_assert_msg(clock_now_ns() < deadline_ns, "no reads are counted: %s", text);
		ck_assert_int_eq(
			harness_ctl(scene.harness, text, sizeof(text), "status", "--json", NULL),
			0);
		found = text;
		while ((found = strstr(found, "\"reads\": ")) && found[9] == '0')
			found += 9;
	} while (!found);
}

START_TEST(ends_with_an_error_when_the_connection_is_lost)
{
	pid_t load = load_start("--seconds", "20", NULL);

	await_reads();
	harness_kill(scene.harness, "tcp");
	ck_assert_int_eq(harness_await(load, BENCH_MS), 1);
	harness_read(harness_path(scene.harness, "load"), text, sizeof(text));
	expect_text("the connection was lost");
	harness_await_service(scene.harness);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench");

	describe_running(suite,
	                 "nvmetd-bench",
	                 given_a_set,
	                 scene_stop,
	                 says_its_figures_as_json,
	                 ends_after_a_number_of_ios,
	                 goes_in_lockstep,
	                 measures_the_ceiling_of_reads,
	                 measures_the_ceiling_of_reads_with_success_and_digests,
	                 measures_the_ceiling_of_writes_that_are_fetched,
	                 verifies_small_blocks_with_digests,
	                 verifies_large_blocks_on_several_connections,
	                 verifies_where_every_write_is_fetched,
	                 finds_what_somebody_else_has_written,
	                 says_what_to_do_when_nothing_listens,
	                 says_which_subsystem_was_refused,
	                 says_that_a_namespace_is_not_there,
	                 refuses_a_command_line_that_makes_no_sense);
	describe_alone(suite,
	               "nvmetd-bench without --reconnect",
	               given_a_set,
	               scene_stop,
	               ends_with_an_error_when_the_connection_is_lost);
	return harness_run(suite);
}
