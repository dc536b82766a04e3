/* SPDX-License-Identifier: BSD-2-Clause */
/* The state service dies, or is stopped, while something is under way: it is taken up again. */
#include <signal.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"
#include "tests/unit/io/slow_file.h"

#define NAMESPACES (1u << 8) /* of Asynchronous Event Configuration */
#define END_MS     20000u
#define SLOW       3u /* the namespace on the slow file */

static const struct harness_namespace extra = {.nsid = 4, .path = "ram:1M"};

static void given_a_set(void)
{
	scene_start(NULL);
}

/* With namespace `extra`, or without. */
static void change_namespaces(bool has_extra)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[0].namespaces[3] = has_extra ? extra : (struct harness_namespace){0};
	harness_restore(scene.harness, &exports);
}

/* ------------------------------------------------------------------ events */

static void want_events(void)
{
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, NAMESPACES));
}

static void submit_admin(struct host_request *request)
{
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, request));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
}

static void await_admin(struct host_request *request)
{
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, request, END_MS));
}

static void expect_namespace_event(const struct host_request *event)
{
	ck_assert_uint_eq(le32_get(event->completion.dw0) >> 16, NVME_LOG_CHANGED_NAMESPACES);
}

/* The first entry of log page 04; it is read, so that the event is unmasked. */
static uint32_t read_changed(void)
{
	struct {
		struct le32 nsid[1024];
	} log;

	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_CHANGED_NAMESPACES,
	                       false,
	                       0,
	                       &log,
	                       sizeof(log)));
	return le32_get(log.nsid[0]);
}

/* The namespace; or all, if its transport came back after the change. */
static void expect_changed(void)
{
	uint32_t changed = read_changed();

	ck_assert_msg(changed == extra.nsid || changed == UINT32_MAX, "namespace %u", changed);
}

START_TEST(an_event_that_waits_is_told_by_the_next)
{
	struct host_request event = host_event_request();

	scene_connect();
	want_events();
	change_namespaces(true);
	harness_kill(scene.harness, "state");
	submit_admin(&event);
	await_admin(&event);
	expect_namespace_event(&event);
	ck_assert_uint_eq(read_changed(), extra.nsid);
	scene_disconnect();
}
END_TEST

START_TEST(a_request_that_waits_is_answered_by_the_next)
{
	struct host_request event = host_event_request();

	scene_connect();
	want_events();
	submit_admin(&event);
	harness_kill(scene.harness, "state");
	change_namespaces(true);
	await_admin(&event);
	expect_namespace_event(&event);
	expect_changed();
	scene_disconnect();
}
END_TEST

/* Told once until its log is read: also when another one would tell it. */
START_TEST(an_event_that_was_told_is_not_told_again)
{
	struct host_request event = host_event_request(), again = host_event_request();
	uint64_t end_ns;

	scene_connect();
	want_events();
	submit_admin(&event);
	change_namespaces(true);
	await_admin(&event);
	harness_kill(scene.harness, "state");
	submit_admin(&again);
	change_namespaces(false);
	for (end_ns = clock_now_ns() + NS_PER_S / 2; clock_now_ns() < end_ns; harness_pause(5)) {
		queue_must(&scene.controller.admin, host_queue_poll(&scene.controller.admin));
		ck_assert(!again.completed);
	}
	expect_changed();
	change_namespaces(true);
	await_admin(&again);
	expect_namespace_event(&again);
	scene_disconnect();
	shows("Base 2.1 §5.1.2",
	      "an event that was reported stays masked over a restart of the state service");
}
END_TEST

/* ------------------------------------------------------------------ what a host has set */

static uint32_t feature(uint8_t fid)
{
	host_must(&scene.controller, host_get_feature(&scene.controller, fid, 0, NULL, 0));
	return scene.controller.result;
}

START_TEST(features_are_what_the_host_has_set)
{
	uint32_t queues;
	uint8_t id[16];

	scene.options.kato_ms = 5000;
	scene_connect();
	want_events();
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_KEEP_ALIVE_TIMER, 30000));
	queues = feature(NVME_FEATURE_NUMBER_OF_QUEUES);
	harness_kill(scene.harness, "state");
	ck_assert_uint_eq(feature(NVME_FEATURE_ASYNC_EVENT_CONFIG), NAMESPACES);
	ck_assert_uint_eq(feature(NVME_FEATURE_KEEP_ALIVE_TIMER), 30000);
	ck_assert_uint_eq(feature(NVME_FEATURE_NUMBER_OF_QUEUES), queues);
	host_must(&scene.controller,
	          host_get_feature(
			  &scene.controller, NVME_FEATURE_HOST_IDENTIFIER, 1, id, sizeof(id)));
	ck_assert_mem_eq(id, scene.options.hostid, sizeof(id));
	scene.options.kato_ms = 0;
	scene_disconnect();
	shows("Base 2.1 §4.4",
	      "features of a controller are what its host has set, also after a restart of the "
	      "state service");
}
END_TEST

/* Queues that were granted may be connected later. */
START_TEST(queues_that_were_granted_can_be_connected)
{
	struct host_queue second = HOST_QUEUE_NULL;

	scene_connect();
	harness_kill(scene.harness, "state");
	host_must(&scene.controller,
	          host_controller_open_queue(&scene.controller, &second, 2, 128, SCENE_COMMANDS));
	host_queue_close(&second);
	scene_disconnect();
}
END_TEST

/* The number of a controller that is gone is the last to come again. */
START_TEST(controller_numbers_are_not_given_again)
{
	enum { ROUNDS = 3, EACH = 4 };
	bool given[65536] = {false};

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < EACH; i++) {
			struct host_controller controller = HOST_CONTROLLER_NULL;

			harness_connect_as(&scene.options, &controller);
			ck_assert_msg(!given[controller.cntlid],
			              "controller %u is there twice",
			              controller.cntlid);
			given[controller.cntlid] = true;
			if (i == EACH - 1) /* while it is connected */
				harness_kill(scene.harness, "state");
			host_controller_close(&controller);
		}
	}
	shows("Base 2.1 §3.1.2",
	      "CNTLIDs are not given again over a restart while a host may hold them");
}
END_TEST

/* How long a host waits, of which 0.1 s is typical; the limit is for a machine that is busy. */
START_TEST(the_next_answers_soon)
{
	uint64_t begin_ns, took_ns;

	scene_connect();
	begin_ns = clock_now_ns();
	ck_assert_int_eq(kill(harness_pid(scene.harness, "state", 0), SIGKILL), 0);
	host_must(&scene.controller, host_controller_identify(&scene.controller));
	took_ns = clock_now_ns() - begin_ns;
	printf("# answered %llu ms after the death\n", (unsigned long long)(took_ns / NS_PER_MS));
	fflush(stdout);
	ck_assert_uint_lt(took_ns, 5 * NS_PER_S);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ stopped for two seconds */

static void expect_to_wait(struct host_queue *queue, const struct host_request *request)
{
	uint64_t end_ns = clock_now_ns() + 2 * NS_PER_S;

	for (; clock_now_ns() < end_ns; harness_pause(5)) {
		queue_must(queue, host_queue_poll(queue));
		ck_assert(!request->completed);
		scene_write(1, 0, 1, clock_now_ns());
	}
}

static void let_it_go_on(pid_t state, bool lives)
{
	ck_assert_int_eq(kill(state, lives ? SIGCONT : SIGKILL), 0);
	if (!lives)
		harness_pid(scene.harness, "state", state);
}

static void wait_with_an_admin_command(bool lives)
{
	pid_t state = harness_pid(scene.harness, "state", 0);
	uint8_t page[NVME_IDENTIFY_SIZE];
	struct host_request identify = {
		.command = {.opcode = NVME_ADMIN_IDENTIFY, .cdw10 = le32_of(NVME_CNS_CONTROLLER)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = page,
		.length = sizeof(page),
	};

	scene_connect();
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	submit_admin(&identify);
	expect_to_wait(&scene.controller.admin, &identify);
	let_it_go_on(state, lives);
	await_admin(&identify);
	expect_good(identify.status);
	scene_disconnect();
}

START_TEST(an_admin_command_waits_until_it_goes_on)
{
	wait_with_an_admin_command(true);
}
END_TEST

START_TEST(an_admin_command_waits_until_another_is_there)
{
	wait_with_an_admin_command(false);
}
END_TEST

static void wait_with_a_connect(bool lives)
{
	pid_t state = harness_pid(scene.harness, "state", 0);
	struct host_connect connect = {.entries = 32, .cntlid = 0xffff};
	struct nvme_connect_command command;
	struct nvme_connect_data data;
	struct host_queue queue = HOST_QUEUE_NULL;
	struct host_request request;

	scene_connect();
	connect.subnqn = scene.options.subnqn;
	connect.hostnqn = scene.options.hostnqn;
	memcpy(connect.hostid, scene.options.hostid, sizeof(connect.hostid));
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	queue_must(
		&queue,
		host_queue_open(&queue, &scene.options.address, &scene.options.wishes, 32, END_MS));
	host_connect_fill(&connect, &command, &data);
	request = host_connect_request(&command, &data);
	queue_must(&queue, host_queue_submit(&queue, &request));
	queue_must(&queue, host_queue_flush(&queue));
	expect_to_wait(&queue, &request);
	let_it_go_on(state, lives);
	queue_must(&queue, host_queue_await(&queue, &request, END_MS));
	expect_good(request.status);
	host_queue_close(&queue);
	scene_disconnect();
}

START_TEST(a_connect_waits_until_it_goes_on)
{
	wait_with_a_connect(true);
}
END_TEST

START_TEST(a_connect_waits_until_another_is_there)
{
	wait_with_a_connect(false);
}
END_TEST

/* ------------------------------------------------------------------ a drain */

static struct host_request slow;
static uint8_t slow_data[4096];

static void given_a_slow_namespace(void)
{
	struct harness_exports exports = harness_plain();
	const char *why;

	ck_assert(slow_file_begin(SLOW_FILE_WAITS, &why));
	exports.subsystems[0].namespaces[2] = (struct harness_namespace){.nsid = SLOW,
	                                                                 .path = slow_file_path()};
	scene_start(&exports);
}

static void forget_the_slow_namespace(void)
{
	slow_file_hold(false);
	scene_stop();
	slow_file_end();
}

static void begin_slow_write(void)
{
	uint64_t deadline_ns = clock_now_ns() + END_MS * NS_PER_MS;

	slow_file_hold(true);
	scene_fill(slow_data, sizeof(slow_data), 11);
	slow = host_io(&scene.spaces[SLOW], NVME_IO_WRITE, 0, 8, slow_data);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &slow));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	while (slow_file_held() == 0) {
		ck_assert_uint_lt(clock_now_ns(), deadline_ns);
		harness_pause(5);
	}
}

/* What is in flight there completes, well; and only then the worker lets go of it. */
static void expect_drain(void)
{
	static const char left[] = "test:3: has left worker";
	uint64_t end_ns = clock_now_ns() + NS_PER_S;

	while (clock_now_ns() < end_ns) { /* longer than a successor takes for all else */
		scene_write(1, 0, 1, clock_now_ns());
		ck_assert_uint_eq(harness_log_count(scene.harness, left), 0);
		ck_assert_uint_eq(harness_log_count(scene.harness, "test:3: not served"), 0);
	}
	ck_assert(!slow.completed);
	slow_file_hold(false);
	queue_must(&scene.queue, host_queue_await(&scene.queue, &slow, END_MS));
	expect_good(slow.status);
	harness_await_log(scene.harness, left, 1);
	ck_assert_uint_eq(slow_file_byte(0), slow_data[0]);
}

static void remove_slow_namespace(void)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[0].namespaces[2].nsid = 0;
	harness_restore(scene.harness, &exports);
	expect_status(scene_io(NVME_IO_READ, SLOW, 0, 1, (uint8_t[4096]){0}),
	              DNR(NVME_SC_INVALID_NAMESPACE));
}

START_TEST(of_a_namespace_that_goes_is_waited_for_by_the_next)
{
	scene_connect();
	begin_slow_write();
	remove_slow_namespace();
	harness_kill(scene.harness, "state");
	expect_drain();
	scene_disconnect();
}
END_TEST

START_TEST(of_a_namespace_that_goes_is_waited_for_by_one_after_the_other)
{
	scene_connect();
	begin_slow_write();
	remove_slow_namespace();
	for (unsigned i = 0; i < 3; i++) {
		harness_kill(scene.harness, "state");
		host_must(&scene.controller, host_controller_identify(&scene.controller));
	}
	expect_drain();
	scene_disconnect();
}
END_TEST

/* It is over before the next one is there to ask. */
START_TEST(that_ends_while_nobody_is_there_is_noticed_by_the_next)
{
	pid_t state = harness_pid(scene.harness, "state", 0);

	scene_connect();
	begin_slow_write();
	remove_slow_namespace();
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	slow_file_hold(false);
	queue_must(&scene.queue, host_queue_await(&scene.queue, &slow, END_MS));
	expect_good(slow.status);
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	harness_pid(scene.harness, "state", state);
	harness_await_log(scene.harness, "test:3: has left worker", 1);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("taking up");
	const char *why;

	describe_alone(suite,
	               "after the death of state",
	               given_a_set,
	               scene_stop,
	               an_event_that_waits_is_told_by_the_next,
	               a_request_that_waits_is_answered_by_the_next,
	               an_event_that_was_told_is_not_told_again,
	               features_are_what_the_host_has_set,
	               queues_that_were_granted_can_be_connected,
	               controller_numbers_are_not_given_again,
	               the_next_answers_soon);
	describe_alone(suite,
	               "while state is stopped",
	               given_a_set,
	               scene_stop,
	               an_admin_command_waits_until_it_goes_on,
	               an_admin_command_waits_until_another_is_there,
	               a_connect_waits_until_it_goes_on,
	               a_connect_waits_until_another_is_there);
	if (slow_file_begin(SLOW_FILE_WAITS, &why)) {
		slow_file_end();
		describe_alone(suite,
		               "a drain",
		               given_a_slow_namespace,
		               forget_the_slow_namespace,
		               of_a_namespace_that_goes_is_waited_for_by_the_next,
		               of_a_namespace_that_goes_is_waited_for_by_one_after_the_other,
		               that_ends_while_nobody_is_there_is_noticed_by_the_next);
	} else {
		printf("# a drain: not tried: %s\n", why);
	}
	return harness_run(suite);
}
