/* SPDX-License-Identifier: BSD-2-Clause */
/* nvmetd-bench compare says how two targets relate, which of them has failed, and lets none stay
 * stopped. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"

#define BENCH_MS 40000u

static char text[16384];
static char a[400], b[400];    /* how the sides are written */
static struct harness *second; /* A, where it is a set of its own */

static void name_side(char *side, const char *name, const struct harness *harness, unsigned port,
                      unsigned nsid)
{
	snprintf(side,
	         sizeof(a),
	         "%s=127.0.0.1:%s/%s/%u",
	         name,
	         harness->exports.ports[port].trsvcid,
	         HARNESS_NQN,
	         nsid);
}

/* RAM on both sides. */
static void given_a_set_with_two_ports(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1].traddr = "127.0.0.1";
	scene_start(&exports);
	name_side(a, "left", scene.harness, 0, 2);
	name_side(b, "right", scene.harness, 1, 2);
}

static void given_two_sets(void)
{
	struct harness_exports exports = harness_plain();

	scene_start(NULL);
	second = harness_new(&exports);
	harness_start(second, true);
	name_side(a, "second", second, 0, 2);
	name_side(b, "first", scene.harness, 0, 2);
}

static void stop_both_sets(void)
{
	harness_stop(second);
	second = NULL;
	scene_stop();
}

/* Runs it with these sides and further arguments. */
static int compare(const char *side_a, const char *side_b, ...)
{
	const char *arguments[40] = {"nvmetd-bench", "compare", side_a, side_b, "--cpu", "-1"};
	unsigned n = 6;
	va_list args;

	va_start(args, side_b);
	while ((arguments[n++] = va_arg(args, const char *)))
		continue;
	va_end(args);
	return harness_program(
		"nvmetd-bench", text, sizeof(text), (char *const *)(uintptr_t)arguments, BENCH_MS);
}

#define must_compare(...)                                                                          \
	do {                                                                                       \
		int status = compare(__VA_ARGS__, NULL);                                           \
		ck_assert_msg(status == 0, "exit status %d: %s", status, text);                    \
	} while (0)

static void expect_text(const char *wanted)
{
	ck_assert_msg(strstr(text, wanted), "no \"%s\" in: %s", wanted, text);
}

/* The figure after the key, after another one. */
static double figure(const char *after, const char *key)
{
	const char *at = strstr(text, after);

	ck_assert_msg(at && (at = strstr(at, key)), "no %s %s in: %s", after, key, text);
	return strtod(at + strlen(key), NULL);
}

START_TEST(says_both_sides_of_each_work)
{
	must_compare(a, b, "--seconds", "1", "--rw", "randread,randrw", "--qd", "1,8");
	expect_text("A is left (127.0.0.1 port ");
	expect_text("B is right (127.0.0.1 port ");
	expect_text("randread, QD 1: IOPS ");
	expect_text("randread, QD 8: IOPS ");
	expect_text("randrw (50 % reads), QD 1: IOPS ");
	expect_text("randrw (50 % reads), QD 8: IOPS ");
	ck_assert_ptr_null(strstr(text, "errors"));
}
END_TEST

START_TEST(says_its_figures_as_json)
{
	static const char *const keys[] = {"rw",          "read_percent",
	                                   "bs",          "qd",
	                                   "connections", "pairs",
	                                   "a",           "b",
	                                   "name",        "traddr",
	                                   "trsvcid",     "subnqn",
	                                   "nsid",        "iops",
	                                   "mb_s",        "mean_us",
	                                   "p50_us",      "p99_us",
	                                   "errors",      "iops_ratio",
	                                   "p99_ratio",   "ceiling_percent",
	                                   "ceiling_iops"};
	char key[32];

	must_compare(a, b, "--seconds", "1", "--rw", "randrw", "--mix", "70", "--json");
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(key, sizeof(key), "\"%s\": ", keys[i]);
		expect_text(key);
	}
	expect_text("\"rw\": \"randrw\", \"read_percent\": 70, \"bs\": 4096, \"qd\": 1,");
	expect_text("\"name\": \"left\"");
	expect_text("\"name\": \"right\"");
	expect_text("\"ceiling_iops\": null");
	ck_assert_uint_ge((unsigned)figure("{", "\"pairs\": "), 5);
	/* one object, and nothing around it */
	ck_assert_int_eq(text[0], '{');
	ck_assert_str_eq(strchr(text, '\n'), "\n");
}
END_TEST

START_TEST(finds_a_set_as_quick_as_itself)
{
	double median, least, most;

	must_compare(a, b, "--seconds", "3", "--qd", "4", "--json");
	median = figure("\"iops_ratio\"", "\"median\": ");
	least = figure("\"iops_ratio\"", "\"least\": ");
	most = figure("\"iops_ratio\"", "\"most\": ");
	ck_assert_double_le(least, median);
	ck_assert_double_le(median, most);
	/* other tests run beside this one */
	ck_assert_double_gt(median, 0.1);
	ck_assert_double_lt(median, 10);
}
END_TEST

START_TEST(divides_a_by_b)
{
	char file[400];
	double ratio, of_medians;

	name_side(file, "file", scene.harness, 0, 1);
	must_compare(file, b, "--seconds", "2", "--json");
	ratio = figure("\"iops_ratio\"", "\"median\": ");
	of_medians = figure("\"a\"", "\"iops\": ") / figure("\"b\"", "\"iops\": ");
	/* both are a/b, whatever else this machine does: not one of them b/a */
	ck_assert_msg(
		(ratio - 1) * (of_medians - 1) >= 0 || (ratio > 0.2 && ratio < 5), "%s", text);
}
END_TEST

START_TEST(has_the_ceiling_in_its_rotation)
{
	must_compare(a, b, "--seconds", "1", "--qd", "1,8", "--ceiling", "--json");
	ck_assert_double_gt(figure("\"a\"", "\"ceiling_percent\": "), 0);
	ck_assert_double_gt(figure("\"b\"", "\"ceiling_percent\": "), 0);
	ck_assert_double_gt(figure("{", "\"ceiling_iops\": "), 0);
	ck_assert_ptr_null(strstr(text, "compare with care"));
}
END_TEST

START_TEST(applies_the_options_to_both)
{
	must_compare(a,
	             b,
	             "--seconds",
	             "1",
	             "--bs",
	             "16K",
	             "--connections",
	             "2",
	             "--hdgst",
	             "--ddgst",
	             "--disable-sqflow",
	             "--lockstep",
	             "--warmup",
	             "1",
	             "--region",
	             "1M",
	             "--json");
	expect_text("\"bs\": 16384, \"qd\": 1, \"connections\": 2,");
}
END_TEST

START_TEST(draws_a_plot)
{
	const char *path = harness_path(scene.harness, "plot.svg");

	must_compare(a, b, "--seconds", "1", "--qd", "1,4", "--svg", path);
	harness_read(harness_path(scene.harness, "plot.svg"), text, sizeof(text));
	expect_text("<svg ");
	expect_text(">left</text>");
	expect_text(">right</text>");
	expect_text(">4</text>");
	expect_text("</svg>\n");
}
END_TEST

static void name_plot(char path[200], const char *name)
{
	snprintf(path, 200, "%s", harness_path(scene.harness, name));
}

START_TEST(leaves_a_plot_alone_for_which_it_has_no_other)
{
	char path[200];
	FILE *file;

	name_plot(path, "kept.svg");
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs("an earlier one", file);
	fclose(file);
	ck_assert_int_eq(compare(a, "127.0.0.1:1/" HARNESS_NQN, "--svg", path, NULL), 3);
	harness_read(path, text, sizeof(text));
	ck_assert_str_eq(text, "an earlier one");
}
END_TEST

START_TEST(makes_no_plot_of_nothing)
{
	char path[200];

	name_plot(path, "none.svg");
	ck_assert_int_eq(compare(a, "127.0.0.1:1/" HARNESS_NQN, "--svg", path, NULL), 3);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* Has `wanted`, before the deadline. */
static void await_in_file(const char *path, const char *wanted)
{
	const struct timespec pause_between = {.tv_nsec = 20000000};
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	for (text[0] = '\0'; !strstr(text, wanted); nanosleep(&pause_between, NULL)) {
		ck_assert_msg(clock_now_ns() < deadline_ns, "no \"%s\" in %s", wanted, path);
		if (access(path, F_OK) == 0)
			harness_read(path, text, sizeof(text));
	}
}

START_TEST(has_drawn_what_it_has_when_it_is_interrupted)
{
	char path[200];
	const char *arguments[] = {"nvmetd-bench",
	                           "compare",
	                           a,
	                           b,
	                           "--cpu",
	                           "-1",
	                           "--seconds",
	                           "1",
	                           "--qd",
	                           "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
	                           "--svg",
	                           path,
	                           NULL};
	pid_t bench;

	name_plot(path, "early.svg");
	bench = harness_spawn("nvmetd-bench",
	                      harness_path(scene.harness, "compare"),
	                      (char *const *)(uintptr_t)arguments);
	await_in_file(path, "</svg>\n");
	kill(bench, SIGINT);
	harness_end_program(bench);
	harness_read(path, text, sizeof(text));
	expect_text("</svg>\n");
}
END_TEST

START_TEST(says_which_side_cannot_be_reached)
{
	ck_assert_int_eq(compare(a, "gone=127.0.0.1:1/" HARNESS_NQN, NULL), 3);
	expect_text("cannot connect to 127.0.0.1 port 1: Connection refused");
	expect_text("that was side B, gone (127.0.0.1 port 1, ");
	ck_assert_int_eq(compare("127.0.0.1:1/" HARNESS_NQN, b, NULL), 3);
	expect_text("that was side A, A (127.0.0.1 port 1, ");
}
END_TEST

START_TEST(refuses_what_is_no_target)
{
	ck_assert_int_eq(compare(a, "127.0.0.1:4420", NULL), 2);
	expect_text("B is not a target, \"127.0.0.1:4420\"");
	expect_text("[NAME=]TRADDR[:TRSVCID]/SUBNQN[/NSID]");
	ck_assert_int_eq(compare(a, "--json", NULL), 2);
	ck_assert_int_eq(compare(a, b, "third", NULL), 2);
}
END_TEST

START_TEST(refuses_options_of_a_single_load)
{
	ck_assert_int_eq(compare(a, b, "--nqn", HARNESS_NQN, NULL), 2);
	expect_text("\"nqn\"");
	ck_assert_int_eq(compare(a, b, "--verify", NULL), 2);
	ck_assert_int_eq(compare(a, b, "--ios", "5", NULL), 2);
	ck_assert_int_eq(compare(a, b, "--kato", "5", NULL), 2);
	ck_assert_int_eq(compare(a, b, "--pause-a", "nobody", NULL), 2);
	expect_text("--pause-a");
	ck_assert_int_eq(compare(a, b, "--svg", "/nowhere/at/all.svg", NULL), 2);
	expect_text("--svg /nowhere/at/all.svg");
}
END_TEST

/* ------------------------------------------------------------------ pauses */

static bool is_stopped(pid_t pid)
{
	char path[40], stat[512];
	const char *after;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	harness_read(path, stat, sizeof(stat));
	after = strrchr(stat, ')');
	ck_assert_ptr_nonnull(after);
	return after[2] == 'T';
}

static void await_stopped(pid_t pid, bool wanted)
{
	const struct timespec pause_between = {.tv_nsec = 2000000};
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	while (is_stopped(pid) != wanted) {
		ck_assert_msg(clock_now_ns() < deadline_ns,
		              "process %d is not %s",
		              (int)pid,
		              wanted ? "stopped" : "going on");
		nanosleep(&pause_between, NULL);
	}
}

/* The set that was stopped again and again answers, and none of its processes has died of it. */
static void expect_unharmed(pid_t tcp, pid_t io)
{
	struct host_controller controller;

	ck_assert_int_eq(harness_pid(second, "tcp", 0), tcp);
	ck_assert_int_eq(harness_pid(second, "io-0", 0), io);
	harness_connect(second, &controller);
	host_controller_close(&controller);
}

START_TEST(stops_the_side_that_rests)
{
	pid_t tcp = harness_pid(second, "tcp", 0), io = harness_pid(second, "io-0", 0);
	char launcher[16];

	snprintf(launcher, sizeof(launcher), "%d", (int)second->launcher);
	must_compare(
		a, b, "--seconds", "6", "--ceiling", "--pause-a", launcher, "--tree", "--json");
	ck_assert(!is_stopped(tcp));
	ck_assert(!is_stopped(io));
	expect_unharmed(tcp, io);
}
END_TEST

static void end_by(int signal_number)
{
	pid_t tcp = harness_pid(second, "tcp", 0), io = harness_pid(second, "io-0", 0);
	char pids[32];
	const char *arguments[] = {"nvmetd-bench",
	                           "compare",
	                           a,
	                           b,
	                           "--cpu",
	                           "-1",
	                           "--seconds",
	                           "30",
	                           "--pause-a",
	                           pids,
	                           NULL};
	pid_t bench;

	snprintf(pids, sizeof(pids), "%d,%d", (int)tcp, (int)io);
	bench = harness_spawn("nvmetd-bench",
	                      harness_path(scene.harness, "compare"),
	                      (char *const *)(uintptr_t)arguments);
	await_stopped(tcp, true);
	kill(bench, signal_number);
	await_stopped(tcp, false);
	await_stopped(io, false);
	harness_end_program(bench);
	expect_unharmed(tcp, io);
}

START_TEST(lets_all_go_on_when_it_is_terminated)
{
	end_by(SIGTERM);
}
END_TEST

START_TEST(lets_all_go_on_when_it_is_killed)
{
	end_by(SIGKILL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compare");

	describe_running(suite,
	                 "nvmetd-bench compare",
	                 given_a_set_with_two_ports,
	                 scene_stop,
	                 says_both_sides_of_each_work,
	                 says_its_figures_as_json,
	                 finds_a_set_as_quick_as_itself,
	                 divides_a_by_b,
	                 has_the_ceiling_in_its_rotation,
	                 applies_the_options_to_both,
	                 draws_a_plot,
	                 leaves_a_plot_alone_for_which_it_has_no_other,
	                 makes_no_plot_of_nothing,
	                 has_drawn_what_it_has_when_it_is_interrupted,
	                 says_which_side_cannot_be_reached,
	                 refuses_what_is_no_target,
	                 refuses_options_of_a_single_load);
	describe_running(suite,
	                 "nvmetd-bench compare with --pause-a",
	                 given_two_sets,
	                 stop_both_sets,
	                 stops_the_side_that_rests,
	                 lets_all_go_on_when_it_is_terminated,
	                 lets_all_go_on_when_it_is_killed);
	return harness_run(suite);
}
