/* SPDX-License-Identifier: BSD-2-Clause */
/* Write protection of a namespace: from when it is set, no write is done, whoever's it is. */
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/log.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define BYTE(field)      offsetof(struct nvme_command, field)
#define WAIT_MS          20000u
#define AEC_NS_CHANGED   (1u << 8)
#define EVENT_NS_CHANGED (2u | (unsigned)NVME_LOG_CHANGED_NAMESPACES << 16)
#define DELAY_MS         400u

static char text[65536];
static struct host_controller other; /* of the same host, on another connection */

/* Namespace 1 is a file, 2 and 3 are RAM: writes to 2 are late, and of 3 there is an io grant. */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[1] = (struct harness_namespace){
		.nsid = 2, .path = "ram:4M", .has_faults = true, .faults = {"write delay=400ms"}};
	exports.subsystems[0].namespaces[2] = (struct harness_namespace){
		.nsid = 3, .path = "ram:4M", .has_io_grant = true};
	scene_start(&exports);
}

static void connect_both(void)
{
	other = HOST_CONTROLLER_NULL;
	scene_connect();
	harness_connect_as(&scene.options, &other);
}

static void disconnect_both(void)
{
	host_controller_close(&other);
	scene_disconnect();
}

static struct host_request setting(uint32_t nsid, uint32_t state)
{
	return (struct host_request){
		.command = {.opcode = NVME_ADMIN_SET_FEATURES,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(NVME_FEATURE_WRITE_PROTECTION),
	                    .cdw11 = le32_of(state)}
        };
}

static void set(struct host_controller *controller, uint32_t nsid, uint32_t state)
{
	struct host_request request = setting(nsid, state);

	host_must(controller, host_admin(controller, &request));
}

static uint32_t get(uint32_t nsid)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_FEATURES,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(NVME_FEATURE_WRITE_PROTECTION)}
        };

	expect_good(scene_admin(&request));
	return le32_get(request.completion.dw0);
}

static void expect_protected(uint32_t nsid, bool is_protected)
{
	struct host_namespace space;

	ck_assert_uint_eq(get(nsid), is_protected);
	host_must(&scene.controller, host_namespace_identify(&scene.controller, nsid, &space));
	ck_assert(space.is_read_only == is_protected);
}

static struct nvme_status write_block(uint32_t nsid)
{
	uint8_t data[4096] = {0};

	return scene_io(NVME_IO_WRITE, nsid, 0, 1, data);
}

/* ------------------------------------------------------------------ states */

START_TEST(is_off_at_first)
{
	scene_connect();
	for (uint32_t nsid = 1; nsid <= 3; nsid++)
		expect_protected(nsid, false);
	scene_disconnect();
}
END_TEST

START_TEST(can_be_turned_on_and_off)
{
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		scene_connect();
		set(&scene.controller, nsid, NVME_WPS_PROTECTED);
		expect_protected(nsid, true);
		expect_status(write_block(nsid), DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
		set(&scene.controller, nsid, NVME_WPS_NONE);
		expect_protected(nsid, false);
		expect_good(write_block(nsid));
		scene_disconnect();
	}
	shows("Base 2.1 §8.1.16",
	      "a namespace that is write protected (feature 84h) says so in NSATTR; a write is "
	      "Namespace "
	      "is Write Protected; with the answer to Set Features it holds, on all paths");
}
END_TEST

START_TEST(is_of_one_namespace)
{
	scene_connect();
	set(&scene.controller, 1, NVME_WPS_PROTECTED);
	expect_protected(2, false);
	expect_good(write_block(3));
	set(&scene.controller, 1, NVME_WPS_NONE);
	scene_disconnect();
}
END_TEST

START_TEST(can_be_of_all_namespaces)
{
	scene_connect();
	set(&scene.controller, NVME_NSID_ALL, NVME_WPS_PROTECTED);
	for (uint32_t nsid = 1; nsid <= 3; nsid++)
		expect_protected(nsid, true);
	set(&scene.controller, NVME_NSID_ALL, NVME_WPS_NONE);
	for (uint32_t nsid = 1; nsid <= 3; nsid++)
		expect_protected(nsid, false);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.31", "NSID FFFFFFFFh sets all namespaces that are attached");
}
END_TEST

START_TEST(refuses_all_that_changes_blocks)
{
	struct nvme_dsm_range range = {.blocks = le32_of(8)};
	struct host_request zeroes, deallocate;
	uint8_t data[4096];

	scene_connect();
	scene_write(1, 0, 8, 5);
	set(&scene.controller, 1, NVME_WPS_PROTECTED);
	zeroes = host_io(&scene.spaces[1], NVME_IO_WRITE_ZEROES, 0, 8, NULL);
	expect_status(scene_execute(&zeroes), DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	deallocate = (struct host_request){
		.command = {.opcode = NVME_IO_DATASET_MANAGEMENT,
	                    .nsid = le32_of(1),
	                    .cdw11 = le32_of(NVME_DSM_AD)},
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.data = &range,
		.length = sizeof(range),
	};
	expect_status(scene_execute(&deallocate), DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	expect_good(scene_io(NVME_IO_FLUSH, 1, 0, 0, data));
	scene_read_back(1, 0, 8, 5);
	set(&scene.controller, 1, NVME_WPS_NONE);
	scene_disconnect();
	shows("NVM 1.1 §5.9",
	      "Write, Write Zeroes and Dataset Management are refused, Read and Flush are not");
}
END_TEST

START_TEST(has_no_other_states)
{
	scene_connect();
	for (uint32_t state = NVME_WPS_UNTIL_POWER_CYCLE; state <= 7; state++) {
		struct host_request request = setting(1, state);

		scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw11));
	}
	expect_protected(1, false);
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.31",
	      "NWPC is 1: Write Protect Until Power Cycle, Permanent Write Protect and reserved "
	      "states "
	      "are Invalid Field, DNR");
}
END_TEST

/* ------------------------------------------------------------------ others */

START_TEST(waits_for_writes_that_are_on_their_way)
{
	static uint8_t data[8][4096];
	struct host_request writes[8];
	uint8_t block[4096];
	uint64_t begin_ns;

	connect_both();
	for (unsigned i = 0; i < 8; i++) {
		scene_fill(data[i], sizeof(data[i]), i);
		writes[i] = host_io(&scene.spaces[2],
		                    NVME_IO_WRITE,
		                    i * 8,
		                    4096 / scene.spaces[2].block_bytes,
		                    data[i]);
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &writes[i]));
	}
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	/* What comes behind them on the same connection is answered: they were admitted. */
	begin_ns = clock_now_ns();
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, block));
	set(&other, 2, NVME_WPS_PROTECTED);
	ck_assert_uint_ge(clock_now_ns() - begin_ns, DELAY_MS / 2 * NS_PER_MS);
	for (unsigned i = 0; i < 8; i++) {
		queue_must(&scene.queue, host_queue_await(&scene.queue, &writes[i], WAIT_MS));
		scene_read_back(2, i * 8, 4096 / scene.spaces[2].block_bytes, i);
	}
	expect_status(write_block(2), DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	set(&other, 2, NVME_WPS_NONE);
	disconnect_both();
}
END_TEST

START_TEST(is_told_to_all_hosts)
{
	struct host_request event = host_event_request();
	struct le32 list[1024];

	connect_both();
	host_must(&other,
	          host_set_feature(&other, NVME_FEATURE_ASYNC_EVENT_CONFIG, AEC_NS_CHANGED));
	queue_must(&other.admin, host_queue_submit(&other.admin, &event));
	queue_must(&other.admin, host_queue_flush(&other.admin));
	set(&scene.controller, 3, NVME_WPS_PROTECTED);
	queue_must(&other.admin, host_queue_await(&other.admin, &event, WAIT_MS));
	ck_assert_uint_eq(le32_get(event.completion.dw0), EVENT_NS_CHANGED);
	host_must(&other,
	          host_get_log(&other, NVME_LOG_CHANGED_NAMESPACES, false, 0, list, sizeof(list)));
	ck_assert_uint_eq(le32_get(list[0]), 3);
	ck_assert_uint_eq(le32_get(list[1]), 0);
	set(&scene.controller, 3, NVME_WPS_NONE);
	disconnect_both();
	shows("Base 2.1 §8.1.16",
	      "a change of write protection is a Namespace Attribute Changed event");
}
END_TEST

START_TEST(is_shown_to_the_operator)
{
	scene_connect();
	set(&scene.controller, 1, NVME_WPS_PROTECTED);
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "ready, write protected"));
	set(&scene.controller, 1, NVME_WPS_NONE);
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
	ck_assert_ptr_null(strstr(text, "write protected"));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ deaths, changes */

START_TEST(survives_the_state_service)
{
	scene_connect();
	set(&scene.controller, 1, NVME_WPS_PROTECTED);
	harness_kill(scene.harness, "state");
	expect_protected(1, true);
	expect_status(write_block(1), DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	scene_disconnect();
}
END_TEST

START_TEST(survives_the_end_of_the_whole_set)
{
	scene_connect();
	set(&scene.controller, 1, NVME_WPS_PROTECTED);
	scene_disconnect();
	harness_end(scene.harness);
	harness_launch(scene.harness, false);
	harness_await_service(scene.harness);
	scene_connect();
	expect_protected(1, true);
	expect_protected(2, false);
	expect_status(write_block(1), DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	scene_disconnect();
	shows("Base 2.1 §8.1.16",
	      "the state of write protection lasts over a restart of all of it");
}
END_TEST

START_TEST(stays_with_the_store_when_the_configuration_changes)
{
	struct harness_exports exports = scene.harness->exports;

	scene_connect();
	set(&scene.controller, 1, NVME_WPS_PROTECTED);
	exports.subsystems[0].namespaces[0].is_disabled = true;
	harness_restore(scene.harness, &exports);
	exports.subsystems[0].namespaces[0].is_disabled = false;
	harness_restore(scene.harness, &exports);
	expect_protected(1, true);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("write protection");

	describe_running(suite,
	                 "write protection",
	                 given_a_set,
	                 scene_stop,
	                 is_off_at_first,
	                 can_be_turned_on_and_off,
	                 is_of_one_namespace,
	                 can_be_of_all_namespaces,
	                 refuses_all_that_changes_blocks,
	                 has_no_other_states,
	                 waits_for_writes_that_are_on_their_way,
	                 is_told_to_all_hosts,
	                 is_shown_to_the_operator);
	describe_alone(suite,
	               "write protection that was set",
	               given_a_set,
	               scene_stop,
	               survives_the_state_service,
	               survives_the_end_of_the_whole_set,
	               stays_with_the_store_when_the_configuration_changes);
	return harness_run(suite);
}
