/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace file is written by one process, and read by others while that lives or after. */
#include "common/shm/trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/shm/trace_reader.h"
#include "tests/support/spec.h"

static char folder[64], path[96], old_path[104];
static struct trace_ring ring;
static struct trace_reader reader;
static struct trace_record records[TRACE_SLOTS];

static const struct trace_origin origin = {.pid = 42, .reactor = 3, .instance = 7, .name = "tcp"};

static void given_a_folder(void)
{
	strcpy(folder, "/tmp/unit-trace-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/trace-tcp-3", folder);
	snprintf(old_path, sizeof(old_path), "%s.old", path);
	reader = TRACE_READER_NULL;
	ring = (struct trace_ring){0};
}

static void given_a_ring(void)
{
	given_a_folder();
	ck_assert_int_eq(trace_ring_create(&ring, path, &origin), 0);
	ck_assert_int_eq(trace_reader_open(&reader, path, true), 0);
}

static void forget_all(void)
{
	trace_reader_close(&reader);
	trace_ring_close(&ring, path);
	unlink(path);
	unlink(old_path);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* Records whose first block counts on. */
static void add(uint64_t first, unsigned n)
{
	for (uint64_t i = first; i < first + n; i++) {
		const struct trace_record record = {
			.first_block = i, .queue = ~i, .reserved = {[26] = 0xff}};

		trace_ring_add(&ring, &record);
	}
}

static void expect_taken(uint64_t first, unsigned n)
{
	ck_assert_int_eq(trace_reader_take(&reader, records, TRACE_SLOTS), (int)n);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_eq(records[i].first_block, first + i);
		ck_assert_uint_eq(records[i].queue, ~(first + i));
		ck_assert_uint_eq(records[i].reserved[26], 0xff);
	}
}

/* ------------------------------------------------------------------ a ring */

START_TEST(is_for_its_owner_alone)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0600);
	ck_assert_int_eq(status.st_size, TRACE_FILE_BYTES);
}
END_TEST

START_TEST(has_all_of_its_room_from_the_start)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_ge(status.st_blocks * 512, TRACE_FILE_BYTES);
}
END_TEST

START_TEST(says_who_writes)
{
	ck_assert_mem_eq(&reader.origin, &origin, sizeof(origin));
}
END_TEST

START_TEST(gives_records_in_order)
{
	expect_taken(0, 0);
	add(0, 3);
	expect_taken(0, 3);
	add(3, 70);
	expect_taken(3, 70);
	expect_taken(0, 0);
	ck_assert_uint_eq(reader.lost, 0);
}
END_TEST

START_TEST(gives_no_more_than_asked_for)
{
	add(0, 100);
	ck_assert_int_eq(trace_reader_take(&reader, records, 99), 99);
	expect_taken(99, 1);
}
END_TEST

/* The slot of the oldest is the one that is written next. */
START_TEST(counts_what_a_slow_reader_lost)
{
	add(0, TRACE_SLOTS + 10);
	expect_taken(11, TRACE_SLOTS - 1);
	ck_assert_uint_eq(reader.lost, 11);
}
END_TEST

START_TEST(begins_with_the_oldest_for_a_late_reader)
{
	struct trace_reader late;

	add(0, 3 * TRACE_SLOTS);
	ck_assert_int_eq(trace_reader_open(&late, path, false), 0);
	trace_reader_close(&reader);
	reader = late;
	expect_taken(2 * TRACE_SLOTS + 1, TRACE_SLOTS - 1);
	ck_assert_uint_eq(reader.lost, 0);
}
END_TEST

START_TEST(gives_only_what_comes_after_a_skip)
{
	add(0, 5);
	ck_assert_int_eq(trace_reader_skip(&reader), 0);
	add(5, 2);
	expect_taken(5, 2);
}
END_TEST

/* As if the writer had died in the middle of it, or was just there. */
START_TEST(does_not_give_a_slot_of_another_number)
{
	uint64_t sequence = 77;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	add(0, 3);
	ck_assert_int_eq(pwrite(fd, &sequence, 8, TRACE_HEAD_BYTES + TRACE_SLOT_BYTES), 8);
	close(fd);
	ck_assert_int_eq(trace_reader_take(&reader, records, 8), 2);
	ck_assert_uint_eq(records[1].first_block, 2);
	ck_assert_uint_eq(reader.lost, 1);
}
END_TEST

START_TEST(counts_what_was_missed)
{
	uint64_t missed;

	trace_ring_miss(&ring);
	trace_ring_miss(&ring);
	ck_assert_int_eq(trace_reader_missed(&reader, &missed), 0);
	ck_assert_uint_eq(missed, 2);
}
END_TEST

START_TEST(hears_a_wish_until_its_time_is_over)
{
	ck_assert_uint_eq(trace_ring_wish(&ring, 1), 0);
	ck_assert_int_eq(trace_reader_wish(&reader, 10, 500), 0);
	ck_assert_uint_eq(trace_ring_wish(&ring, 499), 10);
	ck_assert_uint_eq(trace_ring_wish(&ring, 500), 0);
	ck_assert_int_eq(trace_reader_wish(&reader, 0, 900), 0);
	ck_assert_uint_eq(trace_ring_wish(&ring, 600), 0);
}
END_TEST

START_TEST(ends_for_a_reader_of_a_file_that_is_cut)
{
	add(0, 100);
	ck_assert_int_eq(truncate(path, TRACE_HEAD_BYTES + 70 * TRACE_SLOT_BYTES), 0);
	ck_assert_int_lt(trace_reader_take(&reader, records, TRACE_SLOTS), 0);
	ck_assert_int_eq(truncate(path, 100), 0);
	ck_assert_int_lt(trace_reader_take(&reader, records, TRACE_SLOTS), 0);
}
END_TEST

/* ------------------------------------------------------------------ the end of a writer */

START_TEST(is_read_after_the_death_of_its_writer)
{
	add(0, 5);
	trace_ring_close(&ring, path);
	expect_taken(0, 5);
}
END_TEST

START_TEST(is_kept_by_a_successor)
{
	add(0, 5);
	trace_ring_close(&ring, path);
	trace_reader_close(&reader);
	ck_assert_int_eq(trace_ring_create(&ring, path, &origin), 0);
	ck_assert_int_eq(trace_reader_open(&reader, path, false), 0);
	expect_taken(0, 0);
	trace_reader_close(&reader);
	ck_assert_int_eq(trace_reader_open(&reader, old_path, false), 0);
	expect_taken(0, 5);
}
END_TEST

START_TEST(is_kept_over_a_successor_that_did_nothing)
{
	const struct trace_ring nothing = {0};

	add(0, 5);
	for (int i = 0; i < 3; i++) {
		ring = nothing; /* it was killed */
		ck_assert_int_eq(trace_ring_create(&ring, path, &origin), 0);
	}
	trace_reader_close(&reader);
	ck_assert_int_eq(trace_reader_open(&reader, old_path, false), 0);
	expect_taken(0, 5);
}
END_TEST

START_TEST(is_removed_at_the_end_if_it_is_empty)
{
	trace_ring_close(&ring, path);
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

/* ------------------------------------------------------------------ other files */

static void make_file(const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

static struct trace_head good_head(void)
{
	struct trace_head head = {
		.version = TRACE_VERSION, .slot_bytes = TRACE_SLOT_BYTES, .slots = TRACE_SLOTS};

	memcpy(head.magic, TRACE_MAGIC, sizeof(head.magic));
	return head;
}

static void expect_unfit(void)
{
	ck_assert_int_eq(trace_reader_open(&reader, path, false), TRACE_READER_E_UNFIT);
}

START_TEST(is_unfit_if_it_is_empty)
{
	make_file("", 0);
	expect_unfit();
}
END_TEST

START_TEST(is_unfit_if_it_is_something_else)
{
	char text[TRACE_HEAD_BYTES];

	memset(text, 'x', sizeof(text));
	make_file(text, sizeof(text));
	expect_unfit();
}
END_TEST

START_TEST(is_unfit_if_it_is_of_another_version)
{
	struct trace_head head = good_head();

	head.version++;
	make_file(&head, sizeof(head));
	expect_unfit();
}
END_TEST

START_TEST(is_unfit_if_its_shape_is_another)
{
	struct trace_head head = good_head();

	head.slots = 1u << 30;
	make_file(&head, sizeof(head));
	expect_unfit();
}
END_TEST

START_TEST(is_not_waited_for_if_it_is_a_fifo)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_unfit();
}
END_TEST

START_TEST(is_not_followed_if_it_is_a_symbolic_link)
{
	ck_assert_int_eq(symlink("/proc/self/exe", path), 0);
	ck_assert_int_lt(trace_reader_open(&reader, path, false), 0);
}
END_TEST

START_TEST(has_no_records_for_a_count_that_cannot_be)
{
	struct trace_head head = good_head();

	head.written = UINT64_MAX - 5;
	make_file(&head, sizeof(head));
	ck_assert_int_eq(truncate(path, TRACE_FILE_BYTES), 0);
	ck_assert_int_eq(trace_reader_open(&reader, path, false), 0);
	expect_taken(0, 0);
	ck_assert_uint_eq(reader.lost, TRACE_SLOTS - 1);
	expect_taken(0, 0); /* and comes to an end */
	ck_assert_uint_eq(reader.lost, TRACE_SLOTS - 1);
}
END_TEST

START_TEST(has_no_records_for_a_count_that_goes_back)
{
	struct trace_head head = good_head();

	head.written = 1000;
	make_file(&head, sizeof(head));
	ck_assert_int_eq(truncate(path, TRACE_FILE_BYTES), 0);
	ck_assert_int_eq(trace_reader_open(&reader, path, false), 0);
	ck_assert_int_eq(trace_reader_skip(&reader), 0);
	head.written = 10;
	make_file(&head, sizeof(head));
	expect_taken(0, 0);
	ck_assert_uint_eq(reader.lost, 0);
}
END_TEST

START_TEST(is_replaced_by_a_ring_if_it_is_something_else)
{
	make_file("hello", 5);
	ck_assert_int_eq(trace_ring_create(&ring, path, &origin), 0);
	ck_assert_int_lt(access(old_path, F_OK), 0);
	ck_assert_int_eq(trace_reader_open(&reader, path, false), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");

	describe(suite,
	         "a trace file",
	         given_a_ring,
	         forget_all,
	         is_for_its_owner_alone,
	         has_all_of_its_room_from_the_start,
	         says_who_writes,
	         gives_records_in_order,
	         gives_no_more_than_asked_for,
	         counts_what_a_slow_reader_lost,
	         begins_with_the_oldest_for_a_late_reader,
	         gives_only_what_comes_after_a_skip,
	         does_not_give_a_slot_of_another_number,
	         counts_what_was_missed,
	         hears_a_wish_until_its_time_is_over,
	         ends_for_a_reader_of_a_file_that_is_cut,
	         is_read_after_the_death_of_its_writer,
	         is_kept_by_a_successor,
	         is_kept_over_a_successor_that_did_nothing,
	         is_removed_at_the_end_if_it_is_empty);
	describe(suite,
	         "another file",
	         given_a_folder,
	         forget_all,
	         is_unfit_if_it_is_empty,
	         is_unfit_if_it_is_something_else,
	         is_unfit_if_it_is_of_another_version,
	         is_unfit_if_its_shape_is_another,
	         is_not_waited_for_if_it_is_a_fifo,
	         is_not_followed_if_it_is_a_symbolic_link,
	         has_no_records_for_a_count_that_cannot_be,
	         has_no_records_for_a_count_that_goes_back,
	         is_replaced_by_a_ring_if_it_is_something_else);
	return run(suite);
}
