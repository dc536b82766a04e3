/* SPDX-License-Identifier: BSD-2-Clause */
/* Discovery controllers whose hosts stay, to hear of what changes for them (Base 2.1 §3.1.3.3.2).
 */
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "tests/process/discovered.h"
#include "tests/support/shows.h"

#define WAIT_MS 20000u
#define PEER    "nqn.2001-01.com.example:peer"

/* A host of PRIVATE, beside scene.controller, which is of any. */
static struct host_controller other = {.admin = {.connection = {.fd = -1}}};
static struct host_request event, other_event;

static void await_event_of(struct host_controller *controller, struct host_request *request)
{
	*request = host_event_request();
	queue_must(&controller->admin, host_queue_submit(&controller->admin, request));
	queue_must(&controller->admin, host_queue_flush(&controller->admin));
}

static void stay(struct host_controller *controller, const char *hostnqn, uint32_t kato_ms)
{
	struct host_options options = discovery_on(0, hostnqn);

	options.kato_ms = kato_ms;
	harness_connect_as(&options, controller);
}

/* Both, with a request for events each; of the plain configuration. */
static void given_two_that_stay(void)
{
	restore_configuration(get_configuration());
	stay(&scene.controller, HARNESS_HOSTNQN, 30000);
	stay(&other, OTHER_HOST, 30000);
	await_event_of(&scene.controller, &event);
	await_event_of(&other, &other_event);
}

static void leave(void)
{
	host_controller_close(&other);
	scene_disconnect();
}

static void expect_event(struct host_controller *controller, struct host_request *request)
{
	queue_must(&controller->admin, host_queue_await(&controller->admin, request, WAIT_MS));
	ck_assert_uint_eq(le32_get(request->completion.dw0), EVENT_DISCOVERY_CHANGED);
}

/* What the state service answers now comes after all that it had to tell. */
static void expect_none(struct host_controller *controller, const struct host_request *request)
{
	struct nvme_log_discovery head;

	host_must(controller,
	          host_get_log(controller, NVME_LOG_DISCOVERY, true, 0, &head, sizeof(head)));
	ck_assert(!request->completed);
}

static json_t *subsystem_in(json_t *root, unsigned index)
{
	return json_array_get(json_object_get(root, "subsystems"), index);
}

/* A change of what OTHER_HOST alone is told; another one each time. */
static void change_for_other(const char *label)
{
	json_t *root = get_configuration();

	json_object_set_new(subsystem_in(root, 1), "admin_label", json_string(label));
	restore_configuration(root);
}

static void change_for_both(const char *label)
{
	json_t *root = get_configuration();

	json_object_set_new(subsystem_in(root, 0), "admin_label", json_string(label));
	restore_configuration(root);
}

/* ------------------------------------------------------------------ who hears of what */

START_TEST(hear_of_what_changes_for_them)
{
	given_two_that_stay();
	change_for_both("hear_of_what_changes_for_them");
	expect_event(&scene.controller, &event);
	expect_event(&other, &other_event);
	leave();
	shows("Base 2.1 §5.1.2.1",
	      "a change of its log is told to each host that stays: Notice F0h, log 70h");
}
END_TEST

START_TEST(hear_nothing_of_what_changes_for_others)
{
	given_two_that_stay();
	change_for_other("hear_nothing_of_what_changes_for_others");
	expect_event(&other, &other_event);
	expect_none(&scene.controller, &event);
	leave();
	shows("Base 2.1 §5.1.12.3.1",
	      "a host whose own log does not change is not told of a change");
}
END_TEST

START_TEST(hear_of_a_subsystem_that_they_may_use_from_now_on)
{
	json_t *root = get_configuration();

	given_two_that_stay();
	json_array_append_new(json_object_get(root, "hosts"),
	                      json_pack("{s:s}", "nqn", HARNESS_HOSTNQN));
	json_array_append_new(json_object_get(subsystem_in(root, 1), "allowed_hosts"),
	                      json_string(HARNESS_HOSTNQN));
	restore_configuration(root);
	expect_event(&scene.controller, &event);
	expect_none(&other, &other_event);
	get_discovered();
	ck_assert_ptr_nonnull(find_discovered(PRIVATE, service_of(0)));
	leave();
}
END_TEST

START_TEST(hear_of_a_change_that_came_while_they_had_not_asked)
{
	stay(&scene.controller, HARNESS_HOSTNQN, 30000);
	change_for_both("hear_of_a_change_that_came_while_they_had_not_asked");
	await_event_of(&scene.controller, &event);
	expect_event(&scene.controller, &event);
	leave();
	shows("Base 2.1 §5.1.2", "an event waits while no request for events is there");
}
END_TEST

START_TEST(hear_of_no_further_change_before_they_have_read_the_log)
{
	struct nvme_log_discovery head;

	given_two_that_stay();
	change_for_both("the first");
	expect_event(&scene.controller, &event);
	await_event_of(&scene.controller, &event);
	change_for_both("the second");
	expect_none(&scene.controller, &event); /* which reads it and retains the event */
	host_must(
		&scene.controller,
		host_get_log(&scene.controller, NVME_LOG_DISCOVERY, false, 0, &head, sizeof(head)));
	change_for_both("the third");
	expect_event(&scene.controller, &event);
	leave();
	shows("Base 2.1 §5.1.12.3.1",
	      "a further change is not told before the log was read with RAE cleared to 0");
}
END_TEST

START_TEST(hear_nothing_where_they_have_said_so)
{
	stay(&scene.controller, HARNESS_HOSTNQN, 30000);
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, 0));
	await_event_of(&scene.controller, &event);
	change_for_both("hear_nothing_where_they_have_said_so");
	expect_none(&scene.controller, &event);
	leave();
}
END_TEST

/* ------------------------------------------------------------------ over a death */

START_TEST(hear_of_a_change_after_a_death_of_the_state_service)
{
	given_two_that_stay();
	harness_kill(scene.harness, "state");
	change_for_other("hear_of_a_change_after_a_death");
	expect_event(&other, &other_event);
	expect_none(&scene.controller, &event);
	leave();
}
END_TEST

START_TEST(hear_after_a_death_of_what_changed_before_it)
{
	stay(&scene.controller, HARNESS_HOSTNQN, 30000);
	change_for_both("hear_after_a_death_of_what_changed_before_it");
	harness_kill(scene.harness, "state");
	await_event_of(&scene.controller, &event);
	expect_event(&scene.controller, &event);
	leave();
}
END_TEST

START_TEST(hear_nothing_of_a_death)
{
	given_two_that_stay();
	harness_kill(scene.harness, "state");
	expect_none(&scene.controller, &event);
	expect_none(&other, &other_event);
	leave();
}
END_TEST

/* ------------------------------------------------------------------ for how long */

static uint32_t feature(uint8_t fid)
{
	host_must(&scene.controller, host_get_feature(&scene.controller, fid, 0, NULL, 0));
	return scene.controller.result;
}

START_TEST(are_told_of_changes_because_they_keep_alive)
{
	stay(&scene.controller, HARNESS_HOSTNQN, 30000);
	ck_assert_uint_eq(feature(NVME_FEATURE_ASYNC_EVENT_CONFIG), NVME_OAES_DISCOVERY);
	ck_assert_uint_eq(feature(NVME_FEATURE_KEEP_ALIVE_TIMER), 30000);
	scene_disconnect();
	stay(&scene.controller, HARNESS_HOSTNQN, 0);
	ck_assert_uint_eq(feature(NVME_FEATURE_ASYNC_EVENT_CONFIG), 0);
	scene_disconnect();
	shows("Base 2.1 §3.1.3.3.2",
	      "a host that connects with a KATO asks for events: bit 31 of feature 0Bh is set "
	      "then, "
	      "and cleared otherwise");
}
END_TEST

START_TEST(are_kept_for_two_minutes_if_they_do_not_say)
{
	stay(&scene.controller, HARNESS_HOSTNQN, 0);
	ck_assert_uint_eq(feature(NVME_FEATURE_KEEP_ALIVE_TIMER), 120000);
	host_must(&scene.controller, host_keep_alive(&scene.controller));
	scene_disconnect();
	shows("Base 2.1 §3.1.3.3", "a discovery controller without KATO is kept for 120 s");
}
END_TEST

/* A request for events is no sign of life. */
START_TEST(are_ended_when_they_fall_silent)
{
	uint64_t began_ns = clock_now_ns();
	int r;

	stay(&scene.controller, HARNESS_HOSTNQN, 1000);
	await_event_of(&scene.controller, &event);
	r = host_queue_await(&scene.controller.admin, &event, WAIT_MS);
	ck_assert(r == HOST_E_CLOSED || r == HOST_E_TERMINATED);
	ck_assert_uint_ge(clock_now_ns() - began_ns, 1000 * NS_PER_MS);
	leave();
	shows("Base 2.1 §3.9", "the keep-alive of a discovery controller expires as any other");
}
END_TEST

/* ------------------------------------------------------------------ names, referrals */

START_TEST(go_on_when_the_service_gets_a_name_of_its_own)
{
	struct host_options options = discovery_on(0, HARNESS_HOSTNQN);
	json_t *root = get_configuration();

	given_two_that_stay();
	json_object_set_new(root, "discovery", json_pack("{s:s}", "nqn", UNIQUE));
	restore_configuration(root);
	expect_event(&scene.controller, &event);
	get_discovered();
	ck_assert_ptr_nonnull(find_discovered(UNIQUE, service_of(0)));
	ck_assert_ptr_null(find_discovered(NVME_DISCOVERY_NQN, service_of(0)));
	host_controller_close(&other);
	options.subnqn = UNIQUE;
	harness_connect_as(&options, &other);
	ck_assert_str_eq(other.identity.subnqn, UNIQUE);
	host_controller_close(&other);
	options.subnqn = NVME_DISCOVERY_NQN;
	harness_connect_as(&options, &other);
	ck_assert_str_eq(other.identity.subnqn, UNIQUE);
	leave();
	shows("Base 2.1 §3.1.3.3",
	      "the discovery subsystem may have a unique NQN: hosts connect to it or to the "
	      "well-known one, and Identify and the log say the unique one");
}
END_TEST

static json_t *referral(bool enable)
{
	return json_pack("[{s:s, s:i, s:s, s:[s], s:{s:s, s:s, s:s, s:s, s:s}}]",
	                 "name",
	                 "peer",
	                 "enable",
	                 enable,
	                 "nqn",
	                 PEER,
	                 "allowed_hosts",
	                 OTHER_HOST,
	                 "addr",
	                 "trtype",
	                 "tcp",
	                 "adrfam",
	                 "ipv4",
	                 "traddr",
	                 "192.0.2.1",
	                 "trsvcid",
	                 "8009",
	                 "portid",
	                 "9");
}

static void refer(bool enable)
{
	json_t *root = get_configuration();

	json_object_set_new(port_in(root, 0), "referrals", referral(enable));
	restore_configuration(root);
}

START_TEST(hear_of_referrals_that_are_for_them)
{
	const struct nvme_discovery_entry *record;

	refer(false);
	given_two_that_stay();
	refer(true);
	expect_event(&other, &other_event);
	expect_none(&scene.controller, &event);
	get_discovered();
	ck_assert_ptr_null(find_discovered(PEER, "8009"));
	get_discovered_of(&other);
	record = find_discovered(PEER, "8009");
	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->subtype, NVME_SUBTYPE_REFERRAL);
	ck_assert_uint_eq(record->treq, 0);
	ck_assert_uint_eq(le16_get(record->portid), 9);
	ck_assert_uint_eq(le16_get(record->cntlid), 0xffff);
	ck_assert(is_field(record->traddr, sizeof(record->traddr), "192.0.2.1"));
	await_event_of(&other, &other_event);
	refer(false);
	expect_event(&other, &other_event);
	leave();
	shows("Base 2.1 §5.1.12.3.1",
	      "a referral (SUBTYPE 1) is told to the hosts that it is for, while it is enabled");
}
END_TEST

START_TEST(find_others_on_a_port_for_discovery_alone)
{
	json_t *root = get_configuration();

	json_object_set_new(root, "discovery", json_pack("{s:s}", "filter", "all"));
	json_object_set_new(port_in(root, 0), "subsystems", json_array());
	json_object_set_new(port_in(root, 0), "discovery", json_integer(1));
	restore_configuration(root);
	discover_on(0, HARNESS_HOSTNQN);
	get_discovered();
	ck_assert_ptr_null(find_discovered(HARNESS_NQN, service_of(0)));
	ck_assert_ptr_nonnull(find_discovered(HARNESS_NQN, service_of(1)));
	leave();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hosts of discovery that stay");

	describe_running(suite,
	                 "hosts that stay",
	                 given_discovery,
	                 scene_stop,
	                 hear_of_what_changes_for_them,
	                 hear_nothing_of_what_changes_for_others,
	                 hear_of_a_subsystem_that_they_may_use_from_now_on,
	                 hear_of_a_change_that_came_while_they_had_not_asked,
	                 hear_of_no_further_change_before_they_have_read_the_log,
	                 hear_nothing_where_they_have_said_so,
	                 are_told_of_changes_because_they_keep_alive,
	                 are_kept_for_two_minutes_if_they_do_not_say,
	                 are_ended_when_they_fall_silent,
	                 go_on_when_the_service_gets_a_name_of_its_own,
	                 hear_of_referrals_that_are_for_them,
	                 find_others_on_a_port_for_discovery_alone);
	describe_running(suite,
	                 "hosts that stay while the state service dies",
	                 given_discovery,
	                 scene_stop,
	                 hear_of_a_change_after_a_death_of_the_state_service,
	                 hear_after_a_death_of_what_changed_before_it,
	                 hear_nothing_of_a_death);
	return harness_run(suite);
}
