/* SPDX-License-Identifier: BSD-2-Clause */
/* Abort of I/O commands, wherever they are: at a device that is slow or hangs, at a worker that
 * stands still, waiting for their host's data. */
#include <signal.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define WAIT_MS 8000u

static uint8_t data[65536];
static struct host_request meant;

/* Namespace 2 hangs when it is read, 3 is slow. */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();

	exports.subsystems[0].namespaces[1] = (struct harness_namespace){
		.nsid = 2, .path = "ram:1M", .has_faults = true, .faults = {"read hang"}};
	exports.subsystems[0].namespaces[2] = (struct harness_namespace){
		.nsid = 3, .path = "ram:1M", .has_faults = true, .faults = {"read delay=5s"}};
	scene_start(&exports);
}

static void submit(struct host_request *request)
{
	queue_must(&scene.queue, host_queue_submit(&scene.queue, request));
	queue_must(&scene.queue, host_queue_flush(&scene.queue));
}

/* What comes behind it on the queue is answered: it has been taken. */
static void submit_read(struct host_request *request, uint32_t nsid)
{
	static uint8_t behind[512];

	*request = host_io(&scene.spaces[nsid], NVME_IO_READ, 0, 1, data);
	submit(request);
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, behind));
}

static uint16_t cid_of(struct host_request *request)
{
	return host_queue_cid(&scene.queue, request);
}

/* The command's status, once the Abort has been answered. */
static void expect_aborted(struct host_request *request)
{
	ck_assert_int_eq(host_queue_await(&scene.queue, request, WAIT_MS), HOST_E_STATUS);
	expect_status(request->status, NVME_SC_ABORT_REQUESTED);
}

static uint32_t abort_of(uint16_t sqid, uint16_t cid)
{
	host_must(&scene.controller, host_abort(&scene.controller, sqid, cid));
	return scene.controller.result;
}

START_TEST(aborts_what_hangs)
{
	scene_connect();
	submit_read(&meant, 2);
	ck_assert_uint_eq(abort_of(1, cid_of(&meant)), 0); /* after abort_timeout_ms it is 1 */
	expect_aborted(&meant);
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, data));
	scene_disconnect();
	shows("Base 2.1 §5.1.1",
	      "an I/O command that its device holds up is aborted: Command Abort Requested, and "
	      "dword 0 is 0");
}
END_TEST

START_TEST(aborts_what_is_slow)
{
	scene_connect();
	submit_read(&meant, 3);
	ck_assert_uint_eq(abort_of(1, cid_of(&meant)), 0);
	expect_aborted(&meant);
	scene_disconnect();
}
END_TEST

START_TEST(aborts_the_one_that_is_meant)
{
	struct host_request others[3];

	scene_connect();
	for (unsigned i = 0; i < 3; i++)
		submit_read(&others[i], 2);
	ck_assert_uint_eq(abort_of(1, cid_of(&others[1])), 0);
	expect_aborted(&others[1]);
	ck_assert(!others[0].completed);
	ck_assert(!others[2].completed);
	ck_assert_uint_eq(abort_of(1, cid_of(&others[0])), 0);
	ck_assert_uint_eq(abort_of(1, cid_of(&others[2])), 0);
	expect_aborted(&others[0]);
	expect_aborted(&others[2]);
	scene_disconnect();
}
END_TEST

START_TEST(says_that_it_was_too_late)
{
	scene_connect();
	ck_assert_uint_eq(abort_of(1, 0x1234), 1); /* there is none */
	ck_assert_uint_eq(abort_of(3, 0), 1);      /* no such queue */
	ck_assert_uint_eq(abort_of(0xffff, 0), 1);
	scene_disconnect();
	shows("Base 2.1 §5.1.1", "a command that is not there is not aborted: dword 0 is 1");
}
END_TEST

static struct host_request abort_request(uint16_t sqid, uint16_t cid)
{
	struct host_request request = {.direction = NVME_TRANSFER_NONE};

	request.command.opcode = NVME_ADMIN_ABORT;
	request.command.cdw10 = le32_of((uint32_t)cid << 16 | sqid);
	return request;
}

/* A write whose host has not sent the data that R2T asks for. */
static void submit_write_without_data(void)
{
	memset(data, 0xa5, sizeof(data));
	meant = host_io(&scene.spaces[1], NVME_IO_WRITE, 64, 64, data);
	meant.transfer = true;
	submit(&meant);
}

/* The data is taken, and not written. */
START_TEST(aborts_what_waits_for_its_hosts_data)
{
	struct host_request abort;

	scene_connect();
	expect_good(scene_io(NVME_IO_WRITE_ZEROES, 1, 64, 64, NULL));
	submit_write_without_data();
	abort = abort_request(1, cid_of(&meant));
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &abort));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
	scene_expect_ready(); /* behind the Abort */
	expect_aborted(&meant);
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &abort, WAIT_MS));
	ck_assert_uint_eq(le32_get(abort.completion.dw0), 0);
	expect_good(scene_io(NVME_IO_READ, 1, 64, 64, data));
	scene_expect_zeroes(data, 64 * 512);
	scene_disconnect();
}
END_TEST

START_TEST(gives_up_in_time)
{
	uint64_t begin_ns;

	scene_connect();
	submit_write_without_data();
	begin_ns = clock_now_ns();
	ck_assert_uint_eq(abort_of(1, cid_of(&meant)), 1);
	ck_assert_uint_ge(clock_now_ns() - begin_ns, 900 * NS_PER_MS);
	scene_disconnect();
}
END_TEST

START_TEST(has_a_limit)
{
	struct host_request aborts[8];
	unsigned limit;

	scene_connect();
	limit = scene.controller.identity.acl_0based + 1u;
	ck_assert_uint_lt(limit, 8);
	submit_write_without_data();
	for (unsigned i = 0; i <= limit; i++) {
		aborts[i] = abort_request(1, cid_of(&meant));
		queue_must(&scene.controller.admin,
		           host_queue_submit(&scene.controller.admin, &aborts[i]));
	}
	ck_assert_int_eq(host_queue_await(&scene.controller.admin, &aborts[limit], WAIT_MS),
	                 HOST_E_STATUS);
	expect_status(aborts[limit].status, NVME_SC_ABORT_LIMIT);
	for (unsigned i = 0; i < limit; i++)
		queue_must(&scene.controller.admin,
		           host_queue_await(&scene.controller.admin, &aborts[i], WAIT_MS));
	ck_assert_uint_eq(abort_of(3, 0), 1); /* there is room again */
	scene_disconnect();
	shows("Base 2.1 §5.1.1", "more Aborts at a time than ACL are Abort Command Limit Exceeded");
}
END_TEST

/* Those that were aborted themselves are still at it: a host could have any number of them. */
START_TEST(counts_those_that_nobody_waits_for)
{
	struct host_queue *admin = &scene.controller.admin;
	struct host_request aborts[8];
	unsigned limit;

	scene_connect();
	limit = scene.controller.identity.acl_0based + 1u;
	ck_assert_uint_lt(limit, 8);
	submit_write_without_data();
	for (unsigned i = 0; i < limit; i++) {
		aborts[i] = abort_request(1, cid_of(&meant));
		queue_must(admin, host_queue_submit(admin, &aborts[i]));
		queue_must(admin, host_queue_flush(admin));
		if (i + 1 == limit)
			break;
		ck_assert_uint_eq(abort_of(0, host_queue_cid(admin, &aborts[i])), 0);
		ck_assert_int_eq(host_queue_await(admin, &aborts[i], WAIT_MS), HOST_E_STATUS);
		expect_status(aborts[i].status, NVME_SC_ABORT_REQUESTED);
	}
	ck_assert_int_eq(host_abort(&scene.controller, 1, cid_of(&meant)), HOST_E_STATUS);
	expect_status(scene.controller.status, NVME_SC_ABORT_LIMIT);
	queue_must(admin, host_queue_await(admin, &aborts[limit - 1], WAIT_MS));
	ck_assert_uint_eq(abort_of(3, 0), 1); /* there is room again */
	scene_disconnect();
}
END_TEST

/* Its memory is the worker's: it is not aborted before that says so. */
START_TEST(does_not_take_a_command_from_a_worker_that_stands_still)
{
	pid_t worker = harness_pid(scene.harness, "io-0", 0);

	scene_connect();
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	meant = host_io(&scene.spaces[1], NVME_IO_READ, 0, 1, data);
	submit(&meant);
	ck_assert_uint_eq(abort_of(1, cid_of(&meant)), 1);
	ck_assert(!meant.completed);
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	host_queue_await(&scene.queue, &meant, WAIT_MS); /* done, or aborted: both are right */
	ck_assert(meant.completed);
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, data));
	scene_disconnect();
}
END_TEST

static uint32_t arbitration(void)
{
	host_must(&scene.controller,
	          host_get_feature(&scene.controller, NVME_FEATURE_ARBITRATION, 0, NULL, 0));
	return scene.controller.result;
}

/* The state service stands still, and sets the feature when it goes on: its successor knows that
 * as well. */
START_TEST(does_not_undo_what_a_feature_was_set_to)
{
	struct host_queue *admin = &scene.controller.admin;
	pid_t state = harness_pid(scene.harness, "state", 0);
	uint32_t before;

	scene_connect();
	ck_assert_int_eq(kill(state, SIGSTOP), 0);
	meant = (struct host_request){.direction = NVME_TRANSFER_NONE};
	meant.command.opcode = NVME_ADMIN_SET_FEATURES;
	meant.command.cdw10 = le32_of(NVME_FEATURE_ARBITRATION);
	meant.command.cdw11 = le32_of(0x01020303);
	queue_must(admin, host_queue_submit(admin, &meant));
	queue_must(admin, host_queue_flush(admin));
	ck_assert_uint_eq(abort_of(0, host_queue_cid(admin, &meant)), 0);
	ck_assert_int_eq(host_queue_await(admin, &meant, WAIT_MS), HOST_E_STATUS);
	expect_status(meant.status, NVME_SC_ABORT_REQUESTED);
	ck_assert_int_eq(kill(state, SIGCONT), 0);
	before = arbitration();
	ck_assert_uint_eq(before, 0x01020303);
	harness_kill(scene.harness, "state");
	ck_assert_uint_eq(arbitration(), before);
	scene_disconnect();
}
END_TEST

/* The queue goes while its commands are being aborted. */
START_TEST(survives_the_end_of_the_queue)
{
	struct host_request abort;

	scene_connect();
	submit_write_without_data();
	abort = abort_request(1, cid_of(&meant));
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &abort));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
	scene_expect_ready();
	host_queue_close(&scene.queue);
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &abort, WAIT_MS));
	ck_assert_uint_eq(le32_get(abort.completion.dw0), 1);
	scene_disconnect();
}
END_TEST

START_TEST(survives_the_end_of_the_association)
{
	for (unsigned i = 0; i < 10; i++) {
		struct host_request abort;

		scene_connect();
		submit_write_without_data();
		abort = abort_request(1, cid_of(&meant));
		queue_must(&scene.controller.admin,
		           host_queue_submit(&scene.controller.admin, &abort));
		queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
		if (i % 2)
			scene_expect_ready();
		scene_disconnect();
	}
	scene_connect();
	expect_good(scene_io(NVME_IO_READ, 1, 0, 1, data));
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("aborts");

	describe_running(suite,
	                 "an Abort",
	                 given_a_set,
	                 scene_stop,
	                 aborts_what_hangs,
	                 aborts_what_is_slow,
	                 aborts_the_one_that_is_meant,
	                 says_that_it_was_too_late,
	                 aborts_what_waits_for_its_hosts_data,
	                 gives_up_in_time,
	                 has_a_limit,
	                 counts_those_that_nobody_waits_for,
	                 does_not_take_a_command_from_a_worker_that_stands_still,
	                 does_not_undo_what_a_feature_was_set_to,
	                 survives_the_end_of_the_queue,
	                 survives_the_end_of_the_association);
	return harness_run(suite);
}
