/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that is slow, fails, or does half of what it is asked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "services/io/links.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"
#include "tests/unit/io/slow_file.h"

static struct player player, other;

static void given_a_slow_file(void)
{
	const char *why;

	ck_assert(slow_file_begin(SLOW_FILE_WAITS, &why));
	rig_begin(1);
	rig_serve_one(slow_file_path());
	player_begin(&player);
	other = PLAYER_NULL;
}

static void leave(void)
{
	slow_file_hold(false);
	player_leave(&player);
	player_leave(&other);
	rig_end();
	slow_file_end();
}

/* ------------------------------------------------------------------ failing */

START_TEST(an_io_error_is_a_media_error)
{
	slow_file_fail(EIO);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0x281);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0x280);
	slow_file_fail(0);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0); /* nothing stays behind */
}
END_TEST

START_TEST(no_space_is_capacity_exceeded)
{
	slow_file_fail(ENOSPC);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0x4081);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, 0), 0x4081);
}
END_TEST

/* ------------------------------------------------------------------ zeroing */

START_TEST(zeroes_are_written_where_the_file_system_knows_nothing_better)
{
	player_fill(&player, 4096, 1);
	ck_assert_uint_eq(player_write(&player, 1, 8, 8, 0), 0);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 1024, LINK_DEALLOC), 0);
	ck_assert_uint_eq(slow_file_byte(4096), 0);
	ck_assert_uint_eq(slow_file_byte(8191), 0);
	ck_assert_uint_ge(slow_file_counts().writes, 2);
}
END_TEST

START_TEST(what_is_not_supported_is_not_asked_for_again)
{
	unsigned before;

	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, 0), 0);
	before = slow_file_counts().fallocates;
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(player_deallocate(&player, 1, 0, 8), 0); /* advice: success */
	ck_assert_uint_eq(slow_file_counts().fallocates, before);
}
END_TEST

/* ------------------------------------------------------------------ stable storage */

START_TEST(a_flush_reaches_the_device)
{
	unsigned before = slow_file_counts().syncs;

	ck_assert_uint_eq(player_flush(&player, 1), 0);
	ck_assert_uint_eq(slow_file_counts().syncs, before + 1);
}
END_TEST

START_TEST(force_unit_access_reaches_the_device)
{
	struct slow_file_counts before = slow_file_counts();

	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), 0);
	ck_assert_uint_eq(slow_file_counts().dsync_writes, before.dsync_writes);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, LINK_FUA), 0);
	ck_assert_uint_eq(slow_file_counts().dsync_writes, before.dsync_writes + 1);
	ck_assert_uint_eq(player_zero(&player, 1, 0, 8, LINK_FUA), 0);
	ck_assert_uint_eq(slow_file_counts().syncs, before.syncs + 1);
}
END_TEST

/* ------------------------------------------------------------------ in flight */

START_TEST(a_namespace_that_leaves_keeps_its_file_until_its_requests_are_over)
{
	int fd = open(slow_file_path(), O_RDWR | O_CLOEXEC);
	struct link_completion completion;

	slow_file_hold(true);
	player_put(&player, player_writing(&player, 1, 0, 8));
	until(slow_file_held() == 1);
	rig_serve(NULL, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	slow_file_hold(false);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.status, 0);
	until(flock(fd, LOCK_EX | LOCK_NB) == 0);
	close(fd);
}
END_TEST

START_TEST(a_successor_of_a_link_waits_for_what_the_old_one_has_in_flight)
{
	struct link_request request = player_writing(&player, 1, 0, 8);

	slow_file_hold(true);
	player_fill(&player, 4096, 1);
	player_put(&player, request);
	until(slow_file_held() == 1);
	close(player.connection); /* dies; its memory stays, as the worker has it too */
	player.connection = -1;
	player_connect(&other, (struct player_hello){.instance = 2});
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(loop_round(rig.loop, 2), 0);
	ck_assert(!player_hears(&other)); /* what the old one writes must not come later */
	slow_file_hold(false);
	until(player_hears(&other));
	ck_assert(other.welcome);
	ck_assert_uint_eq(player_read(&other, 1, 0, 8), 0);
	ck_assert(player_has(&other, 4096, 1));
}
END_TEST

START_TEST(a_link_that_ends_has_its_requests_finished)
{
	player_fill(&player, 4096, 1);
	slow_file_hold(true);
	player_put(&player, player_writing(&player, 1, 8, 8));
	until(slow_file_held() == 1);
	player_leave(&player);
	until(links_count(rig.links) == 0);
	slow_file_hold(false);
	until(slow_file_byte(8191) != 0);
}
END_TEST

START_TEST(other_namespaces_do_not_wait_for_a_slow_one)
{
	const struct rig_namespace two[] = {
		{.handle = 1, .path = slow_file_path()},
                {.handle = 2, .path = "ram:1M"        }
        };

	rig_serve(two, 2);
	until(player_flush(&player, 2) == 0); /* the I/O thread knows it */
	slow_file_hold(true);
	for (unsigned i = 0; i < 16; i++)
		player_put(&player, player_reading(&player, 1, 0, 8));
	until(slow_file_held() > 0);
	/* completions of the slow ones cannot come between */
	ck_assert_uint_eq(player_read(&player, 2, 0, 8), 0);
}
END_TEST

/* ------------------------------------------------------------------ it does not answer */

static void given_a_device_that_does_not_answer(void)
{
	const char *why;
	const struct rig_namespace two[] = {
		{.handle = 1, .path = NULL    },
                {.handle = 2, .path = "ram:1M"}
        };
	struct rig_namespace served[2] = {two[0], two[1]};

	ck_assert(slow_file_begin(SLOW_FILE_WAITS, &why));
	rig_patience(1500); /* a busy machine is not to be taken for a silent device */
	rig_begin(2);
	served[0].path = slow_file_path();
	rig_serve(served, 2);
	until(rig_is_ready(1));
	player_begin(&player);
	other = PLAYER_NULL;
	player_connect(&other, (struct player_hello){.reactor = 1});
	until(player_hears(&other));
	until(player_flush(&player, 1) == 0 && player_flush(&other, 1) == 0);
	slow_file_hold(true);
}

static void expect_undecided(uint32_t id)
{
	struct link_completion completion;

	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.id.index, id);
	ck_assert_uint_eq(completion.status, LINK_UNDECIDED);
}

START_TEST(its_hosts_are_told_to_try_again)
{
	expect_undecided(player_put(&player, player_writing(&player, 1, 0, 8)));
}
END_TEST

START_TEST(they_are_told_once_but_the_end_is_said_too)
{
	uint64_t later_ns;
	struct link_completion completion;
	uint32_t id = player_put(&player, player_writing(&player, 1, 0, 8));

	expect_undecided(id);
	later_ns = clock_now_ns() + 300 * NS_PER_MS;
	until(clock_now_ns() > later_ns);
	ck_assert(!player_take(&player, &completion));
	slow_file_hold(false);
	until(player_take(&player, &completion));
	ck_assert_uint_eq(completion.id.index, id);
	ck_assert_uint_eq(completion.status, 0);
}
END_TEST

/* Or a write that the device still has could come after it. */
START_TEST(nothing_newer_is_done_on_it_for_anybody)
{
	expect_undecided(player_put(&player, player_writing(&player, 1, 0, 8)));
	ck_assert_uint_eq(player_write(&other, 1, 0, 8, 0), NVME_SC_NAMESPACE_NOT_READY);
	ck_assert_uint_eq(player_read(&player, 1, 64, 8), NVME_SC_NAMESPACE_NOT_READY);
	ck_assert_uint_eq(slow_file_held(), 1);
}
END_TEST

/* A transport that was started anew could serve nothing of this worker before that device answered.
 */
START_TEST(the_next_link_does_not_wait_for_it)
{
	player_put(&player, player_writing(&player, 1, 0, 8));
	until(slow_file_held() == 1);
	player_leave(&player);
	player_connect(&player, (struct player_hello){.instance = 2});
	until(player_hears(&player));
	ck_assert(player.welcome);
	ck_assert_uint_eq(slow_file_held(), 1);
	ck_assert_uint_eq(player_write(&player, 2, 0, 8, 0), 0);
	ck_assert_uint_eq(player_write(&player, 1, 0, 8, 0), NVME_SC_NAMESPACE_NOT_READY);
	ck_assert_uint_eq(slow_file_held(), 1);
}
END_TEST

START_TEST(the_reason_is_said)
{
	const char *reason;

	player_put(&player, player_writing(&player, 1, 0, 8));
	until(!rig_is_ready(1));
	rig_blocks(1, &reason);
	ck_assert_str_eq(reason, "its device does not answer: 1 requests wait for it");
}
END_TEST

START_TEST(it_is_ready_again_when_it_has_answered)
{
	struct link_completion completion;

	expect_undecided(player_put(&player, player_writing(&player, 1, 0, 8)));
	slow_file_hold(false);
	until(player_take(&player, &completion));
	until(rig_is_ready(1));
	until(player_flush(&other, 1) == 0); /* that thread knows it too */
	ck_assert_uint_eq(player_write(&other, 1, 0, 8, 0), 0);
}
END_TEST

START_TEST(other_namespaces_go_on)
{
	expect_undecided(player_put(&player, player_writing(&player, 1, 0, 8)));
	ck_assert_uint_eq(player_write(&player, 2, 0, 8, 0), 0);
	ck_assert_uint_eq(player_write(&other, 2, 0, 8, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite;
	const char *why;

	if (!slow_file_begin(SLOW_FILE_WAITS, &why)) {
		printf("1..0 # SKIP a file system of our own cannot be mounted: %s\n", why);
		return 77;
	}
	slow_file_end();
	suite = suite_create("a slow file");
	describe(suite,
	         "a device that fails",
	         given_a_slow_file,
	         leave,
	         an_io_error_is_a_media_error,
	         no_space_is_capacity_exceeded);

	describe(suite,
	         "a device that knows only reads, writes",
	         given_a_slow_file,
	         leave,
	         zeroes_are_written_where_the_file_system_knows_nothing_better,
	         what_is_not_supported_is_not_asked_for_again);
	describe(suite,
	         "a device with a cache",
	         given_a_slow_file,
	         leave,
	         a_flush_reaches_the_device,
	         force_unit_access_reaches_the_device);
	describe(suite,
	         "a device that is slow",
	         given_a_slow_file,
	         leave,
	         a_namespace_that_leaves_keeps_its_file_until_its_requests_are_over,
	         a_successor_of_a_link_waits_for_what_the_old_one_has_in_flight,
	         a_link_that_ends_has_its_requests_finished,
	         other_namespaces_do_not_wait_for_a_slow_one);
	describe(suite,
	         "a device that does not answer",
	         given_a_device_that_does_not_answer,
	         leave,
	         its_hosts_are_told_to_try_again,
	         they_are_told_once_but_the_end_is_said_too,
	         nothing_newer_is_done_on_it_for_anybody,
	         the_next_link_does_not_wait_for_it,
	         the_reason_is_said,
	         it_is_ready_again_when_it_has_answered,
	         other_namespaces_go_on);
	return run(suite);
}
