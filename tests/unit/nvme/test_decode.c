/* SPDX-License-Identifier: BSD-2-Clause */
/* A host's commands, decoded: what is let through, and which status and field the rest gets. */
#include "common/nvme/decode.h"

#include <stddef.h>
#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

#define KIB 1024u

static struct nvme_command command;
static struct decoded_transfer transfer;
static struct decoded_io io;
static struct decoded_connect connect;
static uint16_t location;

static void given_a_command(void)
{
	memset(&command, 0, sizeof(command));
	command.flags = 0x40; /* PSDT 01b: SGL */
	location = 0xffff;
}

static void expect(struct nvme_status status, enum nvme_status_code code, size_t field)
{
	ck_assert_msg(status.value == ((unsigned)code | NVME_STATUS_DNR),
	              "status %04x (%s)",
	              status.value,
	              status_words(status));
	ck_assert_uint_eq(location, field);
}

static void expect_ok(struct nvme_status status)
{
	ck_assert_msg(status_is_ok(status), "status %04x (%s)", status.value, status_words(status));
}

/* ------------------------------------------------------------------ flags */

START_TEST(is_let_through_with_an_sgl)
{
	expect_ok(decode_flags(&command, &location));
}
END_TEST

START_TEST(is_refused_when_fused)
{
	command.flags |= 0x01;
	expect(decode_flags(&command, &location), NVME_SC_INVALID_FIELD, 1);
}
END_TEST

START_TEST(is_refused_with_a_prp)
{
	command.flags = 0;
	expect(decode_flags(&command, &location), NVME_SC_INVALID_FIELD, 1 | 6 << 8);
}
END_TEST

START_TEST(is_refused_with_metadata_in_a_segment)
{
	command.flags = 0x80;
	expect(decode_flags(&command, &location), NVME_SC_INVALID_FIELD, 1 | 6 << 8);
}
END_TEST

/* ------------------------------------------------------------------ admin */

static struct nvme_status decode_opcode(uint8_t opcode)
{
	command.opcode = opcode;
	return decode_admin(&command, &transfer, &location);
}

static void expect_transfer(enum nvme_transfer direction, uint32_t least, uint32_t most)
{
	ck_assert_uint_eq(transfer.direction, direction);
	ck_assert_uint_eq(transfer.least, least);
	ck_assert_uint_eq(transfer.most, most);
}

START_TEST(identify_brings_4096_bytes_to_the_host)
{
	expect_ok(decode_opcode(NVME_ADMIN_IDENTIFY));
	expect_transfer(NVME_TRANSFER_TO_HOST, 4096, 4096);
}
END_TEST

START_TEST(get_log_page_brings_as_many_dwords_as_numd_says)
{
	command.cdw10 = le32_of(0x00ff0002); /* NUMDL 255: 256 dwords */
	expect_ok(decode_opcode(NVME_ADMIN_GET_LOG_PAGE));
	expect_transfer(NVME_TRANSFER_TO_HOST, 1024, 1024);
}
END_TEST

START_TEST(get_log_page_may_bring_one_mib)
{
	command.cdw10 = le32_of(0xffff0002);
	command.cdw11 = le32_of(0x0003);
	expect_ok(decode_opcode(NVME_ADMIN_GET_LOG_PAGE));
	expect_transfer(NVME_TRANSFER_TO_HOST, 1024 * KIB, 1024 * KIB);
}
END_TEST

START_TEST(get_log_page_may_not_bring_more)
{
	command.cdw10 = le32_of(0x00000002);
	command.cdw11 = le32_of(0x0004);
	expect(decode_opcode(NVME_ADMIN_GET_LOG_PAGE), NVME_SC_INVALID_FIELD, 42);
}
END_TEST

START_TEST(get_log_page_does_not_wrap_at_the_greatest_numd)
{
	command.cdw10 = le32_of(0xffff0002);
	command.cdw11 = le32_of(0xffff);
	expect(decode_opcode(NVME_ADMIN_GET_LOG_PAGE), NVME_SC_INVALID_FIELD, 42);
}
END_TEST

START_TEST(get_features_brings_the_host_identifier)
{
	command.cdw10 = le32_of(NVME_FEATURE_HOST_IDENTIFIER);
	command.cdw11 = le32_of(1); /* EXHID */
	expect_ok(decode_opcode(NVME_ADMIN_GET_FEATURES));
	expect_transfer(NVME_TRANSFER_TO_HOST, 16, 16);
}
END_TEST

START_TEST(get_features_brings_the_host_behavior)
{
	command.cdw10 = le32_of(NVME_FEATURE_HOST_BEHAVIOR);
	expect_ok(decode_opcode(NVME_ADMIN_GET_FEATURES));
	expect_transfer(NVME_TRANSFER_TO_HOST, 512, 512);
}
END_TEST

START_TEST(get_features_may_bring_nothing_where_capabilities_are_asked_for)
{
	command.cdw10 = le32_of(NVME_FEATURE_HOST_BEHAVIOR | 3 << 8);
	expect_ok(decode_opcode(NVME_ADMIN_GET_FEATURES));
	expect_transfer(NVME_TRANSFER_TO_HOST, 0, 512);
}
END_TEST

START_TEST(get_features_brings_nothing_else)
{
	command.cdw10 = le32_of(NVME_FEATURE_KEEP_ALIVE_TIMER);
	expect_ok(decode_opcode(NVME_ADMIN_GET_FEATURES));
	expect_transfer(NVME_TRANSFER_NONE, 0, 0);
}
END_TEST

/* nvme-cli takes each feature that it does not know to have 4096 bytes, and was told of those. */
START_TEST(get_features_of_what_is_not_there_may_bring_anything)
{
	command.cdw10 = le32_of(0x7f);
	expect_ok(decode_opcode(NVME_ADMIN_GET_FEATURES));
	expect_transfer(NVME_TRANSFER_TO_HOST, 0, 4096);
	command.cdw10 = le32_of(NVME_FEATURE_HOST_IDENTIFIER); /* EXHID 0 */
	expect_ok(decode_opcode(NVME_ADMIN_GET_FEATURES));
	expect_transfer(NVME_TRANSFER_TO_HOST, 0, 4096);
}
END_TEST

START_TEST(an_unknown_opcode_is_refused)
{
	expect(decode_opcode(0x80), NVME_SC_INVALID_OPCODE, 0);
}
END_TEST

/* ------------------------------------------------------------------ fabrics */

static struct nvme_status decode_type(uint8_t type)
{
	command.opcode = NVME_FABRICS;
	command.nsid.b[0] = type;
	return decode_fabrics(&command, &transfer, &location);
}

START_TEST(brings_1024_bytes)
{
	expect_ok(decode_type(NVME_FABRICS_CONNECT));
	expect_transfer(NVME_TRANSFER_TO_CONTROLLER, 1024, 1024);
}
END_TEST

START_TEST(of_a_type_that_we_do_not_have_is_refused)
{
	expect(decode_type(NVME_FABRICS_AUTH_SEND), NVME_SC_INVALID_FIELD, 4);
}
END_TEST

START_TEST(of_a_reserved_type_is_refused)
{
	expect(decode_type(0x42), NVME_SC_INVALID_FIELD, 4);
}
END_TEST

/* It was refused: the specification clears the byte of all but Connect, and Linux does not. */
START_TEST(may_leave_psdt_cleared)
{
	command.flags = 0;
	expect_ok(decode_fabrics_flags(&command, &location));
}
END_TEST

START_TEST(may_say_that_its_data_is_in_an_sgl)
{
	command.flags = 0x40;
	expect_ok(decode_fabrics_flags(&command, &location));
	command.flags = 0x80;
	expect_ok(decode_fabrics_flags(&command, &location));
}
END_TEST

START_TEST(with_the_reserved_psdt_is_refused)
{
	command.flags = 0xc0;
	expect(decode_fabrics_flags(&command, &location), NVME_SC_INVALID_FIELD, 1 | 6 << 8);
}
END_TEST

START_TEST(that_is_fused_is_refused)
{
	command.flags = 0x02;
	expect(decode_fabrics_flags(&command, &location), NVME_SC_INVALID_FIELD, 1);
}
END_TEST

static void set_connect(uint16_t recfmt, uint16_t qid, uint16_t sqsize, uint8_t cattr)
{
	struct nvme_connect_command wire;

	memcpy(&wire, &command, sizeof(wire));
	wire.recfmt = le16_of(recfmt);
	wire.qid = le16_of(qid);
	wire.sqsize_0based = le16_of(sqsize);
	wire.cattr = cattr;
	wire.kato_ms = le32_of(5000);
	memcpy(&command, &wire, sizeof(wire));
}

START_TEST(says_queue_and_size)
{
	set_connect(0, 3, 127, NVME_CONNECT_DISABLE_SQFLOW);
	expect_ok(decode_connect(&command, &connect, &location));
	ck_assert_uint_eq(connect.qid, 3);
	ck_assert_uint_eq(connect.size, 128);
	ck_assert_uint_eq(connect.kato_ms, 5000);
	ck_assert(connect.sqflow_disabled);
}
END_TEST

START_TEST(may_ask_for_the_greatest_size)
{
	set_connect(0, 1, 0xffff, 0);
	expect_ok(decode_connect(&command, &connect, &location));
	ck_assert_uint_eq(connect.size, 65536);
	shows("Base 2.1 §6.3", "SQSIZE is 0's based: FFFFh is a queue of 65536 entries");
}
END_TEST

START_TEST(of_another_record_format_is_refused)
{
	set_connect(1, 0, 31, 0);
	expect(decode_connect(&command, &connect, &location), NVME_SC_CONNECT_FORMAT, 40);
}
END_TEST

START_TEST(of_a_queue_without_entries_is_refused)
{
	set_connect(0, 0, 0, 0);
	expect(decode_connect(&command, &connect, &location),
	       NVME_SC_CONNECT_INVALID_PARAMETERS,
	       44);
}
END_TEST

/* ------------------------------------------------------------------ I/O */

static struct nvme_status decode_io_opcode(uint8_t opcode)
{
	command.opcode = opcode;
	return decode_io(&command, &io, &location);
}

START_TEST(read_names_its_blocks)
{
	command.nsid = le32_of(7);
	command.cdw10 = le32_of(0x89abcdef);
	command.cdw11 = le32_of(0x01234567);
	command.cdw12 = le32_of(0x0000ffff);
	expect_ok(decode_io_opcode(NVME_IO_READ));
	ck_assert_uint_eq(io.nsid, 7);
	ck_assert_uint_eq(io.first_block, UINT64_C(0x0123456789abcdef));
	ck_assert_uint_eq(io.block_count, 65536);
	ck_assert_uint_eq(io.direction, NVME_TRANSFER_TO_HOST);
	ck_assert(!io.fua);
}
END_TEST

START_TEST(write_may_ask_for_stable_storage)
{
	command.cdw12 = le32_of(1u << 30);
	expect_ok(decode_io_opcode(NVME_IO_WRITE));
	ck_assert(io.fua);
	ck_assert_uint_eq(io.direction, NVME_TRANSFER_TO_CONTROLLER);
}
END_TEST

START_TEST(write_zeroes_has_no_data)
{
	command.cdw12 = le32_of(1u << 25);
	expect_ok(decode_io_opcode(NVME_IO_WRITE_ZEROES));
	ck_assert_uint_eq(io.direction, NVME_TRANSFER_NONE);
	ck_assert(io.deallocate);
}
END_TEST

START_TEST(dataset_management_counts_its_ranges)
{
	command.cdw10 = le32_of(0xff);
	command.cdw11 = le32_of(0x4);
	expect_ok(decode_io_opcode(NVME_IO_DATASET_MANAGEMENT));
	ck_assert_uint_eq(io.ranges, 256);
	ck_assert(io.deallocate);
}
END_TEST

START_TEST(compare_is_not_supported)
{
	expect(decode_io_opcode(0x05), NVME_SC_INVALID_OPCODE, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decode");

	describe(suite,
	         "a command's flags",
	         given_a_command,
	         NULL,
	         is_let_through_with_an_sgl,
	         is_refused_when_fused,
	         is_refused_with_a_prp,
	         is_refused_with_metadata_in_a_segment);
	describe(suite,
	         "an admin command",
	         given_a_command,
	         NULL,
	         identify_brings_4096_bytes_to_the_host,
	         get_log_page_brings_as_many_dwords_as_numd_says,
	         get_log_page_may_bring_one_mib,
	         get_log_page_may_not_bring_more,
	         get_log_page_does_not_wrap_at_the_greatest_numd,
	         get_features_brings_the_host_identifier,
	         get_features_brings_the_host_behavior,
	         get_features_may_bring_nothing_where_capabilities_are_asked_for,
	         get_features_brings_nothing_else,
	         get_features_of_what_is_not_there_may_bring_anything,
	         an_unknown_opcode_is_refused);
	describe(suite,
	         "a Connect",
	         given_a_command,
	         NULL,
	         brings_1024_bytes,
	         says_queue_and_size,
	         may_ask_for_the_greatest_size,
	         of_another_record_format_is_refused,
	         of_a_queue_without_entries_is_refused);
	describe(suite,
	         "a fabrics command",
	         given_a_command,
	         NULL,
	         of_a_type_that_we_do_not_have_is_refused,
	         of_a_reserved_type_is_refused,
	         may_leave_psdt_cleared,
	         may_say_that_its_data_is_in_an_sgl,
	         with_the_reserved_psdt_is_refused,
	         that_is_fused_is_refused);
	describe(suite,
	         "an I/O command",
	         given_a_command,
	         NULL,
	         read_names_its_blocks,
	         write_may_ask_for_stable_storage,
	         write_zeroes_has_no_data,
	         dataset_management_counts_its_ranges,
	         compare_is_not_supported);
	return run(suite);
}
