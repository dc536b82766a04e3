/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps in which a request on a file is carried out. The test plays what stands around
 * them: the uring (what is asked for is written down, and the test says the result), and the
 * lane that hears the answer.
 */
#include <errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>

#include "services/io/file.h"
#include "services/io/request.h"
#include "tests/support/spec.h"

#define FD    42
#define OTHER 0xffff

static struct file file;
static struct target target;
static struct request request;
static union request_scratch scratch;
static unsigned char data[65536];

static struct io_uring_sqe asked;
static struct uring_job *job; /* NULL: nothing is asked for */
static unsigned n_asked;
static int buffer;
static bool answered;
static struct nvme_status status;

/* ------------------------------------------------------------------ what stands around */

struct uring *request_uring(const struct request *of)
{
	(void)of;
	return NULL;
}

int request_buffer(const struct request *of)
{
	(void)of;
	return buffer;
}

void request_finish(struct request *of, struct nvme_status with)
{
	ck_assert_ptr_eq(of, &request);
	ck_assert(!answered);
	answered = true;
	status = with;
}

void uring_cancel(struct uring *uring, struct uring_job *cancelled)
{
	ck_assert_ptr_null(uring);
	ck_assert_ptr_eq(cancelled, job);
	job = NULL;
	cancelled->done(cancelled, -ECANCELED);
}

void uring_start(struct uring *uring, struct uring_job *started)
{
	ck_assert_ptr_null(uring);
	job = started;
	memset(&asked, 0, sizeof(asked));
	job->prepare(job, &asked);
	ck_assert_int_eq(asked.fd, FD);
	n_asked++;
}

/* What only zoned: needs. */

void request_finish_at(struct request *of, uint64_t block)
{
	(void)of;
	(void)block;
	ck_abort();
}

bool request_may_come_again(const struct request *of)
{
	(void)of;
	ck_abort();
}

/* What only fault: needs. */

void request_drop(struct request *of)
{
	(void)of;
	ck_abort();
}

bool request_is_wanted(const struct request *of)
{
	(void)of;
	ck_abort();
}

void request_begin_inner(struct request_inner *inner, const struct request *outer,
                         const struct target *of, enum link_operation operation, uint8_t flags)
{
	(void)inner, (void)outer, (void)of, (void)operation, (void)flags;
	ck_abort();
}

struct loop *request_loop(const struct request *of)
{
	(void)of;
	ck_abort();
}

void request_post(const struct request *of, struct letter *letter,
                  void (*deliver)(struct letter *letter))
{
	(void)of, (void)letter, (void)deliver;
	ck_abort();
}

/* The kernel's answer. */
static void kernel_says(int result)
{
	struct uring_job *done = job;

	ck_assert_ptr_nonnull(done);
	job = NULL;
	done->done(done, result);
}

/* ------------------------------------------------------------------ the requests */

static void given_a_file(void)
{
	file = (struct file){
		.backing = {.kind = &backing_file, .block_shift = 9},
                  .fd = FD, .direct = true
        };
	target = (struct target){.block_shift = 9, .blocks = 1 << 20, .backing = &file.backing};
	request = (struct request){.target = &target, .scratch = &scratch};
	buffer = -1;
	job = NULL;
	n_asked = 0;
	answered = false;
	status.value = OTHER;
}

static void start(enum link_operation operation, uint8_t flags, uint64_t offset, uint64_t length)
{
	request.wanted.operation = (uint8_t)operation;
	request.wanted.flags = flags;
	request.offset = offset;
	request.length = length;
	request.few[0] = (struct iovec){.iov_base = data, .iov_len = length};
	request.pieces = request.few;
	request.n_pieces = operation == LINK_READ || operation == LINK_WRITE;
	file_start(&file.backing, &request);
}

static void expect_answer(unsigned code)
{
	ck_assert(answered);
	ck_assert_uint_eq(status.value, code);
	ck_assert_ptr_null(job);
}

static void expect_transfer(unsigned opcode, uint64_t offset, size_t place, uint32_t length)
{
	ck_assert(!answered);
	ck_assert_uint_eq(asked.opcode, opcode);
	ck_assert_uint_eq(asked.off, offset);
	ck_assert_uint_eq(asked.addr, (uintptr_t)(data + place));
	ck_assert_uint_eq(asked.len, length);
}

static void expect_fallocate(int mode, uint64_t offset, uint64_t length)
{
	ck_assert_uint_eq(asked.opcode, IORING_OP_FALLOCATE);
	ck_assert_uint_eq(asked.len, (unsigned)mode);
	ck_assert_uint_eq(asked.off, offset);
	ck_assert_uint_eq(asked.addr, length);
}

#define ZERO_RANGE (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)
#define PUNCH_HOLE (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* ------------------------------------------------------------------ transfers */

START_TEST(a_read_that_is_whole_is_answered)
{
	start(LINK_READ, 0, 8192, 4096);
	expect_transfer(IORING_OP_READ, 8192, 0, 4096);
	kernel_says(4096);
	expect_answer(0);
}
END_TEST

START_TEST(a_read_that_is_cancelled_was_aborted)
{
	start(LINK_READ, 0, 8192, 4096);
	file_cancel(&file.backing, &request);
	expect_answer(NVME_SC_ABORT_REQUESTED);
}
END_TEST

START_TEST(a_registered_arena_is_used)
{
	buffer = 3;
	start(LINK_WRITE, 0, 8192, 4096);
	expect_transfer(IORING_OP_WRITE_FIXED, 8192, 0, 4096);
	ck_assert_uint_eq(asked.buf_index, 3);
}
END_TEST

START_TEST(a_short_read_is_continued_where_it_ended)
{
	start(LINK_READ, 0, 8192, 4096);
	kernel_says(1024);
	expect_transfer(IORING_OP_READ, 9216, 1024, 3072);
	kernel_says(3072);
	expect_answer(0);
}
END_TEST

START_TEST(a_short_write_of_segments_is_continued_in_the_middle_of_one)
{
	start(LINK_WRITE, 0, 0, 4096);
	request = (struct request){.target = &target, .scratch = &scratch};
	request.wanted.operation = LINK_WRITE;
	request.length = 4096;
	request.n_pieces = 2;
	request.pieces = request.few;
	request.few[0] = (struct iovec){.iov_base = data, .iov_len = 1536};
	request.few[1] = (struct iovec){.iov_base = data + 8192, .iov_len = 2560};
	file_start(&file.backing, &request);
	ck_assert_uint_eq(asked.opcode, IORING_OP_WRITEV);
	ck_assert_uint_eq(asked.len, 2);
	kernel_says(2048);
	expect_transfer(IORING_OP_WRITE, 2048, 8192 + 512, 2048);
	kernel_says(2048);
	expect_answer(0);
}
END_TEST

START_TEST(a_part_of_a_block_is_moved_again)
{
	start(LINK_WRITE, 0, 0, 4096);
	kernel_says(1000);
	expect_transfer(IORING_OP_WRITE, 512, 512, 3584);
}
END_TEST

START_TEST(no_progress_ends_a_transfer)
{
	start(LINK_READ, 0, 0, 4096);
	kernel_says(2048);
	kernel_says(0);
	expect_answer(0x4281);
}
END_TEST

START_TEST(less_than_a_block_is_no_progress)
{
	start(LINK_WRITE, 0, 0, 4096);
	kernel_says(511);
	expect_answer(0x4280);
}
END_TEST

START_TEST(an_error_after_a_part_is_an_error)
{
	start(LINK_WRITE, 0, 0, 4096);
	kernel_says(2048);
	kernel_says(-ENOSPC);
	expect_answer(0x4081);
}
END_TEST

START_TEST(force_unit_access_holds_for_every_part)
{
	start(LINK_WRITE, LINK_FUA, 0, 4096);
	ck_assert_uint_eq(asked.rw_flags, RWF_DSYNC);
	kernel_says(512);
	ck_assert_uint_eq(asked.rw_flags, RWF_DSYNC);
}
END_TEST

START_TEST(without_force_unit_access_nothing_is_forced)
{
	start(LINK_WRITE, 0, 0, 4096);
	ck_assert_uint_eq(asked.rw_flags, 0);
	kernel_says(4096);
	expect_answer(0);
	given_a_file();
	start(LINK_READ, LINK_FUA, 0, 4096);
	ck_assert_uint_eq(asked.rw_flags, 0);
}
END_TEST

START_TEST(an_interrupted_one_is_tried_again_but_not_for_ever)
{
	start(LINK_READ, 0, 0, 4096);
	kernel_says(-EAGAIN);
	expect_transfer(IORING_OP_READ, 0, 0, 4096);
	kernel_says(-EINTR);
	while (!answered && n_asked < 1000)
		kernel_says(-EAGAIN);
	expect_answer(0x021);
}
END_TEST

START_TEST(a_file_system_that_waits_is_given_a_thread)
{
	file.blocks = true;
	start(LINK_READ, 0, 0, 4096);
	ck_assert_uint_eq(asked.flags, IOSQE_ASYNC);
}
END_TEST

/* ------------------------------------------------------------------ zeroes */

START_TEST(a_range_is_zeroed_by_the_file_system)
{
	start(LINK_WRITE_ZEROES, 0, 4096, 8192);
	expect_fallocate(ZERO_RANGE, 4096, 8192);
	kernel_says(0);
	expect_answer(0);
}
END_TEST

START_TEST(a_hole_is_made_where_the_host_allows_it)
{
	start(LINK_WRITE_ZEROES, LINK_DEALLOC, 4096, 8192);
	expect_fallocate(PUNCH_HOLE, 4096, 8192);
	kernel_says(0);
	expect_answer(0);
}
END_TEST

START_TEST(zeroes_are_written_in_portions_when_nothing_else_is_left)
{
	start(LINK_WRITE_ZEROES, LINK_DEALLOC, 4096, 300 << 10);
	kernel_says(-EOPNOTSUPP);
	expect_fallocate(ZERO_RANGE, 4096, 300 << 10);
	kernel_says(-EOPNOTSUPP);
	ck_assert_uint_eq(asked.opcode, IORING_OP_WRITE);
	ck_assert_uint_eq(asked.off, 4096);
	ck_assert_uint_eq(asked.len, 256 << 10);
	kernel_says(256 << 10);
	ck_assert_uint_eq(asked.off, 4096 + (256 << 10));
	ck_assert_uint_eq(asked.len, 44 << 10);
	kernel_says(44 << 10);
	expect_answer(0);
}
END_TEST

START_TEST(what_is_not_supported_is_not_tried_again)
{
	start(LINK_WRITE_ZEROES, 0, 0, 4096);
	kernel_says(-EOPNOTSUPP);
	kernel_says(4096);
	expect_answer(0);
	answered = false;
	start(LINK_WRITE_ZEROES, 0, 0, 4096);
	ck_assert_uint_eq(asked.opcode, IORING_OP_WRITE);
}
END_TEST

START_TEST(zeroes_with_force_unit_access_are_synced)
{
	start(LINK_WRITE_ZEROES, LINK_FUA, 0, 4096);
	kernel_says(0);
	ck_assert(!answered);
	ck_assert_uint_eq(asked.opcode, IORING_OP_FSYNC);
	ck_assert_uint_eq(asked.fsync_flags, IORING_FSYNC_DATASYNC);
	kernel_says(0);
	expect_answer(0);
}
END_TEST

START_TEST(written_zeroes_with_force_unit_access_are_synced_too)
{
	file.no_zero_range = true;
	start(LINK_WRITE_ZEROES, LINK_FUA, 0, 4096);
	kernel_says(4096);
	ck_assert_uint_eq(asked.opcode, IORING_OP_FSYNC);
	kernel_says(-EIO);
	expect_answer(0x280);
}
END_TEST

START_TEST(an_error_while_zeroing_is_not_taken_for_lack_of_support)
{
	start(LINK_WRITE_ZEROES, 0, 0, 4096);
	kernel_says(-ENOSPC);
	expect_answer(0x4081);
}
END_TEST

START_TEST(no_blocks_need_no_zeroing)
{
	start(LINK_WRITE_ZEROES, LINK_FUA, 0, 0);
	expect_answer(0);
	ck_assert_uint_eq(n_asked, 0);
}
END_TEST

/* ------------------------------------------------------------------ deallocate, flush */

static void start_deallocate(unsigned n, uint32_t blocks)
{
	for (unsigned i = 0; i < n; i++)
		scratch.ranges[i] = (struct nvme_dsm_range){.blocks = le32_of(i % 2 ? 0 : blocks),
		                                            .slba = le64_of(i * 100)};
	request.n_ranges = (uint16_t)n;
	start(LINK_DEALLOCATE, 0, 0, 0);
}

START_TEST(ranges_are_given_back_one_after_the_other)
{
	start_deallocate(3, 8);
	expect_fallocate(PUNCH_HOLE, 0, 4096);
	kernel_says(0);
	expect_fallocate(PUNCH_HOLE, 200 * 512, 4096); /* the empty one is passed over */
	kernel_says(0);
	expect_answer(0);
}
END_TEST

START_TEST(ranges_without_blocks_are_nothing_to_do)
{
	start_deallocate(4, 0);
	expect_answer(0);
}
END_TEST

START_TEST(advice_that_cannot_be_followed_is_success)
{
	start_deallocate(3, 8);
	kernel_says(-EOPNOTSUPP);
	expect_answer(0);
	answered = false;
	start_deallocate(3, 8);
	expect_answer(0);
}
END_TEST

START_TEST(a_failing_device_fails_it)
{
	start_deallocate(3, 8);
	kernel_says(-EIO);
	expect_answer(0x280);
}
END_TEST

START_TEST(a_flush_is_a_datasync)
{
	start(LINK_FLUSH, 0, 0, 0);
	ck_assert_uint_eq(asked.opcode, IORING_OP_FSYNC);
	ck_assert_uint_eq(asked.fsync_flags, IORING_FSYNC_DATASYNC);
	kernel_says(-EIO);
	expect_answer(0x280);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file steps");

	describe(suite,
	         "a transfer",
	         given_a_file,
	         NULL,
	         a_read_that_is_whole_is_answered,
	         a_read_that_is_cancelled_was_aborted,
	         a_registered_arena_is_used,
	         a_short_read_is_continued_where_it_ended,
	         a_short_write_of_segments_is_continued_in_the_middle_of_one,
	         a_part_of_a_block_is_moved_again,
	         no_progress_ends_a_transfer,
	         less_than_a_block_is_no_progress,
	         an_error_after_a_part_is_an_error,
	         force_unit_access_holds_for_every_part,
	         without_force_unit_access_nothing_is_forced,
	         an_interrupted_one_is_tried_again_but_not_for_ever,
	         a_file_system_that_waits_is_given_a_thread);
	describe(suite,
	         "zeroes",
	         given_a_file,
	         NULL,
	         a_range_is_zeroed_by_the_file_system,
	         a_hole_is_made_where_the_host_allows_it,
	         zeroes_are_written_in_portions_when_nothing_else_is_left,
	         what_is_not_supported_is_not_tried_again,
	         zeroes_with_force_unit_access_are_synced,
	         written_zeroes_with_force_unit_access_are_synced_too,
	         an_error_while_zeroing_is_not_taken_for_lack_of_support,
	         no_blocks_need_no_zeroing);
	describe(suite,
	         "the rest",
	         given_a_file,
	         NULL,
	         ranges_are_given_back_one_after_the_other,
	         ranges_without_blocks_are_nothing_to_do,
	         advice_that_cannot_be_followed_is_success,
	         a_failing_device_fails_it,
	         a_flush_is_a_datasync);
	return run(suite);
}
