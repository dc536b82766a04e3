/* SPDX-License-Identifier: BSD-2-Clause */
/* Several keyed data blocks, listed in the capsule (RDMA 1.1 §3.3.1: SGL Last Segment with Sub Type
 * Offset; how many is MSDBD). */
#include <string.h>

#include "tests/rdma/suites.h"

#define LIST_BLOCK 300u
#define BLOCKS     64u
#define LENGTH     (BLOCKS * SCENE_BLOCK)
#define GAP        32768u /* from a piece of the host's memory to the next */

static struct capsule_sgl list[32];

static void given_known_blocks(void)
{
	given_a_good_host();
	host_write(&good, LIST_BLOCK, BLOCKS, 1);
}

static struct capsule io_of(uint8_t opcode)
{
	return capsule_of(command_io(opcode, SCENE_SPACE, LIST_BLOCK, BLOCKS), sgl_none());
}

/* `count` pieces that together have LENGTH bytes, in descending places of the host's memory. */
static void cut_into(uint32_t count)
{
	uint32_t left = LENGTH;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t length = i + 1 < count ? LENGTH / count / 2 + i * 3 : left;

		list[i] = sgl_keyed(good.data, (size_t)(count - i) * 2 * GAP + 1, length);
		left -= length;
	}
}

static uint32_t length_of(const struct capsule_sgl *sgl)
{
	return sgl->length[0] | (uint32_t)sgl->length[1] << 8 | (uint32_t)sgl->length[2] << 16;
}

/* What lies in the pieces, in a row. */
static void gather(uint32_t count, uint8_t *ret_bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		memcpy(ret_bytes, (const void *)(uintptr_t)list[i].address, length_of(&list[i]));
		ret_bytes += length_of(&list[i]);
	}
}

static void scatter(uint32_t count, const uint8_t *bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		memcpy((void *)(uintptr_t)list[i].address, bytes, length_of(&list[i]));
		bytes += length_of(&list[i]);
	}
}

static void expect_refused(const struct capsule *capsule, enum nvme_status_code code)
{
	expect_status(execute(&good.io, capsule, NULL), code);
}

static void expect_nothing_written(void)
{
	host_read(&good, LIST_BLOCK, BLOCKS, 1);
	others_do_not_notice();
}

/* ------------------------------------------------------------------ good ones */

START_TEST(may_have_up_to_16_blocks)
{
	ck_assert_uint_eq(good.blocks_max, 16); /* MSDBD */
}
END_TEST

START_TEST(is_read_into_in_its_order)
{
	uint8_t bytes[LENGTH];

	for (uint32_t count = 1; count <= good.blocks_max; count++) {
		struct capsule capsule = io_of(NVME_IO_READ);

		host_write(&good, LIST_BLOCK, BLOCKS, count);
		memset(good.data->bytes, 0, good.data->size);
		cut_into(count);
		capsule_list(&capsule, list, count);
		expect_success(execute(&good.io, &capsule, NULL));
		gather(count, bytes);
		expect_filled(bytes, LENGTH, count);
	}
	others_do_not_notice();
}
END_TEST

START_TEST(leaves_what_lies_between_its_blocks)
{
	struct capsule capsule = io_of(NVME_IO_READ);

	memset(good.data->bytes, 0xa5, good.data->size);
	cut_into(4);
	capsule_list(&capsule, list, 4);
	expect_success(execute(&good.io, &capsule, NULL));
	for (uint32_t i = 0; i < 4; i++) {
		const uint8_t *begin = (const uint8_t *)(uintptr_t)list[i].address;

		ck_assert_uint_eq(begin[-1], 0xa5);
		ck_assert_uint_eq(begin[length_of(&list[i])], 0xa5);
	}
}
END_TEST

START_TEST(is_written_from_in_its_order)
{
	uint8_t bytes[LENGTH];

	for (uint32_t count = 1; count <= good.blocks_max; count++) {
		struct capsule capsule = io_of(NVME_IO_WRITE);

		fill(bytes, LENGTH, 50 + count);
		cut_into(count);
		scatter(count, bytes);
		capsule_list(&capsule, list, count);
		expect_success(execute(&good.io, &capsule, NULL));
		host_read(&good, LIST_BLOCK, BLOCKS, 50 + count);
	}
	others_do_not_notice();
}
END_TEST

/* Base 2.1 §4.3.2.1: a length of 0 is no error, and moves nothing. */
START_TEST(may_have_blocks_of_no_bytes)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	fill(good.data->bytes, LENGTH, 77);
	list[0] = sgl_of(SGL_KEYED, 0, 0, 0);
	list[1] = sgl_keyed(good.data, 0, LENGTH / 2);
	list[2] = sgl_of(SGL_KEYED, 0, 0, 0);
	list[3] = sgl_keyed(good.data, LENGTH / 2, LENGTH / 2);
	capsule_list(&capsule, list, 4);
	expect_success(execute(&good.io, &capsule, NULL));
	host_read(&good, LIST_BLOCK, BLOCKS, 77);
	others_do_not_notice();
}
END_TEST

START_TEST(serves_many_commands_at_once)
{
	const uint32_t depth = 16;

	cut_into(16);
	for (uint32_t i = 0; i < depth; i++) {
		struct capsule capsule = io_of(NVME_IO_READ);

		capsule.command.cid = le16_of((uint16_t)i);
		capsule_list(&capsule, list, 16);
		send_capsule(&good.io, &capsule);
	}
	for (uint32_t i = 0; i < depth; i++) {
		struct wire_response response;

		wire_must(&good.io, wire_queue_receive(&good.io, &response, SCENE_WAIT_MS));
		ck_assert_uint_eq(le16_get(response.completion.status), 0);
	}
	others_do_not_notice();
}
END_TEST

/* ------------------------------------------------------------------ wrong ones */

START_TEST(of_17_blocks_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	cut_into(17);
	capsule_list(&capsule, list, 17);
	expect_refused(&capsule, NVME_SC_SGL_COUNT_INVALID);
	expect_nothing_written();
}
END_TEST

START_TEST(longer_than_its_capsule_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	cut_into(16);
	capsule_list(&capsule, list, 16);
	capsule.length -= 1;
	expect_refused(&capsule, NVME_SC_INVALID_SGL_SEGMENT);
	capsule.length = CAPSULE_COMMAND;
	expect_refused(&capsule, NVME_SC_INVALID_SGL_SEGMENT);
	capsule_list(&capsule, list, 16);
	capsule_set_sgl(&capsule, sgl_of(SGL_LAST_SEGMENT, 0, 0xfffffff0u, 0));
	ck_assert(!status_is_ok(execute(&good.io, &capsule, NULL)));
	expect_nothing_written();
}
END_TEST

START_TEST(of_broken_descriptors_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	cut_into(4);
	capsule_list(&capsule, list, 4);
	for (uint32_t bytes = 49; bytes < 64; bytes++) {
		capsule_set_sgl(&capsule, sgl_of(SGL_LAST_SEGMENT, 0, bytes, 0));
		expect_refused(&capsule, NVME_SC_INVALID_SGL_SEGMENT);
	}
	expect_nothing_written();
}
END_TEST

START_TEST(of_none_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	capsule_set_sgl(&capsule, sgl_of(SGL_LAST_SEGMENT, 0, 0, 0));
	expect_refused(&capsule, NVME_SC_INVALID_SGL_SEGMENT);
	expect_nothing_written();
}
END_TEST

/* Base 2.1 §4.3.2: the first descriptor lies at ICDOFF, which is 0. */
START_TEST(that_begins_elsewhere_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	cut_into(4);
	capsule_list(&capsule, list, 4);
	capsule_set_sgl(&capsule, sgl_of(SGL_LAST_SEGMENT, 16, 48, 0));
	expect_refused(&capsule, NVME_SC_SGL_OFFSET);
	capsule_set_sgl(&capsule, sgl_of(SGL_LAST_SEGMENT, UINT64_MAX - 15, 64, 0));
	expect_refused(&capsule, NVME_SC_SGL_OFFSET);
	expect_nothing_written();
}
END_TEST

static void refuse_listed(uint8_t type, enum nvme_status_code code)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	cut_into(4);
	list[2].type = type;
	capsule_list(&capsule, list, 4);
	expect_refused(&capsule, code);
}

START_TEST(with_other_descriptors_is_refused)
{
	static const uint8_t types[] = {0x00, 0x01, 0x10, 0x41, 0x5a, 0xf0};

	for (size_t i = 0; i < sizeof(types); i++)
		refuse_listed(types[i], NVME_SC_SGL_TYPE);
	expect_nothing_written();
}
END_TEST

/* Base 2.1 §4.3.2: a last segment has no segment in it. */
START_TEST(with_a_segment_in_it_is_refused)
{
	static const uint8_t types[] = {0x20, 0x21, 0x30, 0x31};

	for (size_t i = 0; i < sizeof(types); i++)
		refuse_listed(types[i], NVME_SC_INVALID_SGL_SEGMENT);
	expect_nothing_written();
}
END_TEST

START_TEST(that_is_too_short_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	cut_into(4);
	list[3].length[0]--;
	capsule_list(&capsule, list, 4);
	expect_refused(&capsule, NVME_SC_SGL_DATA_LENGTH);
	capsule.command.opcode = NVME_IO_READ;
	expect_refused(&capsule, NVME_SC_SGL_DATA_LENGTH);
	expect_nothing_written();
}
END_TEST

START_TEST(of_256_mib_is_refused)
{
	struct capsule capsule = io_of(NVME_IO_WRITE);

	for (uint32_t i = 0; i < 16; i++)
		list[i] = sgl_keyed(good.data, 0, 0xffffff);
	capsule_list(&capsule, list, 16);
	expect_refused(&capsule, NVME_SC_SGL_DATA_LENGTH);
	expect_nothing_written();
}
END_TEST

/* RDMA 1.1 §3.3.1: no descriptors follow the commands of an admin queue; its capsules have 64
 * bytes. */
START_TEST(for_an_admin_command_is_refused)
{
	struct capsule capsule = capsule_of(command_identify(NVME_CNS_CONTROLLER, 0), sgl_none());

	capsule_set_sgl(&capsule, sgl_of(SGL_LAST_SEGMENT, 0, 16, 0));
	ck_assert(!status_is_ok(execute(&good.admin, &capsule, NULL)));
	others_do_not_notice();
}
END_TEST

Suite *lists_suite(void)
{
	Suite *suite = suite_create("lists");

	if (target.is_kernel)
		return suite; /* MSDBD 1 */
	describe(suite,
	         "a list of keyed data blocks",
	         given_known_blocks,
	         good_host_leaves,
	         may_have_up_to_16_blocks,
	         is_read_into_in_its_order,
	         leaves_what_lies_between_its_blocks,
	         is_written_from_in_its_order,
	         may_have_blocks_of_no_bytes,
	         serves_many_commands_at_once);
	describe(suite,
	         "a wrong list",
	         given_known_blocks,
	         good_host_leaves,
	         of_17_blocks_is_refused,
	         longer_than_its_capsule_is_refused,
	         of_broken_descriptors_is_refused,
	         of_none_is_refused,
	         that_begins_elsewhere_is_refused,
	         with_other_descriptors_is_refused,
	         with_a_segment_in_it_is_refused,
	         that_is_too_short_is_refused,
	         of_256_mib_is_refused,
	         for_an_admin_command_is_refused);
	return suite;
}
