/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of requests: who gets it first, that nobody waits for ever, and that nobody has all.
 */
#include "common/transport/room.h"

#include <string.h>

#include "common/transport/request.h"
#include "tests/support/spec.h"

#define MIB   (1u << 20)
#define SIZE  (16 * MIB)
#define MANY  16
#define SMALL 4096u

/* A host: its queue, with requests of each kind. */
struct host {
	struct room_share share;
	struct queue queue;
	struct request transfers[MANY], answers[MANY], capsules[MANY];
};

static struct room room;
static struct host greedy, modest, other;

static void prepare(struct host *host, struct request *requests, enum request_source source,
                    uint32_t length)
{
	for (uint16_t i = 0; i < MANY; i++) {
		request_init(&requests[i], &host->queue, i);
		requests[i].source = (uint8_t)source;
		requests[i].length = length;
	}
}

static void prepare_host(struct host *host)
{
	memset(host, 0, sizeof(*host));
	room_share_init(&host->share, true);
	host->queue.share = &host->share;
	prepare(host, host->transfers, REQUEST_TRANSFER, MIB);
	prepare(host, host->answers, REQUEST_NO_DATA, MIB);
	prepare(host, host->capsules, REQUEST_IN_CAPSULE, SMALL);
}

static unsigned take_all(struct request *requests)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MANY; i++)
		n += room_take(&room, &requests[i]);
	return n;
}

static void give_all(struct request *requests)
{
	for (unsigned i = 0; i < MANY; i++)
		room_give(&room, &requests[i]);
}

static void given_an_empty_room(void)
{
	ck_assert_int_eq(room_init(&room, SIZE), 0);
	prepare_host(&greedy);
	prepare_host(&modest);
	prepare_host(&other);
}

static void given_a_host_that_has_all_it_may(void)
{
	given_an_empty_room();
	ck_assert_uint_eq(take_all(greedy.answers), SIZE / 2 / MIB);
}

/* 8 MiB and 4 MiB: the common part. */
static void given_a_full_common_part(void)
{
	given_a_host_that_has_all_it_may();
	for (unsigned i = 0; i < 4; i++)
		ck_assert(room_take(&room, &other.answers[i]));
}

static void given_a_host_with_all_the_transfers_it_may_have(void)
{
	given_an_empty_room();
	ck_assert_uint_eq(take_all(greedy.transfers), SIZE / 4 / MIB);
}

static void forget_the_room(void)
{
	room_deinit(&room);
}

/* ------------------------------------------------------------------ an empty room */

START_TEST(has_memory_at_once)
{
	ck_assert(room_take(&room, &greedy.answers[0]));
	ck_assert_ptr_nonnull(greedy.answers[0].data);
	ck_assert_uint_eq(greedy.answers[0].arena_offset % 4096, 0);
}
END_TEST

START_TEST(gives_no_more_than_a_share)
{
	ck_assert_uint_eq(take_all(greedy.answers), SIZE / 2 / MIB);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(gives_a_host_no_more_than_is_said)
{
	room_limit_hosts(&room, 3 * MIB);
	ck_assert_uint_eq(take_all(greedy.answers), 3);
	ck_assert_uint_eq(take_all(modest.answers), 3);
	room_limit_hosts(&room, 0);
	ck_assert_ptr_nonnull(room_next(&room));
}
END_TEST

START_TEST(gives_a_host_its_largest_request_whatever_is_said)
{
	room_limit_hosts(&room, 1);
	ck_assert_uint_eq(take_all(greedy.transfers), 1);
	ck_assert_uint_eq(take_all(greedy.answers), 1);
}
END_TEST

START_TEST(gives_a_host_no_more_than_a_share_whatever_is_said)
{
	room_limit_hosts(&room, SIZE);
	ck_assert_uint_eq(take_all(greedy.answers), SIZE / 2 / MIB);
}
END_TEST

START_TEST(gives_admin_queues_an_eighth)
{
	greedy.queue.share = &room.admin;
	ck_assert_uint_eq(take_all(greedy.answers), SIZE / 8 / MIB);
}
END_TEST

START_TEST(counts_a_transfer_as_the_block_it_takes)
{
	greedy.transfers[0].length = 5 * 1024;
	ck_assert(room_take(&room, &greedy.transfers[0]));
	ck_assert_uint_eq(greedy.share.uses[ROOM_COMMON].transfer_bytes, 8 * 1024);
	greedy.transfers[1].length = 512;
	ck_assert(room_take(&room, &greedy.transfers[1]));
	ck_assert_uint_eq(greedy.share.uses[ROOM_COMMON].transfer_bytes, 12 * 1024);
}
END_TEST

START_TEST(counts_nothing_when_all_is_given_back)
{
	take_all(greedy.answers);
	take_all(greedy.transfers);
	take_all(greedy.capsules);
	give_all(greedy.answers);
	give_all(greedy.transfers);
	give_all(greedy.capsules);
	ck_assert_uint_eq(greedy.share.uses[ROOM_COMMON].bytes, 0);
	ck_assert_uint_eq(greedy.share.uses[ROOM_RESERVE].bytes, 0);
	ck_assert_uint_eq(room.uses[ROOM_COMMON].bytes, 0);
	ck_assert_uint_eq(room.uses[ROOM_COMMON].transfer_bytes, 0);
	ck_assert(list_is_empty(&room.waiting));
}
END_TEST

START_TEST(serves_the_largest_request_of_the_smallest_room)
{
	room_deinit(&room);
	ck_assert_int_eq(room_init(&room, ROOM_SIZE_MIN), 0);
	ck_assert(room_take(&room, &greedy.transfers[0]));
	room_give(&room, &greedy.transfers[0]);
	greedy.queue.share = &room.discovery;
	ck_assert(room_take(&room, &greedy.answers[0]));
}
END_TEST

/* A device may still be at it. */
START_TEST(never_uses_again_what_was_forfeited)
{
	uint64_t offset;

	ck_assert(room_take(&room, &greedy.answers[0]));
	offset = greedy.answers[0].arena_offset;
	room_forfeit(&room, &greedy.answers[0]);
	ck_assert_ptr_null(greedy.answers[0].data);
	room_give(&room, &greedy.answers[0]); /* as its queue does: nothing */
	ck_assert_uint_eq(greedy.share.uses[ROOM_COMMON].bytes, 0);
	ck_assert_uint_eq(take_all(modest.answers), SIZE / 2 / MIB);
	take_all(other.answers);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert(!modest.answers[i].data || modest.answers[i].arena_offset != offset);
		ck_assert(!other.answers[i].data || other.answers[i].arena_offset != offset);
	}
}
END_TEST

START_TEST(does_not_let_small_ones_overtake_a_large_one)
{
	for (unsigned i = 0; i < MANY; i++)
		greedy.answers[i].length = other.answers[i].length = MIB / 2;
	ck_assert_uint_eq(take_all(greedy.answers), MANY); /* 8 MiB */
	for (unsigned i = 0; i < 8; i++)
		ck_assert(room_take(&room, &other.answers[i])); /* 4 MiB */
	ck_assert(!room_take(&room, &modest.answers[0]));
	room_give(&room, &other.answers[0]);
	ck_assert_ptr_null(room_next(&room));
	ck_assert(!room_take(&room, &other.answers[8])); /* there would be room for it */
	room_give(&room, &other.answers[1]);
	ck_assert_ptr_eq(room_next(&room), &modest.answers[0]);
}
END_TEST

/* ------------------------------------------------------------------ a host that has all it may */

START_TEST(gives_its_own_back_to_it)
{
	room_give(&room, &greedy.answers[0]);
	ck_assert_ptr_eq(room_next(&room), &greedy.answers[8]);
	ck_assert_ptr_nonnull(greedy.answers[8].data);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(forgets_who_leaves_the_line)
{
	room_give(&room, &greedy.answers[8]); /* its queue has closed */
	room_give(&room, &greedy.answers[0]);
	ck_assert_ptr_eq(room_next(&room), &greedy.answers[9]);
}
END_TEST

START_TEST(has_memory_for_others)
{
	ck_assert_uint_eq(take_all(modest.answers), 4);
}
END_TEST

START_TEST(has_memory_for_capsules_of_its_own)
{
	ck_assert_uint_eq(take_all(greedy.capsules), MANY);
}
END_TEST

/* ------------------------------------------------------------------ a full common part */

START_TEST(lets_a_large_one_wait)
{
	ck_assert(!room_take(&room, &modest.answers[0]));
	ck_assert_ptr_null(modest.answers[0].data);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(has_memory_for_small_ones)
{
	modest.answers[0].length = ROOM_SMALL;
	modest.transfers[0].length = ROOM_SMALL;
	ck_assert(room_take(&room, &modest.answers[0]));
	ck_assert(room_take(&room, &modest.transfers[0]));
	ck_assert(room_take(&room, &modest.capsules[0]));
}
END_TEST

START_TEST(has_small_ones_wait_for_no_large_one)
{
	ck_assert(!room_take(&room, &modest.answers[0]));
	for (unsigned i = 1; i < MANY; i++)
		modest.answers[i].length = SMALL;
	ck_assert(room_take(&room, &modest.capsules[0]));
	other.answers[5].length = SMALL;
	ck_assert(room_take(&room, &other.answers[5]));
}
END_TEST

START_TEST(gives_no_host_all_of_the_reserve)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MANY; i++)
		modest.answers[i].length = ROOM_SMALL;
	n = take_all(modest.answers);
	ck_assert_uint_eq(n, SIZE / 4 / 16 / ROOM_SMALL);
	room_give(&room, &modest.answers[0]);
	ck_assert_ptr_eq(room_next(&room), &modest.answers[n]);
}
END_TEST

START_TEST(gives_hosts_their_turns)
{
	ck_assert(!room_take(&room, &modest.answers[0]));
	ck_assert(!room_take(&room, &modest.answers[1]));
	for (unsigned i = 0; i < 3; i++)
		room_give(&room, &greedy.answers[i]);
	ck_assert_ptr_eq(room_next(&room), &greedy.answers[8]);
	ck_assert_ptr_eq(room_next(&room), &modest.answers[0]);
	ck_assert_ptr_eq(room_next(&room), &greedy.answers[9]);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

/* ------------------------------------------------------------------ transfers */

START_TEST(has_memory_for_what_goes_to_the_host)
{
	ck_assert(room_take(&room, &greedy.answers[0]));
	ck_assert(room_take(&room, &greedy.answers[1]));
}
END_TEST

START_TEST(has_memory_for_its_capsules)
{
	ck_assert_uint_eq(take_all(greedy.capsules), MANY);
}
END_TEST

START_TEST(has_memory_for_others_transfers)
{
	ck_assert(room_take(&room, &modest.transfers[0]));
	ck_assert(room_take(&room, &modest.transfers[1]));
	ck_assert(!room_take(&room, &modest.transfers[2])); /* half of the common part */
	other.transfers[0].length = ROOM_SMALL;
	ck_assert(room_take(&room, &other.transfers[0]));
	ck_assert(room_take(&room, &other.answers[0]));
}
END_TEST

START_TEST(gives_the_memory_of_a_transfer_to_the_next)
{
	room_give(&room, &greedy.transfers[0]);
	ck_assert_ptr_eq(room_next(&room), &greedy.transfers[4]);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

/* ------------------------------------------------------------------ answers from memory */

static void given_answers_from_memory(void)
{
	given_an_empty_room();
	prepare(&greedy, greedy.answers, REQUEST_NO_DATA, 128u << 10);
	for (unsigned i = 0; i < MANY; i++)
		greedy.answers[i].is_in_memory = true;
}

START_TEST(has_no_more_of_them_than_the_caches_hold)
{
	ck_assert_uint_eq(take_all(greedy.answers), ROOM_WARM / (128u << 10));
}
END_TEST

START_TEST(goes_on_with_the_next_when_one_is_given_back)
{
	unsigned n = take_all(greedy.answers);

	ck_assert_ptr_null(room_next(&room));
	room_give(&room, &greedy.answers[0]);
	ck_assert_ptr_eq(room_next(&room), &greedy.answers[n]);
	ck_assert_ptr_null(room_next(&room));
}
END_TEST

START_TEST(has_one_that_is_larger_than_that)
{
	prepare(&greedy, greedy.answers, REQUEST_NO_DATA, MIB);
	for (unsigned i = 0; i < MANY; i++)
		greedy.answers[i].is_in_memory = true;
	ck_assert_uint_eq(take_all(greedy.answers), 1);
}
END_TEST

/* They had one line with all that goes to the host, and its small reads waited behind them. */
START_TEST(lets_other_answers_pass_those_that_wait_for_the_caches)
{
	struct request *small = &greedy.capsules[0], *disk = &greedy.capsules[1];

	take_all(greedy.answers);
	small->source = disk->source = REQUEST_NO_DATA;
	small->is_in_memory = true;
	disk->length = MIB;
	ck_assert(room_take(&room, small));
	ck_assert(room_take(&room, disk));
}
END_TEST

/* What a disk still has to answer kept them waiting, and they what came for the disk. */
START_TEST(does_not_count_what_a_disk_answers_for_them)
{
	struct request *disk = &greedy.capsules[0];

	disk->source = REQUEST_NO_DATA;
	disk->length = MIB;
	ck_assert(room_take(&room, disk));
	ck_assert_uint_eq(take_all(greedy.answers), ROOM_WARM / (128u << 10));
}
END_TEST

/* The view may have changed while it had its memory. */
START_TEST(gives_back_what_was_counted_when_it_was_taken)
{
	ck_assert(room_take(&room, &greedy.answers[0]));
	greedy.answers[0].is_in_memory = false;
	room_give(&room, &greedy.answers[0]);
	ck_assert_uint_eq(greedy.share.copy_bytes, 0);
}
END_TEST

START_TEST(does_not_count_transfers_for_them)
{
	take_all(greedy.transfers);
	ck_assert_uint_eq(take_all(greedy.answers), ROOM_WARM / (128u << 10));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("room");

	describe(suite,
	         "an empty room",
	         given_an_empty_room,
	         forget_the_room,
	         has_memory_at_once,
	         gives_no_more_than_a_share,
	         gives_a_host_no_more_than_is_said,
	         gives_a_host_its_largest_request_whatever_is_said,
	         gives_a_host_no_more_than_a_share_whatever_is_said,
	         gives_admin_queues_an_eighth,
	         counts_a_transfer_as_the_block_it_takes,
	         counts_nothing_when_all_is_given_back,
	         serves_the_largest_request_of_the_smallest_room,
	         never_uses_again_what_was_forfeited,
	         does_not_let_small_ones_overtake_a_large_one);
	describe(suite,
	         "a room with a host that has all it may",
	         given_a_host_that_has_all_it_may,
	         forget_the_room,
	         gives_its_own_back_to_it,
	         forgets_who_leaves_the_line,
	         has_memory_for_others,
	         has_memory_for_capsules_of_its_own);
	describe(suite,
	         "a room whose common part is full",
	         given_a_full_common_part,
	         forget_the_room,
	         lets_a_large_one_wait,
	         has_memory_for_small_ones,
	         has_small_ones_wait_for_no_large_one,
	         gives_no_host_all_of_the_reserve,
	         gives_hosts_their_turns);
	describe(suite,
	         "a room with large answers from memory",
	         given_answers_from_memory,
	         forget_the_room,
	         has_no_more_of_them_than_the_caches_hold,
	         goes_on_with_the_next_when_one_is_given_back,
	         has_one_that_is_larger_than_that,
	         lets_other_answers_pass_those_that_wait_for_the_caches,
	         does_not_count_what_a_disk_answers_for_them,
	         gives_back_what_was_counted_when_it_was_taken,
	         does_not_count_transfers_for_them);
	describe(suite,
	         "a room with all the transfers that a host may have",
	         given_a_host_with_all_the_transfers_it_may_have,
	         forget_the_room,
	         has_memory_for_what_goes_to_the_host,
	         has_memory_for_its_capsules,
	         has_memory_for_others_transfers,
	         gives_the_memory_of_a_transfer_to_the_next);
	return run(suite);
}
