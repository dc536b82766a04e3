/* SPDX-License-Identifier: BSD-2-Clause */
/* The last commands of a controller that failed (Base 2.1 §5.1.12.1.2). */
#include "common/transport/error_log.h"

#include "common/nvme/log.h"
#include "tests/support/shows.h"
#include "tests/support/spec.h"

static struct error_log errors;
static struct nvme_error_entry entries[ERROR_LOG_ENTRIES];

static void given_an_empty_log(void)
{
	error_log_init(&errors, NVME_TRTYPE_RDMA);
}

static void forget_the_log(void)
{
	error_log_deinit(&errors);
}

static void add(uint16_t cid)
{
	const struct nvme_command command = {.opcode = NVME_IO_READ,
	                                     .cid = le16_of(cid),
	                                     .nsid = le32_of(3),
	                                     .cdw10 = le32_of(9),
	                                     .cdw11 = le32_of(1)};

	error_log_add(&errors, 2, &command, status_dnr(NVME_SC_LBA_RANGE), 40);
}

START_TEST(has_nothing_to_tell)
{
	ck_assert_uint_eq(error_log_copy(&errors, entries), 0);
}
END_TEST

/* It told NR and the attributes of a Dataset Management as a block. */
START_TEST(tells_of_no_block_where_the_command_names_none)
{
	const struct nvme_command command = {.opcode = NVME_IO_DATASET_MANAGEMENT,
	                                     .nsid = le32_of(3),
	                                     .cdw10 = le32_of(9),
	                                     .cdw11 = le32_of(NVME_DSM_AD)};

	error_log_add(&errors, 2, &command, status_dnr(NVME_SC_LBA_RANGE), 0xffff);
	ck_assert_uint_eq(error_log_copy(&errors, entries), 1);
	ck_assert_uint_eq(le64_get(entries[0].lba), 0);
	shows("Base 2.1 §5.1.12.1.2", "LBA is 0 for commands that have none");
}
END_TEST

START_TEST(tells_the_command_set_of_a_zone_command)
{
	const struct nvme_command command = {.opcode = NVME_IO_ZONE_APPEND, .cdw10 = le32_of(9)};

	error_log_add(&errors, 2, &command, status_dnr(NVME_SC_INVALID_FIELD), 40);
	ck_assert_uint_eq(error_log_copy(&errors, entries), 1);
	ck_assert_uint_eq(entries[0].csi, 2);
	ck_assert_uint_eq(le64_get(entries[0].lba), 9);
}
END_TEST

START_TEST(tells_all_of_a_failed_command)
{
	add(77);
	ck_assert_uint_eq(error_log_copy(&errors, entries), 1);
	ck_assert_uint_eq(le64_get(entries[0].error_count), 1);
	ck_assert_uint_eq(le16_get(entries[0].sqid), 2);
	ck_assert_uint_eq(le16_get(entries[0].cid), 77);
	ck_assert_uint_eq(le16_get(entries[0].status), (0x4000 | 0x80) << 1);
	ck_assert_uint_eq(le16_get(entries[0].parameter_location), 40);
	ck_assert_uint_eq(le64_get(entries[0].lba), UINT64_C(1) << 32 | 9);
	ck_assert_uint_eq(le32_get(entries[0].nsid), 3);
	ck_assert_uint_eq(entries[0].opcode, NVME_IO_READ);
	ck_assert_uint_eq(entries[0].trtype, 1);
	ck_assert_uint_eq(entries[0].csi, 0);
	ck_assert_uint_eq(entries[0].version, 1);
}
END_TEST

START_TEST(keeps_the_last_128_with_the_newest_first)
{
	for (uint16_t cid = 1; cid <= 200; cid++)
		add(cid);
	ck_assert_uint_eq(error_log_copy(&errors, entries), 128);
	ck_assert_uint_eq(error_log_count(&errors), 200);
	ck_assert_uint_eq(le16_get(entries[0].cid), 200);
	ck_assert_uint_eq(le64_get(entries[0].error_count), 200);
	ck_assert_uint_eq(le16_get(entries[127].cid), 73);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error log");

	describe(suite,
	         "an error log",
	         given_an_empty_log,
	         forget_the_log,
	         has_nothing_to_tell,
	         tells_all_of_a_failed_command,
	         tells_the_command_set_of_a_zone_command,
	         tells_of_no_block_where_the_command_names_none,
	         keeps_the_last_128_with_the_newest_first);
	return run(suite);
}
