/* SPDX-License-Identifier: BSD-2-Clause */
/* A namespace goes to another worker while a host does verified I/O, and while processes die on its
 * way: no error, no wrong byte, and nothing of what was in memory is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"

#define MOVES      2u
#define PATIENT_MS 20000u
/* What a host may have to wait for an answer, with a sanitizer on a machine that others use. */
#define PAUSE_MS   3000.0

static char text[65536];

/* Namespace 1 in a file, 2 in memory, 3 in memory that transports have. */
static void given_two_workers(void)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *spaces = exports.subsystems[0].namespaces;

	spaces[0].worker = "io-0";
	spaces[1].worker = "io-0";
	spaces[2] = (struct harness_namespace){
		.nsid = 3, .path = "ram:64M", .has_io_grant = true, .worker = "io-0"};
	spaces[3] = (struct harness_namespace){
		.nsid = 4, .path = "ram:64M", .has_protection = true, .worker = "io-0"};
	scene.harness = harness_new(&exports);
	scene.harness->workers = 2;
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
	scene.options.timeout_ms = PATIENT_MS;
}

/* ------------------------------------------------------------------ moving */

static const char *to_whom(unsigned move)
{
	return move % 2 ? "io-0" : "io-1";
}

static void ask_for(uint32_t nsid, const char *worker)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[0].namespaces[nsid - 1].worker = worker;
	harness_restore(scene.harness, &exports);
}

/* It is there, and on the way to nobody. */
static bool is_at(uint32_t nsid, const char *worker)
{
	char words[64];
	const char *line;

	if (harness_ctl(scene.harness, text, sizeof(text), "status", NULL) != 0)
		return false; /* the state service is away */
	snprintf(words, sizeof(words), "\n  %u ", nsid);
	line = strstr(text, words);
	line = line ? strstr(line, "io-") : NULL;
	return line && strncmp(line, worker, strlen(worker)) == 0 &&
	       strncmp(line + 4, " >", 2) != 0;
}

static void await_move(uint32_t nsid, const char *worker)
{
	uint64_t until_ns = clock_now_ns() + PATIENT_MS * NS_PER_MS;

	while (!is_at(nsid, worker))
		ck_assert_msg(clock_now_ns() < until_ns, "is not at %s: %s", worker, text);
}

static pid_t start_load(uint32_t nsid)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", nsid);
	return load_start_verified(number, "2", NULL);
}

static void expect_pauses_below(double most_ms)
{
	const char *gap;

	harness_read(harness_path(scene.harness, "load"), text, sizeof(text));
	gap = strstr(text, "longest gap ");
	ck_assert_ptr_nonnull(gap);
	gap += strlen("longest gap ");
	fprintf(stderr, "# the host waited %.*s\n", (int)strcspn(gap, "\n"), gap);
	ck_assert_double_lt(strtod(gap, NULL), most_ms);
}

/* ------------------------------------------------------------------ under load */

static void move_under_load(uint32_t nsid)
{
	pid_t load = start_load(nsid);

	for (unsigned i = 0; i < MOVES; i++) {
		harness_pause(300);
		ask_for(nsid, to_whom(i));
		await_move(nsid, to_whom(i));
	}
	load_expect_good_end(load);
	expect_pauses_below(PAUSE_MS);
}

START_TEST(goes_on_in_a_file)
{
	move_under_load(1);
}
END_TEST

START_TEST(goes_on_in_memory)
{
	move_under_load(2);
}
END_TEST

START_TEST(goes_on_in_memory_that_transports_have)
{
	move_under_load(3);
}
END_TEST

START_TEST(goes_on_with_protection_information)
{
	move_under_load(4);
}
END_TEST

START_TEST(finds_what_was_in_memory_before)
{
	scene_connect();
	scene_write(2, 0, 8, 77);
	ask_for(2, "io-1");
	await_move(2, "io-1");
	scene_read_back(2, 0, 8, 77);
	/* and it is the new one's, not the old one's */
	harness_kill(scene.harness, "io-0");
	scene_read_back(2, 0, 8, 77);
	harness_kill(scene.harness, "io-1");
	scene_read_back(2, 0, 8, 77);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ out of service */

static void take_out_of_service(const char *worker, int enable)
{
	char part[64], *at, *edited;
	FILE *file;
	char path[128];

	harness_write(scene.harness, "restore.json", &scene.harness->exports);
	snprintf(path, sizeof(path), "%s", harness_path(scene.harness, "restore.json"));
	harness_read(path, text, sizeof(text));
	at = strchr(text, '{');
	ck_assert_ptr_nonnull(at);
	snprintf(part, sizeof(part), "{\"name\": \"%s\", \"enable\": %d}", worker, enable);
	ck_assert_int_gt(asprintf(&edited, "{\"workers\": [%s],%s", part, at + 1), 0);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(edited, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	free(edited);
	ck_assert_msg(harness_ctl(scene.harness, text, sizeof(text), "restore", path, NULL) == 0,
	              "%s",
	              text);
}

START_TEST(leaves_a_worker_that_is_taken_out_of_service)
{
	struct harness_exports exports = scene.harness->exports;
	pid_t load;

	for (unsigned i = 0; i < 4; i++)
		exports.subsystems[0].namespaces[i].worker = NULL;
	harness_restore(scene.harness, &exports);
	load = start_load(2);
	harness_pause(300);
	take_out_of_service("io-0", 0);
	for (uint32_t nsid = 1; nsid <= 4; nsid++)
		await_move(nsid, "io-1");
	load_expect_good_end(load);
}
END_TEST

/* ------------------------------------------------------------------ deaths */

/* The name of who dies as soon as the move has begun. */
static void move_with_a_death(uint32_t nsid, const char *name)
{
	pid_t load = start_load(nsid);

	for (unsigned i = 0; i < MOVES; i++) {
		harness_pause(300);
		ask_for(nsid, to_whom(i));
		harness_kill(scene.harness, name);
		await_move(nsid, to_whom(i));
	}
	load_expect_good_end(load);
}

START_TEST(of_a_file_outlives_the_old_worker_or_the_new_one)
{
	move_with_a_death(1, "io-0");
}
END_TEST

START_TEST(of_memory_outlives_the_old_worker_or_the_new_one)
{
	move_with_a_death(2, "io-0");
}
END_TEST

START_TEST(of_a_file_outlives_the_state_service)
{
	move_with_a_death(1, "state");
}
END_TEST

START_TEST(of_memory_outlives_the_state_service)
{
	move_with_a_death(2, "state");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("move");

	describe_alone(suite,
	               "verified I/O while its namespace goes to another worker",
	               given_two_workers,
	               scene_stop,
	               goes_on_in_a_file,
	               goes_on_in_memory,
	               goes_on_in_memory_that_transports_have,
	               goes_on_with_protection_information);
	describe_alone(suite,
	               "a namespace that has another worker",
	               given_two_workers,
	               scene_stop,
	               finds_what_was_in_memory_before,
	               leaves_a_worker_that_is_taken_out_of_service);
	describe_alone(suite,
	               "a move",
	               given_two_workers,
	               scene_stop,
	               of_a_file_outlives_the_old_worker_or_the_new_one,
	               of_memory_outlives_the_old_worker_or_the_new_one,
	               of_a_file_outlives_the_state_service,
	               of_memory_outlives_the_state_service);
	return harness_run(suite);
}
