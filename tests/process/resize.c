/* SPDX-License-Identifier: BSD-2-Clause */
/* A file, or memory, of another size is told to its hosts, who find the new size. */
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define MIB     (1u << 20)
#define BLOCK   512u
#define WAIT_MS 20000u
/* Sizes are looked at each 5 s; what is told at once is there sooner, six times. */
#define SOON_NS (20 * NS_PER_S)

static uint8_t block[BLOCK];
static struct host_request event;

/* 1 is a file of 8 MiB, 2 memory of as much. */
static void given_a_set(void)
{
	struct harness_exports exports = harness_plain();
	struct harness_namespace *spaces = exports.subsystems[0].namespaces;

	spaces[0] = (struct harness_namespace){
		.nsid = 1, .path = "disk", .create_bytes = 8 * MIB, .block_bytes = BLOCK};
	spaces[1] = (struct harness_namespace){.nsid = 2, .path = "ram:8M", .block_bytes = BLOCK};
	scene_start(&exports);
	scene_connect();
}

static void end(void)
{
	scene_disconnect();
	scene_stop();
}

static void request_event(uint32_t events)
{
	event = host_event_request();
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, events));
	queue_must(&scene.controller.admin, host_queue_submit(&scene.controller.admin, &event));
	queue_must(&scene.controller.admin, host_queue_flush(&scene.controller.admin));
}

/* The log says which, and may tell again. */
static void expect_told(uint32_t nsid)
{
	struct le32 changed[NVME_LOG_CHANGED_SIZE / 4];

	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &event, WAIT_MS));
	ck_assert_uint_eq(le32_get(event.completion.dw0) >> 16, NVME_LOG_CHANGED_NAMESPACES);
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_CHANGED_NAMESPACES,
	                       false,
	                       0,
	                       changed,
	                       sizeof(changed)));
	ck_assert_uint_eq(le32_get(changed[0]), nsid);
}

static void expect_size(uint32_t nsid, uint64_t bytes)
{
	struct host_namespace space;

	host_must(&scene.controller, host_namespace_identify(&scene.controller, nsid, &space));
	ck_assert_uint_eq(space.blocks, bytes / BLOCK);
}

static struct nvme_status read_from(uint32_t nsid, uint64_t lba)
{
	const struct host_namespace space = {.nsid = nsid, .block_bytes = BLOCK};
	struct host_request request = host_io(&space, NVME_IO_READ, lba, 1, block);

	return scene_execute(&request);
}

static void resize_disk(uint64_t bytes)
{
	ck_assert_int_eq(truncate(harness_path(scene.harness, "disk"), (off_t)bytes), 0);
}

/* As truncate(1) does it: it opens the file, and closes it. */
static void reopen_disk(uint64_t bytes)
{
	FILE *file = fopen(harness_path(scene.harness, "disk"), "r+e");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ftruncate(fileno(file), (off_t)bytes), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(grows_and_shrinks_at_once)
{
	uint64_t since_ns = clock_now_ns();

	for (unsigned i = 0; i < 6; i++) {
		uint64_t bytes = (i % 2 ? 4 : 16) * (uint64_t)MIB;

		request_event(NVME_OAES_NAMESPACE);
		reopen_disk(bytes);
		expect_told(1);
		expect_size(1, bytes);
		expect_good(read_from(1, bytes / BLOCK - 1));
		expect_status(read_from(1, bytes / BLOCK), DNR(NVME_SC_LBA_RANGE));
	}
	ck_assert_uint_lt(clock_now_ns() - since_ns, SOON_NS);
	shows("Base 2.1 §5.1.2",
	      "a file that somebody makes larger or smaller is told by Namespace Attribute "
	      "Changed, and its NSZE is the new one by then");
}
END_TEST

START_TEST(grows_without_being_opened)
{
	request_event(NVME_OAES_NAMESPACE);
	resize_disk(16 * MIB);
	expect_told(1);
	expect_size(1, 16 * MIB);
}
END_TEST

START_TEST(has_the_ana_log_read_again)
{
	request_event(NVME_OAES_ANA);
	reopen_disk(16 * MIB);
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, &event, WAIT_MS));
	ck_assert_uint_eq(le32_get(event.completion.dw0) >> 16, NVME_LOG_ANA);
}
END_TEST

START_TEST(of_another_size_is_told_as_well)
{
	struct harness_exports exports = scene.harness->exports;

	request_event(NVME_OAES_NAMESPACE);
	exports.subsystems[0].namespaces[1].path = "ram:16M";
	harness_restore(scene.harness, &exports);
	expect_told(2);
	for (unsigned i = 0; i < 1000; i++) /* it goes, and comes */
		if (host_namespace_identify(&scene.controller, 2, &scene.spaces[2]) == 0)
			break;
	expect_size(2, 16 * MIB);
	expect_good(read_from(2, 16 * MIB / BLOCK - 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resize");

	describe_alone(suite,
	               "a file",
	               given_a_set,
	               end,
	               grows_and_shrinks_at_once,
	               grows_without_being_opened,
	               has_the_ana_log_read_again);
	describe_alone(suite, "memory", given_a_set, end, of_another_size_is_told_as_well);
	return harness_run(suite);
}
