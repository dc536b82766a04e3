/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a command's data lies, as SGL1 says: what is understood, and which status and field the
 * rest gets. */
#include "common/nvme/sgl.h"

#include "tests/support/shows.h"
#include "tests/support/spec.h"
#include "tests/unit/nvme/sgl_stage.h"

static void given_a_command_with_one_key(void)
{
	given_a_command_with_keys();
	rules.blocks_max = 1;
}

/* ------------------------------------------------------------------ a stream: no keys */

START_TEST(takes_write_data_from_the_capsule)
{
	describe_data(IN_CAPSULE, 4 * KIB);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 4 * KIB));
	ck_assert(sgl.in_capsule);
	ck_assert_uint_eq(sgl.length, 4 * KIB);
}
END_TEST

START_TEST(takes_write_data_by_transfer)
{
	describe_data(TRANSPORT, 64 * KIB);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 0));
	ck_assert(!sgl.in_capsule);
	ck_assert_uint_eq(sgl.length, 64 * KIB);
}
END_TEST

START_TEST(may_be_all_zero_when_there_is_no_data)
{
	expect_ok(decode(NVME_TRANSFER_NONE, 0));
	ck_assert_uint_eq(sgl.length, 0);
	shows("Base 2.1 §4.3.2", "a command without data may leave its descriptor zeroed");
}
END_TEST

START_TEST(may_be_a_transport_descriptor_of_no_data)
{
	describe_data(TRANSPORT, 0);
	expect_ok(decode(NVME_TRANSFER_NONE, 0));
}
END_TEST

START_TEST(must_not_promise_data_that_the_command_has_not)
{
	describe_data(TRANSPORT, 512);
	expect(decode(NVME_TRANSFER_NONE, 0), NVME_SC_SGL_DATA_LENGTH, AT_LENGTH);
}
END_TEST

START_TEST(must_not_put_data_for_the_host_into_the_capsule)
{
	describe_data(IN_CAPSULE, 512);
	expect(decode(NVME_TRANSFER_TO_HOST, 512), NVME_SC_INVALID_FIELD, AT_TYPE);
}
END_TEST

START_TEST(must_not_begin_within_the_capsules_data)
{
	describe_data(IN_CAPSULE, 512);
	command.sgl.address = le64_of(16);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 512), NVME_SC_SGL_OFFSET, AT_ADDRESS);
}
END_TEST

START_TEST(must_not_exceed_what_a_capsule_may_carry)
{
	describe_data(IN_CAPSULE, CAPSULE_MAX + 16);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX + 16),
	       NVME_SC_SGL_OFFSET,
	       AT_ADDRESS);
}
END_TEST

START_TEST(must_not_be_longer_than_what_the_capsule_brings)
{
	describe_data(IN_CAPSULE, 1024);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 512), NVME_SC_SGL_DATA_LENGTH, AT_LENGTH);
}
END_TEST

START_TEST(must_not_be_shorter_than_what_the_capsule_brings)
{
	describe_data(IN_CAPSULE, 512);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 1024), NVME_SC_SGL_DATA_LENGTH, AT_LENGTH);
}
END_TEST

START_TEST(must_not_ask_for_a_transfer_of_what_came_in_the_capsule)
{
	describe_data(TRANSPORT, 512);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 512), NVME_SC_INVALID_FIELD, AT_TYPE);
}
END_TEST

START_TEST(must_not_be_of_another_type)
{
	for (unsigned type = 0; type < 256; type++) {
		if (type == IN_CAPSULE || type == TRANSPORT)
			continue;
		describe_data((uint8_t)type, 512);
		expect(decode(NVME_TRANSFER_TO_CONTROLLER, 0), NVME_SC_SGL_TYPE, AT_TYPE);
	}
}
END_TEST

/* ------------------------------------------------------------------ keys: in the capsule */

START_TEST(takes_data_from_the_capsules_beginning)
{
	describe_data(IN_CAPSULE, 4 * KIB);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 4 * KIB));
	ck_assert(sgl.in_capsule);
	ck_assert_uint_eq(sgl.offset, 0);
	ck_assert_uint_eq(sgl.length, 4 * KIB);
	ck_assert_uint_eq(sgl.n_listed, 0);
}
END_TEST

START_TEST(takes_data_from_within_the_capsule)
{
	describe_data(IN_CAPSULE, 512);
	command.sgl.address = le64_of(48);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 560));
	ck_assert(sgl.in_capsule);
	ck_assert_uint_eq(sgl.offset, 48);
	ck_assert_uint_eq(sgl.length, 512);
	shows("RDMA 1.1 §3.3.1", "in-capsule data may lie at an offset, behind descriptors");
}
END_TEST

/* Its receive has no length of its own: what is not described is not looked at. */
START_TEST(may_bring_more_than_it_describes)
{
	describe_data(IN_CAPSULE, 512);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 8 * KIB));
	ck_assert_uint_eq(sgl.length, 512);
}
END_TEST

START_TEST(may_fill_the_capsule_to_its_last_byte)
{
	describe_data(IN_CAPSULE, CAPSULE_MAX - 16);
	command.sgl.address = le64_of(16);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX));
}
END_TEST

START_TEST(must_not_describe_a_byte_beyond_what_came)
{
	describe_data(IN_CAPSULE, 512);
	command.sgl.address = le64_of(49);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 560), NVME_SC_SGL_DATA_LENGTH, AT_LENGTH);
}
END_TEST

START_TEST(must_not_begin_behind_what_came)
{
	describe_data(IN_CAPSULE, 0);
	command.sgl.address = le64_of(561);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 560), NVME_SC_SGL_DATA_LENGTH, AT_LENGTH);
}
END_TEST

START_TEST(must_not_end_behind_what_a_capsule_may_carry)
{
	describe_data(IN_CAPSULE, CAPSULE_MAX - 15);
	command.sgl.address = le64_of(16);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, 2 * CAPSULE_MAX),
	       NVME_SC_SGL_OFFSET,
	       AT_ADDRESS);
	shows("Base 2.1 §4.3.2", "in-capsule data beyond IOCCSZ: SGL Offset Invalid, DNR");
}
END_TEST

START_TEST(must_not_begin_so_far_away_that_its_end_wraps)
{
	static const uint64_t offsets[] = {
		CAPSULE_MAX + 1, UINT64_C(0x100000000), UINT64_MAX - 511, UINT64_MAX};

	for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		describe_data(IN_CAPSULE, 512);
		command.sgl.address = le64_of(offsets[i]);
		expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX),
		       NVME_SC_SGL_OFFSET,
		       AT_ADDRESS);
	}
}
END_TEST

START_TEST(must_not_be_so_long_that_its_end_wraps)
{
	describe_data(IN_CAPSULE, UINT32_MAX);
	command.sgl.address = le64_of(16);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, CAPSULE_MAX), NVME_SC_SGL_OFFSET, AT_ADDRESS);
}
END_TEST

/* ------------------------------------------------------------------ keys: one block */

START_TEST(names_memory_of_the_host)
{
	describe_keyed(KEYED, 64 * KIB);
	expect_ok(decode(NVME_TRANSFER_TO_HOST, 0));
	expect_elsewhere(64 * KIB, 0);
}
END_TEST

START_TEST(says_address_length_and_key)
{
	struct sgl_block block;

	describe_keyed(KEYED, 0x654321);
	block = sgl_block(sgl_only_block(&command));
	ck_assert_uint_eq(block.address, UINT64_C(0x123456789abcdef0));
	ck_assert_uint_eq(block.length, 0x654321);
	ck_assert_uint_eq(block.key, 0xfedcba98);
	ck_assert(!block.invalidate);
}
END_TEST

START_TEST(may_have_its_key_invalidated)
{
	describe_keyed(KEYED_ONCE, 512);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 0));
	expect_elsewhere(512, 0);
	ck_assert(sgl_block(sgl_only_block(&command)).invalidate);
	shows("RDMA 1.1 §3.3.1",
	      "a keyed block of sub type Fh: its key is invalidated with the response");
}
END_TEST

START_TEST(may_be_as_long_as_its_field_can_say)
{
	describe_keyed(KEYED, SGL_LENGTH_MAX - 1);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 0));
	expect_elsewhere(SGL_LENGTH_MAX - 1, 0);
}
END_TEST

START_TEST(may_come_in_a_capsule_with_more_behind_it)
{
	describe_keyed(KEYED, 512);
	expect_ok(decode(NVME_TRANSFER_TO_CONTROLLER, 8 * KIB));
	expect_elsewhere(512, 0);
}
END_TEST

START_TEST(may_be_of_no_data)
{
	describe_keyed(KEYED, 0);
	expect_ok(decode(NVME_TRANSFER_NONE, 0));
	expect_elsewhere(0, 0);
}
END_TEST

START_TEST(may_be_all_zero)
{
	expect_ok(decode(NVME_TRANSFER_NONE, 8 * KIB));
	expect_elsewhere(0, 0);
}
END_TEST

START_TEST(must_not_promise_what_the_command_has_not)
{
	describe_keyed(KEYED, 1);
	expect(decode(NVME_TRANSFER_NONE, 0), NVME_SC_SGL_DATA_LENGTH, AT_LENGTH);
}
END_TEST

START_TEST(must_be_of_a_type_of_this_transport)
{
	for (unsigned type = 0; type < 256; type++) {
		if (type == IN_CAPSULE || type == KEYED || type == KEYED_ONCE || type == LISTED)
			continue;
		describe_keyed((uint8_t)type, 512);
		expect(decode(NVME_TRANSFER_TO_CONTROLLER, 0), NVME_SC_SGL_TYPE, AT_TYPE);
	}
}
END_TEST

/* Of a queue that has one block only, or none. */
START_TEST(must_not_list_what_can_be_but_one)
{
	list_blocks(1, 512);
	expect(decode(NVME_TRANSFER_TO_CONTROLLER, BLOCK_BYTES), NVME_SC_SGL_TYPE, AT_TYPE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("SGL");

	describe(suite,
	         "a descriptor on a transport of messages",
	         given_a_command_of_a_stream,
	         NULL,
	         takes_write_data_from_the_capsule,
	         takes_write_data_by_transfer,
	         may_be_all_zero_when_there_is_no_data,
	         may_be_a_transport_descriptor_of_no_data,
	         must_not_promise_data_that_the_command_has_not,
	         must_not_put_data_for_the_host_into_the_capsule,
	         must_not_begin_within_the_capsules_data,
	         must_not_exceed_what_a_capsule_may_carry,
	         must_not_be_longer_than_what_the_capsule_brings,
	         must_not_be_shorter_than_what_the_capsule_brings,
	         must_not_ask_for_a_transfer_of_what_came_in_the_capsule,
	         must_not_be_of_another_type);
	describe(suite,
	         "an offset descriptor on a transport with keys",
	         given_a_command_with_keys,
	         NULL,
	         takes_data_from_the_capsules_beginning,
	         takes_data_from_within_the_capsule,
	         may_bring_more_than_it_describes,
	         may_fill_the_capsule_to_its_last_byte,
	         must_not_put_data_for_the_host_into_the_capsule,
	         must_not_describe_a_byte_beyond_what_came,
	         must_not_begin_behind_what_came,
	         must_not_end_behind_what_a_capsule_may_carry,
	         must_not_begin_so_far_away_that_its_end_wraps,
	         must_not_be_so_long_that_its_end_wraps);
	describe(suite,
	         "a keyed block",
	         given_a_command_with_keys,
	         NULL,
	         names_memory_of_the_host,
	         says_address_length_and_key,
	         may_have_its_key_invalidated,
	         may_be_as_long_as_its_field_can_say,
	         may_come_in_a_capsule_with_more_behind_it,
	         may_be_of_no_data,
	         may_be_all_zero,
	         must_not_promise_what_the_command_has_not,
	         must_be_of_a_type_of_this_transport);
	describe(suite,
	         "a descriptor of a queue with one block",
	         given_a_command_with_one_key,
	         NULL,
	         names_memory_of_the_host,
	         must_not_list_what_can_be_but_one);
	return run(suite);
}
