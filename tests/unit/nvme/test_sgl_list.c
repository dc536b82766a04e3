/* SPDX-License-Identifier: BSD-2-Clause */
/* A command's data in several pieces of its host's memory, which it lists. */
#include "common/nvme/sgl.h"

#include "tests/support/shows.h"
#include "tests/support/spec.h"
#include "tests/unit/nvme/sgl_stage.h"

static void given_a_command_with_a_list(void)
{
	given_a_command_with_keys();
	list_blocks(3, 4 * KIB);
}

START_TEST(has_the_data_of_all_its_blocks)
{
	expect_ok(decode(NVME_TRANSFER_TO_HOST, 3 * BLOCK_BYTES));
	expect_elsewhere(12 * KIB, 3);
}
END_TEST

START_TEST(may_have_one_block)
{
	list_blocks(1, 512);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, BLOCK_BYTES));
	expect_elsewhere(512, 1);
}
END_TEST

START_TEST(may_have_as_many_as_there_may_be)
{
	list_blocks(SGL_BLOCKS_MAX, SGL_LENGTH_MAX / SGL_BLOCKS_MAX);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX));
	expect_elsewhere(SGL_LENGTH_MAX, SGL_BLOCKS_MAX);
	shows("RDMA 1.1 §3.3.1",
	      "up to 16 keyed blocks listed in the capsule (Last Segment with an offset), as MSDBD "
	      "says");
}
END_TEST

START_TEST(may_have_blocks_of_either_kind)
{
	listed[1].type = KEYED_ONCE;
	expect_ok(decode(NVME_TRANSFER_TO_HOST, 3 * BLOCK_BYTES));
	expect_elsewhere(12 * KIB, 3);
}
END_TEST

START_TEST(may_have_blocks_of_no_data)
{
	set_block(&listed[0], KEYED, 0, 0, 0);
	expect_ok(decode(NVME_TRANSFER_TO_HOST, 3 * BLOCK_BYTES));
	expect_elsewhere(8 * KIB, 3);
}
END_TEST

START_TEST(may_be_of_no_data_at_all)
{
	list_blocks(2, 0);
	expect_ok(decode(NVME_TRANSFER_NONE, 2 * BLOCK_BYTES));
	expect_elsewhere(0, 2);
}
END_TEST

START_TEST(must_not_have_data_that_the_command_has_not)
{
	expect(decode(NVME_TRANSFER_NONE, 3 * BLOCK_BYTES), NVME_SC_SGL_DATA_LENGTH, AT_LENGTH);
}
END_TEST

START_TEST(must_not_have_one_block_too_many)
{
	list_blocks(SGL_BLOCKS_MAX + 1, 512);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX),
	       NVME_SC_SGL_COUNT_INVALID,
	       AT_LENGTH);
	shows("Base 2.1 §4.3.2",
	      "more descriptors than MSDBD: Invalid Number of SGL Descriptors, DNR");
}
END_TEST

START_TEST(must_not_have_more_blocks_than_the_queue)
{
	rules.blocks_max = 2;
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX),
	       NVME_SC_SGL_COUNT_INVALID,
	       AT_LENGTH);
}
END_TEST

/* The list has memory for no more than these, whatever the rules say. */
START_TEST(must_not_have_more_than_can_be_read)
{
	rules.blocks_max = UINT32_MAX;
	list_blocks(SGL_BLOCKS_MAX + 1, 512);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX),
	       NVME_SC_SGL_COUNT_INVALID,
	       AT_LENGTH);
}
END_TEST

START_TEST(must_not_be_empty)
{
	command.sgl.length = le32_of(0);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX),
	       NVME_SC_INVALID_SGL_SEGMENT,
	       AT_LENGTH);
}
END_TEST

START_TEST(must_be_of_whole_blocks)
{
	static const uint32_t lengths[] = {
		1, BLOCK_BYTES - 1, BLOCK_BYTES + 1, 3 * BLOCK_BYTES - 8};

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		command.sgl.length = le32_of(lengths[i]);
		expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX),
		       NVME_SC_INVALID_SGL_SEGMENT,
		       AT_LENGTH);
	}
	shows("Base 2.1 §4.3.2",
	      "a segment that is no whole number of descriptors, or has not all come: Invalid SGL "
	      "Segment Descriptor, DNR");
}
END_TEST

START_TEST(must_have_come_whole)
{
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 3 * BLOCK_BYTES - 1),
	       NVME_SC_INVALID_SGL_SEGMENT,
	       AT_LENGTH);
}
END_TEST

START_TEST(must_be_where_the_capsules_data_begins)
{
	command.sgl.address = le64_of(BLOCK_BYTES);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 4 * BLOCK_BYTES),
	       NVME_SC_SGL_OFFSET,
	       AT_ADDRESS);
}
END_TEST

START_TEST(must_have_nothing_but_keyed_blocks)
{
	for (unsigned type = 0; type < 256; type++) {
		if (type == KEYED || type == KEYED_ONCE || type >> 4 == NVME_SGL_SEGMENT ||
		    type >> 4 == NVME_SGL_LAST_SEGMENT)
			continue;
		listed[2].type = (uint8_t)type;
		expect(decode(NVME_TRANSFER_TO_CONTROLLER, 3 * BLOCK_BYTES),
		       NVME_SC_SGL_TYPE,
		       AT_TYPE);
	}
	shows("Base 2.1 §4.3.2",
	      "a listed descriptor that is no keyed block: SGL Descriptor Type Invalid, DNR");
}
END_TEST

/* It was an invalid type, as any other. */
START_TEST(must_not_have_a_segment_in_it)
{
	listed[2].type = NVME_SGL_SEGMENT << 4 | NVME_SGL_SUB_OFFSET;
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 3 * BLOCK_BYTES),
	       NVME_SC_INVALID_SGL_SEGMENT,
	       AT_TYPE);
	listed[2].type = NVME_SGL_LAST_SEGMENT << 4 | NVME_SGL_SUB_OFFSET;
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 3 * BLOCK_BYTES),
	       NVME_SC_INVALID_SGL_SEGMENT,
	       AT_TYPE);
	shows("Base 2.1 §4.3.2",
	      "a segment listed in the last segment: Invalid SGL Segment Descriptor, DNR, at its "
	      "type");
}
END_TEST

START_TEST(must_not_have_a_byte_more_than_a_command_may)
{
	list_blocks(2, SGL_LENGTH_MAX / 2);
	set_block(&listed[2], KEYED, 0, 1, 3);
	command.sgl.length = le32_of(3 * BLOCK_BYTES);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 3 * BLOCK_BYTES),
	       NVME_SC_SGL_DATA_LENGTH,
	       AT_LENGTH);
}
END_TEST

/* All that the fields can say, added up. */
START_TEST(must_not_have_all_that_its_fields_can_say)
{
	list_blocks(SGL_BLOCKS_MAX, SGL_LENGTH_MAX - 1);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX),
	       NVME_SC_SGL_DATA_LENGTH,
	       AT_LENGTH);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("SGL list");

	describe(suite,
	         "a list of keyed blocks",
	         given_a_command_with_a_list,
	         NULL,
	         has_the_data_of_all_its_blocks,
	         may_have_one_block,
	         may_have_as_many_as_there_may_be,
	         may_have_blocks_of_either_kind,
	         may_have_blocks_of_no_data,
	         may_be_of_no_data_at_all,
	         must_not_have_data_that_the_command_has_not,
	         must_not_have_one_block_too_many,
	         must_not_have_more_blocks_than_the_queue,
	         must_not_have_more_than_can_be_read,
	         must_not_be_empty,
	         must_be_of_whole_blocks,
	         must_have_come_whole,
	         must_be_where_the_capsules_data_begins,
	         must_have_nothing_but_keyed_blocks,
	         must_not_have_a_segment_in_it,
	         must_not_have_a_byte_more_than_a_command_may,
	         must_not_have_all_that_its_fields_can_say);
	return run(suite);
}
