/* SPDX-License-Identifier: BSD-2-Clause */
/* Set Features and Get Features (Base 2.1 §5.1.11, §5.1.25). */
#include <string.h>

#include "services/state/change.h"
#include "services/state/event.h"
#include "tests/unit/state/stage.h"

#define SELECT(n) ((n) << 8)
#define SAVE      (1u << 31)

enum {
	ARBITRATION = 0x01,
	POWER = 0x02,
	TEMPERATURE = 0x04,
	ERROR_RECOVERY = 0x05,
	WRITE_CACHE = 0x06,
	QUEUES = 0x07,
	ATOMICITY = 0x0a,
	EVENTS = 0x0b,
	KEEP_ALIVE = 0x0f,
	BEHAVIOR = 0x16,
	HOST_ID = 0x81,
	PROTECTION = 0x84,
};

static const uint8_t all[] = {ARBITRATION,
                              POWER,
                              TEMPERATURE,
                              ERROR_RECOVERY,
                              WRITE_CACHE,
                              QUEUES,
                              ATOMICITY,
                              EVENTS,
                              KEEP_ALIVE,
                              BEHAVIOR,
                              HOST_ID,
                              PROTECTION};

static void given_a_controller(void)
{
	stage_open();
	stage_ready();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
}

static void given_a_discovery_controller(void)
{
	stage_open();
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
}

static struct nvme_status set(uint32_t feature, uint32_t value)
{
	return stage_admin(NVME_ADMIN_SET_FEATURES, 0, feature, value);
}

static void expect_value(uint32_t feature, uint32_t value)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, feature, 0), 0);
	ck_assert_uint_eq(stage.reply.result, value);
}

START_TEST(grants_as_many_queues_as_asked_for)
{
	expect_status(set(QUEUES, 3 << 16 | 3), 0);
	ck_assert_uint_eq(stage.reply.result, 3 << 16 | 3);
	ck_assert_uint_eq(stage.session->io_queues, 4);
	ck_assert(stage.reply.session_changed);
	expect_value(QUEUES, 3 << 16 | 3);
}
END_TEST

START_TEST(grants_no_more_queues_than_qid_max)
{
	expect_status(set(QUEUES, 63 << 16 | 63), 0);
	ck_assert_uint_eq(stage.reply.result, 7 << 16 | 7);
	ck_assert_uint_eq(stage.session->io_queues, 8);
}
END_TEST

START_TEST(grants_pairs_of_queues)
{
	expect_status(set(QUEUES, 5 << 16 | 1), 0);
	ck_assert_uint_eq(stage.reply.result, 5 << 16 | 5);
}
END_TEST

START_TEST(refuses_65536_queues)
{
	expect_status(set(QUEUES, 0xffff), DNR(0x002));
	expect_status(set(QUEUES, 0xffff0000), DNR(0x002));
	ck_assert_uint_eq(stage.session->io_queues, 0);
	ck_assert_uint_eq(stage.reply.error_location, 46 + 1);
}
END_TEST

START_TEST(takes_the_events_that_it_has)
{
	expect_status(set(EVENTS, 0x900), 0);
	ck_assert_uint_eq(stage.session->async_event_config, 0x900);
	expect_value(EVENTS, 0x900);
	expect_status(set(EVENTS, 0x1f), 0);
}
END_TEST

START_TEST(refuses_events_that_it_does_not_have)
{
	expect_status(set(EVENTS, 0x900 | 1u << 14), DNR(0x002));
	expect_status(set(EVENTS, 1u << 31), DNR(0x002));
	expect_status(set(EVENTS, 1u << 9), DNR(0x002));
	ck_assert_uint_eq(stage.session->async_event_config, 0);
}
END_TEST

START_TEST(rounds_the_keep_alive_up)
{
	expect_status(set(KEEP_ALIVE, 1500), 0);
	expect_value(KEEP_ALIVE, 2000);
	ck_assert_uint_eq(stage.session->kato_ms, 2000);
}
END_TEST

START_TEST(refuses_a_keep_alive_that_cannot_be_rounded)
{
	expect_status(set(KEEP_ALIVE, UINT32_MAX), DNR(0x002));
}
END_TEST

START_TEST(keeps_the_write_cache_on)
{
	expect_status(set(WRITE_CACHE, 1), 0);
	expect_status(set(WRITE_CACHE, 0), DNR(0x10e));
	expect_value(WRITE_CACHE, 1);
}
END_TEST

START_TEST(does_not_take_a_host_identifier)
{
	expect_status(set(HOST_ID, 1), DNR(0x00c));
}
END_TEST

START_TEST(gives_the_host_identifier)
{
	stage.session->host_id[15] = 9;
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, HOST_ID, 1), 0);
	ck_assert_uint_eq(stage.reply.length, 16);
	ck_assert_mem_eq(stage.reply.data, stage.session->host_id, 16);
}
END_TEST

START_TEST(gives_no_half_of_the_host_identifier)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, HOST_ID, 0), DNR(0x002));
}
END_TEST

START_TEST(saves_nothing)
{
	for (size_t i = 0; i < sizeof(all); i++) {
		expect_status(set(all[i] | SAVE, 1), DNR(0x10d));
		ck_assert_uint_eq(stage.reply.error_location, 43 + 1);
	}
}
END_TEST

START_TEST(tells_defaults)
{
	set(EVENTS, 0x900);
	expect_value(EVENTS | SELECT(1), 0);
	expect_value(EVENTS | SELECT(2), 0);
	expect_value(QUEUES | SELECT(1), 7 << 16 | 7);
	expect_value(WRITE_CACHE | SELECT(1), 1);
}
END_TEST

START_TEST(tells_what_can_be_changed)
{
	expect_value(EVENTS | SELECT(3), 4);
	expect_value(KEEP_ALIVE | SELECT(3), 4);
	expect_value(QUEUES | SELECT(3), 4);
	expect_value(WRITE_CACHE | SELECT(3), 0);
	expect_value(HOST_ID | SELECT(3), 0);
	ck_assert_uint_eq(stage.reply.length, 0);
	expect_value(BEHAVIOR | SELECT(3), 4);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 1, ERROR_RECOVERY | SELECT(3), 0), 0);
	ck_assert_uint_eq(stage.reply.result, 6);
}
END_TEST

START_TEST(refuses_a_reserved_selection)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, EVENTS | SELECT(4), 0), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 41 + 1);
}
END_TEST

/* ------------------------------------------------------------------ words of the host */

START_TEST(keeps_how_to_arbitrate)
{
	expect_value(ARBITRATION, 7);
	expect_status(set(ARBITRATION, 0x030201fb), 0);
	ck_assert(stage.reply.session_changed);
	expect_value(ARBITRATION, 0x03020103);
	expect_value(ARBITRATION | SELECT(1), 7);
}
END_TEST

START_TEST(keeps_whether_writes_must_be_atomic)
{
	expect_status(set(ATOMICITY, 0xffffffff), 0);
	expect_value(ATOMICITY, 1);
	expect_value(ATOMICITY | SELECT(1), 0);
}
END_TEST

START_TEST(has_one_power_state)
{
	expect_status(set(POWER, 0), 0);
	expect_status(set(POWER, 1), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 44 + 1);
	expect_status(set(POWER, 2 << 5), 0);
	expect_value(POWER, 2 << 5);
	expect_status(set(POWER, 3 << 5), DNR(0x002));
	expect_value(POWER, 2 << 5);
}
END_TEST

START_TEST(has_thresholds_of_the_composite_temperature)
{
	expect_value(TEMPERATURE, 0xffff);
	expect_status(set(TEMPERATURE, 350), 0);
	expect_status(set(TEMPERATURE, 1u << 20 | 0xfu << 16 | 270), 0);
	expect_value(TEMPERATURE, 350);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, TEMPERATURE, 1u << 20), 0);
	ck_assert_uint_eq(stage.reply.result, 1u << 20 | 270);
	expect_value(TEMPERATURE | SELECT(2), 0xffff);
}
END_TEST

START_TEST(has_no_thresholds_of_sensors)
{
	static const uint32_t wrong[] = {
		1u << 16, 8u << 16, 9u << 16, 2u << 20, 3u << 20, 1u << 22};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_status(set(TEMPERATURE, wrong[i] | 300), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 46 + 1);
		expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, TEMPERATURE, wrong[i]),
		              DNR(0x002));
	}
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, TEMPERATURE, 0xfu << 16), DNR(0x002));
	expect_value(TEMPERATURE, 0xffff);
}
END_TEST

/* ------------------------------------------------------------------ host behavior */

static struct nvme_status set_behavior(size_t bytes)
{
	struct nvme_status status;

	stage.data_bytes = bytes;
	status = set(BEHAVIOR, 0);
	stage.data_bytes = 0;
	return status;
}

START_TEST(keeps_what_its_host_can_cope_with)
{
	static const uint8_t wanted[512] = {1, 0, 0, 1};

	memcpy(stage.data, wanted, sizeof(wanted));
	expect_status(set_behavior(512), 0);
	ck_assert(stage.reply.session_changed);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, BEHAVIOR, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 512);
	ck_assert_mem_eq(stage.reply.data, wanted, 512);
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, BEHAVIOR | SELECT(1), 0), 0);
	ck_assert_uint_eq(stage.reply.data[0], 0);
}
END_TEST

START_TEST(wants_all_of_what_its_host_can_cope_with)
{
	stage.data[0] = 1;
	expect_status(set_behavior(511), DNR(0x00f));
	expect_status(set_behavior(0), DNR(0x00f));
	expect_status(set_behavior(4096), DNR(0x00f));
	ck_assert_uint_eq(stage.session->features.host_behavior[0], 0);
}
END_TEST

START_TEST(refuses_behavior_that_means_nothing)
{
	static const uint8_t wrong[][6] = {
		{2, 0, 0, 0, 0, 0},
		{1, 2, 0, 0, 0, 0},
		{1, 0, 1, 0, 0, 0},
		{1, 0, 0, 9, 0, 0},
		{1, 0, 0, 0, 4, 0},
		{1, 0, 0, 0, 0, 1}
        };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(stage.data, wrong[i], 6);
		expect_status(set_behavior(512), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 0);
	}
	ck_assert_uint_eq(stage.session->features.host_behavior[0], 0);
}
END_TEST

/* ------------------------------------------------------------------ of a namespace, or not */

static struct nvme_status set_of(uint32_t nsid, uint32_t feature, uint32_t value)
{
	return stage_admin(NVME_ADMIN_SET_FEATURES, nsid, feature, value);
}

static void expect_value_of(uint32_t nsid, uint32_t feature, uint32_t value)
{
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, nsid, feature, 0), 0);
	ck_assert_uint_eq(stage.reply.result, value);
}

START_TEST(sets_no_feature_of_its_own_for_a_namespace)
{
	for (size_t i = 0; i < sizeof(all); i++) {
		if (all[i] == ERROR_RECOVERY || all[i] == PROTECTION)
			continue;
		expect_status(set_of(1, all[i], 1), DNR(0x10f));
		ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
		expect_status(set_of(1025, all[i], 1), DNR(0x00b));
	}
	expect_status(set_of(NVME_NSID_ALL, EVENTS, 0x100), 0);
	expect_value_of(1, EVENTS, 0x100);
}
END_TEST

START_TEST(limits_errors_of_a_namespace)
{
	expect_status(set_of(2, ERROR_RECOVERY, 1234), 0);
	ck_assert(stage.reply.session_changed);
	expect_value_of(2, ERROR_RECOVERY, 1234);
	expect_value_of(1, ERROR_RECOVERY, 0);
	expect_value_of(2, ERROR_RECOVERY | SELECT(1), 0);
}
END_TEST

START_TEST(limits_errors_of_all_namespaces)
{
	expect_status(set_of(NVME_NSID_ALL, ERROR_RECOVERY, 7), 0);
	expect_value_of(1, ERROR_RECOVERY, 7);
	expect_value_of(2, ERROR_RECOVERY, 7);
	ck_assert_uint_eq(stage.session->features.error_recovery[2], 0); /* it is not there */
}
END_TEST

START_TEST(has_no_errors_of_deallocated_blocks)
{
	expect_status(set_of(1, ERROR_RECOVERY, 1u << 16), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 46 + 1);
}
END_TEST

START_TEST(knows_which_namespaces_can_be_and_which_are)
{
	static const struct {
		uint32_t nsid;
		unsigned status;
	} wrong[] = {
		{0,    DNR(0x00b)},
                {1025, DNR(0x00b)},
                {3,    DNR(0x002)},
                {7,    DNR(0x002)}
        };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_status(set_of(wrong[i].nsid, ERROR_RECOVERY, 1), wrong[i].status);
		ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
		expect_status(
			stage_admin(NVME_ADMIN_GET_FEATURES, wrong[i].nsid, ERROR_RECOVERY, 0),
			wrong[i].status);
	}
	expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, NVME_NSID_ALL, ERROR_RECOVERY, 0),
	              DNR(0x00b));
}
END_TEST

/* ------------------------------------------------------------------ write protection */

START_TEST(protects_a_namespace)
{
	uint64_t revision = stage.state.target.revision;

	expect_value_of(1, PROTECTION, 0);
	expect_status(set_of(1, PROTECTION, 1), 0);
	ck_assert(stage.reply.drains);
	ck_assert(stage_namespace(STAGE_SUBSYSTEM, 1)->backing->write_protected);
	ck_assert(!stage_namespace(STAGE_SUBSYSTEM, 2)->backing->write_protected);
	expect_value_of(1, PROTECTION, 1);
	expect_value_of(1, PROTECTION | SELECT(1), 0);
	ck_assert_uint_gt(stage.state.target.revision, revision);
	ck_assert_uint_eq(stage.session->events, SESSION_EVENT_NAMESPACE);
	ck_assert_uint_eq(stage.session->changed[0], 1);
}
END_TEST

/* Who asks again, after a death of the state service, must wait as well; but nothing is new. */
START_TEST(protects_a_namespace_once_more)
{
	uint64_t revision;

	set_of(1, PROTECTION, 1);
	event_forget(stage.session, SESSION_EVENT_NAMESPACE);
	revision = stage.state.target.revision;
	expect_status(set_of(1, PROTECTION, 1), 0);
	ck_assert(stage.reply.drains);
	ck_assert_uint_eq(stage.state.target.revision, revision);
	ck_assert_uint_eq(stage.session->events, 0);
}
END_TEST

/* A host that was away, or we, in the moment after. */
START_TEST(tells_others_after_its_end_what_was_protected)
{
	struct session *other = stage_connect(STAGE_OTHER, 1, STAGE_SUBSYSTEM);
	struct session *kept;
	struct session_message packed;

	other->revision = stage.state.target.revision;
	session_pack(&packed, other);
	ck_assert_int_eq(session_unpack(&kept, &packed.message), 0);
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	set_of(1, PROTECTION, 1);
	stage_reopen();
	ck_assert(stage_namespace(STAGE_SUBSYSTEM, 1)->backing->write_protected);
	change_catch_up(&stage.state, kept);
	ck_assert(kept->events & SESSION_EVENT_NAMESPACE);
	session_free(kept);
}
END_TEST

START_TEST(protects_all_namespaces)
{
	expect_status(set_of(NVME_NSID_ALL, PROTECTION, 1), 0);
	ck_assert(stage_namespace(STAGE_SUBSYSTEM, 1)->backing->write_protected);
	ck_assert(stage_namespace(STAGE_SUBSYSTEM, 2)->backing->write_protected);
	ck_assert(!stage_namespace(STAGE_PRIVATE, 1)->backing->write_protected);
}
END_TEST

START_TEST(protects_beyond_its_end)
{
	set_of(1, PROTECTION, 1);
	set_of(2, PROTECTION, 1);
	set_of(2, PROTECTION, 0);
	stage_reopen();
	ck_assert(stage_namespace(STAGE_SUBSYSTEM, 1)->backing->write_protected);
	ck_assert(!stage_namespace(STAGE_SUBSYSTEM, 2)->backing->write_protected);
}
END_TEST

START_TEST(protects_in_no_other_way)
{
	for (uint32_t state = 2; state < 8; state++) {
		expect_status(set_of(1, PROTECTION, state), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 44 + 1);
	}
	ck_assert(!stage_namespace(STAGE_SUBSYSTEM, 1)->backing->write_protected);
}
END_TEST

START_TEST(forgets_what_was_set_when_it_is_reset)
{
	static const uint8_t none[6];

	set(EVENTS, 0x900);
	set(QUEUES, 1);
	set(ARBITRATION, 3);
	set(TEMPERATURE, 300);
	set(KEEP_ALIVE, 9000);
	set_of(2, ERROR_RECOVERY, 5);
	stage.data[0] = 1;
	set_behavior(512);
	session_reset(stage.session);
	expect_value(EVENTS, 0);
	expect_value(QUEUES, 7 << 16 | 7);
	expect_value(ARBITRATION, 7);
	expect_value(TEMPERATURE, 0xffff);
	expect_value_of(2, ERROR_RECOVERY, 0);
	ck_assert_mem_eq(stage.session->features.host_behavior, none, 6);
	expect_value(KEEP_ALIVE, 9000); /* the association is still the same */
}
END_TEST

START_TEST(refuses_features_that_it_does_not_have)
{
	static const uint8_t unknown[] = {
		0, 3, 8, 9, 0x0c, 0x0d, 0x0e, 0x10, 0x11, 0x12, 0x17, 0x18, 0x80, 0xc0};

	for (size_t i = 0; i < sizeof(unknown); i++) {
		expect_status(set(unknown[i], 0), DNR(0x002));
		expect_status(stage_admin(NVME_ADMIN_GET_FEATURES, 0, unknown[i], 0), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 40 + 1);
	}
}
END_TEST

START_TEST(has_its_own_event)
{
	expect_status(set(EVENTS, 1u << 31), 0);
	expect_status(set(EVENTS, 0x100), DNR(0x002));
}
END_TEST

START_TEST(has_a_keep_alive)
{
	expect_status(set(KEEP_ALIVE, 30000), 0);
	expect_value(KEEP_ALIVE, 30000);
}
END_TEST

START_TEST(has_no_queues_for_io)
{
	for (size_t i = 0; i < sizeof(all); i++)
		if (all[i] != EVENTS && all[i] != KEEP_ALIVE)
			expect_status(set(all[i], 0), DNR(0x002));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("features");

	describe(suite,
	         "a controller",
	         given_a_controller,
	         stage_close,
	         grants_as_many_queues_as_asked_for,
	         grants_no_more_queues_than_qid_max,
	         grants_pairs_of_queues,
	         refuses_65536_queues,
	         takes_the_events_that_it_has,
	         refuses_events_that_it_does_not_have,
	         rounds_the_keep_alive_up,
	         refuses_a_keep_alive_that_cannot_be_rounded,
	         keeps_the_write_cache_on,
	         does_not_take_a_host_identifier,
	         gives_the_host_identifier,
	         gives_no_half_of_the_host_identifier,
	         saves_nothing,
	         tells_defaults,
	         tells_what_can_be_changed,
	         refuses_a_reserved_selection,
	         keeps_how_to_arbitrate,
	         keeps_whether_writes_must_be_atomic,
	         has_one_power_state,
	         has_thresholds_of_the_composite_temperature,
	         has_no_thresholds_of_sensors,
	         keeps_what_its_host_can_cope_with,
	         wants_all_of_what_its_host_can_cope_with,
	         refuses_behavior_that_means_nothing,
	         sets_no_feature_of_its_own_for_a_namespace,
	         limits_errors_of_a_namespace,
	         limits_errors_of_all_namespaces,
	         has_no_errors_of_deallocated_blocks,
	         knows_which_namespaces_can_be_and_which_are,
	         protects_a_namespace,
	         protects_a_namespace_once_more,
	         tells_others_after_its_end_what_was_protected,
	         protects_all_namespaces,
	         protects_beyond_its_end,
	         protects_in_no_other_way,
	         forgets_what_was_set_when_it_is_reset,
	         refuses_features_that_it_does_not_have);
	describe(suite,
	         "a controller for discovery",
	         given_a_discovery_controller,
	         stage_close,
	         has_its_own_event,
	         has_a_keep_alive,
	         has_no_queues_for_io);
	return run(suite);
}
