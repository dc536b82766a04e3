/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces with an io grant: the transport does their I/O by itself, and no host notices when
 * the grant comes and goes, when the worker dies, or when the memory is another. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/grants.h"
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

/* ------------------------------------------------------------------ what it does */

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
	grants_settle(2);
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
	grants_settle(3);
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

	grants_await(2, true);
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

	grants_await(2, true);
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

	grants_await(2, true);
	scene_connect();
	reads = grants_number(2, "counters", "reads");
	writes = grants_number(2, "counters", "writes");
	bytes = grants_number(2, "counters", "write_bytes");
	flushes = grants_number(2, "counters", "flushes");
	scene_write(2, 0, BLOCKS, 9);
	scene_read_back(2, 0, BLOCKS, 9);
	expect_good(scene_io(NVME_IO_FLUSH, 2, 0, 0, NULL));
	ck_assert_int_eq(grants_number(2, "counters", "reads"), reads + 1);
	ck_assert_int_eq(grants_number(2, "counters", "writes"), writes + 1);
	ck_assert_int_eq(grants_number(2, "counters", "write_bytes"), bytes + BLOCKS * 4096);
	ck_assert_int_eq(grants_number(2, "counters", "flushes"), flushes + 1);
	scene_disconnect();
}
END_TEST

START_TEST(is_shown)
{
	static char text[65536];

	grants_await(2, true);
	ck_assert_int_eq(grants_number(2, "io_grant", NULL), 1);
	ck_assert_int_eq(grants_number(1, "io_grant", NULL), 0);
	ck_assert_int_eq(grants_number(1, "io_grant_threads", NULL), 0);
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "io grant in use"));
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "show", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "device.io_grant=1"));
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "save", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"io_grant\": \"1\""));
}
END_TEST

/* ------------------------------------------------------------------ revocation */

START_TEST(that_is_revoked_is_unmapped_and_has_its_content)
{
	pid_t tcp = harness_pid(scene.harness, "tcp", 0), worker;
	static uint8_t data[BLOCKS * 4096];
	struct host_request read;

	grants_await(2, true);
	ck_assert_uint_eq(grants_mappings(tcp), scene.harness->threads);
	scene_connect();
	scene_write(2, 0, BLOCKS, 3);
	grants_restore(false);
	grants_await(2, false);
	ck_assert_uint_eq(grants_mappings(tcp), 0);
	worker = stop_worker();
	read = host_io(&scene.spaces[2], NVME_IO_READ, 0, BLOCKS, data);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &read));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	ck_assert_int_ne(host_queue_await(&scene.queue, &read, 300), 0); /* now it is needed */
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	queue_must(&scene.queue, host_queue_await(&scene.queue, &read, 5000));
	scene_expect(data, sizeof(data), 3);
	grants_restore(true);
	grants_await(2, true);
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

	grants_await(2, true);
	scene_connect();
	scene_write(2, 0, BLOCKS, 4);
	without.subsystems[0].namespaces[1] = without.subsystems[0].namespaces[2];
	without.subsystems[0].namespaces[2] = (struct harness_namespace){.nsid = 0};
	harness_restore(scene.harness, &without);
	while (grants_mappings(tcp) > 0 ||
	       harness_log_count(scene.harness, "has left worker") == 0) {
		ck_assert_msg(clock_now_ns() < end_ns, "it is still mapped");
		usleep(10000);
	}
	harness_restore(scene.harness, &with);
	grants_await(2, true);
	expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	scene_expect_zeroes(data, sizeof(data));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ a host that does not read */

#define SLOW_READS  4u
#define SLOW_BLOCKS 256u /* of 4096 bytes, each */

static uint8_t slow_data[SLOW_READS][SLOW_BLOCKS * 4096];

static void submit_slow_reads(struct host_queue *queue, struct host_request reads[SLOW_READS])
{
	for (unsigned i = 0; i < SLOW_READS; i++) {
		reads[i] = host_io(&scene.spaces[2], NVME_IO_READ, 0, SLOW_BLOCKS, slow_data[i]);
		queue_must(queue, host_queue_submit(queue, &reads[i]));
	}
	queue_must(queue, host_queue_flush(queue));
}

/* Each block is of the one write or of the other, and whole. */
static void expect_whole_blocks(const uint8_t *data, uint64_t before, uint64_t after)
{
	static uint8_t old[SLOW_BLOCKS * 4096], new[SLOW_BLOCKS * 4096];

	scene_fill(old, sizeof(old), before);
	scene_fill(new, sizeof(new), after);
	for (size_t i = 0; i < sizeof(old); i += 4096)
		ck_assert_msg(memcmp(data + i, old + i, 4096) == 0 ||
		                      memcmp(data + i, new + i, 4096) == 0,
		              "block %zu is torn",
		              i / 4096);
}

static void expect_slow_reads(struct host_queue *queue, struct host_request reads[SLOW_READS])
{
	for (unsigned i = 0; i < SLOW_READS; i++) {
		queue_must(queue, host_queue_await(queue, &reads[i], HARNESS_WAIT_MS));
		expect_whole_blocks(slow_data[i], 5, 6);
	}
}

static void open_slow_queue(struct host_queue *queue)
{
	scene_connect();
	grants_settle(2);
	scene_write(2, 0, SLOW_BLOCKS, 5);
	host_must(&scene.controller,
	          host_controller_open_queue(&scene.controller, queue, 2, 32, SLOW_READS));
}

START_TEST(is_read_whole_by_a_host_that_reads_late)
{
	struct host_request reads[SLOW_READS];
	struct host_queue slow;

	open_slow_queue(&slow);
	submit_slow_reads(&slow, reads);
	for (unsigned i = 0; i < 20; i++)
		scene_write(2, 0, SLOW_BLOCKS, 5 + i % 2);
	expect_slow_reads(&slow, reads);
	host_queue_close(&slow);
	scene_disconnect();
}
END_TEST

/* The last of its answers are not sent for as long as it likes. */
START_TEST(is_unmapped_though_a_host_does_not_read)
{
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);
	struct host_request reads[SLOW_READS];
	struct host_queue slow;

	open_slow_queue(&slow);
	submit_slow_reads(&slow, reads);
	grants_restore(false);
	grants_await(2, false);
	ck_assert_uint_eq(grants_mappings(tcp), 0);
	scene_write(2, 0, SLOW_BLOCKS, 6);
	expect_slow_reads(&slow, reads);
	host_queue_close(&slow);
	grants_restore(true);
	grants_await(2, true);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ under load */

static pid_t start_load(const char *seconds, const char *block_bytes, bool digests)
{
	return load_start_verified("2",
	                           seconds,
	                           "--connections",
	                           "2",
	                           "--bs",
	                           block_bytes,
	                           digests ? "--ddgst" : NULL,
	                           NULL);
}

START_TEST(is_verified_by_its_transport_alone)
{
	grants_await(2, true);
	load_expect_good_end(start_load("2", "8K", false));
}
END_TEST

START_TEST(is_verified_in_large_blocks)
{
	grants_await(2, true);
	load_expect_good_end(start_load("2", "128K", false));
}
END_TEST

START_TEST(is_verified_with_digests)
{
	grants_await(2, true);
	load_expect_good_end(start_load("2", "8K", true));
}
END_TEST

static void come_and_go(const char *block_bytes)
{
	pid_t load;

	grants_await(2, true);
	load = start_load("6", block_bytes, false);
	for (unsigned i = 0; i < 6; i++) {
		grants_restore(i % 2);
		grants_await(2, i % 2);
	}
	load_expect_good_end(load);
}

START_TEST(is_verified_while_the_grant_comes_and_goes)
{
	come_and_go("8K");
}
END_TEST

START_TEST(is_verified_in_large_blocks_while_the_grant_comes_and_goes)
{
	come_and_go("128K");
}
END_TEST

START_TEST(is_verified_while_its_worker_dies_three_times)
{
	pid_t load;

	grants_await(2, true);
	load = start_load("5", "8K", false);
	for (unsigned i = 0; i < 3; i++) {
		harness_kill(scene.harness, "io-0");
		grants_await(2, true);
	}
	load_expect_good_end(load);
}
END_TEST

/* The worker's successor is kept from serving: the memory is still here. */
START_TEST(goes_on_without_a_worker)
{
	pid_t old, next;

	scene_connect();
	grants_settle(2);
	old = harness_pid(scene.harness, "io-0", 0);
	ck_assert_int_eq(kill(old, SIGKILL), 0);
	scene_write(2, 0, BLOCKS, 8);
	scene_read_back(2, 0, BLOCKS, 8);
	next = harness_pid(scene.harness, "io-0", old);
	ck_assert_int_ne(next, old);
	grants_await(2, true);
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
	grants_settle(2);
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
	grants_await(2, true);
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
	                 is_read_whole_by_a_host_that_reads_late,
	                 is_verified_by_its_transport_alone,
	                 is_verified_in_large_blocks,
	                 is_verified_with_digests,
	                 is_verified_while_the_grant_comes_and_goes,
	                 is_verified_in_large_blocks_while_the_grant_comes_and_goes,
	                 is_verified_while_its_worker_dies_three_times,
	                 goes_on_without_a_worker);
	describe_alone(suite,
	               "a grant",
	               given_a_grant,
	               scene_stop,
	               that_is_revoked_is_unmapped_and_has_its_content,
	               is_unmapped_though_a_host_does_not_read,
	               of_a_namespace_that_is_gone_is_unmapped);
	describe_alone(suite,
	               "the memory",
	               given_processes_without_a_launcher,
	               scene_stop,
	               of_a_successor_is_the_same_for_all);
	return harness_run(suite);
}
