/* SPDX-License-Identifier: BSD-2-Clause */
/* Admin commands, whose data lies in the host's memory (RDMA 1.1 §3.3.1). */
#include <string.h>

#include "tests/rdma/suites.h"

#define EVENT_CID 77

static struct capsule plain(uint8_t opcode)
{
	return capsule_of((struct nvme_command){.opcode = opcode}, sgl_none());
}

START_TEST(identify_comes_into_the_hosts_memory)
{
	const uint8_t *page = good.page->bytes;
	struct capsule capsule = capsule_of(command_identify(NVME_CNS_CONTROLLER, 0),
	                                    sgl_keyed(good.page, 0, NVME_IDENTIFY_SIZE));

	memset(good.page->bytes, 0xa5, good.page->size);
	expect_success(execute(&good.admin, &capsule, NULL));
	ck_assert_uint_eq(page[78] | page[79] << 8, good.cntlid);
	ck_assert_uint_eq(page[NVME_IDENTIFY_SIZE], 0xa5);
}
END_TEST

/* RDMA 1.1 §3.3.1: SGLS bits 1:0 are 01b; Base 2.1: bit 2 is keyed SGLs, bit 20 offsets. */
START_TEST(identify_says_what_sgls_there_are)
{
	ck_assert_uint_eq(good.sgls & 0x3, 0x1);
	ck_assert_uint_eq(good.sgls & 0x4, 0x4);
	ck_assert_uint_eq(good.sgls & (1u << 20), 1u << 20);
	ck_assert_uint_ge(good.blocks_max, 1);
}
END_TEST

START_TEST(a_log_page_comes_into_the_hosts_memory)
{
	struct capsule capsule = capsule_of(command_log(NVME_LOG_SMART, 512),
	                                    sgl_keyed(good.page, 0, 512));

	memset(good.page->bytes, 0xa5, good.page->size);
	expect_success(execute(&good.admin, &capsule, NULL));
	ck_assert_uint_eq(good.page->bytes[511], 0);
	ck_assert_uint_eq(good.page->bytes[512], 0xa5);
}
END_TEST

START_TEST(identify_into_too_little_memory_is_refused)
{
	struct capsule capsule = capsule_of(command_identify(NVME_CNS_CONTROLLER, 0),
	                                    sgl_keyed(good.page, 0, NVME_IDENTIFY_SIZE - 1));

	expect_status(execute(&good.admin, &capsule, NULL), NVME_SC_SGL_DATA_LENGTH);
	others_do_not_notice();
}
END_TEST

START_TEST(keep_alive_is_answered)
{
	struct capsule capsule = plain(NVME_ADMIN_KEEP_ALIVE);

	expect_success(execute(&good.admin, &capsule, NULL));
}
END_TEST

START_TEST(a_command_without_data_may_leave_its_descriptor_zeroed)
{
	struct capsule capsule = plain(NVME_ADMIN_KEEP_ALIVE);

	capsule_set_sgl(&capsule, (struct capsule_sgl){0});
	expect_success(execute(&good.admin, &capsule, NULL));
}
END_TEST

START_TEST(an_unknown_command_is_refused)
{
	struct capsule capsule = plain(0xc1); /* vendor specific, host to controller */

	capsule_set_sgl(&capsule, sgl_keyed(good.page, 0, 512));
	expect_status(execute(&good.admin, &capsule, NULL), NVME_SC_INVALID_OPCODE);
	others_do_not_notice();
}
END_TEST

static void park_an_event(void)
{
	struct capsule capsule = plain(NVME_ADMIN_ASYNC_EVENT);
	struct wire_response response;

	capsule.command.cid = le16_of(EVENT_CID);
	send_capsule(&good.admin, &capsule);
	others_do_not_notice(); /* time enough for a wrong answer to it */
	ck_assert_int_eq(wire_queue_await(&good.admin, EVENT_CID, &response, 50), WIRE_E_DEADLINE);
}

START_TEST(an_event_request_waits)
{
	park_an_event();
}
END_TEST

/* Base 2.1 §5.1.1: bit 0 of dword 0 says whether it was not aborted. */
START_TEST(abort_ends_an_event_request)
{
	struct capsule capsule = plain(NVME_ADMIN_ABORT);
	struct wire_response response;

	park_an_event();
	capsule.command.cdw10 = le32_of((uint32_t)EVENT_CID << 16);
	expect_success(execute(&good.admin, &capsule, &response));
	ck_assert_uint_eq(le32_get(response.completion.dw0) & 1, 0);
	wire_must(&good.admin, wire_queue_await(&good.admin, EVENT_CID, &response, SCENE_WAIT_MS));
	ck_assert_uint_eq(le16_get(response.completion.status) >> 1 & 0x7ff,
	                  NVME_SC_ABORT_REQUESTED);
	others_do_not_notice();
}
END_TEST

START_TEST(a_host_that_leaves_takes_its_event_request_along)
{
	park_an_event();
	good_host_leaves();
	given_a_good_host();
	others_do_not_notice();
}
END_TEST

/* §3.6: also admin commands' keys may be for once. */
START_TEST(an_admin_commands_key_is_invalidated)
{
	struct capsule capsule = capsule_of(command_identify(NVME_CNS_CONTROLLER, 0), sgl_none());
	struct wire_response response;
	uint32_t key;

	wire_must(&good.admin, wire_memory_bind(&good.admin, good.page, 0, good.page->size, &key));
	capsule_set_sgl(
		&capsule,
		sgl_of(SGL_KEYED_INVALIDATE, (uintptr_t)good.page->bytes, NVME_IDENTIFY_SIZE, key));
	expect_success(execute(&good.admin, &capsule, &response));
	if (!target.is_iwarp)
		ck_assert(response.invalidated);
	if (response.invalidated)
		ck_assert_uint_eq(response.key, key);
}
END_TEST

/* Base 2.1 §6.4 */
START_TEST(disconnect_ends_an_io_queue)
{
	struct nvme_disconnect_command disconnect = {.opcode = NVME_FABRICS,
	                                             .fctype = NVME_FABRICS_DISCONNECT};
	struct nvme_command command;
	struct capsule capsule;

	memcpy(&command, &disconnect, sizeof(command));
	capsule = capsule_of(command, sgl_none());
	expect_success(execute(&good.io, &capsule, NULL));
	expect_end(&good.io, "the I/O queue");
	good_host_leaves();
	given_a_good_host();
	others_do_not_notice();
}
END_TEST

Suite *admin_suite(void)
{
	Suite *suite = suite_create("admin");

	describe(suite,
	         "an admin queue",
	         given_a_good_host,
	         good_host_leaves,
	         identify_comes_into_the_hosts_memory,
	         identify_says_what_sgls_there_are,
	         a_log_page_comes_into_the_hosts_memory,
	         identify_into_too_little_memory_is_refused,
	         keep_alive_is_answered,
	         an_unknown_command_is_refused,
	         an_event_request_waits,
	         a_host_that_leaves_takes_its_event_request_along,
	         an_admin_commands_key_is_invalidated);
	if (target.is_kernel)
		return suite;
	describe(suite,
	         "an admin queue of ours",
	         given_a_good_host,
	         good_host_leaves,
	         a_command_without_data_may_leave_its_descriptor_zeroed,
	         abort_ends_an_event_request,
	         disconnect_ends_an_io_queue);
	return suite;
}
