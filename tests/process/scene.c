/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/process/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/refused.h"

#define IO_MS   20000u
#define ENTRIES 128u

struct scene scene = {
	.controller = {.admin = {.connection = {.fd = -1}}},
	.queue = {.connection = {.fd = -1}},
};

void scene_start(const struct harness_exports *exports)
{
	struct harness_exports plain = harness_plain();

	scene.harness = harness_new(exports ? exports : &plain);
	harness_start(scene.harness, true);
	scene.options = harness_host(scene.harness, 0, 0);
}

void scene_stop(void)
{
	struct harness *harness = scene.harness;

	scene.harness = NULL;
	harness_stop(harness);
}

static bool is_enabled(uint32_t nsid)
{
	const struct harness_namespace *spaces = scene.harness->exports.subsystems[0].namespaces;

	for (unsigned i = 0; i < HARNESS_NAMESPACES; i++)
		if (spaces[i].nsid == nsid)
			return !spaces[i].is_disabled && !spaces[i].is_missing &&
			       !spaces[i].is_masked && !spaces[i].hosts[0];
	return false;
}

void scene_connect(void)
{
	struct host_controller *controller = &scene.controller;
	uint16_t granted;

	harness_connect_as(&scene.options, controller);
	host_must(controller, host_controller_queues(controller, 4, &granted));
	ck_assert_uint_ge(granted, 1);
	host_must(controller,
	          host_controller_open_queue(controller,
	                                     &scene.queue,
	                                     1,
	                                     scene.entries ? scene.entries : ENTRIES,
	                                     SCENE_COMMANDS));
	for (uint32_t nsid = 1; nsid < SCENE_SPACES; nsid++)
		if (is_enabled(nsid))
			host_must(controller,
			          host_namespace_identify(controller, nsid, &scene.spaces[nsid]));
}

void scene_disconnect(void)
{
	host_queue_close(&scene.queue);
	host_controller_close(&scene.controller);
}

void scene_expect_ready(void)
{
	uint64_t csts;

	host_must(&scene.controller,
	          host_property_get(&scene.controller, NVME_PROPERTY_CSTS, false, &csts));
	ck_assert_uint_eq(csts & NVME_CSTS_RDY, NVME_CSTS_RDY);
}

struct nvme_status scene_execute(struct host_request *request)
{
	int r = host_queue_execute(&scene.queue, request, IO_MS);

	if (r != HOST_E_STATUS)
		harness_host_must(r, "an I/O command", scene.queue.connection.error);
	return request->status;
}

struct nvme_status scene_admin(struct host_request *request)
{
	int r = host_admin(&scene.controller, request);

	if (r != HOST_E_STATUS)
		harness_host_must(r, "an admin command", host_controller_error(&scene.controller));
	return request->status;
}

uint32_t scene_csts(struct host_controller *controller)
{
	uint64_t value;

	host_must(controller, host_property_get(controller, NVME_PROPERTY_CSTS, false, &value));
	return (uint32_t)value;
}

void scene_refused(struct host_request *request, unsigned status, unsigned location)
{
	char what[64];

	snprintf(what,
	         sizeof(what),
	         "opcode %02xh, dword 10 %08xh",
	         request->command.opcode,
	         le32_get(request->command.cdw10));
	refused_admin(what, *request, status, (uint16_t)location);
}

struct nvme_status scene_io(uint8_t opcode, uint32_t nsid, uint64_t lba, uint32_t blocks,
                            void *data)
{
	struct host_request request = host_io(&scene.spaces[nsid], opcode, lba, blocks, data);

	return scene_execute(&request);
}

/* ------------------------------------------------------------------ data */

void scene_fill(void *data, size_t bytes, uint64_t seed)
{
	uint64_t word = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t at = 0; at + sizeof(word) <= bytes; at += sizeof(word)) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		memcpy((uint8_t *)data + at, &word, sizeof(word));
	}
}

void scene_expect(const void *data, size_t bytes, uint64_t seed)
{
	uint8_t *wanted = malloc(bytes);
	const uint8_t *found = data;
	size_t at = 0;

	ck_assert_ptr_nonnull(wanted);
	scene_fill(wanted, bytes, seed);
	while (at < bytes && found[at] == wanted[at])
		at++;
	if (at < bytes)
		ck_abort_msg(
			"byte %zu of %zu is %02x, expected %02x", at, bytes, found[at], wanted[at]);
	free(wanted);
}

void scene_expect_zeroes(const void *data, size_t bytes)
{
	const uint8_t *found = data;

	for (size_t at = 0; at < bytes; at++)
		if (found[at])
			ck_abort_msg("byte %zu of %zu is %02x, expected 0", at, bytes, found[at]);
}

void scene_write(uint32_t nsid, uint64_t lba, uint32_t blocks, uint64_t seed)
{
	size_t bytes = (size_t)blocks * scene.spaces[nsid].block_bytes;
	void *data = malloc(bytes);

	ck_assert_ptr_nonnull(data);
	scene_fill(data, bytes, seed);
	expect_good(scene_io(NVME_IO_WRITE, nsid, lba, blocks, data));
	free(data);
}

void scene_read_back(uint32_t nsid, uint64_t lba, uint32_t blocks, uint64_t seed)
{
	size_t bytes = (size_t)blocks * scene.spaces[nsid].block_bytes;
	void *data = malloc(bytes);

	ck_assert_ptr_nonnull(data);
	memset(data, 0xee, bytes);
	expect_good(scene_io(NVME_IO_READ, nsid, lba, blocks, data));
	scene_expect(data, bytes, seed);
	free(data);
}

/* A state service that has just come has no worker yet. */
void scene_fault(uint32_t nsid, const char *rule)
{
	uint64_t deadline_ns = clock_now_ns() + HARNESS_WAIT_MS * NS_PER_MS;
	char text[4096], number[12];
	int r;

	snprintf(number, sizeof(number), "%u", nsid);
	do
		r = harness_ctl(scene.harness,
		                text,
		                sizeof(text),
		                "fault",
		                HARNESS_NQN,
		                number,
		                rule ? "set" : "clear",
		                rule,
		                NULL);
	while (r != 0 && clock_now_ns() < deadline_ns);
	ck_assert_msg(r == 0, "nvmetctl fault: %s", text);
}

/* ------------------------------------------------------------------ events */

#define EVENT_NS_CHANGED (2u | 0u << 8 | (unsigned)NVME_LOG_CHANGED_NAMESPACES << 16)
#define EVENT_MS         20000u

void scene_ask_for_event(struct host_request *ret_event)
{
	struct host_queue *admin = &scene.controller.admin;

	host_must(&scene.controller,
	          host_set_feature(
			  &scene.controller, NVME_FEATURE_ASYNC_EVENT_CONFIG, NVME_OAES_NAMESPACE));
	*ret_event = host_event_request();
	queue_must(admin, host_queue_submit(admin, ret_event));
	queue_must(admin, host_queue_flush(admin));
}

void scene_expect_event(struct host_request *event)
{
	queue_must(&scene.controller.admin,
	           host_queue_await(&scene.controller.admin, event, EVENT_MS));
	ck_assert_uint_eq(le32_get(event->completion.dw0), EVENT_NS_CHANGED);
}

void scene_add_namespace(uint32_t nsid)
{
	struct harness_exports exports = scene.harness->exports;

	exports.subsystems[0].namespaces[nsid - 1] = (struct harness_namespace){.nsid = nsid,
	                                                                        .path = "ram:1M"};
	harness_restore(scene.harness, &exports);
}
