/* SPDX-License-Identifier: BSD-2-Clause */
/* NVM Subsystem Resets, while one of those that carry them out is in a restart or stands still. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "tests/process/imitation.h"
#include "tests/support/shows.h"

#define WAIT_MS   10000u
#define RDMA_PORT 2u

static struct imitation rdma;

/* A subsystem that can be reset, on a port of TCP and on one of RDMA. */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1] = (struct harness_port){.trtype = "rdma", .traddr = "127.0.0.1"};
	exports.subsystems[0].attributes = "\"enable_nssr\": 1";
	scene.harness = harness_new(&exports);
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

/* Waits for it. */
static void expect_csts(uint32_t wanted)
{
	uint64_t deadline_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	uint32_t csts;

	while ((csts = scene_csts(&scene.controller)) != wanted && clock_now_ns() < deadline_ns)
		harness_pause(10);
	ck_assert_uint_eq(csts, wanted);
}

static void expect_reset(void)
{
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, WAIT_MS));
	host_queue_close(&scene.queue);
	expect_csts(NVME_CSTS_NSSRO);
}

/* Returns a time before it. */
static uint64_t reset_subsystem(void)
{
	uint64_t before_ns = clock_boot_ns();

	host_must(&scene.controller,
	          host_property_set(&scene.controller, NVME_PROPERTY_NSSR, false, NVME_NSSR_MAGIC));
	expect_reset();
	return before_ns;
}

/* It has done all that was asked of it before. */
static void pass_through_the_state_service(void)
{
	struct nvme_identify_controller page;

	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, &page));
}

static void enable_again(void)
{
	host_must(&scene.controller,
	          host_property_set(&scene.controller, NVME_PROPERTY_CSTS, false, NVME_CSTS_NSSRO));
	host_must(&scene.controller, host_controller_enable(&scene.controller));
}

/* The state service carried it out, when it came to that: on a controller that its host had reset
 * and enabled meanwhile, and which had been told that it was aborted. */
START_TEST(is_carried_out_before_what_its_host_does_next)
{
	pid_t state = harness_pid(scene.harness, "state", 0);

	scene_connect();
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	reset_subsystem();
	enable_again();
	ck_assert_int_eq(kill(state, SIGCONT), 0);
	pass_through_the_state_service();
	expect_csts(NVME_CSTS_RDY);
	scene_disconnect();
	shows("Base 2.1 §3.7.1", "NSSR resets each controller once, and undoes nothing later");
}
END_TEST

/* It forwards the command, and begins when it is told. */
START_TEST(may_be_asked_for_by_a_transport_of_the_release_before)
{
	struct nvme_property_command property = {.opcode = NVME_FABRICS,
	                                         .fctype = NVME_FABRICS_PROPERTY_SET,
	                                         .ofst = le32_of(NVME_PROPERTY_NSSR),
	                                         .value = le64_of(NVME_NSSR_MAGIC)};
	struct nvme_command command;
	uint64_t before_ns = clock_boot_ns();

	imitation_open(&rdma);
	scene_connect();
	memcpy(&command, &property, sizeof(command));
	imitation_begin(&rdma, imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN), &command);
	ck_assert_uint_eq(imitation_await(&rdma)->status, 0);
	imitation_await_reset(&rdma, before_ns);
	expect_reset();
	scene_disconnect();
	imitation_close(&rdma);
}
END_TEST

START_TEST(reaches_others_when_the_state_service_is_back)
{
	pid_t state = harness_pid(scene.harness, "state", 0);
	uint64_t reset_ns;

	imitation_open(&rdma);
	scene_connect();
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	reset_ns = reset_subsystem();
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	imitation_await_reset(&rdma, reset_ns);
	scene_disconnect();
	imitation_close(&rdma);
}
END_TEST

START_TEST(reaches_a_transport_that_was_away)
{
	uint64_t reset_ns;

	imitation_open(&rdma);
	imitation_close(&rdma);
	scene_connect();
	reset_ns = reset_subsystem();
	enable_again();
	pass_through_the_state_service();
	imitation_open(&rdma);
	imitation_await_reset(&rdma, reset_ns);
	scene_disconnect();
	imitation_close(&rdma);
}
END_TEST

START_TEST(is_told_by_a_successor_where_nobody_was_there_to_hear_it)
{
	pid_t state = harness_pid(scene.harness, "state", 0);
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);
	uint64_t reset_ns;

	imitation_open(&rdma);
	scene_connect();
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	reset_ns = reset_subsystem();
	ck_assert_int_eq(kill(tcp, SIGHUP), 0);
	harness_pid(scene.harness, "tcp", tcp);
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	imitation_await_reset(&rdma, reset_ns);
	imitation_close(&rdma);
	scene_disconnect();
}
END_TEST

/* The launcher, which is stopped, has not reaped it yet. */
static void await_end(pid_t pid)
{
	uint64_t deadline_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	char path[32], stat[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do
		harness_read(path, stat, sizeof(stat));
	while (!strstr(stat, ") Z ") && clock_now_ns() < deadline_ns);
	ck_assert_ptr_nonnull(strstr(stat, ") Z "));
}

START_TEST(concerns_what_is_handed_over_just_then)
{
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);
	struct imitation_controller other;
	uint64_t reset_ns;

	scene_connect();
	imitation_open(&rdma);
	other = imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN);
	ck_assert_int_eq(kill(scene.harness->launcher, SIGSTOP), 0);
	ck_assert_int_eq(kill(tcp, SIGHUP), 0);
	await_end(tcp);
	reset_ns = clock_boot_ns();
	imitation_reset(&rdma, other.subsystem);
	imitation_await_reset(&rdma, reset_ns); /* the state service has it */
	ck_assert_int_eq(kill(scene.harness->launcher, SIGCONT), 0);
	expect_reset();
	enable_again();
	imitation_close(&rdma);
	scene_disconnect();
	shows("Base 2.1 §3.7.1",
	      "NSSR also resets controllers whose transport is in a planned restart");
}
END_TEST

START_TEST(is_not_carried_out_again_by_a_successor)
{
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);

	scene_connect();
	reset_subsystem();
	enable_again();
	ck_assert_int_eq(kill(tcp, SIGHUP), 0);
	harness_pid(scene.harness, "tcp", tcp);
	pass_through_the_state_service();
	expect_csts(NVME_CSTS_RDY);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("subsystem-reset");

	describe_running(suite,
	                 "a subsystem's reset",
	                 given_a_set,
	                 scene_stop,
	                 is_carried_out_before_what_its_host_does_next,
	                 may_be_asked_for_by_a_transport_of_the_release_before,
	                 reaches_others_when_the_state_service_is_back,
	                 reaches_a_transport_that_was_away,
	                 is_told_by_a_successor_where_nobody_was_there_to_hear_it,
	                 concerns_what_is_handed_over_just_then,
	                 is_not_carried_out_again_by_a_successor);
	return harness_run(suite);
}
