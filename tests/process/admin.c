/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a controller: properties, keep-alive, features, log pages. */
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS        5000u
#define ANY_CONTROLLER 0xffffu /* CNTID: the one that is asked */
#define AEC_NS_CHANGED (1u << 8)

static void given_a_set(void)
{
	scene_start(NULL);
}

static uint64_t property(uint32_t offset, bool is_64_bit)
{
	uint64_t value;

	host_must(&scene.controller,
	          host_property_get(&scene.controller, offset, is_64_bit, &value));
	return value;
}

/* ------------------------------------------------------------------ properties */

START_TEST(says_its_version)
{
	scene_connect();
	ck_assert_uint_ge(scene.controller.vs, 0x10400);
	scene_disconnect();
}
END_TEST

START_TEST(has_a_cap_that_linux_can_use)
{
	uint64_t cap;

	scene_connect();
	cap = scene.controller.cap;
	ck_assert_uint_ge((cap & 0xffff) + 1, 128); /* MQES */
	ck_assert_uint_ne(cap >> 16 & 1, 0);        /* CQR */
	ck_assert_uint_gt(cap >> 24 & 0xff, 0);     /* TO */
	ck_assert_uint_ne(cap >> 37 & 1, 0);        /* CSS: NVM */
	ck_assert_uint_eq(cap >> 48 & 0xf, 0);      /* MPSMIN: 4 KiB */
	scene_disconnect();
}
END_TEST

START_TEST(keeps_what_was_set_in_cc)
{
	scene_connect();
	ck_assert_uint_eq(property(NVME_PROPERTY_CC, false) & 0xf, NVME_CC_EN);
	ck_assert_uint_eq(property(NVME_PROPERTY_CC, false) >> 16 & 0xff, 0x46);
	scene_disconnect();
}
END_TEST

START_TEST(is_not_ready_once_it_is_disabled)
{
	scene_connect();
	host_must(&scene.controller,
	          host_property_set(&scene.controller, NVME_PROPERTY_CC, false, 0x460000));
	for (unsigned i = 0; i < 500 && property(NVME_PROPERTY_CSTS, false) & NVME_CSTS_RDY; i++)
		harness_pause(10);
	ck_assert_uint_eq(property(NVME_PROPERTY_CSTS, false) & NVME_CSTS_RDY, 0);
	scene_disconnect();
	shows("Base 2.1 §3.1.4.6", "CC.EN to 0: CSTS.RDY becomes 0");
}
END_TEST

START_TEST(can_be_enabled_again)
{
	uint64_t cc = 0x460000;
	uint8_t data[4096];
	uint16_t granted;

	scene_connect();
	host_queue_close(&scene.queue);
	host_must(&scene.controller,
	          host_property_set(&scene.controller, NVME_PROPERTY_CC, false, cc));
	for (unsigned i = 0; i < 500 && property(NVME_PROPERTY_CSTS, false) & NVME_CSTS_RDY; i++)
		harness_pause(10);
	host_must(&scene.controller, host_controller_enable(&scene.controller));
	host_must(&scene.controller, host_controller_queues(&scene.controller, 1, &granted));
	host_must(&scene.controller,
	          host_controller_open_queue(&scene.controller, &scene.queue, 1, 32, 8));
	expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	scene_disconnect();
}
END_TEST

START_TEST(says_when_its_shutdown_is_complete)
{
	scene_connect();
	host_must(&scene.controller, host_controller_shutdown(&scene.controller));
	ck_assert_uint_eq(property(NVME_PROPERTY_CSTS, false) & 0xc, NVME_CSTS_SHST_COMPLETE);
	scene_disconnect();
	shows("Base 2.1 §3.6.2", "CC.SHN: CSTS.SHST says when the shutdown is complete");
}
END_TEST

START_TEST(ends_its_io_queues_with_its_admin_queue)
{
	scene_connect();
	host_controller_close(&scene.controller);
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, WAIT_MS));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ keep-alive */

START_TEST(is_ended_when_keep_alive_has_expired)
{
	uint64_t begin_ns;

	scene.options.kato_ms = 2000;
	scene_connect();
	begin_ns = clock_now_ns();
	connection_must(&scene.controller.admin.connection,
	                host_connection_await_end(&scene.controller.admin.connection, 10000));
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 1900 * NS_PER_MS);
	/* KATO and a second; what is more is the machine's, on which others work too */
	ck_assert_uint_le(clock_now_ns() - begin_ns, 4500 * NS_PER_MS);
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, WAIT_MS));
	scene_disconnect();
	shows("Base 2.1 §3.9.5", "KATO expires: all queues of the controller end");
}
END_TEST

START_TEST(lives_on_as_long_as_it_is_kept_alive)
{
	scene.options.kato_ms = 1000;
	scene_connect();
	for (unsigned i = 0; i < 16; i++) {
		harness_pause(300);
		host_must(&scene.controller, host_keep_alive(&scene.controller));
	}
	scene_disconnect();
}
END_TEST

START_TEST(lives_on_as_long_as_there_is_traffic)
{
	uint8_t data[4096];

	scene.options.kato_ms = 1000;
	scene_connect();
	for (unsigned i = 0; i < 16; i++) {
		harness_pause(300);
		expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	}
	host_must(&scene.controller, host_keep_alive(&scene.controller));
	scene_disconnect();
	shows("Base 2.1 §3.9.4", "TBKAS: I/O alone keeps a controller alive");
}
END_TEST

START_TEST(needs_no_keep_alive_without_a_timeout)
{
	scene_connect();
	ck_assert_int_eq(host_keep_alive(&scene.controller), HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_KEEP_ALIVE_INVALID));
	harness_pause(3000);
	scene_expect_ready();
	scene_disconnect();
	shows("Base 2.1 §5.1.14", "Keep Alive without KATO is Keep Alive Timeout Invalid with DNR");
}
END_TEST

START_TEST(takes_another_keep_alive_timeout_by_set_features)
{
	scene.options.kato_ms = 60000;
	scene_connect();
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_KEEP_ALIVE_TIMER, 2000));
	host_must(&scene.controller,
	          host_get_feature(&scene.controller, NVME_FEATURE_KEEP_ALIVE_TIMER, 0, NULL, 0));
	ck_assert_uint_eq(scene.controller.result, 2000);
	connection_must(&scene.controller.admin.connection,
	                host_connection_await_end(&scene.controller.admin.connection, 10000));
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.8", "KATO can be changed");
}
END_TEST

/* ------------------------------------------------------------------ features */

static uint32_t feature(uint8_t fid)
{
	host_must(&scene.controller, host_get_feature(&scene.controller, fid, 0, NULL, 0));
	return scene.controller.result;
}

START_TEST(has_a_volatile_write_cache)
{
	scene_connect();
	ck_assert_uint_eq(feature(NVME_FEATURE_VOLATILE_WRITE_CACHE) & 1, 1);
	scene_disconnect();
}
END_TEST

START_TEST(remembers_which_events_are_wanted)
{
	scene_connect();
	host_must(&scene.controller,
	          host_set_feature(
			  &scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, AEC_NS_CHANGED));
	ck_assert_uint_eq(feature(NVME_FEATURE_ASYNC_EVENT_CONFIG), AEC_NS_CHANGED);
	scene_disconnect();
}
END_TEST

START_TEST(says_the_host_identifier)
{
	uint8_t hostid[16];

	scene_connect();
	host_must(&scene.controller,
	          host_get_feature(&scene.controller,
	                           NVME_FEATURE_HOST_IDENTIFIER,
	                           1,
	                           hostid,
	                           sizeof(hostid)));
	ck_assert_mem_eq(hostid, scene.options.hostid, sizeof(hostid));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ identify, log pages */

START_TEST(serves_each_identify_that_linux_asks_for)
{
	static const struct {
		uint32_t cns;
		uint32_t nsid;
	} kinds[] = {
		{NVME_CNS_NAMESPACE,                           1},
		{NVME_CNS_CONTROLLER,                          0},
		{NVME_CNS_ACTIVE_NAMESPACES,                   0},
		{NVME_CNS_NAMESPACE_DESCRIPTORS,               1},
		{NVME_CNS_CSI_NAMESPACE,                       1},
		{NVME_CNS_CSI_CONTROLLER,                      0},
		{NVME_CNS_CSI_ACTIVE_NAMESPACES,               0},
		{NVME_CNS_INDEPENDENT_NAMESPACE,               1},
		{NVME_CNS_COMMAND_SETS | ANY_CONTROLLER << 16, 0},
	};
	uint8_t page[NVME_IDENTIFY_SIZE];

	scene_connect();
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		host_must(&scene.controller,
		          host_identify(&scene.controller, kinds[i].cns, kinds[i].nsid, 0, page));
	scene_disconnect();
}
END_TEST

START_TEST(has_the_log_pages_that_hosts_rely_on)
{
	struct le32 supported[256];

	scene_connect();
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_SUPPORTED,
	                       false,
	                       0,
	                       supported,
	                       sizeof(supported)));
	ck_assert(le32_get(supported[NVME_LOG_ERROR]) & 1);
	ck_assert(le32_get(supported[NVME_LOG_SMART]) & 1);
	ck_assert(le32_get(supported[NVME_LOG_FIRMWARE_SLOT]) & 1);
	ck_assert(le32_get(supported[NVME_LOG_CHANGED_NAMESPACES]) & 1);
	ck_assert(le32_get(supported[NVME_LOG_COMMAND_EFFECTS]) & 1);
	ck_assert(le32_get(supported[NVME_LOG_ANA]) & 1);
	scene_disconnect();
}
END_TEST

START_TEST(logs_a_command_that_failed)
{
	struct nvme_error_entry entry;
	uint8_t data[4096];

	scene_connect();
	(void)scene_io(NVME_IO_READ, 2, scene.spaces[2].blocks, 1, data);
	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_ERROR, false, 0, &entry, sizeof(entry)));
	ck_assert_uint_eq(le64_get(entry.error_count), 1);
	ck_assert_uint_eq(le16_get(entry.sqid), 1);
	ck_assert_uint_eq(le16_get(entry.status) >> 1 & 0x7ff, NVME_SC_LBA_RANGE);
	ck_assert_uint_eq(le32_get(entry.nsid), 2);
	ck_assert_uint_eq(le64_get(entry.lba), scene.spaces[2].blocks);
	scene_disconnect();
}
END_TEST

START_TEST(counts_what_was_read)
{
	uint8_t page[512], data[4096];
	struct le64 reads;

	scene_connect();
	for (unsigned i = 0; i < 10; i++)
		expect_good(scene_io(NVME_IO_READ, 2, i, 1, data));
	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_SMART, false, 0, page, sizeof(page)));
	memcpy(&reads, page + 64, sizeof(reads));
	ck_assert_uint_eq(le64_get(reads), 10);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ queue depth */

START_TEST(slows_down_a_host_that_goes_beyond_its_queue_depth)
{
	static uint8_t data[SCENE_COMMANDS][4096];
	struct host_request requests[SCENE_COMMANDS];

	scene.entries = 4;
	scene_connect();
	for (unsigned i = 0; i < SCENE_COMMANDS; i++) {
		scene_fill(data[i], sizeof(data[i]), i);
		requests[i] = host_io(&scene.spaces[2], NVME_IO_WRITE, i, 1, data[i]);
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
	}
	for (unsigned i = 0; i < SCENE_COMMANDS; i++)
		queue_must(&scene.queue, host_queue_await(&scene.queue, &requests[i], WAIT_MS));
	for (unsigned i = 0; i < SCENE_COMMANDS; i++)
		scene_read_back(2, i, 1, i);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admin");

	describe_running(suite,
	                 "a controller",
	                 given_a_set,
	                 scene_stop,
	                 says_its_version,
	                 has_a_cap_that_linux_can_use,
	                 keeps_what_was_set_in_cc,
	                 is_not_ready_once_it_is_disabled,
	                 can_be_enabled_again,
	                 says_when_its_shutdown_is_complete,
	                 ends_its_io_queues_with_its_admin_queue,
	                 is_ended_when_keep_alive_has_expired,
	                 lives_on_as_long_as_it_is_kept_alive,
	                 lives_on_as_long_as_there_is_traffic,
	                 needs_no_keep_alive_without_a_timeout,
	                 takes_another_keep_alive_timeout_by_set_features,
	                 has_a_volatile_write_cache,
	                 remembers_which_events_are_wanted,
	                 says_the_host_identifier,
	                 serves_each_identify_that_linux_asks_for,
	                 has_the_log_pages_that_hosts_rely_on,
	                 logs_a_command_that_failed,
	                 counts_what_was_read,
	                 slows_down_a_host_that_goes_beyond_its_queue_depth);
	return harness_run(suite);
}
