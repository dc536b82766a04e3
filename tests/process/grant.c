/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces with an io grant: the transport does their I/O by itself, and no host notices when
 * the grant comes and goes, when the worker dies, or when the memory is another. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"

#define BLOCKS 64u /* of 4096 bytes */

static void given_a_grant(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[1].has_io_grant = true;
	exports.subsystems[0].namespaces[2] = (struct harness_namespace){
		.nsid = 3, .path = "null:64M", .block_bytes = 4096, .has_io_grant = true};
	scene_start(&exports);
}

/* ------------------------------------------------------------------ status */

/* namespaces[nsid - 1] of the first subsystem. */
static long number_of(uint32_t nsid, const char *key, const char *counter)
{
	static char text[1 << 20];
	const json_t *value;
	json_t *root;
	long number;

	if (harness_ctl(scene.harness, text, sizeof(text), "status", "--json", NULL) != 0)
		ck_abort_msg("status: %s", text);
	root = json_loads(text, 0, NULL);
	value = json_array_get(json_object_get(root, "subsystems"), 0);
	value = json_array_get(json_object_get(value, "namespaces"), nsid - 1);
	value = json_object_get(value, key);
	if (counter)
		value = json_object_get(value, counter);
	if (!value)
		ck_abort_msg("status has no %s of namespace %u: %s", key, nsid, text);
	number = json_is_boolean(value) ? json_is_true(value) : (long)json_integer_value(value);
	json_decref(root);
	return number;
}

/* All reactors, or none, do its I/O. */
static void await_grant(uint32_t nsid, bool in_use)
{
	long wanted = in_use ? (long)scene.harness->threads : 0, found;
	uint64_t end_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	while ((found = number_of(nsid, "io_grant_threads", NULL)) != wanted) {
		if (clock_now_ns() > end_ns)
			ck_abort_msg("%ld reactors have it, expected %ld", found, wanted);
		usleep(20000);
	}
}

static void restore_grant(bool on)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[0].namespaces[1].has_io_grant = on;
	harness_restore(scene.harness, &exports);
}

/* ------------------------------------------------------------------ what it does */

/* A reactor that finds that a link of another came up asks anew, at its next command. */
static void settle(uint32_t nsid)
{
	await_grant(nsid, true);
	scene_write(nsid, 0, 1, 1);
	await_grant(nsid, true);
}

/* A worker that stands still answers nothing, so what is answered is the transport's own. */
static pid_t stop_worker(void)
{
	pid_t worker = harness_pid(scene.harness, "io-0", 0);
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;
	char path[64], text[512] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", worker);
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	do {
		harness_read(path, text, sizeof(text));
		if (strstr(text, ") T "))
			return worker;
		usleep(1000);
	} while (clock_now_ns() < end_ns);
	ck_abort_msg("the worker does not stop: %s", text);
}

START_TEST(needs_no_worker_for_reads_writes_flushes)
{
	pid_t worker;

	scene_connect();
	settle(2);
	worker = stop_worker();
	scene_write(2, 0, BLOCKS, 7);
	scene_read_back(2, 0, BLOCKS, 7);
	expect_good(scene_io(NVME_IO_FLUSH, 2, 0, 0, NULL));
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	scene_disconnect();
}
END_TEST

START_TEST(needs_no_worker_for_null)
{
	static uint8_t data[4096];
	pid_t worker;

	scene_connect();
	settle(3);
	worker = stop_worker();
	scene_write(3, 5, 1, 7);
	memset(data, 0xee, sizeof(data));
	expect_good(scene_io(NVME_IO_READ, 3, 5, 1, data));
	scene_expect_zeroes(data, sizeof(data));
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	scene_disconnect();
}
END_TEST

/* Write Zeroes goes through the worker, to the same memory. */
START_TEST(works_on_the_memory_that_the_worker_has)
{
	static uint8_t data[4096];

	await_grant(2, true);
	scene_connect();
	scene_write(2, 0, BLOCKS, 9);
	expect_good(scene_io(NVME_IO_WRITE_ZEROES, 2, 8, 1, NULL));
	expect_good(scene_io(NVME_IO_READ, 2, 8, 1, data));
	scene_expect_zeroes(data, sizeof(data));
	scene_disconnect();
}
END_TEST

START_TEST(refuses_what_is_beyond_the_last_block)
{
	static uint8_t data[8192];

	await_grant(2, true);
	scene_connect();
	expect_status(scene_io(NVME_IO_READ, 2, (64u << 20) / 4096 - 1, 2, data),
	              DNR(NVME_SC_LBA_RANGE));
	expect_status(scene_io(NVME_IO_WRITE, 2, UINT64_MAX, 1, data), DNR(NVME_SC_LBA_RANGE));
	scene_disconnect();
}
END_TEST

START_TEST(is_counted_for_its_namespace)
{
	long reads, writes, bytes, flushes;

	await_grant(2, true);
	scene_connect();
	reads = number_of(2, "counters", "reads");
	writes = number_of(2, "counters", "writes");
	bytes = number_of(2, "counters", "write_bytes");
	flushes = number_of(2, "counters", "flushes");
	scene_write(2, 0, BLOCKS, 9);
	scene_read_back(2, 0, BLOCKS, 9);
	expect_good(scene_io(NVME_IO_FLUSH, 2, 0, 0, NULL));
	ck_assert_int_eq(number_of(2, "counters", "reads"), reads + 1);
	ck_assert_int_eq(number_of(2, "counters", "writes"), writes + 1);
	ck_assert_int_eq(number_of(2, "counters", "write_bytes"), bytes + BLOCKS * 4096);
	ck_assert_int_eq(number_of(2, "counters", "flushes"), flushes + 1);
	scene_disconnect();
}
END_TEST

START_TEST(is_shown)
{
	static char text[65536];

	await_grant(2, true);
	ck_assert_int_eq(number_of(2, "io_grant", NULL), 1);
	ck_assert_int_eq(number_of(1, "io_grant", NULL), 0);
	ck_assert_int_eq(number_of(1, "io_grant_threads", NULL), 0);
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "io grant in use"));
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "show", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "device.io_grant=1"));
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "save", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"io_grant\": \"1\""));
}
END_TEST

/* ------------------------------------------------------------------ revocation */

/* The mappings of a process, by the name of the memory of namespace 2. */
static unsigned count_mappings(pid_t pid)
{
	char path[64], line[512];
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		n += strstr(line, "memfd:ram-") != NULL;
	fclose(file);
	return n;
}

START_TEST(that_is_revoked_is_unmapped_and_has_its_content)
{
	pid_t tcp = harness_pid(scene.harness, "tcp", 0), worker;
	static uint8_t data[BLOCKS * 4096];
	struct host_request read;

	await_grant(2, true);
	ck_assert_uint_eq(count_mappings(tcp), scene.harness->threads);
	scene_connect();
	scene_write(2, 0, BLOCKS, 3);
	restore_grant(false);
	await_grant(2, false);
	ck_assert_uint_eq(count_mappings(tcp), 0);
	worker = stop_worker();
	read = host_io(&scene.spaces[2], NVME_IO_READ, 0, BLOCKS, data);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &read));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	ck_assert_int_ne(host_queue_await(&scene.queue, &read, 300), 0); /* now it is needed */
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	queue_must(&scene.queue, host_queue_await(&scene.queue, &read, 5000));
	scene_expect(data, sizeof(data), 3);
	restore_grant(true);
	await_grant(2, true);
	scene_read_back(2, 0, BLOCKS, 3);
	scene_disconnect();
}
END_TEST

/* A namespace of the same name comes back with new memory. */
START_TEST(of_a_namespace_that_is_gone_is_unmapped)
{
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);
	struct harness_exports with = scene.harness->exports, without = with;
	uint64_t end_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	static uint8_t data[4096];

	await_grant(2, true);
	scene_connect();
	scene_write(2, 0, BLOCKS, 4);
	without.subsystems[0].namespaces[1] = without.subsystems[0].namespaces[2];
	without.subsystems[0].namespaces[2] = (struct harness_namespace){.nsid = 0};
	harness_restore(scene.harness, &without);
	while (count_mappings(tcp) > 0 ||
	       harness_log_count(scene.harness, "has left worker") == 0) {
		ck_assert_msg(clock_now_ns() < end_ns, "it is still mapped");
		usleep(10000);
	}
	harness_restore(scene.harness, &with);
	await_grant(2, true);
	expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	scene_expect_zeroes(data, sizeof(data));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ under load */

static pid_t start_load(const char *seconds)
{
	return load_start("--nsid",
	                  "2",
	                  "--rw",
	                  "randrw",
	                  "--bs",
	                  "8K",
	                  "--qd",
	                  "32",
	                  "--connections",
	                  "2",
	                  "--region",
	                  "16M",
	                  "--ddgst",
	                  "--seconds",
	                  seconds,
	                  "--verify",
	                  NULL);
}

START_TEST(is_verified_by_its_transport_alone)
{
	await_grant(2, true);
	load_expect_good_end(start_load("2"));
}
END_TEST

START_TEST(is_verified_while_the_grant_comes_and_goes)
{
	pid_t load;

	await_grant(2, true);
	load = start_load("6");
	for (unsigned i = 0; i < 6; i++) {
		restore_grant(i % 2);
		await_grant(2, i % 2);
	}
	load_expect_good_end(load);
}
END_TEST

START_TEST(is_verified_while_its_worker_dies_three_times)
{
	pid_t load;

	await_grant(2, true);
	load = start_load("5");
	for (unsigned i = 0; i < 3; i++) {
		harness_kill(scene.harness, "io-0");
		await_grant(2, true);
	}
	load_expect_good_end(load);
}
END_TEST

/* The worker's successor is kept from serving: the memory is still here. */
START_TEST(goes_on_without_a_worker)
{
	pid_t old, next;

	scene_connect();
	settle(2);
	old = harness_pid(scene.harness, "io-0", 0);
	ck_assert_int_eq(kill(old, SIGKILL), 0);
	scene_write(2, 0, BLOCKS, 8);
	scene_read_back(2, 0, BLOCKS, 8);
	next = harness_pid(scene.harness, "io-0", old);
	ck_assert_int_ne(next, old);
	await_grant(2, true);
	scene_read_back(2, 0, BLOCKS, 8);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ memory that is lost */

/* Without a launcher there is no descriptor store: a worker's successor begins with nothing. */
static pid_t start_alone(const char *program, const char *name)
{
	char run_dir[128], state_dir[128], config[128], threads[8], log[128], file[64];
	bool is_state = strcmp(name, "state") == 0;
	char *const arguments[] = {(char *)(uintptr_t)program,
	                           (char[]){"--run-dir"},
	                           run_dir,
	                           (char[]){"--state-dir"},
	                           state_dir,
	                           (char[]){"--name"},
	                           (char *)(uintptr_t)name,
	                           (char[]){"--threads"},
	                           threads,
	                           is_state ? (char[]){"--config"} : NULL,
	                           config,
	                           NULL};

	snprintf(run_dir, sizeof(run_dir), "%s", harness_path(scene.harness, "run"));
	snprintf(state_dir, sizeof(state_dir), "%s", harness_path(scene.harness, "state"));
	snprintf(config, sizeof(config), "%s", harness_path(scene.harness, "config.json"));
	snprintf(file, sizeof(file), "%s.log", name);
	snprintf(log, sizeof(log), "%s", harness_path(scene.harness, file));
	snprintf(threads, sizeof(threads), "%u", is_state ? 1 : scene.harness->threads);
	return harness_spawn(program, log, arguments);
}

static void await_text(const char *file, const char *text)
{
	uint64_t end_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	static char found[65536];

	do {
		harness_read(harness_path(scene.harness, file), found, sizeof(found));
		if (strstr(found, text))
			return;
		usleep(10000);
	} while (clock_now_ns() < end_ns);
	ck_abort_msg("%s does not say \"%s\": %s", file, text, found);
}

static pid_t worker;

static void given_processes_without_a_launcher(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[1].has_io_grant = true;
	scene.harness = harness_new(&exports);
	harness_write(scene.harness, "config.json", &scene.harness->exports);
	mkdir(harness_path(scene.harness, "run"), 0700);
	mkdir(harness_path(scene.harness, "state"), 0700);
	start_alone("nvmetd-state", "state");
	worker = start_alone("nvmetd-io", "io-0");
	start_alone("nvmetd-tcp", "tcp");
	await_text("tcp.log", "listening on");
	scene.options = harness_host(scene.harness, 0, 0);
}

static bool is_read_as_zeroes(void)
{
	static uint8_t data[4096];
	static const uint8_t zeroes[4096];

	expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	return memcmp(data, zeroes, sizeof(data)) == 0;
}

static void read_by(struct host_queue *queue, uint8_t data[static 4096])
{
	struct host_request read = host_io(&scene.spaces[2], NVME_IO_READ, 0, 1, data);

	queue_must(queue, host_queue_execute(queue, &read, HARNESS_WAIT_MS));
}

/* What one queue sees of the successor, the other sees at once, whatever reactor it is on. */
START_TEST(of_a_successor_is_the_same_for_all)
{
	uint64_t end_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	static uint8_t data[4096];
	struct host_queue other;

	scene_connect();
	host_must(&scene.controller,
	          host_controller_open_queue(&scene.controller, &other, 2, 32, 8));
	settle(2);
	scene_write(2, 0, 1, 5);
	read_by(&other, data);
	scene_expect(data, sizeof(data), 5);
	harness_end_program(worker);
	scene_read_back(2, 0, 1, 5); /* it is still here */
	worker = start_alone("nvmetd-io", "io-0");
	while (!is_read_as_zeroes())
		ck_assert_msg(clock_now_ns() < end_ns, "the old memory is still used");
	read_by(&other, data);
	scene_expect_zeroes(data, sizeof(data));
	scene_write(2, 0, 1, 6);
	read_by(&other, data);
	scene_expect(data, sizeof(data), 6);
	await_grant(2, true);
	scene_read_back(2, 0, 1, 6);
	host_queue_close(&other);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grant");

	describe_running(suite,
	                 "a namespace with an io grant",
	                 given_a_grant,
	                 scene_stop,
	                 needs_no_worker_for_reads_writes_flushes,
	                 needs_no_worker_for_null,
	                 works_on_the_memory_that_the_worker_has,
	                 refuses_what_is_beyond_the_last_block,
	                 is_counted_for_its_namespace,
	                 is_shown,
	                 is_verified_by_its_transport_alone,
	                 is_verified_while_the_grant_comes_and_goes,
	                 is_verified_while_its_worker_dies_three_times,
	                 goes_on_without_a_worker);
	describe_alone(suite,
	               "a grant",
	               given_a_grant,
	               scene_stop,
	               that_is_revoked_is_unmapped_and_has_its_content,
	               of_a_namespace_that_is_gone_is_unmapped);
	describe_alone(suite,
	               "the memory",
	               given_processes_without_a_launcher,
	               scene_stop,
	               of_a_successor_is_the_same_for_all);
	return harness_run(suite);
}
