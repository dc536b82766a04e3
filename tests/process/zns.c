/* SPDX-License-Identifier: BSD-2-Clause */
/* A namespace with zones on the wire: what is written there, where it is, and what becomes of the
 * zones. */
#include <stdlib.h>
#include <string.h>

#include "tests/process/zoning.h"
#include "tests/support/shows.h"

#define DEPTH 12u

static void given_zones(void)
{
	zoning_start();
}

/* ------------------------------------------------------------------ append */

START_TEST(has_blocks_appended_where_the_answer_says)
{
	uint64_t lba;

	zoning_connect();
	for (uint32_t i = 0; i < 4; i++) {
		expect_good(zoning_append(ZONING_RAM, 2, 5, 10 + i, &lba));
		ck_assert_uint_eq(lba, 2 * ZONING_BLOCKS + 5 * i);
		expect_good(zoning_append(ZONING_FILE, 3, 16, 20 + i, &lba));
		ck_assert_uint_eq(lba, 3 * 2048 + 16 * i);
	}
	for (uint32_t i = 0; i < 4; i++) {
		scene_read_back(ZONING_RAM, 2 * ZONING_BLOCKS + 5 * i, 5, 10 + i);
		scene_read_back(ZONING_FILE, 3 * 2048 + 16 * i, 16, 20 + i);
	}
	zoning_expect(ZONING_RAM, 2, NVME_ZONE_IMPLICITLY_OPEN, 20);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.1",
	      "Zone Append writes at the zone's write pointer; dwords 0 and 1 of its completion "
	      "are "
	      "the first block written");
}
END_TEST

/* In the capsule, and by R2T. */
START_TEST(has_many_appended_at_once)
{
	static uint8_t data[DEPTH][4 * 4096];
	struct host_request requests[DEPTH];
	uint32_t found = 0;

	zoning_connect();
	for (unsigned i = 0; i < DEPTH; i++) {
		scene_fill(data[i], sizeof(data[i]), i);
		requests[i] = host_io(&scene.spaces[ZONING_RAM],
		                      NVME_IO_ZONE_APPEND,
		                      zoning_lba(ZONING_RAM, 1),
		                      4,
		                      data[i]);
		requests[i].transfer = i % 2;
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
	}
	for (unsigned i = 0; i < DEPTH; i++) {
		uint64_t lba;

		queue_must(&scene.queue, host_queue_await(&scene.queue, &requests[i], 20000));
		lba = host_zone_appended(&requests[i]) - ZONING_BLOCKS;
		ck_assert_uint_lt(lba, ZONING_CAPACITY);
		ck_assert_uint_eq(lba % 4, 0);
		found |= 1u << (lba / 4);
	}
	ck_assert_uint_eq(found, (1u << DEPTH) - 1);
	for (unsigned i = 0; i < DEPTH; i++)
		scene_read_back(ZONING_RAM, host_zone_appended(&requests[i]), 4, i);
	zoning_expect(ZONING_RAM, 1, NVME_ZONE_FULL, 0);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ write, read */

START_TEST(is_written_at_the_write_pointer)
{
	uint8_t data[4096];
	uint64_t lba = 3 * ZONING_BLOCKS;

	zoning_connect();
	expect_good(zoning_write(ZONING_RAM, lba, 8, 1));
	expect_good(zoning_write(ZONING_RAM, lba + 8, 3, 2));
	expect_good(scene_io(NVME_IO_WRITE_ZEROES, ZONING_RAM, lba + 11, 4, NULL));
	scene_read_back(ZONING_RAM, lba, 8, 1);
	scene_read_back(ZONING_RAM, lba + 8, 3, 2);
	expect_good(scene_io(NVME_IO_READ, ZONING_RAM, lba + 12, 1, data));
	scene_expect_zeroes(data, sizeof(data));
	zoning_expect(ZONING_RAM, 3, NVME_ZONE_IMPLICITLY_OPEN, 15);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.3.1",
	      "Write and Write Zeroes at the write pointer move it, and open the zone implicitly");
}
END_TEST

START_TEST(is_full_at_its_capacity)
{
	zoning_connect();
	expect_good(zoning_write(ZONING_RAM, 0, ZONING_CAPACITY, 7));
	zoning_expect(ZONING_RAM, 0, NVME_ZONE_FULL, 0);
	scene_read_back(ZONING_RAM, 0, ZONING_CAPACITY, 7);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.4",
	      "a zone whose capacity is written is full; it is no longer open or active");
}
END_TEST

START_TEST(is_read_as_zeroes_where_it_is_not_written)
{
	uint8_t *data = malloc(ZONING_BLOCKS * 4096);

	zoning_connect();
	expect_good(zoning_write(ZONING_RAM, 0, 2, 3));
	memset(data, 0xee, ZONING_BLOCKS * 4096);
	expect_good(scene_io(NVME_IO_READ, ZONING_RAM, 0, ZONING_BLOCKS, data));
	scene_expect(data, 2 * 4096, 3);
	scene_expect_zeroes(data + 2 * 4096, (ZONING_BLOCKS - 2) * 4096);
	expect_good(zoning_act(ZONING_RAM, 0, NVME_ZONE_RESET));
	expect_good(scene_io(NVME_IO_READ, ZONING_RAM, 0, 2, data));
	scene_expect_zeroes(data, 2 * 4096);
	free(data);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.2.1",
	      "blocks behind the write pointer, and all of a zone that was reset, are read as "
	      "zeroes");
}
END_TEST

START_TEST(is_read_across_its_end)
{
	uint8_t *data = malloc(2 * ZONING_BLOCKS * 4096);

	zoning_connect();
	expect_good(zoning_write(ZONING_RAM, 0, ZONING_CAPACITY, 3));
	expect_good(zoning_write(ZONING_RAM, ZONING_BLOCKS, 1, 4));
	expect_good(scene_io(NVME_IO_READ, ZONING_RAM, 0, 2 * ZONING_BLOCKS, data));
	scene_expect(data, ZONING_CAPACITY * 4096, 3);
	scene_expect(data + ZONING_BLOCKS * 4096, 4096, 4);
	free(data);
	scene_disconnect();
	shows("ZNS 1.1 §4.1.5.1", "OZCS bit 0: a Read may go from one zone into the next");
}
END_TEST

START_TEST(keeps_its_blocks_when_they_are_deallocated)
{
	struct nvme_dsm_range range = {.slba = le64_of(0), .blocks = le32_of(8)};
	struct host_request request = {
		.command = {.opcode = NVME_IO_DATASET_MANAGEMENT,
	                    .nsid = le32_of(ZONING_RAM),
	                    .cdw11 = le32_of(NVME_DSM_AD)},
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.data = &range,
		.length = sizeof(range),
	};

	zoning_connect();
	expect_good(zoning_write(ZONING_RAM, 0, 8, 5));
	expect_good(scene_execute(&request));
	scene_read_back(ZONING_RAM, 0, 8, 5);
	expect_good(scene_io(NVME_IO_FLUSH, ZONING_RAM, 0, 0, NULL));
	scene_disconnect();
	shows("ZNS 1.1 §3.3",
	      "Dataset Management of a zoned namespace is a hint that is not followed: a zone is "
	      "given back by its reset");
}
END_TEST

/* ------------------------------------------------------------------ management */

START_TEST(goes_through_its_states)
{
	zoning_connect();
	zoning_expect(ZONING_RAM, 5, NVME_ZONE_EMPTY, 0);
	expect_good(zoning_act(ZONING_RAM, 5, NVME_ZONE_OPEN));
	zoning_expect(ZONING_RAM, 5, NVME_ZONE_EXPLICITLY_OPEN, 0);
	expect_good(zoning_write(ZONING_RAM, zoning_lba(ZONING_RAM, 5), 4, 1));
	zoning_expect(ZONING_RAM, 5, NVME_ZONE_EXPLICITLY_OPEN, 4);
	expect_good(zoning_act(ZONING_RAM, 5, NVME_ZONE_CLOSE));
	zoning_expect(ZONING_RAM, 5, NVME_ZONE_CLOSED, 4);
	expect_good(zoning_write(ZONING_RAM, zoning_lba(ZONING_RAM, 5) + 4, 4, 2));
	zoning_expect(ZONING_RAM, 5, NVME_ZONE_IMPLICITLY_OPEN, 8);
	expect_good(zoning_act(ZONING_RAM, 5, NVME_ZONE_FINISH));
	zoning_expect(ZONING_RAM, 5, NVME_ZONE_FULL, 0);
	expect_good(zoning_act(ZONING_RAM, 5, NVME_ZONE_RESET));
	zoning_expect(ZONING_RAM, 5, NVME_ZONE_EMPTY, 0);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.3", "Zone Management Send opens, closes, finishes and resets a zone");
}
END_TEST

START_TEST(undergoes_what_is_done_to_all)
{
	uint64_t lba;

	zoning_connect();
	for (uint32_t zone = 0; zone < 3; zone++)
		expect_good(zoning_append(ZONING_RAM, zone, 4, zone, &lba));
	expect_good(zoning_act_on_all(ZONING_RAM, NVME_ZONE_CLOSE));
	for (uint32_t zone = 0; zone < 3; zone++)
		zoning_expect(ZONING_RAM, zone, NVME_ZONE_CLOSED, 4);
	expect_good(zoning_act_on_all(ZONING_RAM, NVME_ZONE_OPEN));
	for (uint32_t zone = 0; zone < 3; zone++)
		zoning_expect(ZONING_RAM, zone, NVME_ZONE_EXPLICITLY_OPEN, 4);
	expect_good(zoning_act_on_all(ZONING_RAM, NVME_ZONE_FINISH));
	for (uint32_t zone = 0; zone < 3; zone++)
		zoning_expect(ZONING_RAM, zone, NVME_ZONE_FULL, 0);
	zoning_expect(ZONING_RAM, 3, NVME_ZONE_EMPTY, 0);
	expect_good(zoning_act_on_all(ZONING_RAM, NVME_ZONE_RESET));
	for (uint32_t zone = 0; zone < 4; zone++)
		zoning_expect(ZONING_RAM, zone, NVME_ZONE_EMPTY, 0);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.3",
	      "Select All: Close, Open, Finish and Reset of all zones in the states that they "
	      "concern");
}
END_TEST

START_TEST(makes_room_for_another_one)
{
	uint64_t lba;

	zoning_connect();
	for (uint32_t zone = 0; zone < ZONING_ACTIVE; zone++)
		expect_good(zoning_append(ZONING_RAM, zone, 1, zone, &lba));
	zoning_expect(ZONING_RAM, 0, NVME_ZONE_CLOSED, 1);
	for (uint32_t zone = 1; zone < ZONING_ACTIVE; zone++)
		zoning_expect(ZONING_RAM, zone, NVME_ZONE_IMPLICITLY_OPEN, 1);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.4.1",
	      "an implicitly open zone is closed where another one is to be opened and the limit "
	      "of open zones is reached");
}
END_TEST

/* ------------------------------------------------------------------ reports */

enum { REPORT_ZONES = 256 };

static struct {
	struct nvme_zone_report head;
	struct nvme_zone_descriptor zones[REPORT_ZONES];
} report;

/* Room for so many zones. */
static void get_report(uint64_t lba, uint8_t filter, bool is_partial, uint32_t room)
{
	struct host_request request = host_zone_receive(
		&scene.spaces[ZONING_RAM],
		lba,
		filter,
		is_partial,
		&report,
		(uint32_t)(sizeof(report.head) + room * sizeof(report.zones[0])));

	memset(&report, 0xee, sizeof(report));
	expect_good(scene_execute(&request));
	ck_assert_uint_eq(request.received, request.length);
}

static uint64_t reported(void)
{
	return le64_get(report.head.nr_zones);
}

START_TEST(lists_all_zones)
{
	uint32_t count;

	zoning_connect();
	count = zoning_count(ZONING_RAM);
	ck_assert_uint_ge(count, 16);
	ck_assert_uint_lt(count, REPORT_ZONES);
	get_report(0, NVME_ZONES_ALL, false, REPORT_ZONES);
	ck_assert_uint_eq(reported(), count);
	for (uint32_t zone = 0; zone < count; zone++) {
		const struct nvme_zone_descriptor *found = &report.zones[zone];

		ck_assert_uint_eq(found->zt, NVME_ZONE_TYPE_SEQUENTIAL);
		ck_assert_uint_eq(found->zs, NVME_ZONE_EMPTY << 4);
		ck_assert_uint_eq(le64_get(found->zcap), ZONING_CAPACITY);
		ck_assert_uint_eq(le64_get(found->zslba), zone * ZONING_BLOCKS);
		ck_assert_uint_eq(le64_get(found->wp), zone * ZONING_BLOCKS);
	}
	scene_expect_zeroes(&report.zones[count], (REPORT_ZONES - count) * sizeof(report.zones[0]));
	scene_disconnect();
	shows("ZNS 1.1 §3.4.2.2.1",
	      "Report Zones: type, state, capacity, first block and write pointer of each zone; "
	      "what is left of the buffer is zeroes");
}
END_TEST

START_TEST(counts_those_that_there_is_room_for_or_all)
{
	uint32_t count;

	zoning_connect();
	count = zoning_count(ZONING_RAM);
	get_report(0, NVME_ZONES_ALL, false, 3);
	ck_assert_uint_eq(reported(), count);
	ck_assert_uint_eq(le64_get(report.zones[2].zslba), 2 * ZONING_BLOCKS);
	ck_assert_uint_eq(report.zones[3].zt, 0xee);
	get_report(0, NVME_ZONES_ALL, true, 3);
	ck_assert_uint_eq(reported(), 3);
	get_report(0, NVME_ZONES_ALL, true, 0);
	ck_assert_uint_eq(reported(), 0);
	get_report(0, NVME_ZONES_ALL, false, 0);
	ck_assert_uint_eq(reported(), count);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.2",
	      "Partial Report: the count is of the zones that are in the buffer; else of all that "
	      "there are from SLBA on");
}
END_TEST

START_TEST(begins_with_the_zone_that_has_the_block)
{
	zoning_connect();
	get_report(7 * ZONING_BLOCKS + 13, NVME_ZONES_ALL, false, 2);
	ck_assert_uint_eq(reported(), zoning_count(ZONING_RAM) - 7);
	ck_assert_uint_eq(le64_get(report.zones[0].zslba), 7 * ZONING_BLOCKS);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.2", "a report begins with the zone that SLBA is in");
}
END_TEST

static void expect_only(uint8_t filter, uint32_t zone)
{
	get_report(0, filter, false, 4);
	ck_assert_uint_eq(reported(), 1);
	ck_assert_uint_eq(le64_get(report.zones[0].zslba), zone * ZONING_BLOCKS);
}

START_TEST(lists_those_of_one_state)
{
	uint64_t lba;

	zoning_connect();
	expect_good(zoning_append(ZONING_RAM, 2, 1, 1, &lba));
	expect_good(zoning_act(ZONING_RAM, 4, NVME_ZONE_OPEN));
	expect_good(zoning_append(ZONING_RAM, 6, 1, 1, &lba));
	expect_good(zoning_act(ZONING_RAM, 6, NVME_ZONE_CLOSE));
	expect_good(zoning_act(ZONING_RAM, 8, NVME_ZONE_FINISH));
	expect_only(NVME_ZONES_IMPLICITLY_OPEN, 2);
	expect_only(NVME_ZONES_EXPLICITLY_OPEN, 4);
	expect_only(NVME_ZONES_CLOSED, 6);
	expect_only(NVME_ZONES_FULL, 8);
	ck_assert_uint_eq(le64_get(report.zones[0].wp), UINT64_MAX);
	get_report(0, NVME_ZONES_EMPTY, false, 4);
	ck_assert_uint_eq(reported(), zoning_count(ZONING_RAM) - 4);
	ck_assert_uint_eq(le64_get(report.zones[2].zslba), 3 * ZONING_BLOCKS);
	get_report(0, NVME_ZONES_OFFLINE, false, 4);
	ck_assert_uint_eq(reported(), 0);
	get_report(0, NVME_ZONES_READ_ONLY, false, 4);
	ck_assert_uint_eq(reported(), 0);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.2",
	      "Zone Receive Action Specific Field: only zones of one state are reported");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zns");

	describe_running(suite,
	                 "a zone",
	                 given_zones,
	                 scene_stop,
	                 has_blocks_appended_where_the_answer_says,
	                 has_many_appended_at_once,
	                 is_written_at_the_write_pointer,
	                 is_full_at_its_capacity,
	                 is_read_as_zeroes_where_it_is_not_written,
	                 is_read_across_its_end,
	                 keeps_its_blocks_when_they_are_deallocated,
	                 goes_through_its_states,
	                 undergoes_what_is_done_to_all,
	                 makes_room_for_another_one);
	describe_running(suite,
	                 "a report",
	                 given_zones,
	                 scene_stop,
	                 lists_all_zones,
	                 counts_those_that_there_is_room_for_or_all,
	                 begins_with_the_zone_that_has_the_block,
	                 lists_those_of_one_state);
	return harness_run(suite);
}
