/* SPDX-License-Identifier: BSD-2-Clause */
/* A store with protection information: what is taken for one, and what it does when requests meet,
 * when a write was cut off, and when the store below fails. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/io/backing.h"
#include "services/io/fault.h"
#include "services/io/namespace.h"
#include "services/io/pi.h"
#include "tests/support/spec.h"
#include "tests/unit/io/rig.h"

#define MIB       (1u << 20)
#define BYTES     (4 * MIB)
#define DNR(code) ((unsigned)(code) | NVME_STATUS_DNR)

static struct player player, other;
static char path[256];

/* ------------------------------------------------------------------ opening */

static char disk[128], reason[BACKING_REASON_SIZE];
static struct backing *backing;

static void given_a_file(void)
{
	rig_make_directory();
	snprintf(disk, sizeof(disk), "%s", rig_file("disk", BYTES));
	snprintf(path, sizeof(path), "pi:%s", disk);
	backing = NULL;
}

static void leave_the_file(void)
{
	backing = backing_release(backing);
	rig_leave_no_trace();
}

static int open_it(struct backing_wish wish)
{
	wish.path = path;
	backing = backing_release(backing);
	return backing_open(&backing, &wish, reason, sizeof(reason));
}

static void resize(uint64_t bytes)
{
	ck_assert_int_eq(truncate(disk, (off_t)bytes), 0);
}

/* The file has this there. */
static void put(off_t offset, const void *bytes, size_t length)
{
	int fd = open(disk, O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, bytes, length, offset), (ssize_t)length);
	close(fd);
}

static void expect_refusal(struct backing_wish wish, const char *words)
{
	ck_assert_int_eq(open_it(wish), BACKING_E_NOT_READY);
	ck_assert_msg(strstr(reason, words) != NULL, "the reason is \"%s\"", reason);
}

START_TEST(has_less_room_than_the_file)
{
	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
	ck_assert_uint_lt(backing->bytes, BYTES);
	ck_assert_uint_gt(backing->bytes, BYTES / 520 * 512 - 8192);
}
END_TEST

START_TEST(is_the_same_when_it_is_opened_again)
{
	uint64_t bytes;

	ck_assert_int_eq(open_it((struct backing_wish){.block_shift = 12}), 0);
	bytes = backing->bytes;
	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
	ck_assert_uint_eq(backing->bytes, bytes);
	ck_assert_uint_eq(backing->block_shift, 12); /* though nobody said so */
}
END_TEST

START_TEST(keeps_its_block_size)
{
	ck_assert_int_eq(open_it((struct backing_wish){.block_shift = 12}), 0);
	expect_refusal((struct backing_wish){.block_shift = 9}, "blocks of 4096 bytes");
}
END_TEST

START_TEST(is_not_made_over_data)
{
	char found[4096], zeroes[4096] = {0};
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	put(8192, "data", 4);
	expect_refusal((struct backing_wish){0}, "it has no label of pi:");
	ck_assert_int_eq(pread(fd, found, sizeof(found), BYTES - 4096), 4096);
	ck_assert_mem_eq(found, zeroes, sizeof(found));
	close(fd);
}
END_TEST

START_TEST(is_not_made_over_data_at_the_end)
{
	put(BYTES - 4096, "data", 4);
	expect_refusal((struct backing_wish){0}, "it has no label of pi:");
}
END_TEST

START_TEST(is_not_made_where_nothing_may_be_written)
{
	expect_refusal((struct backing_wish){.read_only = true}, "new, and read-only");
}
END_TEST

START_TEST(is_opened_where_nothing_may_be_written)
{
	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
	ck_assert_int_eq(open_it((struct backing_wish){.read_only = true}), 0);
}
END_TEST

START_TEST(needs_some_room)
{
	resize(4096);
	expect_refusal((struct backing_wish){0}, "too small");
	resize(512);
	expect_refusal((struct backing_wish){0}, "too small");
}
END_TEST

START_TEST(does_not_stand_on_another_one)
{
	snprintf(path, sizeof(path), "pi:pi:%s", disk);
	expect_refusal((struct backing_wish){0}, "does not stand on another pi:");
	snprintf(path, sizeof(path), "fault:pi:%s", disk);
	expect_refusal((struct backing_wish){0}, "does not stand on pi:");
}
END_TEST

/* ------------------------------------------------------------------ other sizes */

START_TEST(has_as_many_blocks_when_its_file_has_grown)
{
	uint64_t bytes;

	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
	bytes = backing->bytes;
	resize(2 * BYTES);
	ck_assert_int_eq(backing_measure(backing), (int64_t)bytes);
	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
	ck_assert_uint_eq(backing->bytes, bytes);
}
END_TEST

START_TEST(is_of_no_use_when_its_file_has_shrunk)
{
	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
	resize(BYTES - 4096);
	ck_assert_int_lt(backing_measure(backing), 0);
}
END_TEST

START_TEST(is_not_taken_for_new_when_its_file_has_grown_unseen)
{
	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
	put(0, "data", 4);
	backing = backing_release(backing);
	resize(2 * BYTES);
	expect_refusal((struct backing_wish){0}, "its size was changed");
	resize(BYTES);
	ck_assert_int_eq(open_it((struct backing_wish){0}), 0);
}
END_TEST

/* ------------------------------------------------------------------ requests */

static void serve_with(unsigned threads, const char *scheme, const char *rule, const char *second)
{
	struct rig_namespace one = {
		.handle = 1, .path = path, .faults = {rule, second}
        };

	rig_begin(threads);
	snprintf(disk, sizeof(disk), "%s", rig_file("disk", BYTES));
	snprintf(path, sizeof(path), "%s%s", scheme, disk);
	rig_serve(&one, 1);
	until(rig_is_ready(1));
	player_begin(&player);
	other = PLAYER_NULL;
}

static void serve(unsigned threads, const char *scheme, const char *rule)
{
	serve_with(threads, scheme, rule, NULL);
}

static void given_one(void)
{
	serve(1, "pi:", NULL);
}

static void given_a_cache(void)
{
	serve(1, "pi:fault:", "write lose");
}

static void given_a_cache_that_reads_slowly(void)
{
	serve_with(1, "pi:fault:", "write lose", "read delay=100ms");
}

/* What does not fit is not read again: it would pass the second time. */
static void serve_two_threads(const char *scheme, const char *rule)
{
	struct backing *served;

	serve(2, scheme, rule);
	served = namespaces_find(rig.namespaces, 1)->backing;
	container_of(served, struct pi, backing)->settled_ns = 0;
	player_connect(&other, (struct player_hello){.reactor = 1});
	until(player_hears(&other));
	ck_assert(other.welcome);
}

static void given_two_threads(void)
{
	serve_two_threads("pi:", NULL);
}

static void given_two_threads_on_a_slow_disk(void)
{
	serve_two_threads("pi:fault:", "any delay=10us-2ms rate=30%");
}

static void leave(void)
{
	player_leave(&player);
	player_leave(&other);
	rig_end();
}

static struct fault *fault(void)
{
	return fault_of(namespaces_find(rig.namespaces, 1)->backing);
}

static void write_some(uint64_t first, uint32_t blocks, int byte, uint8_t flags)
{
	memset(player.arena.memory, byte, (size_t)blocks * 512);
	ck_assert_uint_eq(player_write(&player, 1, first, blocks, flags), 0);
}

static void expect_some(uint64_t first, uint32_t blocks, int byte)
{
	const unsigned char *memory = player.arena.memory;

	ck_assert_uint_eq(player_read(&player, 1, first, blocks), 0);
	for (uint32_t i = 0; i < blocks * 512; i++)
		ck_assert_msg(memory[i] == byte, "byte %u is %02x", i, memory[i]);
}

static uint8_t slots[2][LINK_SLOTS]; /* of the arenas, by the id of a request */

/* A write of 1 to 100 blocks somewhere in the first 300; they are of one pattern each. Or a read,
 * or zeroes. Its data is nobody else's until it is answered. */
static void put_any(struct player *const *players, unsigned p, unsigned i, unsigned slot)
{
	struct player *by = players[p];
	struct link_request request = player_writing(
		by, 1, (i * 7919u) % 200, 1 + (i * 104729u) % 100);

	request.segments[0].offset = slot * 65536;
	memset((char *)by->arena.memory + slot * 65536, (int)(i % 255) + 1, 65536);
	if (i % 3 == 0)
		request.operation = LINK_READ;
	if (i % 16 == 1) {
		request.operation = LINK_WRITE_ZEROES;
		request.flags = i % 32 == 1 ? LINK_DEALLOC : 0;
		request.segment_count = 0;
	}
	slots[p][player_put(by, request) % LINK_SLOTS] = (uint8_t)slot;
}

/* Both have 32 in flight all the time: whatever meets, reads fit, and all is there afterwards. */
static void meet(unsigned total)
{
	struct player *const players[] = {&player, &other};
	unsigned n_put = 0;

	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned p = 0; p < 2; p++)
			put_any(players, p, n_put++, slot);
	for (unsigned n_taken = 0; n_taken < total; n_taken++) {
		struct link_completion completion;
		unsigned p = 0;

		until((p = !p, player_take(players[p], &completion)));
		ck_assert_uint_eq(completion.status, 0);
		if (n_put < total)
			put_any(players, p, n_put++, slots[p][completion.id.index]);
	}
	for (unsigned i = 0; i < 300; i++)
		ck_assert_uint_eq(player_read(&player, 1, i, 1), 0);
}

START_TEST(leave_nothing_that_does_not_fit)
{
	meet(2000);
}
END_TEST

START_TEST(leave_nothing_that_does_not_fit_where_the_disk_is_uneven)
{
	meet(600);
}
END_TEST

/* ------------------------------------------------------------------ a write that was cut off */

/* The block is there, and its tuple is not: as if the worker had died in between. */
static void cut_off(uint64_t block)
{
	unsigned char data[512];

	memset(data, 7, sizeof(data));
	put((off_t)block * 512, data, sizeof(data));
}

START_TEST(is_waited_for_by_a_read_after_the_start)
{
	struct link_completion completion;
	struct link_request reading = player_reading(&player, 1, 50, 1);
	uint32_t read_id;
	unsigned n = 0;

	reading.segments[0].offset = MIB;
	cut_off(50);
	read_id = player_put(&player, reading);
	memset(player.arena.memory, 7, 512);
	player_put(&player, player_writing(&player, 1, 50, 1));
	for (; n < 2; n++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
		if (completion.id.generation == read_id)
			ck_assert_uint_eq(((unsigned char *)player.arena.memory)[MIB + 511], 7);
	}
}
END_TEST

START_TEST(is_an_error_if_it_does_not_come_again)
{
	uint64_t since_ns = clock_now_ns();

	cut_off(50);
	ck_assert_uint_eq(player_read(&player, 1, 50, 1), 0x4282);
	ck_assert_uint_gt(clock_now_ns() - since_ns, NS_PER_S / 2);
	since_ns = clock_now_ns();
	ck_assert_uint_eq(player_read(&player, 1, 50, 1), 0x4282); /* by now it will not */
	ck_assert_uint_lt(clock_now_ns() - since_ns, NS_PER_S / 2);
}
END_TEST

START_TEST(is_no_matter_for_what_lies_beside)
{
	cut_off(50);
	expect_some(49, 1, 0);
	expect_some(51, 100, 0);
}
END_TEST

/* ------------------------------------------------------------------ the store below */

START_TEST(loses_block_and_tuple_together)
{
	write_some(100, 8, 1, LINK_FUA);
	write_some(100, 8, 2, 0);
	fault_power(fault(), false);
	fault_power(fault(), true);
	expect_some(100, 8, 1);
}
END_TEST

START_TEST(keeps_what_was_flushed)
{
	write_some(100, 8, 2, 0);
	ck_assert_uint_eq(player_flush(&player, 1), 0);
	fault_power(fault(), false);
	fault_power(fault(), true);
	expect_some(100, 8, 2);
}
END_TEST

/* It waits for the tuples that the first one reads, and then has its own written with them. */
START_TEST(keeps_a_write_with_force_unit_access_that_follows_another)
{
	struct link_request second = player_writing(&player, 1, 110, 1);
	struct link_completion completion;

	second.flags = LINK_FUA;
	second.segments[0].offset = MIB;
	memset(player.arena.memory, 1, 512);
	memset((char *)player.arena.memory + MIB, 2, 512);
	player_put(&player, player_writing(&player, 1, 100, 1));
	player_put(&player, second);
	for (unsigned i = 0; i < 2; i++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, 0);
	}
	fault_power(fault(), false);
	fault_power(fault(), true);
	expect_some(110, 1, 2);
}
END_TEST

START_TEST(fails_both_where_their_tuples_are_not_taken)
{
	struct link_request second = player_writing(&player, 1, 110, 1);
	uint64_t tuples = namespaces_find(rig.namespaces, 1)->blocks;
	struct link_completion completion;
	char *texts[2] = {"read delay=100ms", (char[64]){0}};
	char why[FAULT_REASON_SIZE];

	snprintf(texts[1], 64, "write error=EIO lba=%llu", (unsigned long long)tuples + 1);
	ck_assert_int_eq(fault_set_rules(fault(), texts, 2, why), 0);
	second.segments[0].offset = MIB;
	player_put(&player, player_writing(&player, 1, 100, 1));
	player_put(&player, second);
	for (unsigned i = 0; i < 2; i++) {
		until(player_take(&player, &completion));
		ck_assert_uint_eq(completion.status, NVME_SC_WRITE_FAULT);
	}
}
END_TEST

static void set_rule(const char *rule)
{
	char *texts[] = {(char *)rule};
	char why[FAULT_REASON_SIZE];

	ck_assert_int_eq(fault_set_rules(fault(), texts, 1, why), 0);
}

START_TEST(fails_a_write_whose_blocks_it_does_not_take)
{
	set_rule("write error=EIO lba=100");
	memset(player.arena.memory, 1, 4096);
	ck_assert_uint_eq(player_write(&player, 1, 100, 8, 0), NVME_SC_WRITE_FAULT);
	ck_assert_uint_eq(player_write(&player, 1, 101, 7, 0), 0);
}
END_TEST

START_TEST(fails_a_write_whose_tuples_it_does_not_take)
{
	uint64_t tuples = namespaces_find(rig.namespaces, 1)->blocks;
	char rule[64];

	snprintf(rule, sizeof(rule), "write error=ENOSPC lba=%llu", (unsigned long long)tuples + 1);
	set_rule(rule); /* of the blocks 64 … 127 */
	memset(player.arena.memory, 1, 4096);
	ck_assert_uint_eq(player_write(&player, 1, 120, 8, 0), DNR(NVME_SC_CAPACITY_EXCEEDED));
	ck_assert_uint_eq(player_write(&player, 1, 128, 8, 0), 0);
}
END_TEST

START_TEST(fails_a_read_whose_tuples_it_does_not_give)
{
	uint64_t tuples = namespaces_find(rig.namespaces, 1)->blocks;
	char rule[64];

	snprintf(rule, sizeof(rule), "read error=EIO lba=%llu", (unsigned long long)tuples + 1);
	set_rule(rule);
	ck_assert_uint_eq(player_read(&player, 1, 127, 1), NVME_SC_UNRECOVERED_READ);
	ck_assert_uint_eq(player_read(&player, 1, 128, 1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pi");

	describe(suite,
	         "a store with protection information",
	         given_a_file,
	         leave_the_file,
	         has_less_room_than_the_file,
	         is_the_same_when_it_is_opened_again,
	         keeps_its_block_size,
	         is_not_made_over_data,
	         is_not_made_over_data_at_the_end,
	         is_not_made_where_nothing_may_be_written,
	         is_opened_where_nothing_may_be_written,
	         needs_some_room,
	         does_not_stand_on_another_one,
	         has_as_many_blocks_when_its_file_has_grown,
	         is_of_no_use_when_its_file_has_shrunk,
	         is_not_taken_for_new_when_its_file_has_grown_unseen);
	describe(suite,
	         "requests that meet",
	         given_two_threads,
	         leave,
	         leave_nothing_that_does_not_fit);
	describe(suite,
	         "requests that meet late",
	         given_two_threads_on_a_slow_disk,
	         leave,
	         leave_nothing_that_does_not_fit_where_the_disk_is_uneven);
	describe(suite,
	         "a write that was cut off",
	         given_one,
	         leave,
	         is_waited_for_by_a_read_after_the_start,
	         is_an_error_if_it_does_not_come_again,
	         is_no_matter_for_what_lies_beside);
	describe(suite,
	         "a store below that fails",
	         given_a_cache,
	         leave,
	         loses_block_and_tuple_together,
	         keeps_what_was_flushed,
	         fails_a_write_whose_blocks_it_does_not_take,
	         fails_a_write_whose_tuples_it_does_not_take,
	         fails_a_read_whose_tuples_it_does_not_give);
	describe(suite,
	         "a store below that reads slowly",
	         given_a_cache_that_reads_slowly,
	         leave,
	         keeps_a_write_with_force_unit_access_that_follows_another,
	         fails_both_where_their_tuples_are_not_taken);
	return run(suite);
}
