/* SPDX-License-Identifier: BSD-2-Clause */
/* Each process is killed while a host does verified I/O: nothing is lost, and what waits goes on.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/load.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define DEPTH      32u
#define PATIENT_MS 25000u /* a Linux host gives an I/O 30 s */
#define MIB        (1u << 20)

static void given_a_set(void)
{
	scene_start(NULL);
	scene.options.timeout_ms = PATIENT_MS;
}

/* ------------------------------------------------------------------ in flight */

static struct host_request requests[DEPTH];
static uint8_t data[DEPTH][65536];

static void submit_all(uint8_t opcode, uint32_t nsid, uint64_t seed)
{
	uint32_t blocks = (uint32_t)sizeof(data[0]) / scene.spaces[nsid].block_bytes;

	for (unsigned i = 0; i < DEPTH; i++) {
		if (opcode == NVME_IO_WRITE)
			scene_fill(data[i], sizeof(data[i]), seed + i);
		else
			memset(data[i], 0, sizeof(data[i]));
		requests[i] = host_io(
			&scene.spaces[nsid], opcode, (uint64_t)i * blocks, blocks, data[i]);
		queue_must(&scene.queue, host_queue_submit(&scene.queue, &requests[i]));
	}
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
}

static void await_all(void)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		int r = host_queue_await(&scene.queue, &requests[i], PATIENT_MS);

		if (r)
			ck_abort_msg("request %u: %s", i, scene.queue.connection.error);
	}
}

static void expect_all(uint64_t seed)
{
	for (unsigned i = 0; i < DEPTH; i++)
		scene_expect(data[i], sizeof(data[i]), seed + i);
}

/* What is in flight when `name` dies is answered with success, and nothing that was written is
 * lost. */
static void survive(const char *name, uint32_t nsid)
{
	scene_connect();
	for (uint64_t round = 0; round < 3; round++) {
		submit_all(NVME_IO_WRITE, nsid, 100 * round);
		harness_kill(scene.harness, name);
		await_all();
		submit_all(NVME_IO_READ, nsid, 0);
		harness_kill(scene.harness, name);
		await_all();
		expect_all(100 * round);
	}
	scene_disconnect();
}

START_TEST(nothing_in_flight_on_a_file_is_lost_with_io)
{
	survive("io-0", 1);
	shows("Base 2.1 §9.6",
	      "the death of an I/O process is no communication loss: what was in flight is carried "
	      "out by the next");
}
END_TEST

START_TEST(nothing_in_flight_in_ram_is_lost_with_io)
{
	survive("io-0", 2);
}
END_TEST

START_TEST(nothing_in_flight_is_lost_with_state)
{
	survive("state", 1);
}
END_TEST

START_TEST(what_was_in_ram_is_there_after_io_died)
{
	scene_connect();
	scene_write(2, 100, 256, 5);
	harness_kill(scene.harness, "io-0");
	scene_read_back(2, 100, 256, 5);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ the state service */

START_TEST(io_goes_on_without_state)
{
	pid_t old;

	scene_connect();
	old = harness_pid(scene.harness, "state", 0);
	ck_assert_int_eq(kill(old, SIGSTOP), 0);
	for (unsigned i = 0; i < 100; i++) {
		scene_write(1, i, 1, i);
		scene_read_back(1, i, 1, i);
	}
	ck_assert_int_eq(kill(old, SIGKILL), 0);
	harness_pid(scene.harness, "state", old);
	scene_disconnect();
}
END_TEST

START_TEST(an_admin_command_waits_for_the_next_state)
{
	uint8_t page[NVME_IDENTIFY_SIZE];

	scene_connect();
	harness_kill(scene.harness, "state");
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_CONTROLLER, 0, 0, page));
	scene_disconnect();
}
END_TEST

START_TEST(a_connect_waits_for_the_next_state)
{
	harness_kill(scene.harness, "state");
	scene_connect();
	scene_write(1, 0, 8, 1);
	scene_disconnect();
}
END_TEST

START_TEST(keep_alive_needs_no_state)
{
	pid_t old = harness_pid(scene.harness, "state", 0);

	scene.options.kato_ms = 2000;
	scene_connect();
	ck_assert_int_eq(kill(old, SIGSTOP), 0);
	for (unsigned i = 0; i < 6; i++) {
		uint64_t begin_ns = clock_now_ns();

		host_must(&scene.controller, host_keep_alive(&scene.controller));
		ck_assert_uint_lt(clock_now_ns() - begin_ns, NS_PER_S);
		harness_pause(500);
	}
	ck_assert_int_eq(kill(old, SIGKILL), 0);
	harness_pid(scene.harness, "state", old);
	host_must(&scene.controller, host_keep_alive(&scene.controller));
	scene_disconnect();
	shows("Base 2.1 §3.9", "Keep Alive is answered though the state service is away");
}
END_TEST

START_TEST(an_event_request_outlives_state)
{
	struct host_request event;

	scene_connect();
	scene_ask_for_event(&event);
	harness_kill(scene.harness, "state");
	scene_add_namespace(3);
	scene_expect_event(&event);
	scene_disconnect();
	shows("Base 2.1 §5.1.2",
	      "an AER stays outstanding over the death of the process that would answer it");
}
END_TEST

START_TEST(a_controller_keeps_its_number_when_state_dies)
{
	uint16_t cntlid;
	struct host_controller other = HOST_CONTROLLER_NULL;

	scene_connect();
	cntlid = scene.controller.cntlid;
	harness_kill(scene.harness, "state");
	host_must(&scene.controller, host_controller_identify(&scene.controller));
	ck_assert_uint_eq(scene.controller.identity.cntlid, cntlid);
	harness_connect_as(&scene.options, &other);
	ck_assert_uint_ne(other.cntlid, cntlid);
	host_controller_close(&other);
	scene_disconnect();
	shows("Base 2.1 §3.1.2", "a controller and its CNTLID outlive the state service");
}
END_TEST

START_TEST(a_uuid_is_the_same_after_state_died)
{
	struct host_namespace space;

	scene_connect();
	harness_kill(scene.harness, "state");
	host_must(&scene.controller, host_namespace_identify(&scene.controller, 1, &space));
	ck_assert_mem_eq(space.uuid, scene.spaces[1].uuid, 16);
	scene_disconnect();
	shows("Base 2.1 §4.5.6", "a namespace's UUID is the same for ever");
}
END_TEST

/* ------------------------------------------------------------------ the transport */

START_TEST(a_host_can_connect_again_after_tcp_died)
{
	scene_connect();
	scene_write(1, 0, 64, 8);
	harness_kill(scene.harness, "tcp");
	connection_must(&scene.queue.connection,
	                host_connection_await_end(&scene.queue.connection, 5000));
	scene_disconnect();
	harness_await_service(scene.harness);
	scene_connect();
	scene_read_back(1, 0, 64, 8);
	scene_disconnect();
}
END_TEST

START_TEST(the_whole_set_ends_with_its_launcher)
{
	const char *const names[] = {"state", "tcp", "io-0"};
	uint64_t deadline_ns;
	pid_t pids[3];

	for (unsigned i = 0; i < 3; i++)
		pids[i] = harness_pid(scene.harness, names[i], 0);
	ck_assert_int_eq(kill(scene.harness->launcher, SIGKILL), 0);
	deadline_ns = clock_now_ns() + 10 * NS_PER_S;
	for (unsigned i = 0; i < 3; i++)
		while (kill(pids[i], 0) == 0) {
			ck_assert_msg(clock_now_ns() < deadline_ns, "%s lives on", names[i]);
			harness_pause(10);
		}
	harness_forget(scene.harness);
}
END_TEST

/* ------------------------------------------------------------------ under load */

static void kill_under_load(const char *name, const char *nsid, bool reconnects)
{
	pid_t load = load_start_verified(nsid, "6", reconnects ? "--reconnect" : NULL, NULL);

	for (unsigned i = 0; i < 5; i++) {
		harness_pause(1000);
		harness_kill(scene.harness, name);
	}
	load_expect_good_end(load);
}

START_TEST(verified_io_on_a_file_goes_on_while_io_dies_five_times)
{
	kill_under_load("io-0", "1", false);
}
END_TEST

START_TEST(verified_io_in_ram_goes_on_while_io_dies_five_times)
{
	kill_under_load("io-0", "2", false);
}
END_TEST

START_TEST(verified_io_goes_on_while_state_dies_five_times)
{
	kill_under_load("state", "1", false);
}
END_TEST

START_TEST(verified_io_goes_on_with_reconnects_while_tcp_dies_five_times)
{
	kill_under_load("tcp", "1", true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("death");

	describe_alone(suite,
	               "a death",
	               given_a_set,
	               scene_stop,
	               nothing_in_flight_on_a_file_is_lost_with_io,
	               nothing_in_flight_in_ram_is_lost_with_io,
	               what_was_in_ram_is_there_after_io_died,
	               nothing_in_flight_is_lost_with_state,
	               io_goes_on_without_state,
	               an_admin_command_waits_for_the_next_state,
	               a_connect_waits_for_the_next_state,
	               keep_alive_needs_no_state,
	               an_event_request_outlives_state,
	               a_controller_keeps_its_number_when_state_dies,
	               a_uuid_is_the_same_after_state_died,
	               a_host_can_connect_again_after_tcp_died,
	               the_whole_set_ends_with_its_launcher);
	describe_alone(suite,
	               "a death under load",
	               given_a_set,
	               scene_stop,
	               verified_io_on_a_file_goes_on_while_io_dies_five_times,
	               verified_io_in_ram_goes_on_while_io_dies_five_times,
	               verified_io_goes_on_while_state_dies_five_times,
	               verified_io_goes_on_with_reconnects_while_tcp_dies_five_times);
	return harness_run(suite);
}
