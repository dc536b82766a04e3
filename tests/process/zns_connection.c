/* SPDX-License-Identifier: BSD-2-Clause */
/* A host loses its connection while it writes zones, and sends again what was not answered. */
#include "tests/process/zoning.h"
#include "tests/support/shows.h"

enum {
	BLOCKS = 4, /* of 4096 bytes, a write */
	ROUNDS = 8,
};

/* Namespace 1 has faults below its zones. */
static void given_zones_with_faults(void)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *spaces = exports.subsystems[0].namespaces;

	for (unsigned i = 0; i < 3; i++)
		spaces[i] = (struct harness_namespace){
			.nsid = i + 1,
			.path = "ram:8M",
			.block_bytes = 4096,
			.zones = i < 2 ? "\"zone_size\": \"256K\"" : NULL,
			.has_faults = i == 0,
		};
	scene_start(&exports);
}

/* Without a word to the target. */
static void lose_connection(void)
{
	scene_disconnect();
}

static uint8_t data[BLOCKS * 4096];
static struct host_request meant;

/* What comes behind it is answered: the worker has it. */
static void begin_write(uint64_t lba, uint64_t seed)
{
	static uint8_t behind[4096];

	scene_fill(data, sizeof(data), seed);
	meant = host_io(&scene.spaces[ZONING_RAM], NVME_IO_WRITE, lba, BLOCKS, data);
	meant.transfer = false;
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &meant));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	expect_good(scene_io(NVME_IO_READ, ZONING_FLAT, 0, 1, behind));
}

static void expect_again(uint32_t nsid, uint64_t lba, uint64_t seed, uint32_t written)
{
	expect_status(zoning_write(nsid, lba, BLOCKS, seed + 1000),
	              DNR(NVME_SC_ZONE_INVALID_WRITE));
	expect_good(zoning_write(nsid, lba, BLOCKS, seed));
	scene_read_back(nsid, lba, BLOCKS, seed);
	zoning_expect(nsid, 0, NVME_ZONE_IMPLICITLY_OPEN, written);
}

START_TEST(is_a_success_where_it_had_been_done)
{
	zoning_connect();
	expect_good(zoning_write(ZONING_RAM, 0, BLOCKS, 1));
	expect_status(zoning_write(ZONING_RAM, 0, BLOCKS, 1), DNR(NVME_SC_ZONE_INVALID_WRITE));
	lose_connection();
	scene_connect();
	expect_again(ZONING_RAM, 0, 1, BLOCKS);
	scene_disconnect();
	shows("Base 2.1 §9.6",
	      "zones: a Write that was carried out before its host lost the connection, and comes "
	      "again below the write pointer, is a success if its data is there");
}
END_TEST

/* Its host's next queue waits for it. */
START_TEST(is_a_success_where_it_was_still_to_be_done)
{
	zoning_connect();
	scene_fault(ZONING_RAM, "write delay=700ms count=1");
	begin_write(0, 1);
	ck_assert(!meant.completed);
	lose_connection();
	scene_connect();
	expect_again(ZONING_RAM, 0, 1, BLOCKS);
	scene_fault(ZONING_RAM, NULL);
	scene_disconnect();
}
END_TEST

/* Each on a queue of its own, perhaps another thread's. */
START_TEST(is_a_success_each_time)
{
	zoning_connect();
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t lba = round * BLOCKS;

		expect_good(zoning_write(ZONING_FILE, lba, BLOCKS, round));
		lose_connection();
		scene_connect();
		expect_again(ZONING_FILE, lba, round, (round + 1) * BLOCKS);
	}
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zns_connection");

	describe_running(suite,
	                 "a write that comes again",
	                 given_zones_with_faults,
	                 scene_stop,
	                 is_a_success_where_it_had_been_done,
	                 is_a_success_where_it_was_still_to_be_done,
	                 is_a_success_each_time);
	return harness_run(suite);
}
