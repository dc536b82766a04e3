/* SPDX-License-Identifier: BSD-2-Clause */
/* Get Log Page decoded, and the logs that are the same for all controllers. */
#include <string.h>

#include "common/nvme/log.h"
#include "tests/support/spec.h"

static struct nvme_command command;
static struct get_log asked;
static uint16_t location;

static void given_a_command(void)
{
	command = (struct nvme_command){.opcode = NVME_ADMIN_GET_LOG_PAGE};
}

static unsigned decode(uint32_t max_bytes)
{
	return get_log_decode(&command, max_bytes, &asked, &location).value;
}

START_TEST(says_how_much_of_what)
{
	command.nsid = le32_of(9);
	command.cdw10 = le32_of(0x0c | 0x55 << 8 | 1u << 15 | 0x1234u << 16);
	command.cdw11 = le32_of(0x3);
	command.cdw12 = le32_of(0x10);
	command.cdw13 = le32_of(0x2);
	command.cdw14 = le32_of(0x7u << 24);
	ck_assert_uint_eq(decode(1 << 20), 0);
	ck_assert_uint_eq(asked.page, 0x0c);
	ck_assert_uint_eq(asked.specific, 0x55);
	ck_assert(asked.retain);
	ck_assert_uint_eq(asked.nsid, 9);
	ck_assert_uint_eq(asked.csi, 7);
	ck_assert_uint_eq(asked.length_bytes, (0x31234 + 1) * 4);
	ck_assert_uint_eq(asked.offset_bytes, UINT64_C(0x200000010));
}
END_TEST

START_TEST(of_all_dwords_does_not_wrap)
{
	command.cdw10 = le32_of(0xffff0000);
	command.cdw11 = le32_of(0xffff);
	ck_assert_uint_eq(decode(1 << 20), 0x4002);
	ck_assert_uint_eq(location, 42);
}
END_TEST

START_TEST(of_more_than_mdts_is_refused)
{
	command.cdw10 = le32_of(1024u << 16);
	ck_assert_uint_eq(decode(4096), 0x4002);
	command.cdw10 = le32_of(1023u << 16);
	ck_assert_uint_eq(decode(4096), 0);
}
END_TEST

START_TEST(from_within_a_dword_is_refused)
{
	command.cdw12 = le32_of(1);
	ck_assert_uint_eq(decode(4096), 0x4002);
	ck_assert_uint_eq(location, 48);
}
END_TEST

START_TEST(by_index_is_refused)
{
	command.cdw14 = le32_of(1u << 23);
	ck_assert_uint_eq(decode(4096), 0x4002);
	ck_assert_uint_eq(location, 58);
}
END_TEST

START_TEST(of_health_rounds_data_up)
{
	static const struct {
		uint64_t bytes, units;
	} cases[] = {
		{0,          0		      },
                {1,          1                      },
                {512000,     1                      },
                {512001,     2                      },
                {UINT64_MAX, UINT64_MAX / 512000 + 1}
        };
	struct nvme_log_smart log;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct log_counts counts = {.read_bytes = cases[i].bytes};

		log_smart_build(&log, &counts, &LOG_HEALTH_GOOD);
		ck_assert_uint_eq(le64_get(log.data_units_read[0]), cases[i].units);
		ck_assert_uint_eq(le64_get(log.data_units_read[1]), 0);
	}
}
END_TEST

START_TEST(of_health_says_what_a_device_said)
{
	const struct log_health told = {.critical_warning = 0x05,
	                                .spare = 9,
	                                .spare_threshold = 10,
	                                .used = 101,
	                                .temperature = 340,
	                                .media_errors = UINT64_C(0x123456789)};
	struct nvme_log_smart log;
	struct log_health back;

	log_smart_build(&log, &(struct log_counts){0}, &told);
	ck_assert_uint_eq(((uint8_t *)&log)[0], 5);
	ck_assert_uint_eq(((uint8_t *)&log)[1], 340 & 0xff);
	ck_assert_uint_eq(((uint8_t *)&log)[3], 9);
	ck_assert_uint_eq(((uint8_t *)&log)[4], 10);
	ck_assert_uint_eq(((uint8_t *)&log)[5], 101);
	back = log_smart_read(&log);
	ck_assert_uint_eq(back.critical_warning, told.critical_warning);
	ck_assert_uint_eq(back.temperature, told.temperature);
	ck_assert_uint_eq(back.media_errors, told.media_errors);
	log.media_errors[1] = le64_of(1);
	log.critical_warning = 0xff;
	back = log_smart_read(&log);
	ck_assert_uint_eq(back.media_errors, UINT64_MAX);
	ck_assert_uint_eq(back.critical_warning, 0x1f);
}
END_TEST

START_TEST(of_firmware_cuts_a_long_revision)
{
	struct nvme_log_firmware log;

	log_firmware_build(&log, "123456789");
	ck_assert_mem_eq(log.frs[0], "12345678", 8);
	ck_assert_mem_eq(log.frs[1], "\0\0\0\0\0\0\0\0", 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");

	describe(suite,
	         "a Get Log Page command",
	         given_a_command,
	         NULL,
	         says_how_much_of_what,
	         of_all_dwords_does_not_wrap,
	         of_more_than_mdts_is_refused,
	         from_within_a_dword_is_refused,
	         by_index_is_refused);
	describe(suite,
	         "a log",
	         NULL,
	         NULL,
	         of_health_rounds_data_up,
	         of_health_says_what_a_device_said,
	         of_firmware_cuts_a_long_revision);
	return run(suite);
}
