/* SPDX-License-Identifier: BSD-2-Clause */
/* Protection information over TCP: hosts that leave it to the target, hosts that bring their own,
 * and hosts that see none. */
#include <stdlib.h>
#include <string.h>

#include "tests/process/guarded.h"
#include "tests/support/shows.h"

#define MIB (1u << 20)

static void given_a_set(void)
{
	if (!scene.harness)
		guarded_start();
}

/* ------------------------------------------------------------------ a host that leaves it to us */

START_TEST(reads_what_it_wrote)
{
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 4; nsid++) {
		scene_write(nsid, 100, 7, nsid);
		scene_write(nsid, 1000, MIB / scene.spaces[nsid].block_bytes, 10 + nsid);
		scene_read_back(nsid, 100, 7, nsid);
		scene_read_back(nsid, 1000, MIB / scene.spaces[nsid].block_bytes, 10 + nsid);
	}
	scene_disconnect();
}
END_TEST

START_TEST(reads_zeroes_where_nothing_was_written)
{
	uint8_t data[4096];

	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		expect_good(scene_io(NVME_IO_READ, nsid, 4000, 1, data));
		scene_expect_zeroes(data, scene.spaces[nsid].block_bytes);
	}
	scene_disconnect();
}
END_TEST

START_TEST(is_told_of_it)
{
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 4; nsid++)
		ck_assert_int_eq(scene.spaces[nsid].has_protection, nsid != 4);
	scene_disconnect();
	shows("NVM 1.1 §4.1.5.1",
	      "Identify Namespace: Type 1 in extended blocks, where both subsystem and port show "
	      "it");
}
END_TEST

START_TEST(has_good_tuples_made_of_its_blocks)
{
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		scene_write(nsid, 200, GUARDED_BLOCKS, nsid);
		expect_good(guarded_get(nsid, 200, GUARD | REFERENCE, 0));
		for (unsigned i = 0; i < GUARDED_BLOCKS; i++) {
			uint32_t block_bytes = scene.spaces[nsid].block_bytes;
			const struct nvme_protection *tuple = guarded_tuple(guarded_found, nsid, i);

			ck_assert_uint_eq(
				be16_get(tuple->guard),
				guarded_crc(guarded_found + i * (block_bytes + 8), block_bytes));
			ck_assert_uint_eq(be16_get(tuple->application), 0);
			ck_assert_uint_eq(be32_get(tuple->reference), 200 + i);
		}
	}
	scene_disconnect();
	shows("NVM 1.1 §5.3.2",
	      "PRACT of a Write: the controller makes the tuples, which read with good guard and "
	      "reference tags");
}
END_TEST

START_TEST(has_its_application_tag_stored)
{
	struct host_request request;

	guarded_connect(0);
	guarded_fill(1, 300, 0, 3);
	request = host_io(&scene.spaces[1], NVME_IO_WRITE, 300, GUARDED_BLOCKS, guarded_data);
	request.command.cdw15 = le32_of(0x1234);
	expect_good(scene_execute(&request));
	expect_good(guarded_get(1, 300, GUARD | APPLICATION | REFERENCE, 0xffff1234));
	expect_status(guarded_get(1, 300, APPLICATION, 0xffff1235),
	              DNR(NVME_SC_APPLICATION_TAG_CHECK));
	scene_disconnect();
}
END_TEST

START_TEST(reads_zeroes_that_it_asked_for)
{
	uint8_t data[4096];

	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		struct host_request request;

		scene_write(nsid, 500, 250, 5);
		expect_good(scene_io(NVME_IO_WRITE_ZEROES, nsid, 510, 100, NULL));
		request = host_io(&scene.spaces[nsid], NVME_IO_WRITE_ZEROES, 610, 100, NULL);
		request.command.cdw12.b[3] |= NVME_RW_DEAC >> 24;
		expect_good(scene_execute(&request));
		expect_good(scene_io(NVME_IO_READ, nsid, 510, 1, data));
		scene_expect_zeroes(data, scene.spaces[nsid].block_bytes);
		expect_good(scene_io(NVME_IO_READ, nsid, 709, 1, data));
		scene_expect_zeroes(data, scene.spaces[nsid].block_bytes);
		expect_good(guarded_get(nsid, 602, GUARD | REFERENCE, 0));
		ck_assert_uint_eq(be32_get(guarded_tuple(guarded_found, nsid, 0)->reference), 602);
		expect_good(guarded_get(nsid, 610, GUARD | REFERENCE, 0));
		ck_assert_uint_eq(be32_get(guarded_tuple(guarded_found, nsid, 0)->reference),
		                  0xffffffff);
		expect_good(
			guarded_get(nsid, 706, GUARD | REFERENCE, 0)); /* across the end of that */
	}
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ a host with tuples of its own
 */

START_TEST(reads_the_tuples_that_it_wrote)
{
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		guarded_fill(nsid, 700, 0xabcd, nsid);
		expect_good(guarded_put(nsid, 700, GUARD | REFERENCE, 0));
		expect_good(guarded_get(nsid, 700, GUARD | APPLICATION | REFERENCE, 0xffffabcd));
		guarded_expect_same(nsid);
	}
	scene_disconnect();
}
END_TEST

START_TEST(has_blocks_refused_that_do_not_fit_the_guard)
{
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		guarded_fill(nsid, 800, 0, 1);
		expect_good(guarded_put(nsid, 800, GUARD | REFERENCE, 0));
		guarded_fill(nsid, 800, 0, 2);
		guarded_data[77] ^= 1;
		expect_status(guarded_put(nsid, 800, GUARD | REFERENCE, 0), NVME_SC_GUARD_CHECK);
		guarded_fill(nsid, 800, 0, 1);
		expect_good(guarded_get(nsid, 800, GUARD | REFERENCE, 0));
		guarded_expect_same(nsid);
	}
	scene_disconnect();
	shows("NVM 1.1 §5.3.2",
	      "PRCHK bit 2: a block that does not fit its guard is End-to-end Guard Check Error; "
	      "nothing is written");
}
END_TEST

START_TEST(has_blocks_refused_of_another_place)
{
	guarded_connect(0);
	guarded_fill(1, 901, 0, 1);
	expect_status(guarded_put(1, 900, GUARD | REFERENCE, 0), NVME_SC_REFERENCE_TAG_CHECK);
	scene_disconnect();
	shows("NVM 1.1 §5.3.2",
	      "PRCHK bit 0: a reference tag of another block is End-to-end Reference Tag Check "
	      "Error");
}
END_TEST

START_TEST(has_application_tags_compared_under_the_mask)
{
	guarded_connect(0);
	guarded_fill(1, 1000, 0x12ff, 1);
	expect_status(guarded_put(1, 1000, APPLICATION, 0xff001300), NVME_SC_APPLICATION_TAG_CHECK);
	expect_good(guarded_put(1, 1000, APPLICATION, 0xff001200));
	expect_good(guarded_get(1, 1000, APPLICATION, 0xff001200));
	expect_good(guarded_get(1, 1000, APPLICATION, 0x00000000));
	expect_status(guarded_get(1, 1000, APPLICATION, 0xffff1200),
	              DNR(NVME_SC_APPLICATION_TAG_CHECK));
	scene_disconnect();
	shows("NVM 1.1 §5.3.2",
	      "PRCHK bit 1: application tags are compared under LBATM: End-to-end Application Tag "
	      "Check Error");
}
END_TEST

START_TEST(has_a_reference_tag_refused_that_is_not_the_block)
{
	struct host_request request;

	guarded_connect(0);
	request = host_io(&scene.spaces[1], NVME_IO_READ, 1100, GUARDED_BLOCKS, guarded_found);
	request.command.cdw12 = le32_of((GUARDED_BLOCKS - 1) | REFERENCE);
	request.command.cdw14 = le32_of(1101);
	request.length += GUARDED_BLOCKS * 8;
	expect_status(scene_execute(&request), DNR(NVME_SC_INVALID_PROTECTION));
	scene_disconnect();
}
END_TEST

START_TEST(may_store_what_does_not_fit_where_it_asks_for_no_check)
{
	guarded_connect(0);
	guarded_fill(1, 1200, 0, 1);
	guarded_data[77] ^= 1;
	expect_good(guarded_put(1, 1200, 0, 0));
	expect_status(guarded_get(1, 1200, GUARD, 0), DNR(NVME_SC_GUARD_CHECK));
	expect_good(guarded_get(1, 1200, 0, 0));
	guarded_expect_same(1);
	scene_disconnect();
}
END_TEST

START_TEST(may_say_that_blocks_are_not_to_be_checked)
{
	uint8_t data[512];

	guarded_connect(0);
	guarded_fill(1, 1300, NVME_PROTECTION_ESCAPE, 1);
	guarded_data[77] ^= 1;
	expect_good(guarded_put(1, 1300, GUARD | REFERENCE, 0));
	expect_good(guarded_get(1, 1300, GUARD | REFERENCE, 0));
	guarded_expect_same(1);
	expect_good(scene_io(NVME_IO_READ, 1, 1300, 1, data));
	scene_disconnect();
	shows("NVM 1.1 §5.3.2",
	      "an application tag of FFFFh (Type 1): nothing of the block is checked");
}
END_TEST

START_TEST(reads_tuples_of_ones_where_nothing_was_written)
{
	guarded_connect(0);
	expect_good(guarded_get(1, 50000, GUARD | APPLICATION | REFERENCE, 0xffff4321));
	for (unsigned i = 0; i < GUARDED_BLOCKS; i++)
		ck_assert_uint_eq(be16_get(guarded_tuple(guarded_found, 1, i)->application),
		                  0xffff);
	scene_disconnect();
}
END_TEST

START_TEST(may_move_a_mebibyte_with_the_tuples)
{
	const uint32_t blocks = MIB / (512 + 8);
	struct host_request request;
	uint8_t *data = calloc(blocks + 1, 512 + 8);

	ck_assert_ptr_nonnull(data);
	guarded_connect(0);
	scene_fill(data, (size_t)blocks * 520, 9);
	request = host_io(&scene.spaces[1], NVME_IO_WRITE, 2000, blocks, data);
	request.command.cdw12 = le32_of(blocks - 1);
	request.length = blocks * 520;
	expect_good(scene_execute(&request));
	request.command.opcode = NVME_IO_READ;
	request.direction = NVME_TRANSFER_TO_HOST;
	memset(data, 0, (size_t)blocks * 520);
	expect_good(scene_execute(&request));
	scene_expect(data, (size_t)blocks * 520, 9);
	request.command.cdw12 = le32_of(blocks);
	request.length += 520;
	expect_status(scene_execute(&request), DNR(NVME_SC_INVALID_FIELD));
	free(data);
	scene_disconnect();
}
END_TEST

START_TEST(has_data_without_tuples_refused)
{
	struct host_request request;

	guarded_connect(0);
	request = host_io(&scene.spaces[1], NVME_IO_WRITE, 0, GUARDED_BLOCKS, guarded_data);
	request.command.cdw12 = le32_of(GUARDED_BLOCKS - 1);
	expect_status(scene_execute(&request), DNR(NVME_SC_SGL_DATA_LENGTH));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ a host at the other port */

START_TEST(sees_plain_blocks)
{
	uint64_t blocks;

	guarded_connect(0);
	blocks = scene.spaces[1].blocks;
	scene_disconnect();
	guarded_connect(1);
	for (uint32_t nsid = 1; nsid <= 4; nsid++)
		ck_assert(!scene.spaces[nsid].has_protection);
	ck_assert_uint_eq(scene.spaces[1].blocks, blocks);
	scene_disconnect();
}
END_TEST

START_TEST(has_tuples_made_for_those_who_see_them)
{
	guarded_connect(1);
	for (uint32_t nsid = 1; nsid <= 3; nsid++)
		scene_write(nsid, 1400, GUARDED_BLOCKS, nsid);
	scene_disconnect();
	guarded_connect(0);
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		expect_good(guarded_get(nsid, 1400, GUARD | REFERENCE, 0));
		ck_assert_uint_eq(be32_get(guarded_tuple(guarded_found, nsid, 7)->reference), 1407);
	}
	scene_disconnect();
}
END_TEST

START_TEST(reads_what_came_with_tuples)
{
	guarded_connect(0);
	guarded_fill(2, 1500, 7, 1);
	expect_good(guarded_put(2, 1500, GUARD | REFERENCE, 0));
	scene_disconnect();
	guarded_connect(1);
	for (unsigned i = 0; i < GUARDED_BLOCKS; i++)
		scene_read_back(2, 1500 + i, 1, 1 + i);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protection information");

	describe_running(suite,
	                 "a host that leaves it to the target",
	                 given_a_set,
	                 NULL,
	                 reads_what_it_wrote,
	                 reads_zeroes_where_nothing_was_written,
	                 is_told_of_it,
	                 has_good_tuples_made_of_its_blocks,
	                 has_its_application_tag_stored,
	                 reads_zeroes_that_it_asked_for);
	describe_running(suite,
	                 "a host with tuples of its own",
	                 given_a_set,
	                 NULL,
	                 reads_the_tuples_that_it_wrote,
	                 has_blocks_refused_that_do_not_fit_the_guard,
	                 has_blocks_refused_of_another_place,
	                 has_application_tags_compared_under_the_mask,
	                 has_a_reference_tag_refused_that_is_not_the_block,
	                 may_store_what_does_not_fit_where_it_asks_for_no_check,
	                 may_say_that_blocks_are_not_to_be_checked,
	                 reads_tuples_of_ones_where_nothing_was_written,
	                 may_move_a_mebibyte_with_the_tuples,
	                 has_data_without_tuples_refused);
	describe_running(suite,
	                 "a host at a port that does not show it",
	                 given_a_set,
	                 scene_stop,
	                 sees_plain_blocks,
	                 has_tuples_made_for_those_who_see_them,
	                 reads_what_came_with_tuples);
	return harness_run(suite);
}
