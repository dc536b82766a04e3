/* SPDX-License-Identifier: BSD-2-Clause */
/* Backing files that are missing, come, or are cut short: their namespace says so, all else serves.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define MIB (1u << 20)

/* Namespace 1 is a file, 2 is RAM, 3 is a file that is not there. */
static void given_a_missing_file(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[2] = (struct harness_namespace){
		.nsid = 3, .path = "late", .is_missing = true};
	scene_start(&exports);
}

static void create_late(void)
{
	int fd = open(harness_path(scene.harness, "late"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 8 * MIB), 0);
	close(fd);
}

static void await_namespace(uint32_t nsid)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;

	while (host_namespace_identify(&scene.controller, nsid, &scene.spaces[nsid]) != 0) {
		if (clock_now_ns() >= deadline_ns)
			ck_abort_msg("namespace %u does not become ready: %s",
			             nsid,
			             host_controller_error(&scene.controller));
		harness_pause(20);
	}
}

START_TEST(others_are_served_meanwhile)
{
	scene_connect();
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	scene_write(2, 0, 64, 2);
	scene_read_back(2, 0, 64, 2);
	scene_disconnect();
}
END_TEST

START_TEST(status_says_why_it_is_not_ready)
{
	static char text[65536];

	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "No such file"));
}
END_TEST

START_TEST(hosts_do_not_see_it)
{
	struct host_namespace space = {.nsid = 3, .block_bytes = 512};
	struct host_request request;
	struct le32 list[1024];
	uint8_t data[512];

	scene_connect();
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_ACTIVE_NAMESPACES, 0, 0, list));
	ck_assert_uint_eq(le32_get(list[1]), 2);
	ck_assert_uint_eq(le32_get(list[2]), 0);
	request = host_io(&space, NVME_IO_READ, 0, 1, data);
	expect_status(scene_execute(&request), DNR(NVME_SC_INVALID_NAMESPACE));
	scene_disconnect();
}
END_TEST

START_TEST(it_is_served_once_its_file_is_there)
{
	scene_connect();
	create_late();
	await_namespace(3);
	ck_assert_uint_eq(scene.spaces[3].blocks, 8 * MIB / 512);
	scene_write(3, 0, 64, 3);
	scene_read_back(3, 0, 64, 3);
	scene_disconnect();
}
END_TEST

START_TEST(a_host_is_told_when_its_file_is_there)
{
	struct host_request event = host_event_request();

	scene_connect();
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, 1u << 8));
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &event));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
	create_late();
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &event, 20000));
	await_namespace(3);
	scene_disconnect();
}
END_TEST

START_TEST(its_uuid_is_the_same_after_a_restart)
{
	struct host_namespace space;

	create_late();
	scene_connect();
	await_namespace(3);
	space = scene.spaces[3];
	scene_disconnect();
	harness_end(scene.harness);
	harness_start(scene.harness, false);
	scene_connect();
	await_namespace(3);
	ck_assert_mem_eq(space.uuid, scene.spaces[3].uuid, 16);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ cut short */

static void given_a_set(void)
{
	scene_start(NULL);
}

START_TEST(reading_what_was_cut_off_is_an_error_and_nobody_dies)
{
	uint8_t data[4096];
	struct nvme_status status;
	pid_t io;

	scene_connect();
	io = harness_pid(scene.harness, "io-0", 0);
	scene_write(1, 0, 8, 1);
	ck_assert_int_eq(truncate(harness_path(scene.harness, "disk"), MIB), 0);
	status = scene_io(NVME_IO_READ, 1, scene.spaces[1].blocks - 8, 8, data);
	ck_assert(!status_is_ok(status));
	scene_read_back(1, 0, 8, 1);
	scene_write(2, 0, 8, 2);
	scene_read_back(2, 0, 8, 2);
	ck_assert_int_eq(harness_pid(scene.harness, "io-0", 0), io);
	scene_disconnect();
}
END_TEST

START_TEST(a_file_that_was_removed_goes_on_while_it_is_open)
{
	scene_connect();
	ck_assert_int_eq(unlink(harness_path(scene.harness, "disk")), 0);
	scene_write(1, 0, 64, 1);
	scene_read_back(1, 0, 64, 1);
	scene_disconnect();
}
END_TEST

START_TEST(what_was_flushed_is_in_the_file)
{
	static uint8_t data[65536];
	int fd;

	scene_connect();
	scene_write(1, 128, 128, 9);
	expect_good(scene_io(NVME_IO_FLUSH, 1, 0, 0, NULL));
	fd = open(harness_path(scene.harness, "disk"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, data, sizeof(data), 65536), sizeof(data));
	close(fd);
	scene_expect(data, sizeof(data), 9);
	scene_disconnect();
	shows("Base 2.1 §7.2", "what was flushed is on the store");
}
END_TEST

START_TEST(deallocated_blocks_take_no_room_in_the_file)
{
	struct nvme_dsm_range range = {.blocks = le32_of(8 * MIB / 512)};
	struct host_request request = {
		.command = {.opcode = NVME_IO_DATASET_MANAGEMENT,
	                    .nsid = le32_of(1),
	                    .cdw11 = le32_of(NVME_DSM_AD)},
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.data = &range,
		.length = sizeof(range),
	};
	struct stat full, empty;

	scene_connect();
	for (unsigned i = 0; i < 8; i++)
		scene_write(1, i * (MIB / 512), MIB / 512, i);
	expect_good(scene_io(NVME_IO_FLUSH, 1, 0, 0, NULL));
	ck_assert_int_eq(stat(harness_path(scene.harness, "disk"), &full), 0);
	expect_good(scene_execute(&request));
	expect_good(scene_io(NVME_IO_FLUSH, 1, 0, 0, NULL));
	ck_assert_int_eq(stat(harness_path(scene.harness, "disk"), &empty), 0);
	ck_assert_int_eq(empty.st_size, full.st_size);
	ck_assert_int_lt(empty.st_blocks, full.st_blocks);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backing");

	describe_running(suite,
	                 "a namespace whose file is missing",
	                 given_a_missing_file,
	                 scene_stop,
	                 others_are_served_meanwhile,
	                 status_says_why_it_is_not_ready,
	                 hosts_do_not_see_it);
	describe_alone(suite,
	               "a namespace whose file comes late",
	               given_a_missing_file,
	               scene_stop,
	               it_is_served_once_its_file_is_there,
	               a_host_is_told_when_its_file_is_there,
	               its_uuid_is_the_same_after_a_restart);
	describe_alone(suite,
	               "a namespace in a file",
	               given_a_set,
	               scene_stop,
	               reading_what_was_cut_off_is_an_error_and_nobody_dies,
	               a_file_that_was_removed_goes_on_while_it_is_open,
	               what_was_flushed_is_in_the_file,
	               deallocated_blocks_take_no_room_in_the_file);
	return harness_run(suite);
}
