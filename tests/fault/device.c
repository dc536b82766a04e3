/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that takes its time, or does not answer at all, behind the real processes: what they, the
 * kernel and the disk have in flight, and what a host sees of it. The disk is slow_file's: a file
 * of a FUSE file system, whose requests outlive the process that began them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"
#include "tests/unit/io/slow_file.h"

#define PATIENT_MS 25000u
#define BYTES      4096u
#define DISK       1u /* namespaces */
#define MEMORY     2u

static struct host_request old, newer;
static uint8_t old_data[BYTES], newer_data[BYTES];

static void given(enum slow_file_kind kind, bool is_buffered)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *disk = &exports.subsystems[0].namespaces[0];
	const char *why;

	ck_assert(slow_file_begin(kind, &why));
	disk->path = slow_file_path();
	disk->create_bytes = 0;
	disk->is_buffered = is_buffered;
	scene.harness = harness_new(&exports);
	scene.harness->device_timeout = "1";
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
	scene.options.timeout_ms = PATIENT_MS;
	scene_connect();
}

static void given_a_disk(void)
{
	given(SLOW_FILE_ASYNC, false);
}

static void given_a_disk_that_a_thread_waits_for(void)
{
	given(SLOW_FILE_WAITS, false);
}

static void given_a_disk_with_buffered_io(void)
{
	given(SLOW_FILE_WAITS, true);
}

static void leave(void)
{
	slow_file_hold(false);
	scene_disconnect();
	scene_stop();
	slow_file_end();
}

static void await(bool (*holds)(void), const char *what)
{
	uint64_t end_ns = clock_now_ns() + 15 * NS_PER_S;

	while (!holds()) {
		ck_assert_msg(clock_now_ns() < end_ns, "never: %s", what);
		usleep(2000);
	}
}

static bool is_at_the_disk(void)
{
	return slow_file_held() > 0;
}

static void submit(struct host_request *request, uint8_t opcode, uint8_t *data)
{
	*request = host_io(
		&scene.spaces[DISK], opcode, 0, BYTES / scene.spaces[DISK].block_bytes, data);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, request));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
}

/* A write that the disk has and does not answer. */
static void write_old(void)
{
	slow_file_hold(true);
	scene_fill(old_data, BYTES, 1);
	submit(&old, NVME_IO_WRITE, old_data);
	await(is_at_the_disk, "the disk has the write");
}

static void write_newer(void)
{
	scene_fill(newer_data, BYTES, 2);
	submit(&newer, NVME_IO_WRITE, newer_data);
}

static unsigned status_of_end(struct host_request *request)
{
	int r = host_queue_await(&scene.queue, request, PATIENT_MS);

	if (r != HOST_E_STATUS)
		harness_host_must(r, "a command", scene.queue.connection.error);
	return request->status.value;
}

static void expect_on_disk(uint64_t seed)
{
	static uint8_t data[BYTES];
	struct host_request read;

	submit(&read, NVME_IO_READ, data);
	ck_assert_uint_eq(status_of_end(&read), 0);
	scene_expect(data, BYTES, seed);
}

/* ------------------------------------------------------------------ it does not answer */

START_TEST(the_host_is_told_to_try_again_while_the_disk_has_its_write)
{
	write_old();
	ck_assert_uint_eq(status_of_end(&old), NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_uint_eq(slow_file_held(), 1);
	shows("Base 2.1 §4.2.3",
	      "I/O on a device that does not answer is answered with a path error without DNR in "
	      "time");
}
END_TEST

/* The link of all namespaces was ended after 25 s, and not made again before the disk answered. */
START_TEST(other_namespaces_go_on_all_the_time)
{
	uint64_t end_ns;

	write_old();
	end_ns = clock_now_ns() + 4 * NS_PER_S;
	for (uint64_t i = 0; clock_now_ns() < end_ns; i++) {
		uint64_t since_ns = clock_now_ns();

		scene_write(MEMORY, i % 64, 1, i);
		ck_assert_uint_lt(clock_now_ns() - since_ns, NS_PER_S);
	}
	ck_assert_uint_eq(harness_log_count(scene.harness, "reactor 0: ended: "), 0);
	ck_assert_uint_eq(status_of_end(&old), NVME_SC_INTERNAL_PATH_ERROR);
}
END_TEST

START_TEST(what_its_host_sends_again_comes_after_the_old_write)
{
	write_old();
	ck_assert_uint_eq(status_of_end(&old), NVME_SC_INTERNAL_PATH_ERROR);
	write_newer();
	usleep(300000);
	ck_assert_uint_eq(slow_file_counts().writes, 1); /* it is not at the disk */
	slow_file_hold(false);
	ck_assert_uint_eq(status_of_end(&newer), 0);
	expect_on_disk(2);
	shows("Base 2.1 §9.6.3",
	      "what a host sends again comes after what it sent first, whenever the device does "
	      "that");
}
END_TEST

START_TEST(its_place_is_free_again_when_the_disk_has_answered)
{
	for (unsigned i = 0; i < 3; i++) {
		write_old();
		ck_assert_uint_eq(status_of_end(&old), NVME_SC_INTERNAL_PATH_ERROR);
		slow_file_hold(false);
		write_newer();
		ck_assert_uint_eq(status_of_end(&newer), 0);
	}
	expect_on_disk(2);
}
END_TEST

START_TEST(the_reason_is_in_the_status)
{
	static char text[65536];

	write_old();
	ck_assert_uint_eq(status_of_end(&old), NVME_SC_INTERNAL_PATH_ERROR);
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
	ck_assert_msg(strstr(text, "does not answer"), "%s", text);
}
END_TEST

START_TEST(a_host_that_leaves_leaves_its_memory_until_the_disk_has_answered)
{
	write_old();
	ck_assert_uint_eq(status_of_end(&old), NVME_SC_INTERNAL_PATH_ERROR);
	scene_disconnect();
	slow_file_hold(false);
	scene_connect();
	write_newer();
	ck_assert_uint_eq(status_of_end(&newer), 0);
	expect_on_disk(2);
}
END_TEST

/* Every I/O Connect of such a host waited for 25 s, and was refused then, as long as the disk was
 * silent. */
static void expect_a_way_back(void)
{
	scene_disconnect();
	scene_connect();
	ck_assert_uint_eq(slow_file_held(), 1);
	scene_write(MEMORY, 0, 8, 3);
	scene_read_back(MEMORY, 0, 8, 3);
	write_newer();
	usleep(300000);
	ck_assert_uint_eq(slow_file_counts().writes, 1); /* it is not at the disk */
	slow_file_hold(false);
	ck_assert_uint_eq(status_of_end(&newer), 0);
	expect_on_disk(2);
}

START_TEST(a_host_whose_connections_end_has_others_while_the_disk_has_its_write)
{
	write_old();
	ck_assert_uint_eq(status_of_end(&old), NVME_SC_INTERNAL_PATH_ERROR);
	expect_a_way_back();
}
END_TEST

START_TEST(a_host_whose_connections_end_before_it_is_told_has_others_then)
{
	write_old();
	expect_a_way_back();
}
END_TEST

/* ------------------------------------------------------------------ the worker dies meanwhile */

/* Where a thread of the kernel waits for the disk, the dead worker stays until that has answered,
 * with all its files, and other namespaces wait too (docs/decisions/0001). */
static void expect_no_overtaking(bool others_go_on)
{
	pid_t worker = harness_pid(scene.harness, "io-0", 0);

	write_old();
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	write_newer();
	usleep(500000);
	ck_assert_uint_eq(slow_file_counts().writes, 1);
	if (others_go_on)
		scene_write(MEMORY, 0, 8, 3);
	slow_file_hold(false);
	status_of_end(&old); /* success, or to be tried again: as long as the disk took */
	ck_assert_uint_eq(status_of_end(&newer), 0);
	expect_on_disk(2);
	ck_assert_int_ne(harness_pid(scene.harness, "io-0", worker), worker);
}

START_TEST(the_successor_writes_nothing_before_the_old_write_is_over)
{
	expect_no_overtaking(false);
}
END_TEST

START_TEST(other_namespaces_go_on_with_the_successor)
{
	expect_no_overtaking(true);
}
END_TEST

/* What a dead worker's read brings must not land in memory that is another's. */
START_TEST(a_read_of_a_dead_worker_keeps_its_memory)
{
	static uint8_t read_data[BYTES];
	struct host_request read;

	scene_fill(newer_data, BYTES, 2);
	write_newer();
	ck_assert_uint_eq(status_of_end(&newer), 0);
	slow_file_hold(true);
	submit(&read, NVME_IO_READ, read_data);
	await(is_at_the_disk, "the disk has the read");
	ck_assert_int_eq(kill(harness_pid(scene.harness, "io-0", 0), SIGKILL), 0);
	for (uint64_t i = 0; i < 64; i++) { /* all of the arena's memory that there is */
		scene_write(MEMORY, i, 256, i);
		scene_read_back(MEMORY, i, 256, i);
	}
	slow_file_hold(false);
	ck_assert_uint_eq(status_of_end(&read), 0);
	scene_expect(read_data, BYTES, 2);
}
END_TEST

int main(void)
{
	Suite *suite;
	const char *why;

	if (!slow_file_begin(SLOW_FILE_ASYNC, &why)) {
		printf("1..0 # SKIP a file system of our own cannot be mounted: %s\n", why);
		return 77;
	}
	slow_file_end();
	suite = suite_create("device");
	describe_alone(suite,
	               "a disk that does not answer",
	               given_a_disk,
	               leave,
	               the_host_is_told_to_try_again_while_the_disk_has_its_write,
	               other_namespaces_go_on_all_the_time,
	               what_its_host_sends_again_comes_after_the_old_write,
	               its_place_is_free_again_when_the_disk_has_answered,
	               the_reason_is_in_the_status,
	               a_host_that_leaves_leaves_its_memory_until_the_disk_has_answered,
	               a_host_whose_connections_end_has_others_while_the_disk_has_its_write,
	               a_host_whose_connections_end_before_it_is_told_has_others_then);
	describe_alone(suite,
	               "a disk whose worker dies",
	               given_a_disk,
	               leave,
	               the_successor_writes_nothing_before_the_old_write_is_over,
	               other_namespaces_go_on_with_the_successor,
	               a_read_of_a_dead_worker_keeps_its_memory);
	describe_alone(suite,
	               "a disk that a thread waits for and whose worker dies",
	               given_a_disk_that_a_thread_waits_for,
	               leave,
	               the_successor_writes_nothing_before_the_old_write_is_over);
	describe_alone(suite,
	               "a disk with buffered I/O whose worker dies",
	               given_a_disk_with_buffered_io,
	               leave,
	               the_successor_writes_nothing_before_the_old_write_is_over);
	return harness_run(suite);
}
