/* SPDX-License-Identifier: BSD-2-Clause */
/* Endurance groups on the wire: what is counted in them, by whomever, and whose they are. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/grants.h"
#include "tests/process/imitation.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"
#include "tests/unit/io/loop_device.h"

#define BYTE(field) offsetof(struct nvme_command, field)
#define LSI_BYTE    (BYTE(cdw11) + 2)

#define RDMA_PORT 2u

enum { FILE_BACKED = 1, GRANTED = 2, ROTATING = 2, MASKED = 3, NOT_THERE = 4 };

static struct nvme_log_endurance group;

static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *spaces = exports.subsystems[0].namespaces;

	spaces[1].has_io_grant = true;
	spaces[2] = (struct harness_namespace){.nsid = MASKED, .path = "ram:1M", .is_masked = true};
	scene_start(&exports);
}

static struct host_request get_request(uint16_t endgid)
{
	return (struct host_request){
		.command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
	                    .cdw10 = le32_of(NVME_LOG_ENDURANCE_GROUP | (sizeof(group) / 4 - 1)
	                                                                        << 16),
	                    .cdw11 = le32_of((uint32_t)endgid << 16)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = &group,
		.length = sizeof(group),
	};
}

static void get(uint16_t endgid)
{
	struct host_request request = get_request(endgid);

	memset(&group, 0xee, sizeof(group));
	expect_good(scene_admin(&request));
}

static uint64_t reads(uint16_t endgid)
{
	get(endgid);
	ck_assert_uint_eq(le64_get(group.hrc[1]), 0);
	return le64_get(group.hrc[0]);
}

static uint64_t writes(uint16_t endgid)
{
	get(endgid);
	ck_assert_uint_eq(le64_get(group.hwc[1]), 0);
	return le64_get(group.hwc[0]);
}

/* ------------------------------------------------------------------ what is counted */

START_TEST(counts_what_its_namespace_is_read_and_written)
{
	uint64_t read_before, written_before;

	scene_connect();
	read_before = reads(FILE_BACKED);
	written_before = writes(FILE_BACKED);
	scene_write(FILE_BACKED, 0, 8, 1);
	scene_write(FILE_BACKED, 8, 8, 2);
	scene_read_back(FILE_BACKED, 0, 8, 1);
	ck_assert_uint_eq(writes(FILE_BACKED), written_before + 2);
	ck_assert_uint_ge(reads(FILE_BACKED), read_before + 1);
	ck_assert_uint_eq(le64_get(group.duw[0]), 1);
	ck_assert_uint_eq(le64_get(group.dur[0]), 1);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.10",
	      "log 09h counts what hosts have read and written in the namespace, in commands and "
	      "in "
	      "10^9 bytes, rounded up");
}
END_TEST

START_TEST(counts_what_another_host_does)
{
	uint64_t before;

	scene_connect();
	before = writes(FILE_BACKED);
	scene_disconnect();
	scene_connect();
	scene_write(FILE_BACKED, 0, 1, 3);
	scene_disconnect();
	scene_connect();
	ck_assert_uint_eq(writes(FILE_BACKED), before + 1);
	scene_disconnect();
}
END_TEST

START_TEST(counts_what_a_transport_does_by_itself)
{
	uint64_t before;

	scene_connect();
	grants_settle(GRANTED);
	before = writes(GRANTED);
	scene_write(GRANTED, 0, 1, 4);
	ck_assert_uint_eq(writes(GRANTED), before + 1);
	scene_disconnect();
}
END_TEST

START_TEST(says_how_its_media_are)
{
	scene_connect();
	get(FILE_BACKED);
	ck_assert_uint_eq(group.egcw & ~NVME_WARNING_ENDURANCE, 0);
	ck_assert_uint_eq(group.avsp, 100);
	ck_assert_uint_eq(group.egfeat, 0);
	ck_assert_uint_eq(le64_get(group.tegcap[0]),
	                  scene.spaces[FILE_BACKED].blocks * scene.spaces[FILE_BACKED].block_bytes);
	ck_assert_uint_eq(le64_get(group.uegcap[0]), 0);
	scene_expect_zeroes(group.reserved192, sizeof(group.reserved192));
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.10",
	      "log 09h has the warnings, the spare and the wear of what is below the namespace, "
	      "and "
	      "its size; what nobody knows (endurance estimate, media units) is 0");
}
END_TEST

/* ------------------------------------------------------------------ refusals */

START_TEST(that_is_not_there_is_refused)
{
	static const uint16_t none[] = {0, MASKED, NOT_THERE, 1024, 1025, 0xffff};

	scene_connect();
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct host_request request = get_request(none[i]);

		scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), LSI_BYTE);
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.10",
	      "an endurance group that is not there, or of a namespace that the host may not see: "
	      "Invalid Field at LSI, DNR");
}
END_TEST

START_TEST(is_not_read_from_behind_its_end)
{
	struct host_request request = get_request(FILE_BACKED);

	scene_connect();
	request.command.cdw12 = le32_of(sizeof(group));
	expect_good(scene_admin(&request));
	scene_expect_zeroes(&group, sizeof(group));
	request.command.cdw12 = le32_of(sizeof(group) + 4);
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw12));
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ rotational media */

static struct host_request get_rotational(uint16_t endgid)
{
	struct host_request request = get_request(endgid);

	request.command.cdw10 = le32_of(NVME_LOG_ROTATIONAL_MEDIA | (sizeof(group) / 4 - 1) << 16);
	return request;
}

static uint8_t nsfeat(uint32_t nsid)
{
	static struct nvme_independent_namespace page;

	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_INDEPENDENT_NAMESPACE, nsid, 0, &page));
	ck_assert_uint_eq(page.reserved15[0], 0);
	return page.nsfeat;
}

/* A loop device that says so of itself is namespace 2, beside a file. */
static void given_a_disk_that_rotates(void)
{
	struct harness_exports exports = harness_plain();
	char file[] = "/tmp/process-endurance-XXXXXX";
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
	ck_assert(loop_device_begin(file, 512));
	ck_assert(loop_device_rotate(true));
	close(fd);
	unlink(file);
	exports.subsystems[0].namespaces[1] = (struct harness_namespace){
		.nsid = ROTATING, .path = loop_device_path()};
	scene_start(&exports);
}

static void forget_the_disk(void)
{
	scene_stop();
	loop_device_end();
}

START_TEST(is_told_of_a_disk_that_rotates)
{
	struct host_request request = get_rotational(ROTATING);
	const struct nvme_log_rotational *log = (const struct nvme_log_rotational *)&group;

	scene_connect();
	ck_assert_uint_ne(nsfeat(ROTATING) & NVME_NSFEAT_ROTATIONAL, 0);
	get(ROTATING);
	ck_assert_uint_eq(group.egfeat, NVME_EGFEAT_ROTATIONAL);
	expect_good(scene_admin(&request));
	ck_assert_uint_eq(le16_get(log->endgid), ROTATING);
	ck_assert_uint_eq(le16_get(log->numa), 1);
	scene_expect_zeroes(&log->nrs, sizeof(*log) - offsetof(struct nvme_log_rotational, nrs));
	scene_disconnect();
	shows("Base 2.1 §8.1.23",
	      "a namespace on a disk that rotates says so (NSFEAT RMEDIA, EGFEAT), and log 16h has "
	      "its actuators; a file says nothing of what it is on");
}
END_TEST

START_TEST(is_refused_for_what_does_not_rotate)
{
	static const uint16_t none[] = {0, FILE_BACKED, NOT_THERE, 0xffff};

	scene_connect();
	ck_assert_uint_eq(nsfeat(FILE_BACKED) & NVME_NSFEAT_ROTATIONAL, 0);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct host_request request = get_rotational(none[i]);

		scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), LSI_BYTE);
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.22",
	      "log 16h of an endurance group whose media do not rotate: Invalid Field at LSI, DNR");
}
END_TEST

static unsigned long queue_number(const char *name)
{
	char path[96], text[32] = "";

	snprintf(path,
	         sizeof(path),
	         "/sys/class/block/%s/queue/%s",
	         loop_device_path() + strlen("/dev/"),
	         name);
	harness_read(path, text, sizeof(text));
	return strtoul(text, NULL, 10);
}

/* A loop device gives back what its file system does: 4096 bytes, as a rule. */
START_TEST(is_told_what_the_disk_likes)
{
	static struct nvme_identify_namespace page;
	unsigned long discard = queue_number("discard_granularity") / 512;

	scene_connect();
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_NAMESPACE, ROTATING, 0, &page));
	ck_assert_uint_eq(le16_get(page.npdg_0based), discard > 0 ? discard - 1 : 0);
	ck_assert_uint_eq(le16_get(page.npda_0based), le16_get(page.npdg_0based));
	ck_assert_uint_eq(le16_get(page.npwg_0based), queue_number("minimum_io_size") / 512 - 1);
	ck_assert_uint_eq(page.nsfeat, discard > 1 ? NVME_NSFEAT_OPTPERF : 0);
	host_must(&scene.controller,
	          host_identify(&scene.controller, NVME_CNS_NAMESPACE, FILE_BACKED, 0, &page));
	ck_assert_uint_eq(page.nsfeat, 0);
	scene_disconnect();
	shows("NVM 1.1 §4.1.5.1",
	      "NPWG, NPWA, NPDG, NPDA and NOWS (OPTPERF 01b) are what a block device says of its "
	      "queue; a file says nothing");
}
END_TEST

START_TEST(is_told_by_the_next_worker_and_state_service)
{
	scene_connect();
	harness_kill(scene.harness, "io-0");
	harness_kill(scene.harness, "state");
	ck_assert_uint_ne(nsfeat(ROTATING) & NVME_NSFEAT_ROTATIONAL, 0);
	scene_disconnect();
}
END_TEST

/* ------------------------------------------------------------------ deaths */

START_TEST(waits_for_no_worker_that_stands_still)
{
	pid_t worker = harness_pid(scene.harness, "io-0", 0);
	uint64_t known, began_ns;

	scene_connect();
	known = writes(FILE_BACKED);
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	began_ns = clock_now_ns();
	ck_assert_uint_eq(writes(FILE_BACKED), known); /* as it was before */
	ck_assert_uint_ge(clock_now_ns() - began_ns, NS_PER_S / 2);
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	scene_write(FILE_BACKED, 0, 1, 5);
	ck_assert_uint_eq(writes(FILE_BACKED), known + 1);
	scene_disconnect();
}
END_TEST

START_TEST(begins_anew_with_its_worker)
{
	scene_connect();
	scene_write(FILE_BACKED, 0, 1, 6);
	ck_assert_uint_ge(writes(FILE_BACKED), 1);
	harness_kill(scene.harness, "io-0");
	scene_write(FILE_BACKED, 1, 1, 7); /* waits for the successor */
	ck_assert_uint_eq(writes(FILE_BACKED), 1);
	scene_disconnect();
}
END_TEST

/* The same, with a port of RDMA, which nobody serves. */
static void given_a_set_with_rdma(void)
{
	struct harness_exports exports = harness_plain();

	exports.ports[1] = (struct harness_port){.trtype = "rdma", .traddr = "127.0.0.1"};
	exports.subsystems[0].namespaces[1].has_io_grant = true;
	scene.harness = harness_new(&exports);
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

START_TEST(lacks_nothing_of_a_transport_that_is_away)
{
	struct host_request request = get_request(GRANTED);
	static struct imitation rdma;
	struct imitation_controller controller;
	struct nvme_log_endurance log;
	uint64_t known;

	scene_connect();
	grants_settle(GRANTED);
	scene_write(GRANTED, 0, 1, 9);
	known = writes(GRANTED);
	imitation_open(&rdma);
	controller = imitation_connect(&rdma, RDMA_PORT, HARNESS_NQN); /* now: it is busy later */
	ck_assert_int_eq(kill(scene.harness->launcher, SIGSTOP), 0);
	ck_assert_int_eq(kill(harness_pid(scene.harness, "tcp", 0), SIGKILL), 0);
	for (int i = 0; i < 2; i++) /* after the first answer it is known to be away */
		memcpy(&log,
		       imitation_admin(&rdma, controller, &request.command, sizeof(log)),
		       sizeof(log));
	ck_assert_uint_ge(known, 1);
	ck_assert_uint_eq(le64_get(log.hwc[0]), known);
	ck_assert_int_eq(kill(scene.harness->launcher, SIGCONT), 0);
	imitation_close(&rdma);
}
END_TEST

static void submit(struct host_request *request)
{
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, request));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
}

START_TEST(is_not_told_to_a_host_that_has_gone)
{
	struct host_request request = get_request(FILE_BACKED);
	pid_t worker = harness_pid(scene.harness, "io-0", 0);

	scene_connect();
	ck_assert_int_eq(kill(worker, SIGSTOP), 0);
	submit(&request);
	scene_disconnect();
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	scene_connect();
	scene_write(FILE_BACKED, 0, 1, 8);
	ck_assert_uint_ge(writes(FILE_BACKED), 1);
	scene_disconnect();
}
END_TEST

START_TEST(is_answered_by_the_next_state_service)
{
	struct host_request request = get_request(FILE_BACKED);
	pid_t worker = harness_pid(scene.harness, "io-0", 0);

	scene_connect();
	ck_assert_int_eq(kill(worker, SIGSTOP), 0); /* so that it waits */
	submit(&request);
	harness_kill(scene.harness, "state");
	ck_assert_int_eq(kill(worker, SIGCONT), 0);
	host_queue_await(&scene.controller.admin, &request, HARNESS_WAIT_MS);
	ck_assert(request.completed);
	expect_good(request.status);
	ck_assert_uint_eq(group.avsp, 100);
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endurance groups");

	describe_running(suite,
	                 "an endurance group",
	                 given_a_set,
	                 scene_stop,
	                 counts_what_its_namespace_is_read_and_written,
	                 counts_what_another_host_does,
	                 counts_what_a_transport_does_by_itself,
	                 says_how_its_media_are,
	                 that_is_not_there_is_refused,
	                 is_not_read_from_behind_its_end);
	describe_running(suite,
	                 "an endurance group while processes die",
	                 given_a_set,
	                 scene_stop,
	                 waits_for_no_worker_that_stands_still,
	                 begins_anew_with_its_worker,
	                 is_not_told_to_a_host_that_has_gone,
	                 is_answered_by_the_next_state_service);
	describe_running(suite,
	                 "an endurance group that two transports serve",
	                 given_a_set_with_rdma,
	                 scene_stop,
	                 lacks_nothing_of_a_transport_that_is_away);
	if (loop_device_can_be())
		describe_running(suite,
		                 "what is told of a disk that rotates",
		                 given_a_disk_that_rotates,
		                 forget_the_disk,
		                 is_told_of_a_disk_that_rotates,
		                 is_refused_for_what_does_not_rotate,
		                 is_told_what_the_disk_likes,
		                 is_told_by_the_next_worker_and_state_service);
	else
		printf("# what is told of rotational media: not tested, as there is no loop "
		       "device\n");
	return harness_run(suite);
}
