/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O on memory that a worker has handed over: as long as the view grants it, and never on that
 * of two workers. */
#include "common/transport/direct.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/shm/memory.h"
#include "common/transport/handover.h"
#include "tests/support/spec.h"

#define BYTES  (64u << 10)
#define BLOCK  512u
#define HANDLE 7u

static struct direct direct, other;
static atomic_ullong epoch;
static struct region region; /* the worker's */
static struct view view;
static struct view_namespace namespaces[2];
static struct request request;
static struct queue queue; /* that it came on */
static uint8_t data[8 * BLOCK];

static void show(struct direct *which, unsigned grant)
{
	namespaces[0].grant = (uint16_t)grant;
	view.n_grants = grant;
	view.serial++;
	direct_show(which, &view);
}

static struct direct_grant *ask(struct direct *which)
{
	struct direct_grant *grant = direct_next(which, 0);

	ck_assert_ptr_nonnull(grant);
	direct_asked(grant);
	return grant;
}

static struct handover answer_with(const struct region *memory)
{
	return (struct handover){.handle = HANDLE,
	                         .good = true,
	                         .has_memory = memory != NULL,
	                         .block_shift = 9,
	                         .bytes = BYTES,
	                         .fd = memory ? dup(memory->fd) : -1};
}

static void hand_over(struct direct *which, const struct region *memory)
{
	_cleanup_(handover_deinit) struct handover handover = answer_with(memory);

	ask(which);
	ck_assert(!direct_take(which, &handover));
}

static void want(enum link_operation operation, uint64_t first, uint32_t blocks)
{
	request = (struct request){
		.queue = &queue, .grant = 1, .length = blocks * BLOCK, .data = data};
	request.wanted = (struct link_request){.operation = (uint8_t)operation,
	                                       .handle = HANDLE,
	                                       .first_block = first,
	                                       .block_count = blocks};
}

/* True: it was done here. */
static bool is_done(struct direct *which, enum link_operation operation, uint64_t first,
                    uint32_t blocks)
{
	struct direct_grant *grant;

	want(operation, first, blocks);
	grant = direct_find(which, &request);
	return grant && direct_do(grant, &request);
}

static void given_a_view_with_a_grant(void)
{
	ck_assert_int_eq(memory_guard(), 0);
	ck_assert_int_eq(region_create(&region, "test", BYTES, false), 0);
	for (unsigned i = 0; i < BYTES; i++)
		((uint8_t *)region.memory)[i] = (uint8_t)(i / BLOCK + 1);
	memset(namespaces, 0, sizeof(namespaces));
	namespaces[0] = (struct view_namespace){.nsid = 1, .handle = HANDLE, .block_shift = 9};
	namespaces[1] = (struct view_namespace){.nsid = 2, .handle = 8, .block_shift = 9};
	view = (struct view){.n_namespaces = 2, .namespaces = namespaces};
	direct_init(&direct, &epoch);
	direct_init(&other, &epoch);
	show(&direct, 1);
}

static void given_memory(void)
{
	given_a_view_with_a_grant();
	hand_over(&direct, &region);
}

static void forget_all(void)
{
	direct_deinit(&direct);
	direct_deinit(&other);
	region_deinit(&region);
}

static bool is_mapped(const struct direct *which)
{
	list_for_each (link, (struct list *)&which->grants)
		if (container_of(link, struct direct_grant, link)->region.memory)
			return true;
	return false;
}

/* ------------------------------------------------------------------ asking */

START_TEST(is_asked_for_once)
{
	ck_assert(direct.must_ask);
	ck_assert_uint_eq(ask(&direct)->handle, HANDLE);
	ck_assert_ptr_null(direct_next(&direct, 0));
}
END_TEST

START_TEST(is_asked_for_at_its_own_worker)
{
	ck_assert_ptr_null(direct_next(&direct, 1));
}
END_TEST

START_TEST(is_the_workers_until_it_is_handed_over)
{
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	ask(&direct);
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
}
END_TEST

START_TEST(is_the_workers_when_it_is_refused)
{
	struct handover refusal = {.handle = HANDLE, .fd = -1, .reason = "no"};

	ask(&direct);
	ck_assert(direct_take(&direct, &refusal));
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	ck_assert_ptr_null(direct_next(&direct, 0));
}
END_TEST

START_TEST(is_asked_for_again_after_a_while)
{
	struct handover refusal = {.handle = HANDLE, .fd = -1, .reason = "no"};

	ask(&direct);
	direct_take(&direct, &refusal);
	direct.must_ask = false;
	direct_ask_again(&direct);
	ck_assert(direct.must_ask);
	hand_over(&direct, &region);
	ck_assert(is_done(&direct, LINK_READ, 0, 1));
}
END_TEST

static void expect_unfit(struct handover handover)
{
	ask(&direct);
	ck_assert(direct_take(&direct, &handover));
	handover_deinit(&handover);
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	ck_assert(!is_mapped(&direct));
}

START_TEST(is_not_taken_if_it_is_smaller_than_said)
{
	struct handover handover = answer_with(&region);

	handover.bytes = 2 * BYTES;
	expect_unfit(handover);
}
END_TEST

START_TEST(is_not_taken_if_it_may_shrink)
{
	struct handover handover = answer_with(NULL);

	handover.has_memory = true;
	handover.fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(handover.fd, BYTES), 0);
	expect_unfit(handover);
}
END_TEST

START_TEST(is_not_taken_if_it_is_no_memory)
{
	struct handover handover = answer_with(NULL);
	int pipes[2];

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	close(pipes[1]);
	handover.has_memory = true;
	handover.fd = pipes[0];
	expect_unfit(handover);
}
END_TEST

START_TEST(is_not_taken_if_it_was_asked_for_before_a_doubt)
{
	_cleanup_(handover_deinit) struct handover handover = answer_with(&region);

	ask(&direct);
	direct_doubt_all(&direct);
	ck_assert(!direct_take(&direct, &handover));
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	ck_assert_ptr_nonnull(direct_next(&direct, 0));
}
END_TEST

START_TEST(is_not_taken_if_the_view_has_it_no_more)
{
	_cleanup_(handover_deinit) struct handover handover = answer_with(&region);

	ask(&direct);
	view.n_namespaces = 0;
	show(&direct, 0);
	ck_assert(!direct_take(&direct, &handover));
	ck_assert(!is_mapped(&direct));
}
END_TEST

/* ------------------------------------------------------------------ I/O */

START_TEST(is_read)
{
	ck_assert(is_done(&direct, LINK_READ, 3, 2));
	ck_assert_mem_eq(data, (uint8_t *)region.memory + 3 * BLOCK, 2 * BLOCK);
}
END_TEST

START_TEST(is_written)
{
	memset(data, 0xaa, sizeof(data));
	ck_assert(is_done(&direct, LINK_WRITE, 5, 2));
	ck_assert_mem_eq((uint8_t *)region.memory + 5 * BLOCK, data, 2 * BLOCK);
	ck_assert_uint_eq(((uint8_t *)region.memory)[5 * BLOCK - 1], 5);
	ck_assert_uint_eq(((uint8_t *)region.memory)[7 * BLOCK], 8);
}
END_TEST

START_TEST(is_flushed)
{
	ck_assert(is_done(&direct, LINK_FLUSH, 0, 0));
}
END_TEST

START_TEST(leaves_other_operations_to_the_worker)
{
	ck_assert(!is_done(&direct, LINK_WRITE_ZEROES, 0, 1));
	ck_assert(!is_done(&direct, LINK_DEALLOCATE, 0, 1));
}
END_TEST

START_TEST(is_read_to_its_last_block)
{
	ck_assert(is_done(&direct, LINK_READ, BYTES / BLOCK - 8, 8));
}
END_TEST

START_TEST(is_not_read_beyond_its_last_block)
{
	ck_assert(!is_done(&direct, LINK_READ, BYTES / BLOCK - 7, 8));
	ck_assert(!is_done(&direct, LINK_READ, BYTES / BLOCK, 1));
	ck_assert(!is_done(&direct, LINK_READ, UINT64_MAX, 1));
	ck_assert(!is_done(&direct, LINK_READ, UINT64_MAX >> 8, 1));
}
END_TEST

START_TEST(is_not_written_beyond_its_last_block)
{
	ck_assert(!is_done(&direct, LINK_WRITE, BYTES / BLOCK - 7, 8));
}
END_TEST

/* The view has blocks of another size than the worker. */
START_TEST(is_not_read_in_blocks_of_another_size)
{
	struct direct_grant *grant;

	want(LINK_READ, 0, 1);
	request.length = 4096;
	grant = direct_find(&direct, &request);
	ck_assert_ptr_nonnull(grant);
	ck_assert(!direct_do(grant, &request));
}
END_TEST

START_TEST(is_not_used_for_a_command_without_a_grant)
{
	want(LINK_READ, 0, 1);
	request.grant = 0;
	ck_assert_ptr_null(direct_find(&direct, &request));
}
END_TEST

START_TEST(is_counted)
{
	struct direct_grant *grant;

	ck_assert(is_done(&direct, LINK_READ, 3, 2));
	ck_assert(is_done(&direct, LINK_WRITE, 3, 1));
	ck_assert(is_done(&direct, LINK_FLUSH, 0, 0));
	ck_assert(!is_done(&direct, LINK_READ, UINT64_MAX, 1));
	grant = direct_find(&direct, &request);
	ck_assert_uint_eq(counts_get(&grant->counts, COUNT_READS), 1);
	ck_assert_uint_eq(counts_get(&grant->counts, COUNT_READ_BYTES), 2 * BLOCK);
	ck_assert_uint_eq(counts_get(&grant->counts, COUNT_WRITES), 1);
	ck_assert_uint_eq(counts_get(&grant->counts, COUNT_WRITE_BYTES), BLOCK);
	ck_assert_uint_eq(counts_get(&grant->counts, COUNT_FLUSHES), 1);
}
END_TEST

/* A page that cannot be had is the worker's to explain. */
START_TEST(does_not_end_the_process_over_a_page)
{
	struct direct_grant *grant;
	int fd = memfd_create("test", MFD_CLOEXEC);

	want(LINK_READ, 8, 1);
	grant = direct_find(&direct, &request);
	ck_assert_ptr_ne(
		mmap(grant->region.memory, BYTES, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0),
		MAP_FAILED);
	close(fd);
	ck_assert(!direct_do(grant, &request));
}
END_TEST

START_TEST(keeps_no_descriptor)
{
	ck_assert_int_eq(direct.by_number[1]->region.fd, -1);
}
END_TEST

START_TEST(of_nothing_reads_as_zeroes)
{
	direct_doubt_all(&direct);
	hand_over(&direct, NULL);
	ck_assert(!is_mapped(&direct));
	memset(data, 0xee, sizeof(data));
	ck_assert(is_done(&direct, LINK_READ, 0, 8));
	for (unsigned i = 0; i < sizeof(data); i++)
		ck_assert_uint_eq(data[i], 0);
	ck_assert(is_done(&direct, LINK_WRITE, 0, 8));
	ck_assert(!is_done(&direct, LINK_READ, BYTES / BLOCK, 1));
}
END_TEST

/* ------------------------------------------------------------------ revocation */

START_TEST(is_unmapped_when_the_view_does_not_grant_it)
{
	show(&direct, 0);
	ck_assert(!is_mapped(&direct));
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	ck_assert_ptr_null(direct_next(&direct, 0));
}
END_TEST

START_TEST(is_unmapped_when_the_namespace_is_gone)
{
	view.n_namespaces = 0;
	show(&direct, 0);
	ck_assert(list_is_empty(&direct.grants));
}
END_TEST

START_TEST(stays_in_use_in_a_view_that_still_grants_it)
{
	show(&direct, 1);
	ck_assert(is_done(&direct, LINK_READ, 0, 1));
	ck_assert_ptr_null(direct_next(&direct, 0));
}
END_TEST

START_TEST(keeps_its_counts_when_it_is_revoked)
{
	ck_assert(is_done(&direct, LINK_READ, 0, 1));
	show(&direct, 0);
	show(&direct, 1);
	hand_over(&direct, &region);
	ck_assert(is_done(&direct, LINK_READ, 0, 1));
	ck_assert_uint_eq(counts_get(&direct.by_number[1]->counts, COUNT_READS), 2);
}
END_TEST

/* The namespace may have been gone in between, and have come again with other memory. */
START_TEST(is_asked_for_again_after_a_view_was_passed_over)
{
	view.serial++;
	show(&direct, 1);
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	hand_over(&direct, &region);
	ck_assert(is_done(&direct, LINK_READ, 0, 1));
}
END_TEST

/* ------------------------------------------------------------------ another worker */

static void another_link_comes_up(void)
{
	atomic_fetch_add(&epoch, 1);
	direct_doubt_all(&other);
}

START_TEST(is_not_used_once_another_reactor_has_a_new_link)
{
	another_link_comes_up();
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	ck_assert(direct.must_ask);
}
END_TEST

START_TEST(is_used_again_when_the_worker_has_the_same)
{
	const void *before = direct.by_number[1]->region.memory;

	another_link_comes_up();
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	hand_over(&direct, &region);
	ck_assert(is_done(&direct, LINK_READ, 0, 1));
	ck_assert_ptr_eq(direct.by_number[1]->region.memory, before);
}
END_TEST

START_TEST(is_exchanged_when_the_worker_has_other_memory)
{
	struct region empty;

	ck_assert_int_eq(region_create(&empty, "other", BYTES, false), 0);
	another_link_comes_up();
	ck_assert(!is_done(&direct, LINK_READ, 0, 1));
	hand_over(&direct, &empty);
	memset(data, 0xee, sizeof(data));
	ck_assert(is_done(&direct, LINK_READ, 0, 1));
	ck_assert_uint_eq(data[0], 0);
	region_deinit(&empty);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("direct I/O");

	describe(suite,
	         "memory that is granted",
	         given_a_view_with_a_grant,
	         forget_all,
	         is_asked_for_once,
	         is_asked_for_at_its_own_worker,
	         is_the_workers_until_it_is_handed_over,
	         is_the_workers_when_it_is_refused,
	         is_asked_for_again_after_a_while,
	         is_not_taken_if_it_is_smaller_than_said,
	         is_not_taken_if_it_may_shrink,
	         is_not_taken_if_it_is_no_memory,
	         is_not_taken_if_it_was_asked_for_before_a_doubt,
	         is_not_taken_if_the_view_has_it_no_more);
	describe(suite,
	         "memory that was handed over",
	         given_memory,
	         forget_all,
	         is_read,
	         is_written,
	         is_flushed,
	         leaves_other_operations_to_the_worker,
	         is_read_to_its_last_block,
	         is_not_read_beyond_its_last_block,
	         is_not_written_beyond_its_last_block,
	         is_not_read_in_blocks_of_another_size,
	         is_not_used_for_a_command_without_a_grant,
	         is_counted,
	         does_not_end_the_process_over_a_page,
	         keeps_no_descriptor,
	         of_nothing_reads_as_zeroes);
	describe(suite,
	         "a grant in another view",
	         given_memory,
	         forget_all,
	         is_unmapped_when_the_view_does_not_grant_it,
	         is_unmapped_when_the_namespace_is_gone,
	         stays_in_use_in_a_view_that_still_grants_it,
	         keeps_its_counts_when_it_is_revoked,
	         is_asked_for_again_after_a_view_was_passed_over);
	describe(suite,
	         "memory of a worker that may be another",
	         given_memory,
	         forget_all,
	         is_not_used_once_another_reactor_has_a_new_link,
	         is_used_again_when_the_worker_has_the_same,
	         is_exchanged_when_the_worker_has_other_memory);
	return run(suite);
}
