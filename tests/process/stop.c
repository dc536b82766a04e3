/* SPDX-License-Identifier: BSD-2-Clause */
/* nvmetd-tcp is told to stop while hosts are busy: it ends well, and no host is told that it need
 * not try again. */
#include <signal.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define ROUNDS  5
#define DEPTH   32u
#define HOSTS   24u
#define WAIT_MS 5000u

static pid_t tcp;

static void given_a_set(void)
{
	scene_start(NULL);
}

static void await_successor(void)
{
	tcp = harness_pid(scene.harness, "tcp", tcp);
	harness_await_service(scene.harness);
}

/* ------------------------------------------------------------------ I/O */

static struct host_request requests[DEPTH];
static unsigned good, refused_for_good;

static void again(struct host_request *request)
{
	if (status_is_ok(request->status))
		good++;
	else if (request->status.value & NVME_STATUS_DNR)
		refused_for_good++;
	host_queue_submit(&scene.queue, request);
}

static void keep_reading_until(bool (*is_enough)(void))
{
	uint64_t end_ns = clock_now_ns() + 10 * NS_PER_S;

	while (!is_enough()) {
		ck_assert_uint_lt(clock_now_ns(), end_ns);
		if (host_queue_wait(&scene.queue, end_ns) != 0 ||
		    host_queue_poll(&scene.queue) != 0)
			return; /* the connection has ended */
	}
}

static bool is_under_load(void)
{
	return good > 10 * DEPTH;
}

static bool never(void)
{
	return false;
}

START_TEST(lets_hosts_try_again_what_it_does_not_carry_out)
{
	tcp = harness_pid(scene.harness, "tcp", 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		scene_connect();
		good = refused_for_good = 0;
		for (unsigned i = 0; i < DEPTH; i++) {
			requests[i] = host_io(&scene.spaces[2], NVME_IO_READ, 0, 1, NULL);
			requests[i].done = again;
			queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
		}
		keep_reading_until(is_under_load);
		ck_assert_int_eq(kill(tcp, SIGTERM), 0);
		keep_reading_until(never);
		ck_assert_uint_eq(refused_for_good, 0);
		scene_disconnect();
		await_successor();
	}
	shows("Base 2.1 §4.2.3",
	      "what the end of the target does not carry out is answered without DNR, or not at "
	      "all");
}
END_TEST

/* ------------------------------------------------------------------ Connect */

static struct host_queue queues[HOSTS];
static struct host_request connects[HOSTS];
static struct nvme_connect_data data[HOSTS];

static void send_connect(unsigned i)
{
	struct nvme_connect_command command;
	struct host_connect connect = {
		.entries = 32,
		.cntlid = NVME_CNTLID_DYNAMIC,
		.subnqn = scene.options.subnqn,
		.hostnqn = scene.options.hostnqn,
	};

	connect.hostid[0] = (uint8_t)(i + 1);
	host_connect_fill(&connect, &command, &data[i]);
	connects[i] = host_connect_request(&command, &data[i]);
	queue_must(&queues[i], host_queue_submit(&queues[i], &connects[i]));
	queue_must(&queues[i], host_queue_flush(&queues[i]));
}

/* It finds the Connects and the wish that it stop at the same time. */
START_TEST(ends_well_while_hosts_connect)
{
	tcp = harness_pid(scene.harness, "tcp", 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < HOSTS; i++)
			queue_must(&queues[i],
			           host_queue_open(&queues[i],
			                           &scene.options.address,
			                           &scene.options.wishes,
			                           4,
			                           WAIT_MS));
		ck_assert_int_eq(kill(tcp, SIGSTOP), 0);
		for (unsigned i = 0; i < HOSTS; i++)
			send_connect(i);
		ck_assert_int_eq(kill(tcp, SIGTERM), 0);
		ck_assert_int_eq(kill(tcp, SIGCONT), 0);
		await_successor();
		for (unsigned i = 0; i < HOSTS; i++)
			host_queue_close(&queues[i]);
	}
	ck_assert_uint_eq(harness_log_count(scene.harness, "tcp: process"),
	                  harness_log_count(scene.harness, "ended: exit code 0"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stop");

	describe_running(suite,
	                 "nvmetd-tcp, told to stop,",
	                 given_a_set,
	                 scene_stop,
	                 ends_well_while_hosts_connect,
	                 lets_hosts_try_again_what_it_does_not_carry_out);
	return harness_run(suite);
}
