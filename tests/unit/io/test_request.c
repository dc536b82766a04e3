/* SPDX-License-Identifier: BSD-2-Clause */
/* What a transport put into the ring is checked, whole, before anything of it is done. */
#include <string.h>

#include "common/shm/memory.h"
#include "common/shm/region.h"
#include "services/io/request.h"
#include "services/io/zone.h"
#include "tests/support/spec.h"

#define ARENA  (1u << 20)
#define BLOCKS 1000
#define HERE   7 /* ready, writable */
#define LOCKED 8 /* ready, read-only */
#define AWAY   9 /* not ready */
#define OTHERS 6 /* there, but granted to another transport */

static struct region arena;
static struct backing backing;
static struct table *table;
static const struct grant *grant;
static union request_scratch scratch;
static struct request request;
static struct nvme_status status;
static const char *reason;

static void given_what_is_granted(void)
{
	static const uint32_t mine[] = {AWAY, HERE, LOCKED, 77};
	static const uint32_t others[] = {OTHERS};

	ck_assert_int_eq(memory_guard(), 0);
	ck_assert_int_eq(region_create(&arena, "arena", ARENA, false), 0);
	table = table_new(4, 2, 5, 1);
	ck_assert_ptr_nonnull(table);
	for (uint32_t i = 0; i < 4; i++)
		table->targets[i] = (struct target){
			.handle = OTHERS + i,
			.block_shift = 9,
			.read_only = OTHERS + i == LOCKED,
			.blocks = BLOCKS,
			.backing = OTHERS + i == AWAY ? NULL : &backing,
		};
	table_grant(table, "tcp", mine, 4);
	table_grant(table, "rdma", others, 1);
	grant = table_find_grant(table, "tcp");
	request = (struct request){.scratch = &scratch};
	request.wanted = (struct link_request){
		.operation = LINK_READ,
		.handle = HERE,
		.first_block = 10,
		.block_count = 8,
		.segment_count = 1,
		.segments = {{.offset = 8192, .length = 4096}},
	};
	backing.zones = NULL;
	status = STATUS_OK;
	reason = NULL;
}

static void forget_all(void)
{
	table_free(table);
	region_deinit(&arena);
}

static int check(void)
{
	return request_check(&request, grant, &arena, &status, &reason);
}

static void expect_status(unsigned code)
{
	ck_assert_int_eq(check(), REQUEST_E_REFUSED);
	ck_assert_uint_eq(status.value, code);
}

static void expect_broken(const char *words)
{
	ck_assert_int_eq(check(), REQUEST_E_BROKEN);
	ck_assert_str_eq(reason, words);
}

/* ------------------------------------------------------------------ good ones */

START_TEST(a_read_is_found_in_arena_and_blocks)
{
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(request.offset, 10 * 512);
	ck_assert_uint_eq(request.length, 4096);
	ck_assert_uint_eq(request.n_pieces, 1);
	ck_assert_ptr_eq(request.pieces[0].iov_base, (char *)arena.memory + 8192);
	ck_assert_uint_eq(request.pieces[0].iov_len, 4096);
}
END_TEST

START_TEST(the_last_block_is_inside)
{
	request.wanted.first_block = BLOCKS - 8;
	ck_assert_int_eq(check(), 0);
}
END_TEST

/* ------------------------------------------------------------------ zones */

static void given_zones(void)
{
	static const struct zone_geometry geometry = {.blocks = 128, .capacity = 128, .count = 8};

	given_what_is_granted();
	backing.zones = &geometry;
	request.wanted.operation = LINK_ZONE_APPEND;
	request.wanted.first_block = 128;
}

static void make_send(uint8_t flags)
{
	request.wanted.operation = LINK_ZONE_SEND;
	request.wanted.block_count = 0;
	request.wanted.segment_count = 0;
	request.wanted.application_mask = flags;
}

static void make_receive(uint32_t bytes)
{
	make_send(0);
	request.wanted.operation = LINK_ZONE_RECEIVE;
	request.wanted.segment_count = 1;
	request.wanted.segments[0].length = bytes;
}

START_TEST(an_append_has_its_data)
{
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(request.length, 4096);
	ck_assert_uint_eq(request.n_pieces, 1);
	request.wanted.block_count = 9;
	expect_status(0x400f);
}
END_TEST

START_TEST(an_append_behind_the_end_is_refused)
{
	request.wanted.first_block = BLOCKS;
	expect_status(0x4080);
}
END_TEST

START_TEST(an_action_on_a_zone_has_no_data)
{
	make_send(0);
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(request.n_pieces, 0);
	request.wanted.first_block = UINT64_MAX;
	expect_status(0x4080);
}
END_TEST

START_TEST(an_action_on_all_zones_is_on_no_block)
{
	make_send(LINK_ZONE_ALL);
	request.wanted.first_block = UINT64_MAX;
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(a_report_is_as_long_as_its_data)
{
	make_receive(1044);
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(request.length, 1044);
}
END_TEST

START_TEST(zones_that_are_read_only_can_be_reported_only)
{
	request.wanted.handle = LOCKED;
	expect_status(0x4020);
	make_send(0);
	expect_status(0x4020);
	make_receive(64);
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(what_makes_no_sense_for_zones_breaks)
{
	make_receive(62);
	expect_broken("a report of zones that is not of whole dwords");
	make_send(0);
	request.wanted.block_count = 1;
	expect_broken("blocks where there are none");
	request.wanted.flags = LINK_DEALLOC;
	expect_broken("an unknown flag");
}
END_TEST

/* Its transport would put it again on each new link. */
START_TEST(zones_where_there_are_none_any_more_are_refused)
{
	backing.zones = NULL;
	expect_status(0x4001);
}
END_TEST

/* With tuples: the only data that is not of whole sectors. */
static void given_tuples(void)
{
	given_what_is_granted();
	backing.kind = &backing_pi;
	request.wanted.flags = LINK_METADATA;
	request.wanted.segments[0].length = 8 * (512 + 8);
}

START_TEST(tuples_lie_in_the_data)
{
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(request.length, 4096);
	ck_assert_uint_eq(request.pieces[0].iov_len, 4096 + 64);
}
END_TEST

START_TEST(data_without_its_tuples_is_refused)
{
	request.wanted.segments[0].length = 4096;
	expect_status(0x400f);
}
END_TEST

START_TEST(tuples_for_a_store_that_keeps_none_are_refused)
{
	backing.kind = &backing_file;
	expect_status(0x400f);
}
END_TEST

START_TEST(two_segments_lie_in_the_slot)
{
	request.wanted.segment_count = 2;
	request.wanted.segments[0].length = 512;
	request.wanted.segments[1] = (struct link_segment){.offset = ARENA - 3584, .length = 3584};
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(request.n_pieces, 2);
	ck_assert_ptr_eq(request.pieces[1].iov_base, (char *)arena.memory + ARENA - 3584);
}
END_TEST

static void put_table(uint32_t n, uint32_t length_each)
{
	struct link_segment *many = (struct link_segment *)((char *)arena.memory + 4096);

	for (uint32_t i = 0; i < n; i++)
		many[i] = (struct link_segment){.offset = 65536 + i * 1024, .length = length_each};
	request.wanted.flags |= LINK_INDIRECT;
	request.wanted.segment_count = (uint16_t)n;
	request.wanted.segments[0] = (struct link_segment){.offset = 4096,
	                                                   .length = n * (uint32_t)sizeof(*many)};
}

START_TEST(many_segments_lie_in_a_table_in_the_arena)
{
	put_table(LINK_SEGMENTS_MAX, 512);
	request.wanted.block_count = LINK_SEGMENTS_MAX;
	ck_assert_int_eq(check(), 0);
	ck_assert_uint_eq(request.n_pieces, LINK_SEGMENTS_MAX);
	ck_assert_ptr_eq(request.pieces[255].iov_base, (char *)arena.memory + 65536 + 255 * 1024);
}
END_TEST

START_TEST(the_table_is_copied_before_it_is_checked)
{
	put_table(8, 512);
	ck_assert_int_eq(check(), 0);
	memset((char *)arena.memory + 4096, 0xff, 4096); /* the transport changes its mind */
	ck_assert_ptr_eq(request.pieces[7].iov_base, (char *)arena.memory + 65536 + 7 * 1024);
	ck_assert_uint_eq(request.pieces[7].iov_len, 512);
}
END_TEST

START_TEST(a_flush_needs_neither_blocks_nor_data)
{
	request.wanted = (struct link_request){.operation = LINK_FLUSH, .handle = HERE};
	ck_assert_int_eq(check(), 0);
}
END_TEST

static void put_ranges(uint32_t n)
{
	struct nvme_dsm_range *ranges = (struct nvme_dsm_range *)((char *)arena.memory + 8192);

	for (uint32_t i = 0; i < n; i++)
		ranges[i] = (struct nvme_dsm_range){.blocks = le32_of(2), .slba = le64_of(3 * i)};
	request.wanted.operation = LINK_DEALLOCATE;
	request.wanted.block_count = n;
	request.wanted.segments[0].length = 4096; /* Linux sends a page, whatever is in it */
}

START_TEST(ranges_to_deallocate_are_copied)
{
	put_ranges(256);
	ck_assert_int_eq(check(), 0);
	memset((char *)arena.memory + 8192, 0xff, 4096);
	ck_assert_uint_eq(request.n_ranges, 256);
	ck_assert_uint_eq(le64_get(scratch.ranges[255].slba), 3 * 255);
}
END_TEST

START_TEST(advancing_leaves_the_pieces_not_dealt_with)
{
	request.wanted.segment_count = 2;
	request.wanted.segments[0].length = 1024;
	request.wanted.segments[1] = (struct link_segment){.offset = 0, .length = 3072};
	ck_assert_int_eq(check(), 0);
	request_advance(&request, 512);
	ck_assert_uint_eq(request.n_pieces, 2);
	ck_assert_uint_eq(request.pieces[0].iov_len, 512);
	request_advance(&request, 1024);
	ck_assert_uint_eq(request.n_pieces, 1);
	ck_assert_ptr_eq(request.pieces[0].iov_base, (char *)arena.memory + 512);
	ck_assert_uint_eq(request.offset, 10 * 512 + 1536);
	ck_assert_uint_eq(request.length, 2560);
	request_advance(&request, 2560);
	ck_assert_uint_eq(request.n_pieces, 0);
}
END_TEST

/* ------------------------------------------------------------------ what a host can cause */

START_TEST(a_block_behind_the_end_is_refused)
{
	request.wanted.first_block = BLOCKS - 7;
	expect_status(0x4080);
}
END_TEST

START_TEST(a_block_range_that_wraps_is_refused)
{
	request.wanted.first_block = UINT64_MAX - 3;
	expect_status(0x4080);
}
END_TEST

START_TEST(more_blocks_than_there_are_is_refused)
{
	request.wanted.operation = LINK_WRITE_ZEROES;
	request.wanted.first_block = 0;
	request.wanted.block_count = UINT32_MAX;
	expect_status(0x4080);
}
END_TEST

START_TEST(data_that_does_not_fit_the_blocks_is_refused)
{
	request.wanted.segments[0].length = 3584;
	expect_status(0x400f);
}
END_TEST

START_TEST(no_data_at_all_is_refused)
{
	request.wanted.block_count = 0;
	request.wanted.segment_count = 0;
	expect_status(0x400f);
}
END_TEST

START_TEST(a_range_behind_the_end_is_refused_before_any_is_deallocated)
{
	struct nvme_dsm_range *ranges = (struct nvme_dsm_range *)((char *)arena.memory + 8192);

	put_ranges(4);
	ranges[3].slba = le64_of(BLOCKS - 1);
	expect_status(0x4080);
}
END_TEST

START_TEST(ranges_that_are_not_all_there_are_refused)
{
	put_ranges(256);
	request.wanted.segments[0].length = 4095;
	expect_status(0x400f);
}
END_TEST

START_TEST(writes_to_what_is_read_only_are_refused)
{
	static const uint8_t changing[] = {LINK_WRITE, LINK_WRITE_ZEROES, LINK_DEALLOCATE};

	request.wanted.handle = LOCKED;
	for (size_t i = 0; i < 3; i++) {
		request.wanted.operation = changing[i];
		expect_status(0x4020);
	}
	request.wanted.operation = LINK_READ;
	ck_assert_int_eq(check(), 0);
}
END_TEST

START_TEST(what_is_not_ready_is_to_be_put_again)
{
	request.wanted.handle = AWAY;
	expect_status(0x082);
}
END_TEST

START_TEST(what_is_not_granted_looks_as_if_it_were_not_ready)
{
	request.wanted.handle = OTHERS;
	expect_status(0x082);
	request.wanted.handle = 77; /* granted, but nowhere */
	expect_status(0x082);
	grant = table_find_grant(table, "fc");
	ck_assert_ptr_null(grant);
	request.wanted.handle = HERE;
	expect_status(0x082);
}
END_TEST

/* ------------------------------------------------------------------ what breaks a link */

START_TEST(a_word_is_no_request)
{
	request.wanted.operation = LINK_CANCEL;
	ck_assert_int_eq(check(), REQUEST_E_WORD);
	request.wanted.operation = LINK_DOUBT;
	ck_assert_int_eq(check(), REQUEST_E_WORD);
}
END_TEST

START_TEST(an_unknown_operation_breaks)
{
	request.wanted.operation = 0;
	expect_broken("an unknown operation");
	request.wanted.operation = LINK_DOUBT + 1;
	expect_broken("an unknown operation");
}
END_TEST

START_TEST(an_unknown_flag_breaks)
{
	request.wanted.flags = REQUEST_INNER;
	expect_broken("an unknown flag");
}
END_TEST

START_TEST(a_segment_outside_of_the_arena_breaks)
{
	request.wanted.segments[0].offset = ARENA - 2048;
	expect_broken("a segment outside of the arena");
	request.wanted.segments[0].offset = UINT64_MAX - 511;
	expect_broken("a segment outside of the arena");
	request.wanted.segments[0] = (struct link_segment){.offset = 0, .length = UINT32_MAX};
	expect_broken("a segment outside of the arena");
}
END_TEST

START_TEST(a_segment_of_another_region_breaks)
{
	request.wanted.segments[0].region = 1;
	expect_broken("a segment outside of the arena");
}
END_TEST

START_TEST(an_empty_segment_breaks)
{
	request.wanted.segments[0].length = 0;
	expect_broken("a segment outside of the arena");
}
END_TEST

START_TEST(a_segment_that_is_not_aligned_breaks)
{
	request.wanted.segments[0].offset = 8192 + 4;
	expect_broken("a segment that is not aligned");
	request.wanted.segment_count = 2;
	request.wanted.segments[0] = (struct link_segment){.offset = 0, .length = 100};
	request.wanted.segments[1] = (struct link_segment){.offset = 4096, .length = 3996};
	expect_broken("a segment that is not aligned");
}
END_TEST

START_TEST(more_segments_than_a_slot_holds_break)
{
	request.wanted.segment_count = 3;
	expect_broken("more segments than fit a slot");
}
END_TEST

START_TEST(more_segments_than_a_table_may_hold_break)
{
	put_table(8, 512);
	request.wanted.segment_count = LINK_SEGMENTS_MAX + 1;
	request.wanted.segments[0].length = 8192;
	expect_broken("more segments than there may be");
}
END_TEST

START_TEST(a_table_outside_of_the_arena_breaks)
{
	put_table(8, 512);
	request.wanted.segments[0].offset = ARENA - 64;
	expect_broken("a table of segments outside of the arena");
	put_table(8, 512);
	request.wanted.segments[0].length = 127;
	expect_broken("a table of segments outside of the arena");
	put_table(8, 512);
	request.wanted.segments[0].region = 1;
	expect_broken("a table of segments outside of the arena");
}
END_TEST

START_TEST(segments_that_overlap_into_more_than_the_arena_break)
{
	struct link_segment *many = (struct link_segment *)((char *)arena.memory + 4096);

	put_table(2, 512);
	many[0] = (struct link_segment){.offset = 0, .length = ARENA};
	many[1] = (struct link_segment){.offset = 0, .length = 512};
	expect_broken("more data than the arena holds");
}
END_TEST

START_TEST(a_number_of_ranges_that_cannot_be_breaks)
{
	put_ranges(4);
	request.wanted.block_count = 0;
	expect_broken("a number of ranges that cannot be");
	request.wanted.block_count = 257;
	expect_broken("a number of ranges that cannot be");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");

	describe(suite,
	         "a good request",
	         given_what_is_granted,
	         forget_all,
	         a_read_is_found_in_arena_and_blocks,
	         the_last_block_is_inside,
	         two_segments_lie_in_the_slot,
	         many_segments_lie_in_a_table_in_the_arena,
	         the_table_is_copied_before_it_is_checked,
	         a_flush_needs_neither_blocks_nor_data,
	         ranges_to_deallocate_are_copied,
	         advancing_leaves_the_pieces_not_dealt_with);
	describe(suite,
	         "a request that a host may cause",
	         given_what_is_granted,
	         forget_all,
	         a_block_behind_the_end_is_refused,
	         a_block_range_that_wraps_is_refused,
	         more_blocks_than_there_are_is_refused,
	         data_that_does_not_fit_the_blocks_is_refused,
	         no_data_at_all_is_refused,
	         a_range_behind_the_end_is_refused_before_any_is_deallocated,
	         ranges_that_are_not_all_there_are_refused,
	         writes_to_what_is_read_only_are_refused,
	         what_is_not_ready_is_to_be_put_again,
	         what_is_not_granted_looks_as_if_it_were_not_ready);
	describe(suite,
	         "a request with protection information",
	         given_tuples,
	         forget_all,
	         tuples_lie_in_the_data,
	         data_without_its_tuples_is_refused,
	         tuples_for_a_store_that_keeps_none_are_refused);
	describe(suite,
	         "a request of zones",
	         given_zones,
	         forget_all,
	         an_append_has_its_data,
	         an_append_behind_the_end_is_refused,
	         an_action_on_a_zone_has_no_data,
	         an_action_on_all_zones_is_on_no_block,
	         a_report_is_as_long_as_its_data,
	         zones_that_are_read_only_can_be_reported_only,
	         what_makes_no_sense_for_zones_breaks,
	         zones_where_there_are_none_any_more_are_refused);
	describe(suite,
	         "a request that only a broken transport sends",
	         given_what_is_granted,
	         forget_all,
	         a_word_is_no_request,
	         an_unknown_operation_breaks,
	         an_unknown_flag_breaks,
	         a_segment_outside_of_the_arena_breaks,
	         a_segment_of_another_region_breaks,
	         an_empty_segment_breaks,
	         a_segment_that_is_not_aligned_breaks,
	         more_segments_than_a_slot_holds_break,
	         more_segments_than_a_table_may_hold_break,
	         a_table_outside_of_the_arena_breaks,
	         segments_that_overlap_into_more_than_the_arena_break,
	         a_number_of_ranges_that_cannot_be_breaks);
	return run(suite);
}
