/* SPDX-License-Identifier: BSD-2-Clause */
/* A namespace with fault: does what the configuration and nvmetctl say, and hosts see it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define PATIENT_MS 25000u

static char text[65536];

/* Namespace 1 is a plain file; 2 has faults over RAM, 3 over a file. */
static void given(const char *device_timeout)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[1] = (struct harness_namespace){
		.nsid = 2, .path = "ram:16M", .has_faults = true};
	exports.subsystems[0].namespaces[2] = (struct harness_namespace){
		.nsid = 3,
		.path = "bad",
		.create_bytes = 32 << 20,
		.has_faults = true,
		.faults = {"read error=EIO lba=0-7", "write error=ENOSPC lba=8 every=2"}
        };
	scene.harness = harness_new(&exports);
	scene.harness->device_timeout = device_timeout;
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
	scene.options.timeout_ms = PATIENT_MS;
}

static void given_a_set(void)
{
	given(NULL);
}

static void given_little_patience(void)
{
	given("1");
}

#define ctl(...) harness_ctl(scene.harness, text, sizeof(text), __VA_ARGS__, NULL)

static void must_ctl(int r)
{
	if (r != 0)
		ck_abort_msg("nvmetctl: %d: %s", r, text);
}

static void expect_text(const char *words)
{
	if (!strstr(text, words))
		ck_abort_msg("there is no \"%s\" in: %s", words, text);
}

/* Refused with these words. */
static void expect_no(int r, int wanted, const char *words)
{
	ck_assert_msg(r == wanted, "exit %d: %s", r, text);
	expect_text(words);
}

#define fault(nsid, ...) ctl("fault", HARNESS_NQN, nsid, __VA_ARGS__)

static unsigned status_of_read(uint32_t nsid, uint64_t lba)
{
	uint8_t data[4096];

	return scene_io(NVME_IO_READ, nsid, lba, 4096 / scene.spaces[nsid].block_bytes, data).value;
}

/* ------------------------------------------------------------------ configuration */

START_TEST(a_host_gets_the_error_of_its_configuration)
{
	uint8_t block[512] = {0};

	scene_connect();
	ck_assert_uint_eq(status_of_read(3, 0), NVME_SC_UNRECOVERED_READ);
	ck_assert_uint_eq(status_of_read(3, 8), 0);
	expect_good(scene_io(NVME_IO_WRITE, 3, 8, 1, block));
	expect_status(scene_io(NVME_IO_WRITE, 3, 8, 1, block), DNR(NVME_SC_CAPACITY_EXCEEDED));
	scene_write(1, 0, 8, 1);
	scene_read_back(1, 0, 8, 1);
	scene_disconnect();
}
END_TEST

START_TEST(a_host_is_told_of_a_volatile_cache)
{
	scene_connect();
	ck_assert_uint_eq(scene.controller.identity.vwc & 1, 1);
	scene_disconnect();
}
END_TEST

START_TEST(nvmetctl_shows_what_was_hit)
{
	scene_connect();
	for (unsigned i = 0; i < 5; i++)
		status_of_read(3, 0);
	scene_disconnect();
	must_ctl(fault("3", "show"));
	expect_text("Power on");
	expect_text("read error=EIO lba=0-7");
	expect_text("5    5");
	must_ctl(ctl("status"));
	expect_text("faults: 2 rules, 5 hit");
	must_ctl(ctl("status", "--json"));
	expect_text("\"hits\": 5");
}
END_TEST

START_TEST(what_is_configured_is_saved)
{
	must_ctl(ctl("save"));
	expect_text("\"faults\": [");
	expect_text("\"write error=ENOSPC lba=8 every=2\"");
	expect_text("\"path\": \"fault:ram:16M\"");
}
END_TEST

START_TEST(other_rules_of_the_configuration_hold_at_once)
{
	struct harness_exports exports = scene.harness->exports;

	scene_connect();
	exports.subsystems[0].namespaces[2].faults[0] = "read error=ENODATA lba=100";
	exports.subsystems[0].namespaces[2].faults[1] = NULL;
	harness_restore(scene.harness, &exports);
	while (status_of_read(3, 0) != 0)
		;
	ck_assert_uint_eq(status_of_read(3, 100), DNR(NVME_SC_UNRECOVERED_READ));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ nvmetctl fault */

START_TEST(rules_that_were_set_hold_until_they_are_cleared)
{
	scene_connect();
	must_ctl(fault("2", "set", "read error=0x286"));
	ck_assert_uint_eq(status_of_read(2, 0), 0x286);
	must_ctl(fault("2", "clear"));
	ck_assert_uint_eq(status_of_read(2, 0), 0);
	scene_disconnect();
}
END_TEST

START_TEST(rules_that_were_set_are_not_saved)
{
	must_ctl(fault("2", "set", "read error=0x286"));
	must_ctl(ctl("save"));
	ck_assert_ptr_null(strstr(text, "0x286"));
	must_ctl(fault("2", "clear"));
}
END_TEST

START_TEST(a_bad_rule_is_refused_whole)
{
	must_ctl(fault("2", "set", "read error=EIO lba=1000"));
	expect_no(fault("2", "set", "write hang", "read burn"), 1, "rule 2: \"burn\"");
	must_ctl(fault("2", "show"));
	expect_text("read error=EIO lba=1000");
	ck_assert_ptr_null(strstr(text, "write hang"));
	must_ctl(fault("2", "clear"));
}
END_TEST

START_TEST(what_has_no_faults_is_refused)
{
	expect_no(fault("1", "show"), 1, "does not begin with \"fault:\"");
	expect_no(fault("7", "show"), 1, "has no namespace 7");
	expect_no(ctl("fault", "nqn.none", "1"), 1, "no subsystem of this name");
}
END_TEST

START_TEST(wrong_use_is_said)
{
	expect_no(fault("2", "break"), 2, "'break'");
	expect_no(fault("2", "set"), 2, "needs a rule");
	expect_no(fault("2", "clear", "read hang"), 2, "takes no rules");
	expect_no(fault("two", "show"), 2, "'two'");
	expect_no(ctl("fault", HARNESS_NQN), 2, "usage");
}
END_TEST

START_TEST(power_off_fails_all_and_loses_what_was_not_flushed)
{
	scene_connect();
	must_ctl(fault("2", "set", "write lose"));
	scene_write(2, 0, 8, 1);
	expect_good(scene_io(NVME_IO_FLUSH, 2, 0, 0, NULL));
	scene_write(2, 0, 8, 2);
	must_ctl(fault("2", "power-off"));
	expect_text("Power OFF");
	expect_text("4 KiB lost");
	ck_assert_uint_eq(status_of_read(2, 0), NVME_SC_INTERNAL_PATH_ERROR);
	must_ctl(fault("2", "power-on"));
	scene_read_back(2, 0, 8, 1);
	must_ctl(fault("2", "clear"));
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.4",
	      "a volatile cache is told as such; what was not flushed may be lost with the power");
}
END_TEST

/* ------------------------------------------------------------------ hanging */

static struct host_request hanging;
static uint8_t data[4096];

/* A write that does not come back. */
static void hang(uint32_t nsid)
{
	char number[12];
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	snprintf(number, sizeof(number), "%u", nsid);
	must_ctl(fault(number, "set", "write hang lba=64-71"));
	scene_connect();
	scene_fill(data, sizeof(data), 9);
	hanging = host_io(&scene.spaces[nsid],
	                  NVME_IO_WRITE,
	                  64,
	                  4096 / scene.spaces[nsid].block_bytes,
	                  data);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &hanging));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	do {
		ck_assert_msg(clock_now_ns() < deadline_ns, "nothing hangs: %s", text);
		must_ctl(fault(number, "show"));
	} while (!strstr(text, "1 commands hang"));
}

static void expect_done(uint32_t nsid)
{
	queue_must(&scene.queue, host_queue_await(&scene.queue, &hanging, PATIENT_MS));
	scene_read_back(nsid, 64, 4096 / scene.spaces[nsid].block_bytes, 9);
	scene_disconnect();
}

START_TEST(what_hangs_is_done_when_it_is_cleared)
{
	hang(3);
	scene_write(1, 64, 8, 1); /* others do not wait */
	scene_write(3, 128, 8, 1);
	ck_assert(!hanging.completed);
	must_ctl(fault("3", "clear"));
	expect_done(3);
}
END_TEST

START_TEST(what_hangs_is_done_by_the_next_worker)
{
	hang(3);
	harness_kill(scene.harness, "io-0");
	expect_done(3);
}
END_TEST

START_TEST(a_set_ends_at_once_while_something_hangs)
{
	hang(2);
	harness_end(scene.harness);
	ck_assert_uint_eq(harness_log_count(scene.harness, "requests are still in flight"), 0);
	scene_disconnect();
}
END_TEST

START_TEST(a_worker_that_is_told_to_end_does_not_wait_for_what_hangs)
{
	pid_t old = harness_pid(scene.harness, "io-0", 0);

	hang(3);
	ck_assert_int_eq(kill(old, SIGTERM), 0);
	harness_pid(scene.harness, "io-0", old);
	ck_assert_uint_eq(harness_log_count(scene.harness, "requests are still in flight"), 0);
	expect_done(3);
}
END_TEST

/* As with a disk that does not answer. */
START_TEST(what_hangs_too_long_makes_the_namespace_not_ready_until_it_is_cleared)
{
	int r;

	hang(3);
	r = host_queue_await(&scene.queue, &hanging, PATIENT_MS);
	ck_assert_int_eq(r, HOST_E_STATUS);
	expect_status(hanging.status, NVME_SC_INTERNAL_PATH_ERROR);
	must_ctl(ctl("status"));
	expect_text("not ready: ");
	scene_write(1, 64, 8, 1);
	must_ctl(fault("3", "clear"));
	scene_read_back(3, 64, 8, 9); /* waits until it is ready; what hung was done before */
	scene_disconnect();
}
END_TEST

/* An orderly end is no loss of power. */
START_TEST(what_was_not_flushed_outlives_a_planned_restart)
{
	must_ctl(fault("3", "set", "write lose"));
	scene_connect();
	scene_write(3, 1000, 64, 5);
	must_ctl(fault("3", "show"));
	expect_text("32 KiB in the volatile cache");
	must_ctl(ctl("restart", "io-0"));
	scene_read_back(3, 1000, 64, 5);
	must_ctl(fault("3", "show"));
	expect_text("0 B in the volatile cache"); /* another worker */
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ under load */

START_TEST(verified_io_goes_on_while_rules_come_and_go)
{
	static const char *const rules[] = {
		"any delay=1ms-5ms rate=10%",
		"any lose cache=256K",
		"write,flush hang rate=5%",
		"read delay=20ms on=100ms/200ms",
	};
	pid_t load;

	must_ctl(fault("3", "clear"));
	load = load_start_verified("3", "4", "--qd", "16", "--region", "8M", NULL);

	for (unsigned i = 0; i < 8; i++) {
		must_ctl(fault("3", "set", rules[i % 4]));
		harness_pause(300);
		if (i % 4 == 3)
			must_ctl(fault("3", "clear"));
	}
	must_ctl(fault("3", "clear"));
	load_expect_good_end(load);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults");

	describe_running(suite,
	                 "a namespace with faults",
	                 given_a_set,
	                 scene_stop,
	                 a_host_is_told_of_a_volatile_cache,
	                 nvmetctl_shows_what_was_hit,
	                 a_host_gets_the_error_of_its_configuration,
	                 what_is_configured_is_saved,
	                 rules_that_were_set_hold_until_they_are_cleared,
	                 rules_that_were_set_are_not_saved,
	                 a_bad_rule_is_refused_whole,
	                 what_has_no_faults_is_refused,
	                 wrong_use_is_said,
	                 power_off_fails_all_and_loses_what_was_not_flushed,
	                 what_hangs_is_done_when_it_is_cleared,
	                 other_rules_of_the_configuration_hold_at_once);
	describe_alone(suite,
	               "a namespace with faults, once more",
	               given_a_set,
	               scene_stop,
	               what_hangs_is_done_by_the_next_worker,
	               what_was_not_flushed_outlives_a_planned_restart,
	               a_set_ends_at_once_while_something_hangs,
	               a_worker_that_is_told_to_end_does_not_wait_for_what_hangs,
	               verified_io_goes_on_while_rules_come_and_go);
	describe_alone(suite,
	               "a namespace with faults, and little patience",
	               given_little_patience,
	               scene_stop,
	               what_hangs_too_long_makes_the_namespace_not_ready_until_it_is_cleared);
	return harness_run(suite);
}
