/* SPDX-License-Identifier: BSD-2-Clause */
/* The data of a command: in the capsule, or in the host's memory in one piece (RDMA 1.1 §3.3). */
#include <string.h>

#include "common/base/error.h"
#include "tests/rdma/suites.h"

#define WRITE_BLOCK 100u

static uint8_t bytes[CAPSULE_REST];

/* A write of `blocks`, which is in the capsule. */
static struct capsule write_in_capsule(uint32_t blocks, uint64_t seed)
{
	struct capsule capsule = capsule_of(
		command_io(NVME_IO_WRITE, SCENE_SPACE, WRITE_BLOCK, blocks), sgl_none());

	fill(bytes, (size_t)blocks * SCENE_BLOCK, seed);
	capsule_bring(&capsule, bytes, blocks * SCENE_BLOCK);
	return capsule;
}

static struct capsule io_of(uint8_t opcode, uint32_t blocks)
{
	return capsule_of(command_io(opcode, SCENE_SPACE, WRITE_BLOCK, blocks),
	                  sgl_keyed(good.data, 0, blocks * SCENE_BLOCK));
}

static void given_known_blocks(void)
{
	given_a_good_host();
	host_write(&good, WRITE_BLOCK, 64, 1);
}

static void expect_nothing_written(void)
{
	host_read(&good, WRITE_BLOCK, 64, 1);
	others_do_not_notice();
}

/* ------------------------------------------------------------------ in the capsule */

START_TEST(is_written_up_to_what_identify_says)
{
	uint32_t most = good.capsule_data_max / SCENE_BLOCK;

	for (uint32_t blocks = 1; blocks <= most; blocks++) {
		struct capsule capsule = write_in_capsule(blocks, blocks);

		expect_success(execute(&good.io, &capsule, NULL));
		host_read(&good, WRITE_BLOCK, blocks, blocks);
	}
	others_do_not_notice();
}
END_TEST

/* Base 2.1 §4.3.2.1: the address is an offset into the capsule's data. */
START_TEST(may_begin_behind_other_bytes)
{
	struct capsule capsule = write_in_capsule(2, 7);

	capsule.command = command_io(NVME_IO_WRITE, SCENE_SPACE, WRITE_BLOCK, 1);
	capsule.command.flags = 0x40;
	capsule_set_sgl(&capsule, sgl_of(SGL_IN_CAPSULE, SCENE_BLOCK, SCENE_BLOCK, 0));
	fill(capsule.rest + SCENE_BLOCK, SCENE_BLOCK, 8);
	expect_success(execute(&good.io, &capsule, NULL));
	host_read(&good, WRITE_BLOCK, 1, 8);
	others_do_not_notice();
}
END_TEST

START_TEST(may_be_followed_by_other_bytes)
{
	struct capsule capsule = write_in_capsule(2, 7);

	capsule.command = command_io(NVME_IO_WRITE, SCENE_SPACE, WRITE_BLOCK, 1);
	capsule.command.flags = 0x40;
	capsule_set_sgl(&capsule, sgl_of(SGL_IN_CAPSULE, 0, SCENE_BLOCK, 0));
	fill(capsule.rest, SCENE_BLOCK, 8);
	expect_success(execute(&good.io, &capsule, NULL));
	host_read(&good, WRITE_BLOCK, 1, 8);
	others_do_not_notice();
}
END_TEST

START_TEST(beyond_what_identify_says_is_refused)
{
	struct capsule capsule = write_in_capsule(1, 7);

	capsule.command = command_io(
		NVME_IO_WRITE, SCENE_SPACE, WRITE_BLOCK, good.capsule_data_max / SCENE_BLOCK + 1);
	capsule.command.flags = 0x40;
	capsule_set_sgl(&capsule,
	                sgl_of(SGL_IN_CAPSULE, 0, good.capsule_data_max + SCENE_BLOCK, 0));
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_OFFSET);
	expect_nothing_written();
}
END_TEST

/* Base 2.1 §4.3.2.1: it lies in the capsule, as far as that goes. */
START_TEST(beyond_the_capsules_end_is_refused)
{
	struct capsule capsule = write_in_capsule(2, 7);

	capsule.length -= 1;
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	capsule.length = CAPSULE_COMMAND;
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	expect_nothing_written();
}
END_TEST

START_TEST(at_an_offset_beyond_all_is_refused)
{
	struct capsule capsule = write_in_capsule(2, 7);

	capsule_set_sgl(&capsule, sgl_of(SGL_IN_CAPSULE, UINT64_MAX - 511, 1024, 0));
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_OFFSET);
	capsule_set_sgl(&capsule, sgl_of(SGL_IN_CAPSULE, UINT64_C(1) << 32, 1024, 0));
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_OFFSET);
	expect_nothing_written();
}
END_TEST

START_TEST(is_refused_for_a_command_of_another_length)
{
	struct capsule capsule = write_in_capsule(2, 7);

	capsule.command.cdw12 = le32_of(2); /* 3 blocks */
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	capsule.command.cdw12 = le32_of(0);
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	expect_nothing_written();
}
END_TEST

START_TEST(is_refused_for_a_read)
{
	struct capsule capsule = write_in_capsule(1, 7);

	capsule.command.opcode = NVME_IO_READ;
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_INVALID_FIELD);
	expect_nothing_written();
}
END_TEST

/* ------------------------------------------------------------------ a keyed data block */

START_TEST(moves_any_size)
{
	uint32_t most = good.transfer_max < 1u << 20 ? good.transfer_max : 1u << 20;
	uint64_t seed = 100;

	for (uint32_t blocks = 1; blocks <= most / SCENE_BLOCK; blocks = blocks * 2 + 1) {
		host_write(&good, WRITE_BLOCK, blocks, ++seed);
		host_read(&good, WRITE_BLOCK, blocks, seed);
	}
	host_write(&good, WRITE_BLOCK, most / SCENE_BLOCK, ++seed);
	host_read(&good, WRITE_BLOCK, most / SCENE_BLOCK, seed);
	others_do_not_notice();
}
END_TEST

START_TEST(may_lie_anywhere)
{
	struct capsule capsule;

	fill(good.data->bytes + 4097, 16 * SCENE_BLOCK, 5);
	capsule = capsule_of(command_io(NVME_IO_WRITE, SCENE_SPACE, WRITE_BLOCK, 16),
	                     sgl_keyed(good.data, 4097, 16 * SCENE_BLOCK));
	expect_success(execute(&good.io, &capsule, NULL));
	capsule = capsule_of(command_io(NVME_IO_READ, SCENE_SPACE, WRITE_BLOCK, 16),
	                     sgl_keyed(good.data, 65537, 16 * SCENE_BLOCK));
	expect_success(execute(&good.io, &capsule, NULL));
	expect_filled(good.data->bytes + 65537, 16 * SCENE_BLOCK, 5);
	ck_assert_uint_eq(good.data->bytes[65536], 0);
	ck_assert_uint_eq(good.data->bytes[65537 + 16 * SCENE_BLOCK], 0);
}
END_TEST

/* RDMA 1.1 §3.3: the data is there when the response is. */
START_TEST(is_there_with_the_response)
{
	const uint32_t depth = 16, blocks = 8;
	struct wire_response response;

	for (uint32_t i = 0; i < depth; i++)
		host_write(&good, 1000 + i * blocks, blocks, 200 + i);
	for (unsigned round = 0; round < 20; round++) {
		memset(good.data->bytes, 0, depth * blocks * SCENE_BLOCK);
		for (uint32_t i = 0; i < depth; i++) {
			struct capsule capsule = capsule_of(
				command_io(NVME_IO_READ, SCENE_SPACE, 1000 + i * blocks, blocks),
				sgl_keyed(
					good.data, i * blocks * SCENE_BLOCK, blocks * SCENE_BLOCK));

			capsule.command.cid = le16_of((uint16_t)i);
			send_capsule(&good.io, &capsule);
		}
		for (uint32_t i = 0; i < depth; i++) {
			uint16_t cid;

			wire_must(&good.io, wire_queue_receive(&good.io, &response, SCENE_WAIT_MS));
			cid = le16_get(response.completion.cid);
			ck_assert_uint_lt(cid, depth);
			ck_assert_uint_eq(le16_get(response.completion.status), 0);
			expect_filled(good.data->bytes + cid * blocks * SCENE_BLOCK,
			              blocks * SCENE_BLOCK,
			              200 + cid);
		}
	}
}
END_TEST

START_TEST(that_is_too_short_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_READ, 8);

	capsule_set_sgl(&capsule, sgl_keyed(good.data, 0, 8 * SCENE_BLOCK - 1));
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	capsule = io_of(NVME_IO_WRITE, 8);
	capsule_set_sgl(&capsule, sgl_keyed(good.data, 0, 8 * SCENE_BLOCK - 1));
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	expect_nothing_written();
}
END_TEST

START_TEST(of_no_bytes_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_READ, 1);

	capsule_set_sgl(&capsule, sgl_keyed(good.data, 0, 0));
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	capsule.command.opcode = NVME_IO_WRITE;
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	expect_nothing_written();
}
END_TEST

START_TEST(of_no_bytes_is_good_for_flush)
{
	struct capsule capsule = capsule_of(
		(struct nvme_command){.opcode = NVME_IO_FLUSH, .nsid = le32_of(SCENE_SPACE)},
		sgl_none());

	expect_success(execute(&good.io, &capsule, NULL));
	others_do_not_notice();
}
END_TEST

/* Base 2.1 §5.1.13.2.1: MDTS. */
START_TEST(above_mdts_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_READ, good.transfer_max / SCENE_BLOCK + 1);

	ck_assert_uint_eq(good.transfer_max, 1u << 20);
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_INVALID_FIELD);
	capsule.command.opcode = NVME_IO_WRITE;
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_INVALID_FIELD);
	expect_nothing_written();
}
END_TEST

/* RDMA 1.1 §3.3.1: which descriptors there are. */
START_TEST(of_another_type_is_refused)
{
	static const uint8_t types[] = {0x00, 0x10, 0x11, 0x20, 0x21, 0x30, 0x41, 0x4a, 0x5a, 0xf0};

	for (size_t i = 0; i < sizeof(types); i++) {
		struct capsule capsule = io_of(NVME_IO_WRITE, 1);

		capsule.command.sgl.type = types[i];
		expect_status(execute(&good.io, &capsule, NULL), NVME_SC_SGL_TYPE);
	}
	expect_nothing_written();
}
END_TEST

/* Base 2.1 §4.1.1: over fabrics, PSDT is 01b. */
START_TEST(by_prps_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE, 1);

	capsule.command.flags = 0;
	expect_status(execute(&good.io, &capsule, NULL), NVME_SC_INVALID_FIELD);
	expect_nothing_written();
}
END_TEST

Suite *data_suite(void)
{
	Suite *suite = suite_create("data");

	describe(suite,
	         "data in the capsule",
	         given_known_blocks,
	         good_host_leaves,
	         is_written_up_to_what_identify_says,
	         may_begin_behind_other_bytes,
	         may_be_followed_by_other_bytes,
	         beyond_what_identify_says_is_refused);
	describe(suite,
	         "a keyed data block",
	         given_known_blocks,
	         good_host_leaves,
	         moves_any_size,
	         may_lie_anywhere,
	         is_there_with_the_response,
	         that_is_too_short_is_refused,
	         of_no_bytes_is_good_for_flush,
	         of_no_bytes_is_refused);
	if (target.is_kernel)
		return suite;
	describe(suite,
	         "wrong data in the capsule",
	         given_known_blocks,
	         good_host_leaves,
	         beyond_the_capsules_end_is_refused,
	         at_an_offset_beyond_all_is_refused,
	         is_refused_for_a_command_of_another_length,
	         is_refused_for_a_read);
	describe(suite,
	         "data in the host's memory",
	         given_known_blocks,
	         good_host_leaves,
	         above_mdts_is_refused,
	         of_another_type_is_refused,
	         by_prps_is_refused);
	return suite;
}
