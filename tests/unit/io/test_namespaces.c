/* SPDX-License-Identifier: BSD-2-Clause */
/* What a view asks for may be missing, busy, or change; all of it is said, none of it fatal. */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

#define MIB (1u << 20)

static struct player player;
static int holder; /* a descriptor of the test */

static void given_a_worker(void)
{
	rig_begin(1);
	player = PLAYER_NULL;
	holder = -1;
}

static void leave(void)
{
	player_leave(&player);
	if (holder >= 0)
		close(holder);
	rig_end();
}

static void serve(const char *path)
{
	const struct rig_namespace one = {.handle = 1, .path = path};

	rig_serve(&one, 1);
}

static void expect_not_ready(const char *path, const char *words)
{
	const char *reason;

	serve(path);
	ck_assert_uint_eq(rig_blocks(1, &reason), 0);
	ck_assert_str_eq(reason, words);
}

/* ------------------------------------------------------------------ reasons */

START_TEST(a_missing_file)
{
	expect_not_ready(rig_path("nothing"), "No such file or directory");
}
END_TEST

START_TEST(a_directory)
{
	expect_not_ready(rig.directory, "it is a directory, not a file or block device");
}
END_TEST

START_TEST(a_character_device)
{
	expect_not_ready("/dev/null", "it is a character device, not a file or block device");
}
END_TEST

START_TEST(a_fifo_whose_opening_would_wait)
{
	ck_assert_int_eq(mkfifo(rig_path("fifo"), 0600), 0);
	expect_not_ready(rig_path("fifo"), "it is a FIFO, not a file or block device");
}
END_TEST

START_TEST(an_empty_file)
{
	expect_not_ready(rig_file("empty", 0), "its size is 0");
}
END_TEST

START_TEST(a_relative_path)
{
	expect_not_ready("disk.img",
	                 "neither an absolute path, nor ram:SIZE, null:SIZE, fault:PATH, pi:PATH "
	                 "or zoned:PATH");
}
END_TEST

START_TEST(a_size_that_is_none)
{
	expect_not_ready("ram:much", "its size is not understood: it is like ram:1G");
	expect_not_ready("ram:", "its size is not understood: it is like ram:1G");
	expect_not_ready("null:-1", "its size is not understood: it is like null:1G");
	expect_not_ready("null:9999999T", "its size is not understood: it is like null:1G");
	expect_not_ready("ram:0", "its size is less than a block");
	expect_not_ready("ram:4095", "its size is less than a block");
}
END_TEST

START_TEST(a_block_size_that_is_none)
{
	const struct rig_namespace one = {.handle = 1, .path = "ram:1M", .block_shift = 10};
	const char *reason;

	rig_serve(&one, 1);
	ck_assert_uint_eq(rig_blocks(1, &reason), 0);
	ck_assert_str_eq(reason, "blocks are of 512 or 4096 bytes, not 2^10");
}
END_TEST

START_TEST(more_memory_than_there_is)
{
	const char *reason;

	serve("ram:4000000T");
	ck_assert_uint_eq(rig_blocks(1, &reason), 0);
	ck_assert_ptr_nonnull(strstr(reason, "no memory of that size"));
}
END_TEST

START_TEST(a_request_on_it_is_to_be_put_again)
{
	serve(rig_path("nothing"));
	player_begin(&player);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0x082);
}
END_TEST

/* ------------------------------------------------------------------ getting ready */

START_TEST(a_file_that_comes_later_is_found)
{
	const char *reason;

	serve(rig_path("disk"));
	ck_assert(!rig_is_ready(1));
	rig_file("disk", MIB);
	until(rig_is_ready(1));
	ck_assert_uint_eq(rig_blocks(1, &reason), MIB >> 9);
	ck_assert_uint_ge(rig.changes, 2); /* it was said that it is not, and that it is */
	player_begin(&player);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
}
END_TEST

START_TEST(an_odd_end_is_left_out)
{
	const char *reason;

	serve(rig_file("disk", MIB + 511));
	ck_assert_uint_eq(rig_blocks(1, &reason), MIB >> 9);
}
END_TEST

START_TEST(a_file_that_another_process_has_is_waited_for)
{
	const char *reason;

	holder = open(rig_file("disk", MIB), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(holder, LOCK_EX), 0);
	expect_not_ready(rig_path("disk"),
	                 "another process, or this worker's predecessor, still has it");
	ck_assert_int_eq(flock(holder, LOCK_UN), 0);
	until(rig_is_ready(1));
	ck_assert_uint_eq(rig_blocks(1, &reason), MIB >> 9);
}
END_TEST

START_TEST(a_file_that_is_served_is_locked)
{
	serve(rig_file("disk", MIB));
	holder = open(rig_path("disk"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(holder, LOCK_EX | LOCK_NB), -1);
	rig_serve(NULL, 0);
	until(flock(holder, LOCK_EX | LOCK_NB) == 0); /* removed: closed soon */
}
END_TEST

START_TEST(a_file_that_is_only_read_may_be_shared_by_readers)
{
	const struct rig_namespace one = {
		.handle = 1, .path = rig_file("disk", MIB), .read_only = true};

	holder = open(rig_path("disk"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(holder, LOCK_SH), 0);
	rig_serve(&one, 1);
	ck_assert(rig_is_ready(1));
}
END_TEST

/* ------------------------------------------------------------------ changes */

START_TEST(a_file_that_grows_is_noticed)
{
	const char *reason;

	serve(rig_file("disk", MIB));
	player_begin(&player);
	ck_assert_uint_eq(player_read(&player, 1, MIB >> 9, 8), 0x4080);
	rig_file("disk", 2 * MIB);
	until(rig_blocks(1, &reason) == 2 * MIB >> 9);
	until(player_read(&player, 1, MIB >> 9, 8) == 0); /* its thread hears of it last */
}
END_TEST

START_TEST(a_file_that_somebody_changes_is_noticed_at_once)
{
	uint64_t since_ns = clock_now_ns();
	const char *reason;

	serve(rig_file("disk", MIB));
	for (unsigned i = 0; i < 8; i++) { /* each 5 s, it would take 20 s at least */
		unsigned size = i % 2 ? MIB : 2 * MIB;

		rig_file("disk", size);
		until(rig_blocks(1, &reason) == size >> 9);
	}
	ck_assert_uint_lt(clock_now_ns() - since_ns, 15 * NS_PER_S);
}
END_TEST

START_TEST(a_file_that_becomes_empty_is_not_ready_until_it_is_not)
{
	const char *reason;

	serve(rig_file("disk", MIB));
	rig_file("disk", 0);
	until(!rig_is_ready(1));
	rig_blocks(1, &reason);
	ck_assert_str_eq(reason, "its size is 0");
	rig_file("disk", MIB);
	until(rig_is_ready(1));
}
END_TEST

START_TEST(what_stays_in_the_view_is_not_touched)
{
	struct rig_namespace two[] = {
		{.handle = 1, .path = "ram:1M"},
                {.handle = 2, .path = "ram:1M"}
        };

	rig_serve(two, 1);
	player_begin(&player);
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	rig_serve(two, 2);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
	until(player_read(&player, 2, 0, 8) == 0);
	ck_assert(player_has_zeroes(&player, 4096));
}
END_TEST

START_TEST(ram_keeps_its_content_when_it_becomes_read_only)
{
	struct rig_namespace one = {.handle = 1, .path = "ram:1M"};

	rig_serve(&one, 1);
	player_begin(&player);
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	one.read_only = true;
	rig_serve(&one, 1);
	until(player_write(&player, 1, 0, 8, 0) == 0x4020);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
}
END_TEST

START_TEST(what_leaves_the_view_is_not_served_any_more)
{
	serve("ram:1M");
	player_begin(&player);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	rig_serve(NULL, 0);
	until(player_read(&player, 1, 0, 8) == 0x082);
}
END_TEST

START_TEST(a_file_may_move_to_another_handle)
{
	struct rig_namespace one = {.handle = 1, .path = rig_file("disk", MIB)};

	rig_serve(&one, 1);
	one.handle = 2;
	rig_serve(&one, 1);
	until(rig_is_ready(2));
}
END_TEST

/* ------------------------------------------------------------------ the same file twice */

START_TEST(is_shared_if_the_options_are_the_same)
{
	struct rig_namespace two[] = {{.handle = 1}, {.handle = 2}};

	two[0].path = two[1].path = rig_file("disk", MIB);
	rig_serve(two, 2);
	ck_assert(rig_is_ready(1));
	ck_assert(rig_is_ready(2));
	player_begin(&player);
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(player_read(&player, 2, 0, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
	rig_serve(two, 1); /* one of them goes: the other keeps it */
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
}
END_TEST

START_TEST(is_watched_for_the_one_that_stays)
{
	struct rig_namespace two[] = {{.handle = 1}, {.handle = 2}};
	uint64_t since_ns = clock_now_ns();
	const char *reason;

	two[0].path = two[1].path = rig_file("disk", MIB);
	rig_serve(two, 2);
	rig_serve(two, 1);
	for (unsigned i = 0; i < 8; i++) { /* each 5 s, it would take 20 s at least */
		unsigned size = i % 2 ? MIB : 2 * MIB;

		rig_file("disk", size);
		until(rig_blocks(1, &reason) == size >> 9);
	}
	ck_assert_uint_lt(clock_now_ns() - since_ns, 15 * NS_PER_S);
}
END_TEST

START_TEST(by_another_name_is_the_same_file)
{
	struct rig_namespace two[] = {{.handle = 1}, {.handle = 2}};

	two[0].path = rig_file("disk", MIB);
	two[1].path = rig_path("alias");
	ck_assert_int_eq(symlink(two[0].path, two[1].path), 0);
	rig_serve(two, 2);
	ck_assert(rig_is_ready(2));
}
END_TEST

START_TEST(is_refused_if_the_options_differ)
{
	struct rig_namespace two[] = {
		{.handle = 1      },
                { .handle = 2, .buffered = true}
        };
	const char *reason;

	two[0].path = two[1].path = rig_file("disk", MIB);
	rig_serve(two, 2);
	ck_assert(rig_is_ready(1));
	ck_assert_uint_eq(rig_blocks(2, &reason), 0);
	ck_assert_ptr_nonnull(strstr(reason, "with other options"));
}
END_TEST

START_TEST(of_memory_is_two_different_memories)
{
	struct rig_namespace two[] = {
		{.handle = 1, .path = "ram:1M"},
                {.handle = 2, .path = "ram:1M"}
        };

	rig_serve(two, 2);
	player_begin(&player);
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(player_read(&player, 2, 0, 8), 0);
	ck_assert(player_has_zeroes(&player, 4096));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("namespaces");

	describe(suite,
	         "not ready",
	         given_a_worker,
	         leave,
	         a_missing_file,
	         a_directory,
	         a_character_device,
	         a_fifo_whose_opening_would_wait,
	         an_empty_file,
	         a_relative_path,
	         a_size_that_is_none,
	         a_block_size_that_is_none,
	         more_memory_than_there_is,
	         a_request_on_it_is_to_be_put_again);
	describe(suite,
	         "getting ready",
	         given_a_worker,
	         leave,
	         a_file_that_comes_later_is_found,
	         an_odd_end_is_left_out,
	         a_file_that_another_process_has_is_waited_for,
	         a_file_that_is_served_is_locked,
	         a_file_that_is_only_read_may_be_shared_by_readers);
	describe(suite,
	         "changing",
	         given_a_worker,
	         leave,
	         a_file_that_grows_is_noticed,
	         a_file_that_somebody_changes_is_noticed_at_once,
	         a_file_that_becomes_empty_is_not_ready_until_it_is_not,
	         what_stays_in_the_view_is_not_touched,
	         ram_keeps_its_content_when_it_becomes_read_only,
	         what_leaves_the_view_is_not_served_any_more,
	         a_file_may_move_to_another_handle);
	describe(suite,
	         "the same file twice",
	         given_a_worker,
	         leave,
	         is_shared_if_the_options_are_the_same,
	         is_watched_for_the_one_that_stays,
	         by_another_name_is_the_same_file,
	         is_refused_if_the_options_differ,
	         of_memory_is_two_different_memories);
	return run(suite);
}
