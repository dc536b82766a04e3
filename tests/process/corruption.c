/* SPDX-License-Identifier: BSD-2-Clause */
/* With protection information what has gone wrong on the disk is found, whoever reads it; what a
 * worker's death has cut off is not taken for that. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/process/guarded.h"
#include "tests/process/load.h"

/* ------------------------------------------------------------------ what has gone wrong */

/* Block numbers of the file. */
static void spoil(const char *name, off_t offset)
{
	int fd = open(harness_path(scene.harness, name), O_RDWR | O_CLOEXEC);
	uint8_t byte;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x40;
	ck_assert_int_eq(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

/* What the disk gives for `from` is what was written to `to` as well: bytes of the file. */
static void copy(const char *name, off_t to, off_t from, size_t bytes)
{
	int fd = open(harness_path(scene.harness, name), O_RDWR | O_CLOEXEC);
	uint8_t data[4096];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, data, bytes, from), (ssize_t)bytes);
	ck_assert_int_eq(pwrite(fd, data, bytes, to), (ssize_t)bytes);
	close(fd);
}

static struct nvme_status read_one(uint32_t nsid, uint64_t lba)
{
	static uint8_t data[4096];

	return scene_io(NVME_IO_READ, nsid, lba, 1, data);
}

START_TEST(one_bit_of_a_block_is_found)
{
	guarded_connect(0);
	scene_write(1, 5000, 64, 1);
	scene_write(2, 5000, 64, 2);
	spoil("disk", 5010 * 512 + 100);
	spoil("disk-4096", 5010 * 4096 + 4095);
	for (uint32_t nsid = 1; nsid <= 2; nsid++) {
		expect_good(read_one(nsid, 5009));
		expect_status(read_one(nsid, 5010), DNR(NVME_SC_GUARD_CHECK));
		expect_good(read_one(nsid, 5011));
		expect_status(guarded_get(nsid, 5006, GUARD | REFERENCE, 0),
		              DNR(NVME_SC_GUARD_CHECK));
	}
	scene_disconnect();
}
END_TEST

START_TEST(it_is_found_for_hosts_that_see_no_tuples)
{
	guarded_connect(1);
	scene_write(1, 5100, 8, 1);
	spoil("disk", 5104 * 512);
	expect_status(read_one(1, 5104), DNR(NVME_SC_GUARD_CHECK));
	scene_disconnect();
}
END_TEST

START_TEST(it_is_found_in_a_block_that_was_never_written)
{
	guarded_connect(0);
	spoil("disk", 60000 * 512);
	expect_status(read_one(1, 60000), DNR(NVME_SC_GUARD_CHECK));
	scene_disconnect();
}
END_TEST

START_TEST(it_is_mended_by_writing_the_block)
{
	guarded_connect(0);
	scene_write(1, 5200, 8, 1);
	spoil("disk", 5204 * 512);
	expect_status(read_one(1, 5204), DNR(NVME_SC_GUARD_CHECK));
	scene_write(1, 5204, 1, 3);
	scene_read_back(1, 5204, 1, 3);
	scene_disconnect();
}
END_TEST

START_TEST(a_tuple_that_is_wrong_is_found)
{
	guarded_connect(0);
	scene_write(1, 5300, 8, 1);
	spoil("disk", (off_t)scene.spaces[1].blocks * 512 + 5304 * 8 + 7); /* reference tag */
	expect_good(read_one(1, 5303));
	expect_status(read_one(1, 5304), DNR(NVME_SC_REFERENCE_TAG_CHECK));
	scene_disconnect();
}
END_TEST

START_TEST(a_block_of_another_place_is_found)
{
	off_t tuples;

	guarded_connect(0);
	tuples = (off_t)scene.spaces[1].blocks * 512;
	scene_write(1, 5400, 8, 1);
	copy("disk", 5401 * 512, 5400 * 512, 512);
	copy("disk", tuples + 5401 * 8, tuples + 5400 * 8, 8);
	expect_status(read_one(1, 5401), DNR(NVME_SC_REFERENCE_TAG_CHECK));
	scene_disconnect();
}
END_TEST

START_TEST(a_write_that_was_lost_is_found)
{
	uint8_t before[512];
	int fd = open(harness_path(scene.harness, "disk"), O_RDWR | O_CLOEXEC);

	guarded_connect(0);
	scene_write(1, 5500, 1, 1);
	ck_assert_int_eq(pread(fd, before, sizeof(before), 5500 * 512), 512);
	scene_write(1, 5500, 1, 2);
	ck_assert_int_eq(pwrite(fd, before, sizeof(before), 5500 * 512), 512);
	close(fd);
	expect_status(read_one(1, 5500), DNR(NVME_SC_GUARD_CHECK));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ deaths and changes */

static void kill_under_load(const char *nsid)
{
	pid_t load = load_start_verified(nsid, "2", "--region", "8M", NULL);

	for (unsigned i = 0; i < 4; i++) {
		harness_pause(300);
		harness_kill(scene.harness, "io-0");
	}
	load_expect_good_end(load);
}

START_TEST(verified_io_in_a_file_goes_on_while_io_dies)
{
	kill_under_load("1");
}
END_TEST

START_TEST(verified_io_in_ram_goes_on_while_io_dies)
{
	kill_under_load("3");
}
END_TEST

START_TEST(what_was_written_is_good_after_a_restart_of_all)
{
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 2; nsid++)
		scene_write(nsid, 6000, 200, nsid);
	spoil("disk", 6100 * 512);
	scene_disconnect();
	harness_end(scene.harness);
	harness_start(scene.harness, false);
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 2; nsid++)
		scene_read_back(nsid, 6000, 100, nsid);
	expect_status(read_one(1, 6100), DNR(NVME_SC_GUARD_CHECK));
	scene_disconnect();
}
END_TEST

START_TEST(hosts_connect_anew_when_it_is_not_shown_any_more)
{
	struct harness_exports changed;

	guarded_connect(0);
	ck_assert(scene.spaces[1].has_protection);
	scene_write(1, 7000, 8, 1);
	changed = scene.harness->exports;
	changed.ports[0].shows_protection = false;
	harness_restore(scene.harness, &changed);
	connection_must(&scene.controller.admin.connection,
	                host_connection_await_end(&scene.controller.admin.connection, 5000));
	scene_disconnect();
	guarded_connect(0);
	ck_assert(!scene.spaces[1].has_protection);
	scene_read_back(1, 7000, 8, 1);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("corruption");

	describe_running(suite,
	                 "what has gone wrong on the disk",
	                 guarded_start,
	                 scene_stop,
	                 one_bit_of_a_block_is_found,
	                 it_is_found_for_hosts_that_see_no_tuples,
	                 it_is_found_in_a_block_that_was_never_written,
	                 it_is_mended_by_writing_the_block,
	                 a_tuple_that_is_wrong_is_found,
	                 a_block_of_another_place_is_found,
	                 a_write_that_was_lost_is_found);
	describe_alone(suite,
	               "a set",
	               guarded_start,
	               scene_stop,
	               verified_io_in_a_file_goes_on_while_io_dies,
	               verified_io_in_ram_goes_on_while_io_dies,
	               what_was_written_is_good_after_a_restart_of_all,
	               hosts_connect_anew_when_it_is_not_shown_any_more);
	return harness_run(suite);
}
