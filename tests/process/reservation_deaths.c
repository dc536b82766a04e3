/* SPDX-License-Identifier: BSD-2-Clause */
/* Reservations of very many hosts, and what becomes of them when our processes die. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/reserving.h"
#include "tests/support/shows.h"

enum { A = 1, B = 2, MANY = 200 };

#define CONFLICT DNR(NVME_SC_RESERVATION_CONFLICT)
#define WE       NVME_RESERVATION_WRITE_EXCLUSIVE
#define WE_RO    NVME_RESERVATION_WRITE_EXCLUSIVE_REGISTRANTS
#define WAIT_MS  25000u

static struct reserving_host a, b;

static void connect_both(void)
{
	reserving_connect(&a, A);
	reserving_connect(&b, B);
}

static void disconnect_both(void)
{
	reserving_disconnect(&a);
	reserving_disconnect(&b);
}

/* ------------------------------------------------------------------ very many */

static void register_many(void)
{
	struct reserving_host host;

	for (unsigned i = 1; i <= MANY; i++) {
		reserving_connect(&host, i);
		expect_good(reserving_register(&host, 2));
		reserving_disconnect(&host);
	}
}

START_TEST(is_reported_beyond_4_kib)
{
	const uint32_t length = 64 + 64 * MANY;
	struct nvme_reservation_status *report = calloc(1, length);
	const struct nvme_registrant *registrants = (const void *)(report + 1);
	struct reserving_host host;
	unsigned sum = 0;

	ck_assert_ptr_nonnull(report);
	register_many();
	reserving_connect(&host, MANY);
	expect_good(reserving_acquire(&host, 2, WE_RO));
	reserving_report(&host, 2, report, length);
	ck_assert_uint_eq(le16_get(report->regstrnt), MANY);
	for (unsigned i = 0; i < MANY; i++)
		sum += (unsigned)le64_get(registrants[i].rkey);
	ck_assert_uint_eq(sum, MANY * (MANY + 1) / 2);
	expect_good(reserving_io(&host, NVME_IO_WRITE, 2));
	expect_good(reserving_clear(&host, 2));
	reserving_disconnect(&host);
	free(report);
	shows("Base 2.1 §7.8", "NUMD as large as the report of very many registrants needs");
}
END_TEST

/* ------------------------------------------------------------------ deaths */

static void submit(struct reserving_host *host, struct host_request *request)
{
	queue_must(&host->queue, host_queue_submit(&host->queue, request));
	queue_must(&host->queue, host_queue_flush(&host->queue));
}

static void await_count(unsigned wanted)
{
	uint64_t end_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;

	while (reserving_count(&b, 1) != wanted)
		ck_assert_msg(clock_now_ns() < end_ns, "never: %u registrants", wanted);
}

/* A leaves, which is on the disk, but waits for its write: the answer is lost with the state
 * service. Were it done again, it would be refused, as A is not registered any more. */
START_TEST(is_changed_once_though_the_answer_is_lost)
{
	struct host_request write, request;
	const uint8_t data[512] = {1};
	struct le64 keys[2];
	pid_t state = harness_pid(scene.harness, "state", 0);

	connect_both();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_acquire(&a, 1, WE));
	scene_fault(1, "write hang count=1");
	reserving_begin_write(&a, &write, data);
	request = reserving_request(NVME_IO_RESERVATION_REGISTER, 1, 1, A, 0, keys);
	submit(&a, &request);
	await_count(0);
	ck_assert(!request.completed);
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	harness_pid(scene.harness, "state", state);
	scene_fault(1, NULL);
	queue_must(&a.queue, host_queue_await(&a.queue, &request, WAIT_MS));
	ck_assert(write.completed);
	expect_good(reserving_io(&b, NVME_IO_WRITE, 1));
	disconnect_both();
}
END_TEST

START_TEST(is_preempted_by_the_next_state_service)
{
	struct host_request request;
	struct le64 keys[2];
	pid_t state = harness_pid(scene.harness, "state", 0);

	connect_both();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	expect_good(reserving_acquire(&b, 1, WE));
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	request = reserving_request(NVME_IO_RESERVATION_ACQUIRE, 1, WE << 8 | 1, A, B, keys);
	submit(&a, &request);
	expect_good(reserving_io(&b, NVME_IO_WRITE, 1)); /* I/O goes on meanwhile */
	ck_assert_int_eq(kill(state, SIGKILL), 0);
	queue_must(&a.queue, host_queue_await(&a.queue, &request, WAIT_MS));
	expect_status(reserving_io(&b, NVME_IO_WRITE, 1), CONFLICT);
	expect_good(reserving_io(&a, NVME_IO_WRITE, 1));
	expect_good(reserving_clear(&a, 1));
	disconnect_both();
}
END_TEST

START_TEST(is_told_by_the_next_state_service)
{
	struct nvme_log_reservation log;

	connect_both();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_register(&b, 1));
	expect_good(reserving_preempt(&a, 1, WE, B));
	harness_kill(scene.harness, "state");
	host_must(&b.controller,
	          host_get_log(&b.controller, NVME_LOG_RESERVATION, false, 0, &log, sizeof(log)));
	ck_assert_uint_eq(log.rnlpt, NVME_RESERVATION_REGISTRATION_PREEMPTED);
	expect_good(reserving_clear(&a, 1));
	disconnect_both();
}
END_TEST

static void kill_all(void)
{
	static const char *const names[] = {"tcp", "io-0", "state"};
	pid_t pids[3];

	for (unsigned i = 0; i < 3; i++)
		pids[i] = harness_pid(scene.harness, names[i], 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
	for (unsigned i = 0; i < 3; i++)
		harness_pid(scene.harness, names[i], pids[i]);
	harness_await_service(scene.harness);
}

/* With PTPL or without: our processes are no power. */
START_TEST(is_there_after_the_death_of_all_processes)
{
	static const uint32_t persists[] = {2u << 30, 3u << 30};

	for (unsigned i = 0; i < 2; i++) {
		connect_both();
		expect_good(reserving_ask(&a, NVME_IO_RESERVATION_REGISTER, 1, persists[i], 0, A));
		expect_good(reserving_acquire(&a, 1, WE));
		disconnect_both();
		kill_all();
		connect_both();
		ck_assert_uint_eq(reserving_type(&b, 1), WE);
		expect_status(reserving_io(&b, NVME_IO_WRITE, 1), CONFLICT);
		expect_good(reserving_io(&a, NVME_IO_WRITE, 1));
		expect_good(reserving_clear(&a, 1));
		disconnect_both();
	}
	shows("Base 2.1 §8.1.22",
	      "what was acknowledged is there after the death of all processes");
}
END_TEST

START_TEST(is_there_after_a_planned_restart_of_the_transport)
{
	char text[4096];
	pid_t tcp = harness_pid(scene.harness, "tcp", 0);

	connect_both();
	expect_good(reserving_register(&a, 1));
	expect_good(reserving_acquire(&a, 1, WE));
	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "restart", "tcp", NULL), 0);
	harness_pid(scene.harness, "tcp", tcp);
	expect_status(reserving_io(&b, NVME_IO_WRITE, 1), CONFLICT);
	expect_good(reserving_io(&a, NVME_IO_WRITE, 1));
	expect_good(reserving_clear(&a, 1));
	expect_good(reserving_io(&b, NVME_IO_WRITE, 1));
	disconnect_both();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reservation");

	describe_running(suite,
	                 "a reservation",
	                 reserving_start,
	                 scene_stop,
	                 is_reported_beyond_4_kib,
	                 is_changed_once_though_the_answer_is_lost,
	                 is_preempted_by_the_next_state_service,
	                 is_told_by_the_next_state_service,
	                 is_there_after_the_death_of_all_processes,
	                 is_there_after_a_planned_restart_of_the_transport);
	return harness_run(suite);
}
