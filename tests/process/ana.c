/* SPDX-License-Identifier: BSD-2-Clause */
/* Asymmetric access, changed while hosts are there: who is refused what, what the log says, and who
 * is told. */
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS 20000u
#define BLOCK   512u
#define NOTICES (NVME_OAES_NAMESPACE | NVME_OAES_ANA)

/* Namespace 1 in group 1; 2 in group 2, whose reads take a while; 3 in group 3. */
enum { QUICK = 1, HANGING = 2, THIRD = 3 };

/* scene.controller came in on the first port; this one on the second. */
static struct host_controller other;
static struct host_queue other_queue;
static struct host_request event, other_event;
static uint8_t block[BLOCK];
static uint8_t log_page[4096];

static struct harness_exports exports_with_groups(void)
{
	return (struct harness_exports){
		.ports = {{.traddr = "127.0.0.1",
	                   .ana_states = {"optimized", "non-optimized", "inaccessible"}},
	                  {.traddr = "127.0.0.1",
	                   .ana_states = {"non-optimized", "optimized", "optimized"}}},
		.subsystems = {{.nqn = HARNESS_NQN,
	                        .namespaces = {{.nsid = QUICK, .path = "ram:1M", .ana_group = 1},
	                                       {.nsid = HANGING,
	                                        .path = "ram:1M",
	                                        .has_faults = true,
	                                        .faults = {"read hang count=1"},
	                                        .ana_group = 2},
	                                       {.nsid = THIRD, .path = "ram:1M", .ana_group = 3}}}                                                                                       },
	};
}

static void given_two_ports(void)
{
	const struct harness_exports exports = exports_with_groups();
	struct host_options options;
	uint16_t granted;

	scene_start(&exports);
	scene_connect();
	options = harness_host(scene.harness, 1, 0);
	harness_connect_as(&options, &other);
	host_must(&other, host_controller_queues(&other, 1, &granted));
	host_must(&other, host_controller_open_queue(&other, &other_queue, 1, 32, 8));
}

static void end(void)
{
	host_queue_close(&other_queue);
	host_controller_close(&other);
	scene_disconnect();
	scene_stop();
}

/* ------------------------------------------------------------------ acts */

static struct host_request reading(uint32_t nsid)
{
	const struct host_namespace space = {.nsid = nsid, .block_bytes = BLOCK};

	return host_io(&space, NVME_IO_READ, 0, 1, block);
}

static struct nvme_status read_from(struct host_queue *queue, uint32_t nsid)
{
	struct host_request request = reading(nsid);
	int r = host_queue_execute(queue, &request, WAIT_MS);

	if (r != HOST_E_STATUS)
		harness_host_must(r, "a read", queue->connection.error);
	return request.status;
}

static void change_state(unsigned port, unsigned group, const char *state)
{
	struct harness_exports exports = scene.harness->exports;

	exports.ports[port].ana_states[group - 1] = state;
	harness_restore(scene.harness, &exports);
}

static void await_status(uint32_t nsid, unsigned wanted)
{
	uint64_t until_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	struct nvme_status status;

	do
		status = read_from(&scene.queue, nsid);
	while (status.value != wanted && clock_now_ns() < until_ns);
	expect_status(status, wanted);
}

static void request_event(struct host_controller *controller, struct host_request *request)
{
	*request = host_event_request();
	host_must(controller,
	          host_set_feature(controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, NOTICES));
	queue_must(&controller->admin, host_queue_submit(&controller->admin, request));
	queue_must(&controller->admin, host_queue_flush(&controller->admin));
}

static void expect_event(struct host_controller *controller, struct host_request *request)
{
	queue_must(&controller->admin, host_queue_await(&controller->admin, request, WAIT_MS));
	ck_assert_uint_eq(le32_get(request->completion.dw0),
	                  2u | 3u << 8 | (unsigned)NVME_LOG_ANA << 16);
}

/* Reads the log, and keeps its event. */
static uint64_t read_log(struct host_controller *controller)
{
	host_must(controller,
	          host_get_log(controller, NVME_LOG_ANA, true, 0, log_page, sizeof(log_page)));
	return le64_get(((const struct nvme_log_ana *)log_page)->chgcnt);
}

/* Whatever was told before this answer has come before it. */
static void expect_silence(struct host_controller *controller, const struct host_request *request)
{
	read_log(controller);
	ck_assert(!request->completed);
}

/* NULL: the group is not in the log that was read. */
static const struct nvme_log_ana_group *find_group(uint32_t group)
{
	const uint8_t *at = log_page + sizeof(struct nvme_log_ana);
	unsigned groups = le16_get(((const struct nvme_log_ana *)log_page)->ngrps);

	for (unsigned i = 0; i < groups; i++) {
		const struct nvme_log_ana_group *descriptor = (const struct nvme_log_ana_group *)at;

		if (le32_get(descriptor->grpid) == group)
			return descriptor;
		at += sizeof(*descriptor) + 4ul * le32_get(descriptor->nnsids);
	}
	return NULL;
}

static void expect_state(struct host_controller *controller, uint32_t group,
                         enum nvme_ana_state state)
{
	read_log(controller);
	ck_assert_ptr_nonnull(find_group(group));
	ck_assert_uint_eq(find_group(group)->state, state);
}

/* ------------------------------------------------------------------ each state */

START_TEST(optimized_or_not_does_io)
{
	expect_good(read_from(&scene.queue, QUICK));
	expect_good(read_from(&other_queue, QUICK));
	expect_state(&scene.controller, 1, NVME_ANA_OPTIMIZED);
	expect_state(&other, 1, NVME_ANA_NON_OPTIMIZED);
}
END_TEST

START_TEST(inaccessible_is_of_its_port_only)
{
	expect_status(read_from(&scene.queue, THIRD), NVME_SC_ANA_INACCESSIBLE);
	expect_good(read_from(&other_queue, THIRD));
	expect_state(&scene.controller, 3, NVME_ANA_INACCESSIBLE);
	shows("Base 2.1 §8.1.1.6",
	      "I/O to a namespace in ANA Inaccessible is refused with Asymmetric Access "
	      "Inaccessible, without DNR");
}
END_TEST

static void expect_refusal_in(const char *state, enum nvme_ana_state told, unsigned status)
{
	change_state(0, 1, state);
	await_status(QUICK, status);
	expect_state(&scene.controller, 1, told);
}

START_TEST(persistent_loss_has_its_status)
{
	expect_refusal_in("persistent-loss", NVME_ANA_PERSISTENT_LOSS, NVME_SC_ANA_PERSISTENT_LOSS);
	shows("Base 2.1 §8.1.1.7",
	      "I/O to a namespace in ANA Persistent Loss is refused with Asymmetric Access "
	      "Persistent Loss, without DNR");
}
END_TEST

START_TEST(change_has_its_status)
{
	expect_refusal_in("change", NVME_ANA_CHANGE, NVME_SC_ANA_TRANSITION);
	shows("Base 2.1 §8.1.1.8",
	      "I/O to a namespace in ANA Change is refused with Asymmetric Access Transition, "
	      "without DNR");
}
END_TEST

START_TEST(comes_back_with_access)
{
	change_state(0, 3, "optimized");
	await_status(THIRD, 0);
	expect_state(&scene.controller, 3, NVME_ANA_OPTIMIZED);
}
END_TEST

START_TEST(says_how_long_a_transition_takes)
{
	static uint8_t page[NVME_IDENTIFY_SIZE];
	const struct nvme_identify_controller *identify = (const struct nvme_identify_controller *)
		page;

	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page));
	ck_assert_uint_gt(identify->anatt, 8); /* ANA_CHANGE_NS */
	ck_assert_uint_eq(identify->anacap & 0x1f, 0x1f);
	ck_assert_uint_eq(le32_get(identify->anagrpmax), NVME_MAX_ANA_GROUPS);
}
END_TEST

/* ------------------------------------------------------------------ changes */

START_TEST(is_told_on_its_port_only)
{
	uint64_t before = read_log(&scene.controller);

	request_event(&scene.controller, &event);
	request_event(&other, &other_event);
	change_state(0, 1, "inaccessible");
	expect_event(&scene.controller, &event);
	ck_assert_uint_gt(read_log(&scene.controller), before);
	ck_assert_uint_eq(find_group(1)->state, NVME_ANA_INACCESSIBLE);
	expect_silence(&other, &other_event);
	shows("Base 2.1 §5.1.2",
	      "Asymmetric Namespace Access Change is told to the controllers of the port whose "
	      "states have changed, and CHGCNT has risen");
}
END_TEST

START_TEST(lets_finish_what_was_admitted_before)
{
	struct host_request request = reading(HANGING);

	request_event(&scene.controller, &event);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &request));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	await_status(THIRD, NVME_SC_ANA_INACCESSIBLE); /* the read before is admitted */
	change_state(0, 2, "inaccessible");
	await_status(HANGING, NVME_SC_ANA_INACCESSIBLE);
	ck_assert(!request.completed);
	expect_state(&scene.controller, 2, NVME_ANA_CHANGE);
	ck_assert(!event.completed);
	scene_fault(HANGING, NULL);
	queue_must(&scene.queue, host_queue_await(&scene.queue, &request, WAIT_MS));
	expect_event(&scene.controller, &event);
	expect_state(&scene.controller, 2, NVME_ANA_INACCESSIBLE);
	shows("Base 2.1 §8.1.1",
	      "a change that takes access away refuses new commands at once, lets admitted ones "
	      "finish, shows ANA Change meanwhile, and is told when it is over");
}
END_TEST

START_TEST(is_told_also_to_who_has_read_the_log_meanwhile)
{
	struct host_request request = reading(HANGING);

	request_event(&scene.controller, &event);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &request));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	await_status(THIRD, NVME_SC_ANA_INACCESSIBLE);
	change_state(0, 2, "persistent-loss");
	host_must(&scene.controller,
	          host_get_log(
			  &scene.controller, NVME_LOG_ANA, false, 0, log_page, sizeof(log_page)));
	ck_assert_uint_eq(find_group(2)->state, NVME_ANA_CHANGE);
	scene_fault(HANGING, NULL);
	queue_must(&scene.queue, host_queue_await(&scene.queue, &request, WAIT_MS));
	expect_event(&scene.controller, &event);
}
END_TEST

START_TEST(of_a_namespace_s_group_is_one_of_its_access)
{
	struct harness_exports exports = scene.harness->exports;

	request_event(&scene.controller, &event);
	exports.subsystems[0].namespaces[0].ana_group = 3;
	harness_restore(scene.harness, &exports);
	expect_event(&scene.controller, &event);
	expect_status(read_from(&scene.queue, QUICK), NVME_SC_ANA_INACCESSIBLE);
	expect_good(read_from(&other_queue, QUICK));
	read_log(&scene.controller);
	ck_assert_uint_eq(le32_get(find_group(3)->nnsids), 2);
	ck_assert_uint_eq(le32_get(find_group(1)->nnsids), 0);
}
END_TEST

START_TEST(is_told_after_a_death_of_the_state_service)
{
	struct host_request request = reading(HANGING);

	request_event(&scene.controller, &event);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &request));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	await_status(THIRD, NVME_SC_ANA_INACCESSIBLE);
	change_state(0, 2, "inaccessible");
	harness_kill(scene.harness, "state");
	scene_fault(HANGING, NULL);
	expect_event(&scene.controller, &event);
	await_status(HANGING, NVME_SC_ANA_INACCESSIBLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ana");

	describe_running(suite,
	                 "a group that is",
	                 given_two_ports,
	                 end,
	                 optimized_or_not_does_io,
	                 inaccessible_is_of_its_port_only,
	                 says_how_long_a_transition_takes,
	                 persistent_loss_has_its_status,
	                 change_has_its_status,
	                 comes_back_with_access);
	describe_alone(suite,
	               "a change of access",
	               given_two_ports,
	               end,
	               is_told_on_its_port_only,
	               lets_finish_what_was_admitted_before,
	               is_told_also_to_who_has_read_the_log_meanwhile,
	               of_a_namespace_s_group_is_one_of_its_access,
	               is_told_after_a_death_of_the_state_service);
	return harness_run(suite);
}
