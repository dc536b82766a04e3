/* SPDX-License-Identifier: BSD-2-Clause */
/* Each limit of the configuration does what it says, from when it is set, while hosts are
 * connected. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS 8000u
#define MIB     (1u << 20)

static char text[16384];

/* Namespace 2 hangs when it is read. */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1].traddr = "127.0.0.1";
	exports.subsystems[0].namespaces[1] = (struct harness_namespace){
		.nsid = 2, .path = "ram:1M", .has_faults = true, .faults = {"read hang"}};
	scene_start(&exports);
}

/* The test is over: for the next one there are none. */
static void limit(const char *limits)
{
	struct harness_exports exports = scene.harness->exports;

	exports.limits = limits;
	harness_restore(scene.harness, &exports);
}

/* It is ended by the target, and not before so long. */
static void expect_end(struct host_connection *connection, unsigned ms)
{
	uint64_t begin_ns = clock_now_ns();

	connection_must(connection, host_connection_await_end(connection, ms + WAIT_MS));
	ck_assert_uint_ge(clock_now_ns() - begin_ns, (ms - ms / 4) * NS_PER_MS);
}

/* ------------------------------------------------------------------ connections */

START_TEST(ends_a_connection_without_icreq)
{
	struct host_connection silent = HOST_CONNECTION_NULL;

	limit("\"icreq_timeout_ms\": 500");
	connection_must(&silent,
	                host_connection_open_silent(&silent, &scene.options.address, WAIT_MS));
	expect_end(&silent, 500);
	host_connection_close(&silent);
}
END_TEST

START_TEST(ends_a_connection_without_connect)
{
	struct host_connection idle = HOST_CONNECTION_NULL;

	limit("\"connect_timeout_ms\": 500");
	connection_must(&idle,
	                host_connection_open(
				&idle, &scene.options.address, &scene.options.wishes, WAIT_MS));
	expect_end(&idle, 500);
	host_connection_close(&idle);
}
END_TEST

START_TEST(ends_a_connection_that_waits_already)
{
	struct host_connection idle = HOST_CONNECTION_NULL;

	limit("\"connect_timeout_ms\": 60000");
	connection_must(&idle,
	                host_connection_open(
				&idle, &scene.options.address, &scene.options.wishes, WAIT_MS));
	limit("\"connect_timeout_ms\": 500");
	expect_end(&idle, 0);
	host_connection_close(&idle);
}
END_TEST

START_TEST(ends_an_association_that_is_not_enabled)
{
	struct host_controller controller;

	limit("\"disabled_timeout_ms\": 1000");
	host_must(&controller, host_controller_connect(&controller, &scene.options));
	expect_end(&controller.admin.connection, 1000);
	host_controller_close(&controller);
	shows("Base 2.1 §3.6.2",
	      "an association that is not enabled lasts 2 minutes, and then ends");
}
END_TEST

/* More of them are closed at once; those that are there go on. */
static void expect_full(unsigned n, unsigned port)
{
	struct host_options options = harness_host(scene.harness, port, 0);
	struct host_connection more = HOST_CONNECTION_NULL;
	struct host_connection these[4];

	for (unsigned i = 0; i < n; i++) {
		these[i] = HOST_CONNECTION_NULL;
		connection_must(&these[i],
		                host_connection_open(
					&these[i], &options.address, &options.wishes, WAIT_MS));
	}
	ck_assert_int_ne(host_connection_open(&more, &options.address, &options.wishes, WAIT_MS),
	                 0);
	host_connection_close(&more);
	scene_expect_ready();
	for (unsigned i = 0; i < n; i++)
		host_connection_close(&these[i]);
}

/* One is possible again in a while, when those that went are gone. */
static void await_room(unsigned port)
{
	struct host_options options = harness_host(scene.harness, port, 0);
	uint64_t deadline_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	struct host_connection one = HOST_CONNECTION_NULL;
	int r;

	while ((r = host_connection_open(&one, &options.address, &options.wishes, WAIT_MS)) &&
	       clock_now_ns() < deadline_ns) {
		host_connection_close(&one);
		harness_pause(20);
	}
	connection_must(&one, r);
	host_connection_close(&one);
}

START_TEST(has_no_more_connections_of_a_host)
{
	scene_connect(); /* has two */
	limit("\"host_connections\": 5");
	expect_full(3, 1);
	await_room(0);
	scene_disconnect();
}
END_TEST

START_TEST(has_no_more_connections_on_a_port)
{
	scene_connect();
	limit("\"port_connections\": 4");
	expect_full(2, 0);
	await_room(0);
	expect_full(4, 1);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ what a host owes */

START_TEST(ends_a_connection_that_does_not_send_what_r2t_asks_for)
{
	static uint8_t data[65536];
	struct host_request request;

	limit("\"transfer_timeout_ms\": 1000");
	scene_connect();
	request = host_io(&scene.spaces[1], NVME_IO_WRITE, 0, 128, data);
	request.transfer = true;
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &request));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	expect_end(&scene.queue.connection, 1000);
	scene_disconnect();
}
END_TEST

static void expect_end_of_half_a_pdu(const char *limited)
{
	static const uint8_t half[24] = {TCP_PDU_CAPSULE_COMMAND, 0, 72, 0, 72};

	limit(limited);
	scene_connect();
	connection_must(&scene.queue.connection,
	                host_connection_send(&scene.queue.connection, half, sizeof(half), WAIT_MS));
	expect_end(&scene.queue.connection, 1000);
	scene_disconnect();
}

START_TEST(ends_a_connection_that_sends_half_a_pdu)
{
	expect_end_of_half_a_pdu("\"pdu_timeout_ms\": 1000");
}
END_TEST

START_TEST(ends_a_connection_that_is_idle_halfway)
{
	expect_end_of_half_a_pdu("\"idle_timeout_ms\": 1000");
}
END_TEST

START_TEST(ends_a_connection_that_does_not_take_its_answers)
{
	static uint8_t data[SCENE_COMMANDS][MIB / 2];
	static struct host_request requests[SCENE_COMMANDS];

	limit("\"answer_timeout_ms\": 1000");
	scene_connect();
	for (unsigned i = 0; i < 40; i++) {
		requests[i] = host_io(&scene.spaces[1], NVME_IO_READ, 0, 1024, data[i]);
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
	}
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	harness_await_log(scene.harness, "it does not take its answers", 1);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ what hosts wait for */

/* Its older queue has a read that hangs, and is gone. */
START_TEST(tells_a_connect_that_waits_for_an_older_queue)
{
	static uint8_t data[4096];
	struct host_request hanging;
	uint64_t begin_ns;

	limit("\"connect_answer_ms\": 1000");
	scene_connect();
	hanging = host_io(&scene.spaces[2], NVME_IO_READ, 0, 1, data);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &hanging));
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, data)); /* it has been taken */
	host_queue_close(&scene.queue);
	begin_ns = clock_now_ns();
	ck_assert_int_eq(host_controller_open_queue(&scene.controller, &scene.queue, 1, 32, 8),
	                 HOST_E_STATUS);
	expect_status(scene.controller.status, NVME_SC_CONNECT_BUSY);
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 900 * NS_PER_MS);
	scene_disconnect();
	scene_fault(2, NULL);
}
END_TEST

START_TEST(tells_an_admin_command_that_waits_for_the_state_service)
{
	uint8_t page[4096];
	pid_t state = harness_pid(scene.harness, "state", 0);

	limit("\"admin_answer_ms\": 1000");
	scene_connect();
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	ck_assert_int_eq(host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page),
	                 HOST_E_STATUS);
	ck_assert_int_eq(kill(state, SIGCONT), 0);
	expect_status(scene.controller.status, NVME_SC_COMMAND_INTERRUPTED);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ what hosts are told */

START_TEST(raises_a_keep_alive_that_is_too_short)
{
	limit("\"keep_alive_min_ms\": 3000");
	scene.options.kato_ms = 1000;
	scene_connect();
	host_must(&scene.controller,
	          host_get_feature(&scene.controller, NVME_FEATURE_KEEP_ALIVE_TIMER, 0, NULL, 0));
	ck_assert_uint_eq(scene.controller.result, 3000);
	scene_disconnect();
	shows("Base 2.1 §3.9", "KATO is at least keep_alive_min_ms");
}
END_TEST

START_TEST(ends_an_idle_discovery_controller)
{
	struct host_controller controller;
	struct host_options options = scene.options;

	limit("\"discovery_keep_alive_ms\": 1000");
	options.subnqn = NVME_DISCOVERY_NQN;
	harness_connect_as(&options, &controller);
	expect_end(&controller.admin.connection, 1000);
	host_controller_close(&controller);
}
END_TEST

START_TEST(grants_a_host_no_more_io_queues)
{
	struct host_options options = harness_host(scene.harness, 1, 0);
	struct host_controller controller;
	uint16_t granted;

	limit("\"host_io_queues\": 6");
	scene_connect(); /* has 4 */
	harness_connect_as(&options, &controller);
	host_must(&controller, host_controller_queues(&controller, 4, &granted));
	ck_assert_uint_eq(granted, 2);
	host_controller_close(&controller);
	scene_disconnect();
}
END_TEST

START_TEST(says_how_long_to_wait_before_a_retry)
{
	uint8_t page[4096];

	limit("\"crdt1\": 3, \"crdt2\": 258, \"crdt3\": 65535");
	scene_connect();
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page));
	ck_assert_uint_eq(page[128] | page[129] << 8, 3);
	ck_assert_uint_eq(page[130] | page[131] << 8, 258);
	ck_assert_uint_eq(page[132] | page[133] << 8, 65535);
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.1", "CRDT1 to CRDT3 are what the configuration says");
}
END_TEST

/* ------------------------------------------------------------------ what operators see */

static void expect_printed(const char *name, unsigned wanted)
{
	const char *line;
	unsigned value;

	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "limits", NULL), 0);
	line = strstr(text, name);
	ck_assert_msg(line && sscanf(line + strlen(name), "%u", &value) == 1, "%s", text);
	ck_assert_uint_eq(value, wanted);
}

START_TEST(prints_what_holds_also_after_a_restart)
{
	limit("\"crdt2\": 77");
	expect_printed("crdt2", 77);
	harness_kill(scene.harness, "state");
	expect_printed("crdt2", 77);
	limit(NULL);
	expect_printed("crdt2", 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");

	describe_running(suite,
	                 "a target with limits",
	                 given_a_set,
	                 scene_stop,
	                 ends_a_connection_without_icreq,
	                 ends_a_connection_without_connect,
	                 ends_a_connection_that_waits_already,
	                 ends_an_association_that_is_not_enabled,
	                 has_no_more_connections_of_a_host,
	                 has_no_more_connections_on_a_port,
	                 ends_a_connection_that_does_not_send_what_r2t_asks_for,
	                 ends_a_connection_that_sends_half_a_pdu,
	                 ends_a_connection_that_is_idle_halfway,
	                 ends_a_connection_that_does_not_take_its_answers,
	                 tells_a_connect_that_waits_for_an_older_queue,
	                 tells_an_admin_command_that_waits_for_the_state_service,
	                 raises_a_keep_alive_that_is_too_short,
	                 ends_an_idle_discovery_controller,
	                 grants_a_host_no_more_io_queues,
	                 says_how_long_to_wait_before_a_retry,
	                 prints_what_holds_also_after_a_restart);
	return harness_run(suite);
}
