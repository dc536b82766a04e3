/* SPDX-License-Identifier: BSD-2-Clause */
/* What a discovery controller may not, it refuses, and says where the command is wrong (Base 2.1
 * §3.1.3.3, §5.1.12). */
#include <string.h>

#include "tests/process/discovered.h"
#include "tests/support/shows.h"

enum { MEGABYTE = 1 << 20 };

static uint8_t big[MEGABYTE + 4];

/* ------------------------------------------------------------------ parts of a log */

/* Refused with Invalid Field in that byte of the command; and the controller lives on. */
static void expect_refused(uint8_t lid, uint64_t offset, uint32_t length, uint16_t byte)
{
	discover_on(0, HARNESS_HOSTNQN);
	expect_status(get_log_with(lid, 0, offset, big, length), DNR(NVME_SC_INVALID_FIELD));
	expect_location(NVME_ADMIN_GET_LOG_PAGE, byte);
	get_discovered();
	scene_disconnect();
}

START_TEST(refuses_an_offset_past_the_end_of_the_log)
{
	expect_refused(NVME_LOG_DISCOVERY, 3076, 1024, 48);
	expect_refused(NVME_LOG_DISCOVERY, UINT64_C(1) << 40, 1024, 48);
	expect_refused(NVME_LOG_DISCOVERY, UINT64_MAX - 3, 1024, 48);
	shows("Base 2.1 §5.1.12",
	      "an LPO beyond the end of the log: Invalid Field with DNR, in byte 48");
}
END_TEST

START_TEST(refuses_an_offset_within_a_dword)
{
	expect_refused(NVME_LOG_DISCOVERY, 2, 1024, 48);
	shows("Base 2.1 §5.1.12",
	      "an LPO that is not a multiple of a dword: Invalid Field with DNR, in byte 48");
}
END_TEST

START_TEST(refuses_more_than_mdts)
{
	expect_refused(NVME_LOG_DISCOVERY, 0, MEGABYTE + 4, 42);
	shows("Base 2.1 §5.1.12", "more than MDTS: Invalid Field with DNR, in byte 42 (NUMDL)");
}
END_TEST

START_TEST(refuses_an_offset_that_is_an_index)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
	                    .cdw10 = le32_of(NVME_LOG_DISCOVERY | 255u << 16),
	                    .cdw14 = le32_of(1u << 23)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = big,
		.length = 1024,
	};

	discover_on(0, HARNESS_HOSTNQN);
	expect_status(scene_admin(&request), DNR(NVME_SC_INVALID_FIELD));
	expect_location(NVME_ADMIN_GET_LOG_PAGE, 58);
	scene_disconnect();
	shows("Base 2.1 §5.1.12",
	      "OT: no log is read by index: Invalid Field with DNR, in byte 58");
}
END_TEST

/* ------------------------------------------------------------------ what it may not */

START_TEST(has_the_logs_that_it_says)
{
	struct nvme_log_supported supported;
	unsigned count = 0;

	discover_on(0, HARNESS_HOSTNQN);
	expect_status(get_log_with(NVME_LOG_SUPPORTED, 0, 0, &supported, sizeof(supported)), 0);
	for (unsigned lid = 0; lid < 256; lid++) {
		bool is_there = le32_get(supported.page[lid]) & 1;
		struct nvme_status status = get_log_with((uint8_t)lid, 0, 0, big, 64);

		count += is_there;
		expect_status(status, is_there ? 0 : DNR(NVME_SC_INVALID_LOG_PAGE));
	}
	ck_assert_uint_ge(count, 3);
	ck_assert_uint_eq(le32_get(supported.page[NVME_LOG_DISCOVERY]) >> 16,
	                  NVME_LOG_DISCOVERY_EXTDLPE | NVME_LOG_DISCOVERY_PLEO);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.1",
	      "each log that LID 00h names can be read, each other is refused with Invalid Log "
	      "Page "
	      "and DNR; the entry of 70h says EXTDLPES and PLEOS, and ALLSUBES to observers");
}
END_TEST

START_TEST(identifies_nothing_but_itself)
{
	discover_on(0, HARNESS_HOSTNQN);
	for (unsigned cns = 0; cns < 256; cns++) {
		int r = host_identify(&scene.controller, cns, 0, 0, big);

		if (cns == NVME_CNS_CONTROLLER) {
			ck_assert_int_eq(r, 0);
			continue;
		}
		ck_assert_int_eq(r, HOST_E_STATUS);
		expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	}
	expect_location(NVME_ADMIN_IDENTIFY, 40);
	scene_disconnect();
	shows("Base 2.1 §3.1.3.3",
	      "a discovery controller identifies itself (CNS 01h): each other CNS is Invalid Field "
	      "with DNR, in byte 40");
}
END_TEST

/* Of a feature's data, if it has some where there is that feature. */
static uint32_t feature_bytes(unsigned fid)
{
	switch (fid) {
	case NVME_FEATURE_HOST_BEHAVIOR:
		return 512;
	case NVME_FEATURE_HOST_IDENTIFIER:
		return 16;
	}
	return 0;
}

START_TEST(has_no_features_but_events_or_keep_alive)
{
	struct nvme_log_features features;

	discover_on(0, HARNESS_HOSTNQN);
	for (unsigned fid = 0; fid < 256; fid++) {
		bool is_there = fid == NVME_FEATURE_ASYNC_EVENT_CONFIG ||
		                fid == NVME_FEATURE_KEEP_ALIVE_TIMER;
		uint32_t bytes = feature_bytes(fid);
		int r = host_get_feature(&scene.controller, (uint8_t)fid, bytes != 0, big, bytes);

		ck_assert_int_eq(r, is_there ? 0 : HOST_E_STATUS);
		if (!is_there)
			expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	}
	expect_location(NVME_ADMIN_GET_FEATURES, 40);
	expect_status(get_log_with(NVME_LOG_FEATURES, 0, 0, &features, sizeof(features)), 0);
	for (unsigned fid = 0; fid < 256; fid++)
		ck_assert_uint_eq(le32_get(features.feature[fid]) & 1,
		                  fid == NVME_FEATURE_ASYNC_EVENT_CONFIG ||
		                          fid == NVME_FEATURE_KEEP_ALIVE_TIMER);
	scene_disconnect();
	shows("Base 2.1 §3.1.3.3",
	      "a discovery controller has the features 0Bh and 0Fh, which its log 12h names: each "
	      "other FID is Invalid Field with DNR, in byte 40");
}
END_TEST

START_TEST(tells_of_no_events_but_its_own)
{
	discover_on(0, HARNESS_HOSTNQN);
	ck_assert_int_eq(
		host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, 1u << 8),
		HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	expect_location(NVME_ADMIN_SET_FEATURES, 44);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.5",
	      "an event that the controller does not have cannot be asked for: Invalid Field with "
	      "DNR, in byte 44");
}
END_TEST

START_TEST(carries_out_no_other_command)
{
	static const uint8_t may[] = {0x02, 0x06, 0x08, 0x09, 0x0a, 0x0c, 0x18, 0x7f};

	discover_on(0, HARNESS_HOSTNQN);
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		struct host_request request = {.command = {.opcode = (uint8_t)opcode}};

		if (memchr(may, (int)opcode, sizeof(may)))
			continue;
		expect_status(scene_admin(&request), DNR(NVME_SC_INVALID_OPCODE));
	}
	expect_location(0xff, 0);
	scene_disconnect();
	shows("Base 2.1 §3.1.3.3",
	      "a discovery controller has Identify, Get Log Page, Set and Get Features, Abort, "
	      "Asynchronous Event Request, Keep Alive: each other opcode is Invalid Command Opcode "
	      "with DNR");
}
END_TEST

START_TEST(has_no_io_queues)
{
	struct host_queue queue;

	discover_on(0, HARNESS_HOSTNQN);
	ck_assert_int_eq(host_controller_open_queue(&scene.controller, &queue, 1, 32, 8),
	                 HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_CONNECT_INVALID_PARAMETERS));
	ck_assert_uint_eq(scene.controller.result,
	                  offsetof(struct nvme_connect_command, qid)); /* IATTR 0: the command */
	scene_disconnect();
	shows("Base 2.1 §3.1.3.3",
	      "a discovery controller has no I/O queues: Connect with a QID is Connect Invalid "
	      "Parameters with DNR, in the QID of the command");
}
END_TEST

START_TEST(tells_nothing_before_it_is_enabled)
{
	scene.options = discovery_on(0, HARNESS_HOSTNQN);
	host_must(&scene.controller, host_controller_connect(&scene.controller, &scene.options));
	expect_status(get_log_with(NVME_LOG_DISCOVERY, 0, 0, big, 1024),
	              DNR(NVME_SC_COMMAND_SEQUENCE));
	scene_disconnect();
	shows("Base 2.1 §3.5.1",
	      "an admin command before CC.EN is Command Sequence Error with DNR");
}
END_TEST

START_TEST(says_where_a_connect_to_a_wrong_name_is_wrong)
{
	scene.options = discovery_on(0, HARNESS_HOSTNQN);
	scene.options.subnqn = UNIQUE;
	ck_assert_int_eq(host_controller_connect(&scene.controller, &scene.options), HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_CONNECT_INVALID_PARAMETERS));
	ck_assert_uint_eq(scene.controller.result, 1u << 16 | 256);
	host_controller_close(&scene.controller);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusals of discovery");

	describe_running(suite,
	                 "a discovery controller",
	                 given_discovery,
	                 scene_stop,
	                 refuses_an_offset_past_the_end_of_the_log,
	                 refuses_an_offset_within_a_dword,
	                 refuses_more_than_mdts,
	                 refuses_an_offset_that_is_an_index,
	                 has_the_logs_that_it_says,
	                 identifies_nothing_but_itself,
	                 has_no_features_but_events_or_keep_alive,
	                 tells_of_no_events_but_its_own,
	                 carries_out_no_other_command,
	                 has_no_io_queues,
	                 tells_nothing_before_it_is_enabled,
	                 says_where_a_connect_to_a_wrong_name_is_wrong);
	return harness_run(suite);
}
