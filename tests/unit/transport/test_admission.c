/* SPDX-License-Identifier: BSD-2-Clause */
/* Which I/O commands may go to a worker, and what the others are answered with. */
#include "common/transport/admission.h"

#include <string.h>

#include "tests/support/shows.h"
#include "tests/support/spec.h"

#define BLOCKS 2048u /* of 4 KiB */

static struct view_namespace namespaces[3];
static struct view_subsystem subsystem;
static struct view_port port;
static struct nvme_command command;
static struct admitted admitted;
static uint16_t location;

/* 1: of 4 KiB blocks. 2: of 512-byte blocks, write protected. 9: in ANA group 5. */
static void given_a_subsystem(void)
{
	namespaces[0] = (struct view_namespace){.nsid = 1,
	                                        .handle = 101,
	                                        .ana_group = 1,
	                                        .block_shift = 12,
	                                        .blocks = BLOCKS,
	                                        .ready = true};
	namespaces[1] = namespaces[2] = namespaces[0];
	namespaces[1].nsid = 2;
	namespaces[1].handle = 102;
	namespaces[1].block_shift = 9;
	namespaces[1].write_protected = true;
	namespaces[2].nsid = 9;
	namespaces[2].ana_group = 5;
	subsystem = (struct view_subsystem){.n_namespaces = 3, .namespaces = namespaces};
	memset(port.ana, VIEW_ANA_OPTIMIZED, sizeof(port.ana));
	location = 0xffff;
}

static struct nvme_status admit(uint8_t opcode, uint32_t nsid, uint64_t first, uint32_t cdw12)
{
	command = (struct nvme_command){
		.opcode = opcode,
		.flags = 0x40,
		.nsid = le32_of(nsid),
		.cdw10 = le32_of((uint32_t)first),
		.cdw11 = le32_of((uint32_t)(first >> 32)),
		.cdw12 = le32_of(cdw12),
	};
	return admission_check(&subsystem, &port, &command, &admitted, &location);
}

static void expect(struct nvme_status status, unsigned value, uint16_t field)
{
	ck_assert_msg(
		status.value == value, "status %04x (%s)", status.value, status_words(status));
	ck_assert_uint_eq(location, field);
}

static void expect_ok(struct nvme_status status)
{
	ck_assert_msg(status_is_ok(status), "status %04x (%s)", status.value, status_words(status));
}

#define DNR NVME_STATUS_DNR

START_TEST(admits_a_read)
{
	expect_ok(admit(NVME_IO_READ, 1, 5, 7));
	ck_assert_uint_eq(admitted.wanted.operation, LINK_READ);
	ck_assert_uint_eq(admitted.wanted.handle, 101);
	ck_assert_uint_eq(admitted.wanted.first_block, 5);
	ck_assert_uint_eq(admitted.wanted.block_count, 8);
	ck_assert_uint_eq(admitted.transfer.direction, NVME_TRANSFER_TO_HOST);
	ck_assert_uint_eq(admitted.transfer.least, 8 * 4096);
	ck_assert_uint_eq(admitted.transfer.most, 8 * 4096);
}
END_TEST

START_TEST(admits_a_write_to_stable_storage)
{
	expect_ok(admit(NVME_IO_WRITE, 1, 0, NVME_RW_FUA));
	ck_assert_uint_eq(admitted.wanted.operation, LINK_WRITE);
	ck_assert_uint_eq(admitted.wanted.flags, LINK_FUA);
	ck_assert_uint_eq(admitted.transfer.direction, NVME_TRANSFER_TO_CONTROLLER);
}
END_TEST

START_TEST(admits_the_last_block)
{
	expect_ok(admit(NVME_IO_READ, 1, BLOCKS - 1, 0));
}
END_TEST

START_TEST(admits_exactly_one_mib)
{
	expect_ok(admit(NVME_IO_READ, 1, 0, 255));
	ck_assert_uint_eq(admitted.transfer.most, 1u << 20);
}
END_TEST

START_TEST(admits_write_zeroes_of_more_than_one_mib)
{
	expect_ok(admit(NVME_IO_WRITE_ZEROES, 1, 0, (BLOCKS - 1) | NVME_RW_DEAC));
	ck_assert_uint_eq(admitted.wanted.block_count, BLOCKS);
	ck_assert_uint_eq(admitted.wanted.flags, LINK_DEALLOC);
	ck_assert_uint_eq(admitted.transfer.most, 0);
}
END_TEST

START_TEST(admits_a_flush)
{
	expect_ok(admit(NVME_IO_FLUSH, 1, 0, 0));
	ck_assert_uint_eq(admitted.wanted.operation, LINK_FLUSH);
	ck_assert_uint_eq(admitted.wanted.block_count, 0);
}
END_TEST

START_TEST(admits_a_flush_of_what_is_write_protected)
{
	expect_ok(admit(NVME_IO_FLUSH, 2, 0, 0));
	shows("Base 2.1 §8.1.16", "a write protected namespace: Read and Flush are carried out");
}
END_TEST

START_TEST(admits_ranges_with_more_data_than_they_need)
{
	expect_ok(admit(NVME_IO_DATASET_MANAGEMENT, 1, UINT64_C(4) << 32 | 2, 0)); /* NR 3, AD */
	ck_assert_uint_eq(admitted.wanted.operation, LINK_DEALLOCATE);
	ck_assert_uint_eq(admitted.wanted.block_count, 3);
	ck_assert_uint_eq(admitted.transfer.least, 48);
	ck_assert_uint_eq(admitted.transfer.most, 4096);
	ck_assert(!admitted.nothing_to_do);
}
END_TEST

START_TEST(has_nothing_to_do_for_ranges_that_are_only_hints)
{
	expect_ok(admit(NVME_IO_DATASET_MANAGEMENT, 1, 0, 0));
	ck_assert(admitted.nothing_to_do);
	shows("NVM 1.1 §3.3.3", "Dataset Management without AD: its data is taken, and success");
}
END_TEST

START_TEST(refuses_a_namespace_that_is_not_there)
{
	const uint32_t nsids[] = {0, 3, 8, 10, NVME_NSID_ALL, NVME_NSID_ALL - 1};

	for (size_t i = 0; i < sizeof(nsids) / sizeof(nsids[0]); i++)
		expect(admit(NVME_IO_READ, nsids[i], 0, 0), NVME_SC_INVALID_NAMESPACE | DNR, 4);
}
END_TEST

START_TEST(refuses_a_flush_of_all_namespaces)
{
	expect(admit(NVME_IO_FLUSH, NVME_NSID_ALL, 0, 0), NVME_SC_INVALID_NAMESPACE | DNR, 4);
}
END_TEST

START_TEST(refuses_an_opcode_that_it_does_not_know)
{
	expect(admit(0x05, 1, 0, 0), NVME_SC_INVALID_OPCODE | DNR, 0);
}
END_TEST

START_TEST(refuses_one_block_too_many)
{
	expect(admit(NVME_IO_READ, 1, BLOCKS - 1, 1), NVME_SC_LBA_RANGE | DNR, 40);
}
END_TEST

START_TEST(refuses_to_begin_behind_the_end)
{
	expect(admit(NVME_IO_WRITE, 1, BLOCKS, 0), NVME_SC_LBA_RANGE | DNR, 40);
}
END_TEST

START_TEST(refuses_a_range_that_wraps)
{
	expect(admit(NVME_IO_READ, 1, UINT64_MAX, 1), NVME_SC_LBA_RANGE | DNR, 40);
}
END_TEST

START_TEST(refuses_more_than_one_mib)
{
	expect(admit(NVME_IO_READ, 1, 0, 256), NVME_SC_INVALID_FIELD | DNR, 48);
}
END_TEST

START_TEST(refuses_to_change_what_is_write_protected)
{
	const uint8_t opcodes[] = {NVME_IO_WRITE, NVME_IO_WRITE_ZEROES, NVME_IO_DATASET_MANAGEMENT};

	for (size_t i = 0; i < sizeof(opcodes); i++)
		expect(admit(opcodes[i], 2, 0, 0), NVME_SC_NAMESPACE_WRITE_PROTECTED | DNR, 0);
	shows("Base 2.1 §8.1.16",
	      "a write protected namespace: Write, Write Zeroes, Dataset Management are Namespace "
	      "is Write Protected, DNR");
}
END_TEST

START_TEST(lets_the_host_take_another_path_by_the_ana_state)
{
	const struct {
		enum view_ana state;
		unsigned status;
	} states[] = {
		{VIEW_ANA_INACCESSIBLE,    NVME_SC_ANA_INACCESSIBLE   },
		{VIEW_ANA_PERSISTENT_LOSS, NVME_SC_ANA_PERSISTENT_LOSS},
		{VIEW_ANA_CHANGE,          NVME_SC_ANA_TRANSITION     },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		port.ana[5] = (uint8_t)states[i].state;
		expect(admit(NVME_IO_READ, 9, 0, 0), states[i].status, 4);
	}
	shows("Base 2.1 §8.1.1",
	      "I/O on a path that is inaccessible, lost or changing: Asymmetric Access "
	      "Inaccessible, Persistent Loss or Transition, without DNR");
}
END_TEST

START_TEST(admits_on_a_path_that_is_not_optimized)
{
	port.ana[5] = VIEW_ANA_NON_OPTIMIZED;
	expect_ok(admit(NVME_IO_READ, 9, 0, 0));
	shows("Base 2.1 §8.1.1", "I/O on a non-optimized path is carried out");
}
END_TEST

START_TEST(admits_what_will_have_to_wait_for_its_namespace)
{
	namespaces[0].ready = false;
	expect_ok(admit(NVME_IO_READ, 1, 0, 0));
	ck_assert(!admitted.namespace->ready);
}
END_TEST

START_TEST(has_no_path_to_a_namespace_whose_size_was_never_known)
{
	namespaces[0].ready = false;
	namespaces[0].blocks = 0;
	expect(admit(NVME_IO_READ, 1, 0, 0), NVME_SC_INTERNAL_PATH_ERROR, 4);
}
END_TEST

/* ------------------------------------------------------------------ protection information */

#define PRINFO(bits) ((uint32_t)(bits) << 26)

/* 1 has it, and the port shows it. */
static void given_protection(void)
{
	given_a_subsystem();
	namespaces[0].protection = true;
	port.pi_enable = true;
}

static struct nvme_status protect(uint8_t opcode, uint32_t cdw12, uint32_t cdw14, uint32_t cdw15)
{
	command = (struct nvme_command){
		.opcode = opcode,
		.flags = 0x40,
		.nsid = le32_of(1),
		.cdw10 = le32_of(16),
		.cdw12 = le32_of(cdw12),
		.cdw14 = le32_of(cdw14),
		.cdw15 = le32_of(cdw15),
	};
	return admission_check(&subsystem, &port, &command, &admitted, &location);
}

START_TEST(wants_tuples_with_the_data)
{
	expect_ok(protect(NVME_IO_READ, PRINFO(5) | 7, 16, 0));
	ck_assert_uint_eq(admitted.transfer.least, 8 * (4096 + 8));
	ck_assert_uint_eq(admitted.transfer.most, 8 * (4096 + 8));
	ck_assert_uint_eq(admitted.wanted.flags, LINK_METADATA);
	ck_assert_uint_eq(admitted.wanted.application_mask, 0);
}
END_TEST

START_TEST(leaves_unchecked_what_the_host_does_not_ask_for)
{
	expect_ok(protect(NVME_IO_WRITE, PRINFO(0) | 7, 0, 0xffff1234));
	ck_assert_uint_eq(admitted.wanted.flags,
	                  LINK_METADATA | LINK_PASS_GUARD | LINK_PASS_REFERENCE);
	ck_assert_uint_eq(admitted.wanted.application_mask, 0);
}
END_TEST

START_TEST(has_the_application_tag_checked_under_its_mask)
{
	expect_ok(protect(NVME_IO_READ, PRINFO(2) | 7, 0, 0xff001234));
	ck_assert_uint_eq(admitted.wanted.application_tag, 0x1234);
	ck_assert_uint_eq(admitted.wanted.application_mask, 0xff00);
}
END_TEST

START_TEST(wants_only_data_where_the_worker_makes_tuples)
{
	expect_ok(protect(NVME_IO_WRITE, PRINFO(8) | 255, 16, 0x1234));
	ck_assert_uint_eq(admitted.transfer.most, 1u << 20);
	ck_assert_uint_eq(admitted.wanted.flags, 0);
	ck_assert_uint_eq(admitted.wanted.application_tag, 0x1234);
}
END_TEST

START_TEST(refuses_another_reference_tag_than_that_of_the_block)
{
	expect(protect(NVME_IO_READ, PRINFO(1) | 7, 17, 0), NVME_SC_INVALID_PROTECTION | DNR, 56);
	expect(protect(NVME_IO_WRITE, PRINFO(9) | 7, 17, 0), NVME_SC_INVALID_PROTECTION | DNR, 56);
	expect_ok(protect(NVME_IO_READ, PRINFO(6) | 7, 17, 0));
}
END_TEST

START_TEST(refuses_more_than_one_mib_with_the_tuples)
{
	expect(protect(NVME_IO_READ, 255, 16, 0), NVME_SC_INVALID_FIELD | DNR, 48);
	expect_ok(protect(NVME_IO_READ, 254, 16, 0));
}
END_TEST

START_TEST(wants_no_tuples_where_there_is_no_data)
{
	expect_ok(protect(NVME_IO_WRITE_ZEROES, PRINFO(8) | 7, 16, 0x1234));
	ck_assert_uint_eq(admitted.wanted.flags, 0);
	ck_assert_uint_eq(admitted.wanted.application_tag, 0x1234);
	expect_ok(protect(NVME_IO_FLUSH, 0, 0, 0));
	ck_assert_uint_eq(admitted.wanted.flags, 0);
}
END_TEST

START_TEST(shows_none_at_another_port)
{
	port.pi_enable = false;
	expect_ok(protect(NVME_IO_READ, PRINFO(7) | 7, 99, 0xffff0001));
	ck_assert_uint_eq(admitted.transfer.most, 8 * 4096);
	ck_assert_uint_eq(admitted.wanted.flags, 0);
	ck_assert_uint_eq(admitted.wanted.application_mask, 0);
}
END_TEST

START_TEST(shows_none_of_another_namespace)
{
	namespaces[0].protection = false;
	expect_ok(protect(NVME_IO_READ, PRINFO(7) | 7, 99, 0xffff0001));
	ck_assert_uint_eq(admitted.transfer.most, 8 * 4096);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admission");

	describe(suite,
	         "to a subsystem",
	         given_a_subsystem,
	         NULL,
	         admits_a_read,
	         admits_a_write_to_stable_storage,
	         admits_the_last_block,
	         admits_exactly_one_mib,
	         admits_write_zeroes_of_more_than_one_mib,
	         admits_a_flush,
	         admits_a_flush_of_what_is_write_protected,
	         admits_ranges_with_more_data_than_they_need,
	         has_nothing_to_do_for_ranges_that_are_only_hints,
	         admits_on_a_path_that_is_not_optimized,
	         admits_what_will_have_to_wait_for_its_namespace,
	         refuses_a_namespace_that_is_not_there,
	         refuses_a_flush_of_all_namespaces,
	         refuses_an_opcode_that_it_does_not_know,
	         refuses_one_block_too_many,
	         refuses_to_begin_behind_the_end,
	         refuses_a_range_that_wraps,
	         refuses_more_than_one_mib,
	         refuses_to_change_what_is_write_protected,
	         lets_the_host_take_another_path_by_the_ana_state,
	         has_no_path_to_a_namespace_whose_size_was_never_known);
	describe(suite,
	         "to a namespace with protection information",
	         given_protection,
	         NULL,
	         wants_tuples_with_the_data,
	         leaves_unchecked_what_the_host_does_not_ask_for,
	         has_the_application_tag_checked_under_its_mask,
	         wants_only_data_where_the_worker_makes_tuples,
	         refuses_another_reference_tag_than_that_of_the_block,
	         refuses_more_than_one_mib_with_the_tuples,
	         wants_no_tuples_where_there_is_no_data,
	         shows_none_at_another_port,
	         shows_none_of_another_namespace);
	return run(suite);
}
