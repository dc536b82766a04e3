/* SPDX-License-Identifier: BSD-2-Clause */
/* A block device: a loop device over a file of the test. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/io/namespace.h"
#include "tests/support/spec.h"
#include "tests/unit/io/loop_device.h"
#include "tests/unit/io/rig.h"

#define MIB (1u << 20)

static struct player player;
static int holder;

static void given_a_device_with_blocks_of(unsigned block_size)
{
	rig_begin(1);
	ck_assert(loop_device_begin(rig_file("disk", 16 * MIB), block_size));
	rig_serve_one(loop_device_path());
	player_begin(&player);
	holder = -1;
}

static void given_a_device(void)
{
	given_a_device_with_blocks_of(512);
}

static void given_a_device_with_blocks_of_4096(void)
{
	given_a_device_with_blocks_of(4096);
	player.block_shift = 12;
}

static void leave(void)
{
	player_leave(&player);
	if (holder >= 0)
		close(holder);
	loop_device_end();
	rig_end();
}

static const struct namespace *served(void)
{
	return container_of(namespaces_list(rig.namespaces)->next, struct namespace, link);
}

START_TEST(is_as_large_as_the_device)
{
	const char *reason;

	ck_assert_uint_eq(rig_blocks(1, &reason), 16 * MIB >> 9);
}
END_TEST

START_TEST(reads_what_was_written)
{
	player_fill(&player, MIB, 1);
	ck_assert_uint_eq(player_write(&player, 1, 1000, 2048, LINK_FUA), 0);
	ck_assert_uint_eq(player_read(&player, 1, 1000, 2048), 0);
	ck_assert(player_has(&player, MIB, 1));
	ck_assert_uint_eq(player_flush(&player, 1), 0);
}
END_TEST

START_TEST(zeroes)
{
	static const uint8_t flags[] = {0, LINK_FUA, LINK_DEALLOC, LINK_FUA | LINK_DEALLOC};

	for (size_t i = 0; i < 4; i++) {
		player_fill(&player, MIB, 1);
		ck_assert_uint_eq(player_write(&player, 1, 0, 2048, 0), 0);
		ck_assert_uint_eq(player_zero(&player, 1, 0, 2048, flags[i]), 0);
		ck_assert_uint_eq(player_read(&player, 1, 0, 2048), 0);
		ck_assert(player_has_zeroes(&player, MIB));
	}
}
END_TEST

START_TEST(deallocates)
{
	ck_assert_uint_eq(player_deallocate(&player, 1, 0, 2048), 0);
}
END_TEST

static unsigned long queue_number(const char *name)
{
	unsigned long number = 0;
	char path[96];
	FILE *file;

	snprintf(path,
	         sizeof(path),
	         "/sys/class/block/%s/queue/%s",
	         loop_device_path() + strlen("/dev/"),
	         name);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu", &number), 1);
	fclose(file);
	return number;
}

START_TEST(has_the_preferences_of_its_queue)
{
	const struct backing_preference *preference = &served()->backing->preference;

	ck_assert_uint_eq(preference->write, queue_number("minimum_io_size"));
	ck_assert_uint_ge(preference->write, 512);
	ck_assert_uint_eq(preference->discard, queue_number("discard_granularity"));
	ck_assert_uint_eq(preference->optimal, queue_number("optimal_io_size"));
}
END_TEST

/* How often the device was told to flush its cache, as the kernel counts it. */
static unsigned long flushes(void)
{
	unsigned long field = 0;
	char path[64];
	FILE *file;

	snprintf(path,
	         sizeof(path),
	         "/sys/class/block/%s/stat",
	         loop_device_path() + strlen("/dev/"));
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_int_eq(fscanf(file, "%lu", &field), 1);
	fclose(file);
	return field;
}

START_TEST(is_told_to_flush)
{
	unsigned long before = flushes();

	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(flushes(), before);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	ck_assert_uint_eq(flushes(), before + 1);
}
END_TEST

/* A loop device has no FUA of its own: the kernel flushes behind the write. */
START_TEST(has_it_on_the_medium_with_force_unit_access)
{
	unsigned long before = flushes();

	ck_assert_uint_eq(player_write(&player, 1, 0, 8, LINK_FUA), 0);
	ck_assert_uint_eq(flushes(), before + 1);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, LINK_FUA), 0);
	ck_assert_uint_eq(flushes(), before + 2);
}
END_TEST

START_TEST(keeps_out_who_would_mount_it)
{
	holder = open(loop_device_path(), O_RDWR | O_EXCL | O_CLOEXEC);
	ck_assert_int_eq(holder, -1);
	ck_assert_int_eq(errno, EBUSY);
}
END_TEST

START_TEST(is_not_ready_while_it_is_in_use)
{
	const struct rig_namespace one = {.handle = 1, .path = loop_device_path()};
	const char *reason;

	rig_serve(NULL, 0);
	until((holder = open(loop_device_path(), O_RDWR | O_EXCL | O_CLOEXEC)) >= 0);
	rig_serve(&one, 1);
	ck_assert_uint_eq(rig_blocks(1, &reason), 0);
	ck_assert_str_eq(reason, "the device is in use: it is mounted, or another process has it");
	close(holder);
	holder = -1;
	until(rig_is_ready(1));
}
END_TEST

START_TEST(has_blocks_of_4096_whether_wanted_or_not)
{
	const char *reason;

	ck_assert_uint_eq(served()->backing->block_shift, 12);
	ck_assert_uint_eq(rig_blocks(1, &reason), 16 * MIB >> 12);
	player_fill(&player, 65536, 1);
	ck_assert_uint_eq(player_write(&player, 1, 1, 16, 0), 0);
	ck_assert_uint_eq(player_read(&player, 1, 1, 16), 0);
	ck_assert(player_has(&player, 65536, 1));
}
END_TEST

static unsigned actuators_if(bool rotates)
{
	ck_assert(loop_device_rotate(rotates));
	rig_serve(NULL, 0);
	rig_serve_one(loop_device_path());
	return served()->backing->actuators;
}

START_TEST(has_no_actuators_where_nothing_rotates)
{
	ck_assert_uint_eq(actuators_if(false), 0);
}
END_TEST

START_TEST(has_an_actuator_where_it_rotates)
{
	ck_assert_uint_eq(actuators_if(true), 1);
}
END_TEST

int main(void)
{
	Suite *suite;

	if (!loop_device_can_be()) {
		printf("1..0 # SKIP a loop device cannot be made here\n");
		return 77;
	}
	suite = suite_create("a block device");
	describe(suite,
	         "with blocks of 512",
	         given_a_device,
	         leave,
	         is_as_large_as_the_device,
	         reads_what_was_written,
	         zeroes,
	         deallocates,
	         is_told_to_flush,
	         has_it_on_the_medium_with_force_unit_access,
	         keeps_out_who_would_mount_it,
	         is_not_ready_while_it_is_in_use,
	         has_the_preferences_of_its_queue,
	         has_no_actuators_where_nothing_rotates,
	         has_an_actuator_where_it_rotates);
	describe(suite,
	         "with blocks of 4096",
	         given_a_device_with_blocks_of_4096,
	         leave,
	         has_blocks_of_4096_whether_wanted_or_not);
	return run(suite);
}
