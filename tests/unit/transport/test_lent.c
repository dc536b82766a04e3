/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read by an io grant is lent to the wire, which keeps it before the memory goes away. */
#include <string.h>
#include <unistd.h>

#include "common/shm/memory.h"
#include "common/transport/direct.h"
#include "common/transport/handover.h"
#include "common/transport/reactor.h"
#include "common/transport/request.h"
#include "tests/support/spec.h"

#define BYTES  (64u << 10)
#define BLOCK  512u
#define HANDLE 7u

static struct direct direct;
static atomic_ullong epoch;
static struct region region; /* the worker's */
static struct view_namespace namespaces[1] = {
	{.nsid = 1, .handle = HANDLE, .block_shift = 9}
};
static struct view view = {.n_namespaces = 1, .namespaces = namespaces};
static struct request request;
static uint8_t data[8 * BLOCK];
static unsigned n_kept;

static void keep(struct request *kept)
{
	struct nvme_completion completion;

	n_kept++;
	ck_assert(request_keep_data(kept, &completion));
}

static const struct wire wire = {.keep = keep};
static struct queue queue = {.wire = &wire, .may_borrow = true};

static void show(unsigned grant)
{
	namespaces[0].grant = (uint16_t)grant;
	view.n_grants = grant;
	view.serial++;
	direct_show(&direct, &view);
}

static struct handover answer_with(const struct region *memory)
{
	return (struct handover){.handle = HANDLE,
	                         .good = true,
	                         .has_memory = true,
	                         .block_shift = 9,
	                         .bytes = BYTES,
	                         .fd = dup(memory->fd)};
}

static void ask_again(void)
{
	direct_doubt_all(&direct);
	direct_asked(direct_next(&direct, 0));
}

static void given_a_wire_that_borrows(void)
{
	_cleanup_(handover_deinit) struct handover handover = {.fd = -1};

	ck_assert_int_eq(memory_guard(), 0);
	ck_assert_int_eq(region_create(&region, "test", BYTES, false), 0);
	for (unsigned i = 0; i < BYTES; i++)
		((uint8_t *)region.memory)[i] = (uint8_t)(i / BLOCK + 1);
	direct_init(&direct, &epoch);
	show(1);
	ask_again();
	handover = answer_with(&region);
	ck_assert(!direct_take(&direct, &handover));
	n_kept = 0;
}

static void forget_all(void)
{
	direct_deinit(&direct);
	region_deinit(&region);
}

static bool is_mapped(void)
{
	list_for_each (link, &direct.grants)
		if (container_of(link, struct direct_grant, link)->region.memory)
			return true;
	return false;
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
static bool is_done(enum link_operation operation, uint64_t first, uint32_t blocks)
{
	want(operation, first, blocks);
	return direct_do(direct_find(&direct, &request), &request);
}

static void expect_kept(uint64_t first, uint32_t blocks)
{
	ck_assert_uint_eq(n_kept, 1);
	ck_assert(!request.is_borrowed);
	ck_assert_ptr_eq(request.data, data);
	ck_assert_mem_eq(data, (uint8_t *)region.memory + first * BLOCK, blocks * BLOCK);
}

START_TEST(is_not_copied)
{
	ck_assert(is_done(LINK_READ, 3, 2));
	ck_assert(request.is_borrowed);
	ck_assert_ptr_eq(request.data, (uint8_t *)direct.by_number[1]->region.memory + 3 * BLOCK);
	show(0);
}
END_TEST

START_TEST(is_not_lent_beyond_its_last_block)
{
	ck_assert(!is_done(LINK_READ, BYTES / BLOCK - 7, 8));
	ck_assert(!request.is_borrowed);
	ck_assert_ptr_eq(request.data, data);
}
END_TEST

START_TEST(is_not_lent_to_be_written)
{
	memset(data, 0xaa, sizeof(data));
	ck_assert(is_done(LINK_WRITE, 5, 2));
	ck_assert(!request.is_borrowed);
	ck_assert_mem_eq((uint8_t *)region.memory + 5 * BLOCK, data, 2 * BLOCK);
}
END_TEST

START_TEST(is_kept_before_it_is_revoked)
{
	ck_assert(is_done(LINK_READ, 3, 2));
	show(0);
	ck_assert(!is_mapped());
	expect_kept(3, 2);
}
END_TEST

START_TEST(is_kept_before_its_namespace_is_gone)
{
	ck_assert(is_done(LINK_READ, 3, 2));
	view.n_namespaces = 0;
	show(0);
	ck_assert(list_is_empty(&direct.grants));
	expect_kept(3, 2);
}
END_TEST

START_TEST(is_kept_before_it_is_exchanged)
{
	_cleanup_(region_deinit) struct region other_region = REGION_NULL;
	_cleanup_(handover_deinit) struct handover handover = {.fd = -1};

	ck_assert(is_done(LINK_READ, 3, 2));
	ck_assert_int_eq(region_create(&other_region, "other", BYTES, false), 0);
	ask_again();
	handover = answer_with(&other_region);
	ck_assert(!direct_take(&direct, &handover));
	expect_kept(3, 2);
}
END_TEST

START_TEST(is_kept_before_it_is_refused)
{
	struct handover refusal = {.handle = HANDLE, .fd = -1, .reason = "no"};

	ck_assert(is_done(LINK_READ, 3, 2));
	ask_again();
	ck_assert(direct_take(&direct, &refusal));
	ck_assert(!is_mapped());
	expect_kept(3, 2);
}
END_TEST

START_TEST(stays_lent_while_the_same_memory_is_asked_for)
{
	_cleanup_(handover_deinit) struct handover handover = answer_with(&region);

	ck_assert(is_done(LINK_READ, 3, 2));
	ask_again();
	ck_assert(!direct_take(&direct, &handover));
	ck_assert(request.is_borrowed);
	show(0);
	expect_kept(3, 2);
}
END_TEST

/* Of two, each is kept once, by whoever comes first. */
START_TEST(is_kept_once)
{
	struct nvme_completion completion;

	ck_assert(is_done(LINK_READ, 3, 2));
	ck_assert(request_keep_data(&request, &completion));
	ck_assert(request_keep_data(&request, &completion));
	show(0);
	ck_assert_uint_eq(n_kept, 0);
	ck_assert_mem_eq(data, (uint8_t *)region.memory + 3 * BLOCK, 2 * BLOCK);
}
END_TEST

/* A request that is over is another's: what is revoked then does not touch it. */
START_TEST(is_given_back_when_all_is_sent)
{
	static struct reactor reactor;
	static struct room_share share;

	ck_assert_int_eq(room_init(&reactor.room, ROOM_SIZE_MIN), 0);
	room_share_init(&share, true);
	queue.reactor = &reactor;
	queue.share = &share;
	queue.in_wire = 1;
	list_init(&queue.free);
	want(LINK_READ, 3, 2);
	request.data = NULL;
	list_init(&request.core_link);
	ck_assert(room_take(&reactor.room, &request));
	ck_assert(direct_do(direct_find(&direct, &request), &request));
	ck_assert(request.is_borrowed);
	request_finish(&request);
	ck_assert(!request.is_borrowed);
	ck_assert_ptr_eq(queue.free.next, &request.core_link);
	show(0);
	ck_assert_uint_eq(n_kept, 0);
	ck_assert_ptr_eq(queue.free.next, &request.core_link);
	room_deinit(&reactor.room);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory that is lent");

	describe(suite,
	         "to the wire",
	         given_a_wire_that_borrows,
	         forget_all,
	         is_not_copied,
	         is_not_lent_beyond_its_last_block,
	         is_not_lent_to_be_written,
	         is_kept_before_it_is_revoked,
	         is_kept_before_its_namespace_is_gone,
	         is_kept_before_it_is_exchanged,
	         is_kept_before_it_is_refused,
	         stays_lent_while_the_same_memory_is_asked_for,
	         is_kept_once,
	         is_given_back_when_all_is_sent);
	return run(suite);
}
