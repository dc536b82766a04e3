/* SPDX-License-Identifier: BSD-2-Clause */
/* Each process is restarted, as planned, while a host does verified I/O: no error, no reconnect,
 * and the host hardly notices. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"

#define RESTARTS   3u
#define PATIENT_MS 20000u
/* What a host may have to wait for an answer, with a sanitizer on a machine that others use. */
#define PAUSE_MS   5000.0

static char text[8192];

static void given_a_set(void)
{
	scene_start(NULL);
	scene.options.timeout_ms = PATIENT_MS;
}

static void restart(const char *name)
{
	int r = harness_ctl(scene.harness, text, sizeof(text), "restart", name, NULL);

	ck_assert_msg(r == 0, "nvmetctl restart %s ended with %d: %s", name, r, text);
	fprintf(stderr, "# %s", text);
}

/* ------------------------------------------------------------------ under load */

static void expect_short_pauses(void)
{
	const char *gap;

	harness_read(harness_path(scene.harness, "load"), text, sizeof(text));
	gap = strstr(text, "longest gap ");
	ck_assert_ptr_nonnull(gap);
	gap += strlen("longest gap ");
	fprintf(stderr, "# the host waited %.*s\n", (int)strcspn(gap, "\n"), gap);
	ck_assert_double_lt(strtod(gap, NULL), PAUSE_MS);
}

/* The load goes on for longer than the restarts take, unless the machine is very busy. */
static void restart_under_load(const char *name, const char *nsid)
{
	pid_t load = load_start_verified(nsid, "5", NULL);

	for (unsigned i = 0; i < RESTARTS; i++) {
		harness_pause(1100); /* else its supervisor takes it for one that fails */
		restart(name);
	}
	load_expect_good_end(load);
	expect_short_pauses();
}

START_TEST(verified_io_on_a_file_goes_on)
{
	restart_under_load("io-0", "1");
}
END_TEST

START_TEST(verified_io_in_ram_goes_on)
{
	restart_under_load("io-0", "2");
}
END_TEST

START_TEST(verified_io_goes_on)
{
	restart_under_load("state", "1");
}
END_TEST

/* ------------------------------------------------------------------ what waits for state */

/* nvmetctl, which goes on while we do. */
static pid_t start_restart(const char *name)
{
	char run_dir[128];
	char *arguments[] = {(char[]){"nvmetctl"},
	                     (char[]){"--run-dir"},
	                     run_dir,
	                     (char[]){"restart"},
	                     (char *)(uintptr_t)name,
	                     NULL};

	snprintf(run_dir, sizeof(run_dir), "%s/run", scene.harness->directory);
	return harness_spawn("nvmetctl", harness_path(scene.harness, "restart"), arguments);
}

static void expect_restarted(pid_t restart_pid)
{
	int r = harness_await(restart_pid, PATIENT_MS);

	harness_read(harness_path(scene.harness, "restart"), text, sizeof(text));
	ck_assert_msg(r == 0, "nvmetctl restart ended with %d: %s", r, text);
}

START_TEST(admin_commands_wait)
{
	static uint8_t page[NVME_IDENTIFY_SIZE];
	pid_t pid;

	scene_connect();
	pid = start_restart("state");
	for (unsigned i = 0; i < 2000; i++)
		host_must(&scene.controller,
		          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page));
	expect_restarted(pid);
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page));
	scene_disconnect();
}
END_TEST

START_TEST(connects_wait)
{
	pid_t pid = start_restart("state");

	for (unsigned i = 0; i < 50; i++) {
		scene_connect();
		scene_disconnect();
	}
	expect_restarted(pid);
}
END_TEST

START_TEST(event_requests_stay_parked)
{
	struct host_request event;

	scene_connect();
	scene_ask_for_event(&event);
	restart("state");
	scene_add_namespace(3);
	scene_expect_event(&event);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ all */

START_TEST(verified_io_goes_on_while_all_are_restarted)
{
	pid_t load = load_start_verified("1", "5", NULL);

	harness_pause(1100);
	restart("all");
	harness_pause(1100);
	ck_assert_int_eq(kill(scene.harness->launcher, SIGHUP), 0);
	harness_await_log(scene.harness, "all 3 processes have been restarted", 1);
	load_expect_good_end(load);
	expect_short_pauses();
	ck_assert_uint_eq(harness_log_count(scene.harness, "tcp: ready"), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("planned");

	describe_alone(suite,
	               "a planned restart of a worker",
	               given_a_set,
	               scene_stop,
	               verified_io_on_a_file_goes_on,
	               verified_io_in_ram_goes_on);
	describe_alone(suite,
	               "a planned restart of the state service",
	               given_a_set,
	               scene_stop,
	               verified_io_goes_on,
	               admin_commands_wait,
	               connects_wait,
	               event_requests_stay_parked);
	describe_alone(suite,
	               "a planned restart of all",
	               given_a_set,
	               scene_stop,
	               verified_io_goes_on_while_all_are_restarted);
	return harness_run(suite);
}
