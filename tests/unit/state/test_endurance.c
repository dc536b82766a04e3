/* SPDX-License-Identifier: BSD-2-Clause */
/* Endurance groups: what is told of the media below a namespace. */
#include <string.h>

#include "common/nvme/identify.h"
#include "services/state/reconcile.h"
#include "tests/unit/state/stage.h"

/* The whole of a page of an endurance group. */
static struct nvme_status get_of(uint16_t endgid, uint32_t page, uint32_t bytes)
{
	return stage_admin(
		NVME_ADMIN_GET_LOG_PAGE, 0, page | (bytes / 4 - 1) << 16, (uint32_t)endgid << 16);
}

static uint64_t at(size_t offset, unsigned bytes)
{
	uint64_t value = 0;

	ck_assert_uint_le(offset + bytes, stage.reply.length);
	memcpy(&value, stage.reply.data + offset, bytes);
	return value;
}

static void expect_zeroes(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		ck_assert_msg(stage.reply.data[i] == 0, "byte %zu is %02x", i, stage.reply.data[i]);
}

static void given_a_controller(void)
{
	stage_open();
	stage_ready();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
}

/* Of namespace 2, in 4096-byte blocks. */
START_TEST(says_what_was_done_there)
{
	struct backing *backing = stage_namespace(STAGE_SUBSYSTEM, 2)->backing;

	backing->counts = (struct log_counts){.reads = 7,
	                                      .writes = 8,
	                                      .read_bytes = UINT64_C(1000000001),
	                                      .write_bytes = UINT64_C(1000000000),
	                                      .errors = 9};
	expect_status(get_of(2, NVME_LOG_ENDURANCE_GROUP, 512), 0);
	expect_zeroes(0, 3);
	ck_assert_uint_eq(at(3, 1), 100); /* AVSP */
	expect_zeroes(4, 48);
	ck_assert_uint_eq(at(48, 8), 2); /* DUR: rounded up */
	ck_assert_uint_eq(at(64, 8), 1); /* DUW */
	expect_zeroes(80, 96);
	ck_assert_uint_eq(at(96, 8), 7);
	ck_assert_uint_eq(at(112, 8), 8);
	ck_assert_uint_eq(at(128, 8), 0);
	ck_assert_uint_eq(at(144, 8), 9);
	ck_assert_uint_eq(at(160, 8), 1000 * 4096); /* TEGCAP */
	expect_zeroes(176, 512);
}
END_TEST

START_TEST(says_how_its_device_is)
{
	struct backing *backing = stage_namespace(STAGE_SUBSYSTEM, 1)->backing;

	backing->has_health = true;
	backing->health = (struct log_health){.critical_warning = NVME_WARNING_ALL,
	                                      .spare = 30,
	                                      .spare_threshold = 40,
	                                      .used = 50,
	                                      .media_errors = 60};
	expect_status(get_of(1, NVME_LOG_ENDURANCE_GROUP, 512), 0);
	ck_assert_uint_eq(at(0, 1), 0x0d); /* EGCW has no temperature, nor a backup */
	ck_assert_uint_eq(at(3, 1), 30);
	ck_assert_uint_eq(at(4, 1), 40);
	ck_assert_uint_eq(at(5, 1), 50);
	ck_assert_uint_eq(at(128, 8), 60);
	expect_status(get_of(2, NVME_LOG_ENDURANCE_GROUP, 512), 0);
	ck_assert_uint_eq(at(0, 1), 0);
	expect_status(get_of(0, NVME_LOG_SMART, 512), 0);
	ck_assert_uint_eq(at(6, 1), 0x0d); /* the summary of all groups */
}
END_TEST

START_TEST(waits_for_what_is_counted_there)
{
	struct admin_reply reply = {0};
	struct admin_request request;

	get_of(2, NVME_LOG_ENDURANCE_GROUP, 512);
	request = stage_request();
	request.is_tallied = false;
	admin_execute(&request, &reply);
	ck_assert_ptr_eq(reply.tallies, stage_namespace(STAGE_SUBSYSTEM, 2));
	ck_assert_ptr_null(reply.data);
}
END_TEST

/* 7 is not enabled. */
START_TEST(that_is_not_there_is_refused)
{
	static const uint16_t none[] = {0, 3, 7, 1024, 1025, 0xffff};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		expect_status(get_of(none[i], NVME_LOG_ENDURANCE_GROUP, 512), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 46 + 1);
	}
}
END_TEST

/* ------------------------------------------------------------------ rotational media */

/* The worker says this of the namespace's device. */
static void report_device(uint32_t nsid, Nvmetd__BackingReport said)
{
	const struct backing *backing = stage_namespace(STAGE_SUBSYSTEM, nsid)->backing;
	Nvmetd__WorkerReport report = NVMETD__WORKER_REPORT__INIT;
	Nvmetd__BackingReport *list = &said;

	said.handle = backing->handle;
	said.ready = true;
	said.blocks = backing->blocks;
	said.block_shift = backing->block_shift;
	report.namespaces = &list;
	report.n_namespaces = 1;
	reconcile_report(&stage.state, state_add_worker(&stage.state, "io-0"), &report);
}

static void report_actuators(uint32_t nsid, uint32_t actuators)
{
	Nvmetd__BackingReport said = NVMETD__BACKING_REPORT__INIT;

	said.actuators = actuators;
	report_device(nsid, said);
}

static uint64_t nsfeat(uint32_t nsid)
{
	expect_status(stage_admin(NVME_ADMIN_IDENTIFY, nsid, NVME_CNS_INDEPENDENT_NAMESPACE, 0), 0);
	return at(0, 1);
}

START_TEST(has_their_actuators)
{
	report_actuators(2, 3);
	expect_status(get_of(2, NVME_LOG_ROTATIONAL_MEDIA, 512), 0);
	ck_assert_uint_eq(at(0, 4), 3u << 16 | 2);
	expect_zeroes(4, 512);
	expect_status(get_of(2, NVME_LOG_ENDURANCE_GROUP, 512), 0);
	ck_assert_uint_eq(at(1, 1), 1); /* EGFEAT */
	ck_assert_uint_eq(nsfeat(2) & NVME_NSFEAT_ROTATIONAL, NVME_NSFEAT_ROTATIONAL);
	report_actuators(2, 100000);
	expect_status(get_of(2, NVME_LOG_ROTATIONAL_MEDIA, 512), 0);
	ck_assert_uint_eq(at(2, 2), 0xffff);
}
END_TEST

START_TEST(is_refused_where_they_do_not_rotate)
{
	static const uint16_t none[] = {0, 1, 3, 7, 0xffff};

	report_actuators(2, 1);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		expect_status(get_of(none[i], NVME_LOG_ROTATIONAL_MEDIA, 512), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 46 + 1);
	}
	ck_assert_uint_eq(nsfeat(1) & NVME_NSFEAT_ROTATIONAL, 0);
	report_actuators(2, 0);
	expect_status(get_of(2, NVME_LOG_ROTATIONAL_MEDIA, 512), DNR(0x002));
}
END_TEST

/* Before the worker has said it anew. */
START_TEST(is_known_to_the_next_state_service)
{
	report_actuators(2, 3);
	stage_reopen();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	expect_status(get_of(2, NVME_LOG_ROTATIONAL_MEDIA, 512), 0);
	ck_assert_uint_eq(at(2, 2), 3);
	report_actuators(2, 0);
	stage_reopen();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	expect_status(get_of(2, NVME_LOG_ROTATIONAL_MEDIA, 512), DNR(0x002));
}
END_TEST

/* A host that had looked before asks again. */
START_TEST(is_told_when_they_become_so)
{
	report_actuators(2, 1);
	expect_status(get_of(0, NVME_LOG_CHANGED_NAMESPACES, 4096), 0);
	ck_assert_uint_eq(at(0, 8), 2);
}
END_TEST

/* ------------------------------------------------------------------ preferences */

static void report_preference(uint32_t write, uint32_t discard, uint32_t optimal)
{
	Nvmetd__BackingReport said = NVMETD__BACKING_REPORT__INIT;

	said.write_bytes = write;
	said.discard_bytes = discard;
	said.optimal_bytes = optimal;
	report_device(2, said);
}

/* NPWG, NPDG, NOWS of namespace 2, whose blocks are of 4096 bytes. */
static void expect_preference(uint64_t write, uint64_t discard, uint64_t optimal)
{
	expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 2, NVME_CNS_NAMESPACE, 0), 0);
	ck_assert_uint_eq(at(64, 2), write);
	ck_assert_uint_eq(at(68, 2), discard);
	ck_assert_uint_eq(at(72, 2), optimal);
}

START_TEST(are_told_in_blocks)
{
	report_preference(16384, 65536, 1 << 20);
	expect_preference(3, 15, 255);
	ck_assert_uint_eq(at(24, 1), NVME_NSFEAT_OPTPERF);
}
END_TEST

START_TEST(are_not_told_where_they_make_no_sense)
{
	report_preference(512, 4097, UINT32_MAX);
	expect_preference(0, 0, 0);
	ck_assert_uint_eq(at(24, 1), 0);
}
END_TEST

START_TEST(are_known_to_the_next_state_service)
{
	report_preference(16384, 4096u << 16, 4096u << 16);
	stage_reopen();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
	expect_preference(3, 0xffff, 0xffff);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endurance");

	describe(suite,
	         "an endurance group",
	         given_a_controller,
	         stage_close,
	         says_what_was_done_there,
	         says_how_its_device_is,
	         waits_for_what_is_counted_there,
	         that_is_not_there_is_refused);
	describe(suite,
	         "what is told of rotational media",
	         given_a_controller,
	         stage_close,
	         has_their_actuators,
	         is_refused_where_they_do_not_rotate,
	         is_known_to_the_next_state_service,
	         is_told_when_they_become_so);
	describe(suite,
	         "preferences of a device",
	         given_a_controller,
	         stage_close,
	         are_told_in_blocks,
	         are_not_told_where_they_make_no_sense,
	         are_known_to_the_next_state_service);
	return run(suite);
}
