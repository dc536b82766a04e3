/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A successor never overtakes its predecessor's I/O (docs/decisions/0001-fence-by-file-lock.md):
 * a worker is killed while the kernel carries on a write of its, on a disk that takes its time.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/spec.h"
#include "tests/unit/io/loop_device.h"
#include "tests/unit/io/rig.h"
#include "tests/unit/io/slow_file.h"

static struct player player;
static pid_t predecessor;
static const char *served; /* the path */

/* Serves the slow file, writes a block to it, and waits to be killed. */
static void be_the_predecessor(void)
{
	rig_begin(1);
	rig_serve_one(served);
	player_begin(&player);
	rig_leave_no_trace();
	player_fill(&player, 4096, 1);
	slow_file_hold(true);
	player_put(&player, player_writing(&player, 1, 0, 8));
	for (;;)
		loop_round(rig.loop, 100);
}

static void given_a_predecessor(void)
{
	uint64_t deadline_ns = clock_now_ns() + 10 * NS_PER_S;

	player = PLAYER_NULL;
	predecessor = fork();
	if (predecessor == 0)
		be_the_predecessor();
	while (slow_file_held() == 0 && clock_now_ns() < deadline_ns)
		usleep(1000);
	ck_assert_uint_eq(slow_file_held(), 1);
	rig_begin(1);
}

static void given(enum slow_file_kind kind)
{
	const char *why;

	ck_assert(slow_file_begin(kind, &why));
	served = slow_file_path();
	given_a_predecessor();
}

static void given_a_disk_that_no_thread_waits_for(void)
{
	given(SLOW_FILE_ASYNC);
}

static void given_a_disk_that_a_thread_waits_for(void)
{
	given(SLOW_FILE_WAITS);
}

static void given_a_block_device(void)
{
	const char *why;

	ck_assert(slow_file_begin(SLOW_FILE_ASYNC, &why));
	ck_assert(loop_device_begin(slow_file_path(), 512));
	served = loop_device_path();
	given_a_predecessor();
}

static void leave(void)
{
	slow_file_hold(false);
	player_leave(&player);
	rig_end();
	loop_device_end();
	slow_file_end();
}

static void serve(void)
{
	const struct rig_namespace one = {.handle = 1, .path = served};

	rig_serve(&one, 1);
}

static void go_on_for_ms(unsigned ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;

	while (clock_now_ns() < end_ns)
		ck_assert_int_ge(loop_round(rig.loop, 10), 0);
}

static bool is_dead(pid_t process)
{
	return waitpid(process, NULL, WNOHANG) == process;
}

START_TEST(is_not_ready_while_the_predecessor_lives)
{
	const char *reason;

	serve();
	go_on_for_ms(100);
	ck_assert_uint_eq(rig_blocks(1, &reason), 0);
	ck_assert_str_eq(reason, "another process, or this worker's predecessor, still has it");
	kill(predecessor, SIGKILL);
	slow_file_hold(false);
	until(is_dead(predecessor));
}
END_TEST

START_TEST(is_not_ready_while_the_kernel_carries_on_a_dead_ones_write)
{
	ck_assert_int_eq(kill(predecessor, SIGKILL), 0);
	until(is_dead(predecessor)); /* and yet its write is not over */
	ck_assert_uint_eq(slow_file_held(), 1);
	serve();
	go_on_for_ms(300);
	ck_assert(!rig_is_ready(1));
	ck_assert_uint_eq(slow_file_byte(0), 0);
	slow_file_hold(false);
	until(rig_is_ready(1));
}
END_TEST

START_TEST(finds_the_predecessors_last_write_done_when_it_is_ready)
{
	kill(predecessor, SIGKILL);
	serve();
	go_on_for_ms(100);
	ck_assert(!rig_is_ready(1));
	slow_file_hold(false);
	until(rig_is_ready(1));
	player_begin(&player);
	ck_assert_uint_eq(player_read(&player, 1, 0, 8), 0);
	ck_assert(player_has(&player, 4096, 1));
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
	suite = suite_create("a successor");
	describe(suite,
	         "of a worker whose writes no thread waits for",
	         given_a_disk_that_no_thread_waits_for,
	         leave,
	         is_not_ready_while_the_predecessor_lives,
	         is_not_ready_while_the_kernel_carries_on_a_dead_ones_write,
	         finds_the_predecessors_last_write_done_when_it_is_ready);
	describe(suite,
	         "of a worker whose writes a thread waits for",
	         given_a_disk_that_a_thread_waits_for,
	         leave,
	         is_not_ready_while_the_predecessor_lives,
	         finds_the_predecessors_last_write_done_when_it_is_ready);
	if (loop_device_can_be())
		describe(suite,
		         "of a worker with a block device",
		         given_a_block_device,
		         leave,
		         is_not_ready_while_the_kernel_carries_on_a_dead_ones_write,
		         finds_the_predecessors_last_write_done_when_it_is_ready);
	return run(suite);
}
