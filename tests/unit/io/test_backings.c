/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks are read and written through a link, on every kind of backing, by real I/O threads. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/nvme/spec.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

#define MIB (1u << 20)

static struct player player;

static void given(const char *path)
{
	rig_begin(1);
	rig_serve_one(path);
	player_begin(&player);
}

static void given_ram(void)
{
	given("ram:16M");
}

static void given_null(void)
{
	given("null:1T");
}

static void given_a_file(void)
{
	rig_begin(1);
	rig_serve_one(rig_file("disk", 16 * MIB));
	player_begin(&player);
}

static void given_a_buffered_file(void)
{
	struct rig_namespace one = {.handle = 1, .buffered = true};

	rig_begin(1);
	one.path = rig_file("disk", 16 * MIB);
	rig_serve(&one, 1);
	player_begin(&player);
}

/* tmpfs can punch holes, but not zero a range. */
static char tmpfs_path[] = "/dev/shm/unit-io-XXXXXX";

static void given_a_file_on_tmpfs(void)
{
	int fd;

	strcpy(tmpfs_path + sizeof(tmpfs_path) - 7, "XXXXXX");
	fd = mkstemp(tmpfs_path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 16 * MIB), 0);
	close(fd);
	given(tmpfs_path);
}

static const char *fault_path(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "fault:%s", rig_file("disk", 16 * MIB));
	return path;
}

static void given_fault_over_a_file(void)
{
	struct rig_namespace one = {.handle = 1};

	rig_begin(1);
	one.path = fault_path();
	rig_serve(&one, 1);
	until(rig_is_ready(1));
	player_begin(&player);
}

static void given_a_small_cache(void)
{
	struct rig_namespace one = {.handle = 1, .faults = {"write lose cache=64K"}};

	rig_begin(1);
	one.path = fault_path();
	rig_serve(&one, 1);
	until(rig_is_ready(1));
	player_begin(&player);
}

/* With room for the tuples, and for the label: so many blocks as the others have. */
#define PI_BYTES (16 * MIB + 16 * MIB / 512 * 8 + 4096)

static void serve_pi(const char *format, struct rig_namespace one)
{
	static char path[256];

	rig_begin(1);
	snprintf(path, sizeof(path), "%s%s", format, rig_file("disk", PI_BYTES));
	one.handle = 1;
	one.path = path;
	rig_serve(&one, 1);
	until(rig_is_ready(1));
	player_begin(&player);
}

static void given_pi_over_a_file(void)
{
	serve_pi("pi:", (struct rig_namespace){0});
}

static void given_pi_over_a_buffered_file(void)
{
	serve_pi("pi:", (struct rig_namespace){.buffered = true});
}

static void given_pi_over_a_small_cache(void)
{
	serve_pi("pi:fault:", (struct rig_namespace){.faults = {"write lose cache=64K"}});
}

static void given_pi_over_ram(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "pi:ram:%u", PI_BYTES);
	given(path);
}

static void leave(void)
{
	player_leave(&player);
	rig_end();
}

static void leave_tmpfs(void)
{
	leave();
	unlink(tmpfs_path);
}

/* ------------------------------------------------------------------ whatever stores */

START_TEST(reads_what_was_written)
{
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 100, 8, 0), 0);
	ck_assert_uint_eq(player_read(&player, 1, 100, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
}
END_TEST

START_TEST(reads_zeroes_where_nothing_was_written)
{
	ck_assert_uint_eq(player_read(&player, 1, 5000, 2048), 0);
	ck_assert(player_has_zeroes(&player, MIB));
}
END_TEST

START_TEST(moves_a_single_block)
{
	player_fill(&player, 512, 2);
	ck_assert_uint_eq(player_write(&player, 1, 7, 1, 0), 0);
	ck_assert_uint_eq(player_read(&player, 1, 6, 3), 0);
	memmove(player.arena.memory, (char *)player.arena.memory + 512, 512);
	ck_assert(player_has(&player, 512, 2));
	ck_assert_int_eq(((char *)player.arena.memory)[1024], 0);
}
END_TEST

START_TEST(moves_four_mebibytes_at_once)
{
	player_fill(&player, RIG_ARENA, 3);
	ck_assert_uint_eq(player_write(&player, 1, 0, RIG_ARENA >> 9, 0), 0);
	ck_assert_uint_eq(player_read(&player, 1, 0, RIG_ARENA >> 9), 0);
	ck_assert(player_has(&player, RIG_ARENA, 3));
}
END_TEST

START_TEST(moves_two_segments)
{
	struct link_request request = player_writing(&player, 1, 0, 8);

	player_fill(&player, 4096, 4);
	request.segment_count = 2;
	request.segments[0] = (struct link_segment){.offset = 0, .length = 1024};
	request.segments[1] = (struct link_segment){.offset = 1024, .length = 3072};
	ck_assert_uint_eq(player_do(&player, request), 0);
	request.operation = LINK_READ; /* and back, in another division */
	request.segments[0] = (struct link_segment){.offset = 8192, .length = 3584};
	request.segments[1] = (struct link_segment){.offset = 65536, .length = 512};
	ck_assert_uint_eq(player_do(&player, request), 0);
	memcpy(player.arena.memory, (char *)player.arena.memory + 8192, 3584);
	memcpy((char *)player.arena.memory + 3584, (char *)player.arena.memory + 65536, 512);
	ck_assert(player_has(&player, 4096, 4));
}
END_TEST

START_TEST(moves_256_segments_of_a_table)
{
	struct link_segment *table = (struct link_segment *)((char *)player.arena.memory + 2 * MIB);
	struct link_request request = player_writing(&player, 1, 0, 1024);

	player_fill(&player, MIB / 2, 5);
	for (uint32_t i = 0; i < 256; i++)
		table[i] = (struct link_segment){.offset = i * 2048, .length = 2048};
	request.flags = LINK_INDIRECT;
	request.segment_count = 256;
	request.segments[0] = (struct link_segment){.offset = 2 * MIB, .length = 4096};
	ck_assert_uint_eq(player_do(&player, request), 0);
	ck_assert_uint_eq(player_read(&player, 1, 0, 1024), 0);
	ck_assert(player_has(&player, MIB / 2, 5));
}
END_TEST

START_TEST(zeroes_some_blocks_and_no_others)
{
	player_fill(&player, MIB, 6);
	ck_assert_uint_eq(player_write(&player, 1, 0, 2048, 0), 0);
	ck_assert_uint_eq(player_zero(&player, 1, 3, 1001, 0), 0);
	ck_assert_uint_eq(player_read(&player, 1, 3, 1001), 0);
	ck_assert(player_has_zeroes(&player, 1001 * 512));
	ck_assert_uint_eq(player_read(&player, 1, 0, 3), 0);
	ck_assert(player_has(&player, 3 * 512, 6));
	ck_assert_uint_eq(player_read(&player, 1, 1004, 1), 0);
	ck_assert_int_ne(((char *)player.arena.memory)[0], 0);
}
END_TEST

START_TEST(zeroes_with_force_unit_access)
{
	player_fill(&player, MIB, 6);
	ck_assert_uint_eq(player_write(&player, 1, 0, 2048, LINK_FUA), 0);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 2048, LINK_FUA | LINK_DEALLOC), 0);
	ck_assert_uint_eq(player_read(&player, 1, 0, 2048), 0);
	ck_assert(player_has_zeroes(&player, MIB));
}
END_TEST

START_TEST(zeroes_no_blocks_at_all)
{
	ck_assert_uint_eq(player_zero(&player, 1, 0, 0, 0), 0);
}
END_TEST

START_TEST(deallocates_whole_mebibytes)
{
	player_fill(&player, 2 * MIB, 7);
	ck_assert_uint_eq(player_write(&player, 1, 0, 4096, 0), 0);
	ck_assert_uint_eq(player_deallocate(&player, 1, 2048, 2048), 0);
	ck_assert_uint_eq(player_read(&player, 1, 2048, 2048), 0);
	ck_assert(player_has_zeroes(&player, MIB));
	ck_assert_uint_eq(player_read(&player, 1, 0, 2048), 0);
	ck_assert(player_has(&player, MIB, 7));
}
END_TEST

START_TEST(flushes)
{
	ck_assert_uint_eq(player_flush(&player, 1), 0);
}
END_TEST

START_TEST(refuses_what_lies_behind_its_end)
{
	ck_assert_uint_eq(player_read(&player, 1, (16 * MIB >> 9) - 1, 2), 0x4080);
	ck_assert_uint_eq(player_zero(&player, 1, 16 * MIB >> 9, 1, 0), 0x4080);
	ck_assert_uint_eq(player_deallocate(&player, 1, 16 * MIB >> 9, 1), 0x4080);
	ck_assert_uint_eq(player_read(&player, 1, (16 * MIB >> 9) - 2, 2), 0);
}
END_TEST

START_TEST(answers_every_one_of_1024_requests)
{
	struct link_completion completion;
	bool answered[LINK_SLOTS] = {false};

	for (uint32_t i = 0; i < LINK_SLOTS; i++) {
		struct link_request request = player_writing(&player, 1, i * 8, 8);

		request.segments[0].offset = i * 4096;
		memset((char *)player.arena.memory + (size_t)i * 4096, (int)(i % 255) + 1, 4096);
		player_put(&player, request);
	}
	for (uint32_t i = 0; i < LINK_SLOTS; i++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
		ck_assert(!answered[completion.id.index]);
		answered[completion.id.index] = true;
	}
	for (uint32_t i = 0; i < LINK_SLOTS; i += 100) {
		ck_assert_uint_eq(player_read(&player, 1, i * 8, 8), 0);
		ck_assert_uint_eq(((uint8_t *)player.arena.memory)[4095], i % 255 + 1);
	}
}
END_TEST

#define STORES                                                                                     \
	reads_what_was_written, reads_zeroes_where_nothing_was_written, moves_a_single_block,      \
		moves_four_mebibytes_at_once, moves_two_segments, moves_256_segments_of_a_table,   \
		zeroes_some_blocks_and_no_others, zeroes_with_force_unit_access,                   \
		zeroes_no_blocks_at_all, deallocates_whole_mebibytes, flushes,                     \
		refuses_what_lies_behind_its_end, answers_every_one_of_1024_requests

/* ------------------------------------------------------------------ null */

START_TEST(forgets_what_is_written)
{
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert(player_has_zeroes(&player, 4096)); /* not what lay in the arena */
}
END_TEST

START_TEST(is_as_large_as_it_says)
{
	const char *reason;

	ck_assert_uint_eq(rig_blocks(1, &reason), UINT64_C(1) << 31);
	ck_assert_uint_eq(player_read(&player, 1, (UINT64_C(1) << 31) - 1, 1), 0);
	ck_assert_uint_eq(player_read(&player, 1, UINT64_C(1) << 31, 1), 0x4080);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	ck_assert_uint_eq(player_zero(&player, 1, 0, UINT32_MAX >> 2, 0), 0);
	ck_assert_uint_eq(player_deallocate(&player, 1, 0, UINT32_MAX >> 2), 0);
}
END_TEST

/* ------------------------------------------------------------------ files */

static int open_disk(void)
{
	int fd = open(rig_path("disk"), O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(what_is_written_is_in_the_file)
{
	int fd = open_disk();
	unsigned char byte;

	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 16, 8, LINK_FUA), 0);
	ck_assert_int_eq(pread(fd, &byte, 1, 8192 + 4095), 1);
	ck_assert_uint_eq(byte, ((unsigned char *)player.arena.memory)[4095]);
	close(fd);
}
END_TEST

START_TEST(reading_a_file_cut_short_is_a_media_error)
{
	int fd = open_disk();

	ck_assert_int_eq(ftruncate(fd, MIB), 0);
	ck_assert_uint_eq(player_read(&player, 1, 2 * MIB >> 9, 8), 0x4281);
	ck_assert_uint_eq(player_read(&player, 1, (MIB >> 9) - 4, 8), 0x4281); /* half of it */
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	close(fd);
}
END_TEST

START_TEST(deallocating_gives_the_space_back)
{
	int fd = open_disk();
	struct stat before, after;

	player_fill(&player, 4 * MIB, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 4 * MIB >> 9, LINK_FUA), 0);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_uint_eq(player_deallocate(&player, 1, 0, 4 * MIB >> 9), 0);
	ck_assert_int_eq(fstat(fd, &after), 0);
	ck_assert_int_lt(after.st_blocks, before.st_blocks);
	ck_assert_int_eq(after.st_size, before.st_size);
	close(fd);
}
END_TEST

START_TEST(zeroing_gives_space_back_only_where_the_host_allows_it)
{
	int fd = open_disk();
	struct stat before, kept, given_back;

	player_fill(&player, 4 * MIB, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 4 * MIB >> 9, LINK_FUA), 0);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 4 * MIB >> 9, LINK_FUA), 0);
	ck_assert_int_eq(fstat(fd, &kept), 0);
	ck_assert_int_ge(kept.st_blocks, before.st_blocks);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 4 * MIB >> 9, LINK_DEALLOC), 0);
	ck_assert_int_eq(fstat(fd, &given_back), 0);
	ck_assert_int_lt(given_back.st_blocks, before.st_blocks);
	close(fd);
}
END_TEST

static void serve_disk(struct rig_namespace one)
{
	one.handle = 2;
	one.path = rig_path("disk");
	rig_serve(&one, 1); /* handle 1 is let go of; its file is free soon after */
	until(rig_is_ready(2));
	until(player_flush(&player, 2) == 0); /* the I/O thread knows it */
}

START_TEST(blocks_may_be_of_4096_bytes)
{
	const char *reason;

	serve_disk((struct rig_namespace){.block_shift = 12});
	player.block_shift = 12;
	ck_assert_uint_eq(rig_blocks(2, &reason), 4096);
	player_fill(&player, 8192, 1);
	ck_assert_uint_eq(player_write(&player, 2, 4094, 2, 0), 0);
	ck_assert_uint_eq(player_read(&player, 2, 4094, 2), 0);
	ck_assert(player_has(&player, 8192, 1));
	ck_assert_uint_eq(player_read(&player, 2, 4095, 2), 0x4080);
}
END_TEST

START_TEST(read_only_is_read_only)
{
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	serve_disk((struct rig_namespace){.read_only = true});
	ck_assert_uint_eq(player_read(&player, 2, 0, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
	ck_assert_uint_eq(player_write(&player, 2, 0, 8, 0), 0x4020);
	ck_assert_uint_eq(player_zero(&player, 2, 0, 8, 0), 0x4020);
	ck_assert_uint_eq(player_deallocate(&player, 2, 0, 8), 0x4020);
	ck_assert_uint_eq(player_flush(&player, 2), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backings");

	describe(suite, "ram", given_ram, leave, STORES);
	describe(suite, "a file", given_a_file, leave, STORES);
	describe(suite, "a buffered file", given_a_buffered_file, leave, STORES);
	describe(suite, "a file on tmpfs", given_a_file_on_tmpfs, leave_tmpfs, STORES);
	describe(suite, "fault over a file", given_fault_over_a_file, leave, STORES);
	describe(suite, "fault with a small cache", given_a_small_cache, leave, STORES);
	describe(suite, "pi over ram", given_pi_over_ram, leave, STORES);
	describe(suite, "pi over a file", given_pi_over_a_file, leave, STORES);
	describe(suite, "pi over a buffered file", given_pi_over_a_buffered_file, leave, STORES);
	describe(suite, "pi over a small cache", given_pi_over_a_small_cache, leave, STORES);
	describe(suite, "null", given_null, leave, forgets_what_is_written, is_as_large_as_it_says);
	describe(suite,
	         "a file on a file system",
	         given_a_file,
	         leave,
	         what_is_written_is_in_the_file,
	         reading_a_file_cut_short_is_a_media_error,
	         deallocating_gives_the_space_back,
	         zeroing_gives_space_back_only_where_the_host_allows_it,
	         blocks_may_be_of_4096_bytes,
	         read_only_is_read_only);
	return run(suite);
}
