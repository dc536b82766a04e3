/* SPDX-License-Identifier: BSD-2-Clause */
/* A host connects an I/O queue whose number an older connection of it still has. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define ENTRIES 128
#define BLOCK   4096u

static struct host_queue newer;
static uint8_t data[BLOCK];

static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	scene_start(&exports);
}

static void connect_anew(void)
{
	host_must(
		&scene.controller,
		host_controller_open_queue(&scene.controller, &newer, 1, ENTRIES, SCENE_COMMANDS));
}

static void expect_service(struct host_queue *queue)
{
	struct host_request request = host_io(&scene.spaces[2], NVME_IO_READ, 0, 1, data);

	queue_must(queue, host_queue_execute(queue, &request, 5000));
}

START_TEST(ends_the_older_connection)
{
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;
	int r = 0;

	scene_connect();
	connect_anew();
	expect_service(&newer);
	while (r == 0 && clock_now_ns() < end_ns)
		if ((r = host_queue_wait(&scene.queue, end_ns)) == 0)
			r = host_queue_poll(&scene.queue);
	ck_assert_int_eq(r, HOST_E_CLOSED);
	expect_service(&newer);
	host_queue_close(&newer);
	scene_disconnect();
	shows("Base 2.1 §6.3",
	      "a Connect of an I/O queue that there is takes its place, and the older connection "
	      "ends (Command Sequence Error in the specification)");
}
END_TEST

START_TEST(may_be_done_again_and_again)
{
	struct host_queue older;

	scene_connect();
	connect_anew();
	for (unsigned i = 0; i < 3; i++) {
		older = newer;
		connect_anew();
		host_queue_close(&older);
	}
	expect_service(&newer);
	host_queue_close(&newer);
	scene_disconnect();
}
END_TEST

/* kill() returns before all threads have stopped. */
static void stop_worker(pid_t worker)
{
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;
	char path[64], text[512] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", worker);
	kill(worker, SIGSTOP);
	do {
		harness_read(path, text, sizeof(text));
		if (strstr(text, ") T "))
			return;
		usleep(1000);
	} while (clock_now_ns() < end_ns);
	ck_abort_msg("the worker does not stop: %s", text);
}

static void await_in_flight(void)
{
	uint64_t end_ns = clock_now_ns() + 5 * NS_PER_S;
	static char text[65536];

	do {
		ck_assert_int_eq(
			harness_ctl(scene.harness, text, sizeof(text), "status", "--json", NULL),
			0);
		if (strstr(text, "\"in_flight\": 1") || strstr(text, "\"in_flight\":1"))
			return;
		usleep(10000);
	} while (clock_now_ns() < end_ns);
	ck_abort_msg("no command is in flight");
}

/* The answer to a Connect does not come while the older queue's write may still be carried out. */
START_TEST(waits_for_what_the_older_has_in_flight)
{
	struct host_connect connect = {.qid = 1, .entries = ENTRIES};
	struct nvme_connect_command command;
	struct nvme_connect_data connect_data;
	struct host_request write, again;
	pid_t worker;
	uint64_t end_ns;

	scene_connect();
	worker = harness_pid(scene.harness, "io-0", 0);
	scene_fill(data, sizeof(data), 1);
	write = host_io(&scene.spaces[2], NVME_IO_WRITE, 0, 1, data);
	stop_worker(worker);
	queue_must(&scene.queue, host_queue_submit(&scene.queue, &write));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
	await_in_flight();
	host_queue_close(&scene.queue);

	connect.cntlid = scene.controller.cntlid;
	connect.subnqn = scene.controller.options.subnqn;
	connect.hostnqn = scene.controller.options.hostnqn;
	memcpy(connect.hostid, scene.controller.options.hostid, sizeof(connect.hostid));
	queue_must(&newer,
	           host_queue_open(&newer,
	                           &scene.controller.options.address,
	                           &scene.controller.options.wishes,
	                           SCENE_COMMANDS,
	                           5000));
	host_connect_fill(&connect, &command, &connect_data);
	again = host_connect_request(&command, &connect_data);
	queue_must(&newer, host_queue_submit(&newer, &again));
	for (end_ns = clock_now_ns() + NS_PER_S / 2; clock_now_ns() < end_ns;) {
		queue_must(&newer, host_queue_poll(&newer));
		ck_assert(!again.completed);
		usleep(1000);
	}
	kill(worker, SIGCONT);
	queue_must(&newer, host_queue_await(&newer, &again, 5000));
	expect_service(&newer);
	scene_expect(data, sizeof(data), 1);
	host_queue_close(&newer);
	host_controller_close(&scene.controller);
	shows("Base 2.1 §9.6.2",
	      "a queue that its host connects anew waits until what the older one had in flight is "
	      "over, so that no old write comes late");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("takeover");

	describe_running(suite,
	                 "a queue number that is in use",
	                 given_a_set,
	                 scene_stop,
	                 ends_the_older_connection,
	                 may_be_done_again_and_again,
	                 waits_for_what_the_older_has_in_flight);
	return harness_run(suite);
}
