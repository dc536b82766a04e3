/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces that only some hosts see: to all others they are not there, whichever way they ask. */
#include <string.h>

#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define OTHER_HOST "nqn.2014-08.org.nvmexpress:uuid:5f1e0a52-0000-4000-8000-000000000002"
#define WAIT_MS    20000u
#define BLOCK      512u
#define NOTICES    (NVME_OAES_NAMESPACE | NVME_OAES_ANA)

enum { OPEN = 1, OURS = 2, NOBODYS = 3 };

/* scene.controller is the host that namespace OURS names; this one is another. */
static struct host_controller other;
static struct host_queue other_queue;
static struct host_request event, other_event;
static uint8_t page[NVME_IDENTIFY_SIZE];

static struct harness_exports exports_with_masks(void)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *spaces = exports.subsystems[0].namespaces;

	spaces[0] = (struct harness_namespace){.nsid = OPEN, .path = "ram:1M"};
	spaces[1] = (struct harness_namespace){
		.nsid = OURS, .path = "ram:1M", .hosts = {HARNESS_HOSTNQN}};
	spaces[2] = (struct harness_namespace){
		.nsid = NOBODYS, .path = "ram:1M", .is_masked = true};
	return exports;
}

static void connect_other(void)
{
	struct host_options options = scene.options;
	uint16_t granted;

	options.hostnqn = OTHER_HOST;
	options.hostid[15]++;
	harness_connect_as(&options, &other);
	host_must(&other, host_controller_queues(&other, 1, &granted));
	host_must(&other, host_controller_open_queue(&other, &other_queue, 1, 32, 8));
}

static void request_event(struct host_controller *controller, struct host_request *request)
{
	*request = host_event_request();
	host_must(controller,
	          host_set_feature(controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, NOTICES));
	queue_must(&controller->admin, host_queue_submit(&controller->admin, request));
	queue_must(&controller->admin, host_queue_flush(&controller->admin));
}

static bool is_listed(struct host_controller *controller, uint32_t nsid)
{
	const struct nvme_namespace_list *list = (const struct nvme_namespace_list *)page;

	host_must(controller, host_identify(controller, NVME_CNS_ACTIVE_NAMESPACES, 0, 0, page));
	for (unsigned i = 0; i < 1024; i++)
		if (le32_get(list->nsid[i]) == nsid)
			return true;
	return false;
}

static void await_listed(struct host_controller *controller, uint32_t nsid)
{
	for (unsigned i = 0; i < 1000 && !is_listed(controller, nsid); i++)
		;
	ck_assert(is_listed(controller, nsid));
}

static void given_masked_namespaces(void)
{
	const struct harness_exports exports = exports_with_masks();

	scene_start(&exports);
	scene_connect();
	connect_other();
	await_listed(&scene.controller, OURS); /* the set was waited for, but not this namespace */
}

static void end(void)
{
	host_queue_close(&other_queue);
	host_controller_close(&other);
	scene_disconnect();
	scene_stop();
}

/* ------------------------------------------------------------------ what each sees */

START_TEST(is_in_the_list_of_the_host_that_it_names)
{
	ck_assert(is_listed(&scene.controller, OPEN));
	ck_assert(is_listed(&scene.controller, OURS));
	ck_assert(!is_listed(&scene.controller, NOBODYS));
}
END_TEST

START_TEST(is_in_no_other_list)
{
	ck_assert(is_listed(&other, OPEN));
	ck_assert(!is_listed(&other, OURS));
	ck_assert(!is_listed(&other, NOBODYS));
	shows("Base 2.1 §5.1.13.2.2",
	      "the list of active namespaces has those that the host may see, and no others");
}
END_TEST

START_TEST(is_identified_as_one_that_is_not_there)
{
	host_must(&other, host_identify(&other, NVME_CNS_NAMESPACE, OURS, 0, page));
	for (unsigned i = 0; i < sizeof(page); i++)
		ck_assert_uint_eq(page[i], 0);
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_NAMESPACE, OURS, 0, page));
	ck_assert_uint_eq(le64_get(*(struct le64 *)page), (1 << 20) / BLOCK);
}
END_TEST

static bool has_group(struct host_controller *controller, uint16_t endgid)
{
	const struct nvme_endurance_group_list *list = (const struct nvme_endurance_group_list *)
		page;
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_IDENTIFY,
	                    .cdw10 = le32_of(NVME_CNS_ENDURANCE_GROUPS)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = page,
		.length = sizeof(page),
	};

	host_must(controller, host_admin(controller, &request));
	expect_good(request.status);
	for (unsigned i = 0; i < le16_get(list->count); i++)
		if (le16_get(list->endgid[i]) == endgid)
			return true;
	return false;
}

START_TEST(has_no_endurance_group_for_others)
{
	ck_assert(has_group(&scene.controller, OURS));
	ck_assert(!has_group(&other, OURS));
	ck_assert(has_group(&other, OPEN));
	shows("Base 2.1 §5.1.13.2.18",
	      "the endurance group of a namespace that the host may not see is not listed");
}
END_TEST

START_TEST(has_no_descriptors_for_others)
{
	ck_assert_int_eq(host_identify(&other, NVME_CNS_NAMESPACE_DESCRIPTORS, OURS, 0, page),
	                 HOST_E_STATUS);
	expect_status(other.status, DNR(NVME_SC_INVALID_NAMESPACE));
}
END_TEST

/* The group of all of them: its descriptor is the first. */
static uint32_t count_in_ana_log(struct host_controller *controller)
{
	static uint8_t log[256];
	const struct nvme_log_ana_group *group =
		(const struct nvme_log_ana_group *)(log + sizeof(struct nvme_log_ana));

	host_must(controller, host_get_log(controller, NVME_LOG_ANA, true, 0, log, sizeof(log)));
	return le32_get(group->nnsids);
}

START_TEST(is_not_in_the_ana_log_of_others)
{
	ck_assert_uint_eq(count_in_ana_log(&scene.controller), 2);
	ck_assert_uint_eq(count_in_ana_log(&other), 1);
}
END_TEST

/* ------------------------------------------------------------------ I/O */

static struct nvme_status read_from(struct host_queue *queue, uint32_t nsid)
{
	static uint8_t block[BLOCK];
	const struct host_namespace space = {.nsid = nsid, .block_bytes = BLOCK};
	struct host_request request = host_io(&space, NVME_IO_READ, 0, 1, block);
	int r = host_queue_execute(queue, &request, WAIT_MS);

	if (r != HOST_E_STATUS)
		harness_host_must(r, "a read", queue->connection.error);
	return request.status;
}

START_TEST(is_read_by_the_host_that_it_names)
{
	expect_good(read_from(&scene.queue, OURS));
	expect_good(read_from(&scene.queue, OPEN));
}
END_TEST

START_TEST(is_not_read_by_others)
{
	expect_good(read_from(&other_queue, OPEN));
	expect_status(read_from(&other_queue, OURS), DNR(NVME_SC_INVALID_NAMESPACE));
	expect_status(read_from(&other_queue, NOBODYS), DNR(NVME_SC_INVALID_NAMESPACE));
	expect_status(read_from(&scene.queue, NOBODYS), DNR(NVME_SC_INVALID_NAMESPACE));
	shows("Base 2.1 §3.2.1",
	      "a command to a namespace that the host may not see is refused with Invalid "
	      "Namespace or Format and DNR");
}
END_TEST

/* ------------------------------------------------------------------ changed live */

static void expect_event(struct host_controller *controller, struct host_request *request,
                         uint8_t page_of_event)
{
	queue_must(&controller->admin, host_queue_await(&controller->admin, request, WAIT_MS));
	ck_assert_uint_eq(le32_get(request->completion.dw0) >> 16, page_of_event);
}

/* Whatever was told before this answer has come before it. */
static void expect_silence(struct host_controller *controller, const struct host_request *request)
{
	ck_assert(is_listed(controller, OPEN));
	ck_assert(!request->completed);
}

static uint32_t take_changed(struct host_controller *controller)
{
	static struct le32 log[NVME_LOG_CHANGED_SIZE / 4];

	host_must(
		controller,
		host_get_log(controller, NVME_LOG_CHANGED_NAMESPACES, false, 0, log, sizeof(log)));
	ck_assert_uint_eq(le32_get(log[1]), 0);
	return le32_get(log[0]);
}

START_TEST(that_a_host_may_see_now_is_told_to_it)
{
	struct harness_exports exports = scene.harness->exports;

	request_event(&scene.controller, &event);
	request_event(&other, &other_event);
	exports.subsystems[0].namespaces[1].hosts[1] = OTHER_HOST;
	harness_restore(scene.harness, &exports);
	expect_event(&other, &other_event, NVME_LOG_CHANGED_NAMESPACES);
	ck_assert_uint_eq(take_changed(&other), OURS);
	request_event(&other, &other_event);
	expect_event(&other, &other_event, NVME_LOG_ANA);
	expect_silence(&scene.controller, &event);
	expect_good(read_from(&other_queue, OURS));
	expect_good(read_from(&scene.queue, OURS));
}
END_TEST

START_TEST(that_a_host_may_see_no_more_is_told_to_it)
{
	struct harness_exports exports = scene.harness->exports;

	request_event(&scene.controller, &event);
	request_event(&other, &other_event);
	exports.subsystems[0].namespaces[1].hosts[0] = OTHER_HOST;
	harness_restore(scene.harness, &exports);
	expect_event(&scene.controller, &event, NVME_LOG_CHANGED_NAMESPACES);
	ck_assert_uint_eq(take_changed(&scene.controller), OURS);
	ck_assert(!is_listed(&scene.controller, OURS));
	expect_status(read_from(&scene.queue, OURS), DNR(NVME_SC_INVALID_NAMESPACE));
	expect_event(&other, &other_event, NVME_LOG_CHANGED_NAMESPACES);
	expect_good(read_from(&other_queue, OURS));
}
END_TEST

START_TEST(that_all_may_see_now_is_told_to_those_who_did_not)
{
	struct harness_exports exports = scene.harness->exports;

	request_event(&scene.controller, &event);
	request_event(&other, &other_event);
	exports.subsystems[0].namespaces[1].hosts[0] = NULL;
	harness_restore(scene.harness, &exports);
	expect_event(&other, &other_event, NVME_LOG_CHANGED_NAMESPACES);
	expect_silence(&scene.controller, &event);
	expect_good(read_from(&other_queue, OURS));
}
END_TEST

START_TEST(stays_masked_when_the_state_service_has_died)
{
	harness_kill(scene.harness, "state");
	ck_assert(!is_listed(&other, OURS));
	expect_status(read_from(&other_queue, OURS), DNR(NVME_SC_INVALID_NAMESPACE));
	expect_good(read_from(&scene.queue, OURS));
}
END_TEST

START_TEST(is_shown_with_its_hosts_in_the_status)
{
	static char text[65536];

	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "ready, for 1 host only"));
	ck_assert_ptr_nonnull(strstr(text, "ready, for 0 hosts only"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("masking");

	describe_running(suite,
	                 "a masked namespace",
	                 given_masked_namespaces,
	                 end,
	                 is_in_the_list_of_the_host_that_it_names,
	                 is_in_no_other_list,
	                 is_identified_as_one_that_is_not_there,
	                 has_no_endurance_group_for_others,
	                 has_no_descriptors_for_others,
	                 is_not_in_the_ana_log_of_others,
	                 is_read_by_the_host_that_it_names,
	                 is_not_read_by_others,
	                 is_shown_with_its_hosts_in_the_status);
	describe_alone(suite,
	               "a masked namespace",
	               given_masked_namespaces,
	               end,
	               that_a_host_may_see_now_is_told_to_it,
	               that_a_host_may_see_no_more_is_told_to_it,
	               that_all_may_see_now_is_told_to_those_who_did_not,
	               stays_masked_when_the_state_service_has_died);
	return harness_run(suite);
}
