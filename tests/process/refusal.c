/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that cannot be carried out are answered with the status that the specification names,
 * and the queue lives on. */
#include <stdlib.h>
#include <string.h>

#include "tests/process/scene.h"
#include "tests/support/shows.h"

static void given_a_set(void)
{
	scene_start(NULL);
}

/* One command that is refused; then the queue still works. */
static void expect_refused(struct host_request *request, unsigned wanted)
{
	uint8_t data[4096];

	expect_status(scene_execute(request), wanted);
	expect_good(scene_io(NVME_IO_READ, 2, 0, 1, data));
	scene_disconnect();
}

static uint8_t block[4096];

START_TEST(a_read_past_the_end_is_refused)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_READ, scene.spaces[2].blocks, 1, block);
	expect_refused(&request, DNR(NVME_SC_LBA_RANGE));
}
END_TEST

START_TEST(a_write_across_the_end_is_refused)
{
	struct host_request request;
	uint8_t data[8192] = {0};

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_WRITE, scene.spaces[2].blocks - 1, 2, data);
	expect_refused(&request, DNR(NVME_SC_LBA_RANGE));
}
END_TEST

START_TEST(a_write_by_r2t_past_the_end_is_refused)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_WRITE, scene.spaces[2].blocks, 1, block);
	request.transfer = true;
	expect_refused(&request, DNR(NVME_SC_LBA_RANGE));
	shows("Base 2.1 §3.4.1",
	      "a command is checked before its data is fetched: no R2T for what is refused");
}
END_TEST

START_TEST(a_first_block_that_overflows_is_refused)
{
	struct host_request request;
	uint8_t data[8192] = {0};

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_READ, UINT64_MAX, 2, data);
	expect_refused(&request, DNR(NVME_SC_LBA_RANGE));
}
END_TEST

START_TEST(write_zeroes_past_the_end_are_refused)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_WRITE_ZEROES, scene.spaces[2].blocks, 1, NULL);
	expect_refused(&request, DNR(NVME_SC_LBA_RANGE));
}
END_TEST

START_TEST(an_unknown_io_opcode_is_refused)
{
	struct host_request request = {
		.command = {.opcode = 0x7c, .nsid = le32_of(1)}
        };

	scene_connect();
	expect_refused(&request, DNR(NVME_SC_INVALID_OPCODE));
}
END_TEST

START_TEST(compare_is_refused_as_an_unknown_opcode)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], 0x05, 0, 1, block);
	expect_refused(&request, DNR(NVME_SC_INVALID_OPCODE));
}
END_TEST

START_TEST(a_namespace_that_is_not_there_is_refused)
{
	struct host_namespace space;
	struct host_request request;

	scene_connect();
	space = scene.spaces[2];
	space.nsid = 77;
	request = host_io(&space, NVME_IO_READ, 0, 1, block);
	expect_refused(&request, DNR(NVME_SC_INVALID_NAMESPACE));
}
END_TEST

START_TEST(namespace_zero_is_refused)
{
	struct host_namespace space;
	struct host_request request;

	scene_connect();
	space = scene.spaces[2];
	space.nsid = 0;
	request = host_io(&space, NVME_IO_WRITE, 0, 1, block);
	expect_refused(&request, DNR(NVME_SC_INVALID_NAMESPACE));
}
END_TEST

START_TEST(more_than_mdts_is_refused)
{
	uint32_t blocks = (1 << 20) / 4096 + 1;
	uint8_t *data = calloc(blocks, 4096);
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_READ, 0, blocks, data);
	expect_refused(&request, DNR(NVME_SC_INVALID_FIELD));
	free(data);
}
END_TEST

START_TEST(a_data_length_that_is_not_the_commands_is_refused)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_READ, 0, 2, block); /* 8192 bytes */
	request.length = 4096;
	expect_refused(&request, DNR(NVME_SC_SGL_DATA_LENGTH));
}
END_TEST

START_TEST(an_sgl_of_another_type_is_refused)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_READ, 0, 1, block);
	request.keep_sgl = true;
	request.command.flags = 0x40;
	request.command.sgl = (struct nvme_sgl){.length = le32_of(4096), .type = 0x20};
	expect_refused(&request, DNR(NVME_SC_SGL_TYPE));
}
END_TEST

START_TEST(prps_are_refused)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_READ, 0, 1, block);
	request.keep_sgl = true;
	request.command.sgl = (struct nvme_sgl){.length = le32_of(4096), .type = 0x5a};
	expect_refused(&request, DNR(NVME_SC_INVALID_FIELD));
}
END_TEST

START_TEST(a_fused_command_is_refused)
{
	struct host_request request;

	scene_connect();
	request = host_io(&scene.spaces[2], NVME_IO_WRITE, 0, 1, block);
	request.command.flags = 0x01;
	expect_refused(&request, DNR(NVME_SC_INVALID_FIELD));
}
END_TEST

START_TEST(deallocating_past_the_end_is_refused)
{
	struct nvme_dsm_range range = {.blocks = le32_of(1)};
	struct host_request request = {
		.command = {.opcode = NVME_IO_DATASET_MANAGEMENT,
	                    .nsid = le32_of(2),
	                    .cdw11 = le32_of(NVME_DSM_AD)},
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.data = &range,
		.length = sizeof(range),
	};

	scene_connect();
	range.slba = le64_of(scene.spaces[2].blocks);
	expect_refused(&request, DNR(NVME_SC_LBA_RANGE));
}
END_TEST

/* ------------------------------------------------------------------ admin */

static void expect_admin_refused(struct host_request *request, unsigned wanted)
{
	scene_connect();
	expect_status(scene_admin(request), wanted);
	scene_expect_ready();
	scene_disconnect();
}

START_TEST(an_unknown_admin_opcode_is_refused)
{
	struct host_request request = {.command = {.opcode = 0x7c}};

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_OPCODE));
}
END_TEST

START_TEST(create_io_queue_is_refused)
{
	struct host_request request = {.command = {.opcode = 0x04}};

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_OPCODE));
	shows("Base 2.1 §5.2.1",
	      "Create and Delete I/O Queue commands: Invalid Command Opcode, DNR");
}
END_TEST

static struct host_request identify(uint8_t cns, uint32_t nsid, uint32_t cdw11)
{
	return (struct host_request){
		.command = {.opcode = NVME_ADMIN_IDENTIFY,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(cns),
	                    .cdw11 = le32_of(cdw11)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = block,
		.length = sizeof(block),
	};
}

START_TEST(identify_of_an_unknown_kind_is_refused)
{
	struct host_request request = identify(0xee, 0, 0);

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_FIELD));
}
END_TEST

START_TEST(identify_for_an_unknown_command_set_is_refused)
{
	struct host_request request = identify(NVME_CNS_CSI_NAMESPACE, 1, 0x55u << 24);

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_COMMAND_SET));
}
END_TEST

START_TEST(descriptors_of_a_namespace_that_is_not_there_are_refused)
{
	struct host_request request = identify(NVME_CNS_NAMESPACE_DESCRIPTORS, 77, 0);

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_NAMESPACE));
}
END_TEST

START_TEST(a_list_from_the_last_namespace_id_on_is_refused)
{
	struct host_request request = identify(NVME_CNS_ACTIVE_NAMESPACES, 0xfffffffe, 0);

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_NAMESPACE));
}
END_TEST

START_TEST(a_namespace_that_is_not_there_is_identified_as_zeroes)
{
	struct host_request request = identify(NVME_CNS_NAMESPACE, 77, 0);

	memset(block, 0xee, sizeof(block));
	scene_connect();
	expect_good(scene_admin(&request));
	scene_expect_zeroes(block, sizeof(block));
	scene_disconnect();
}
END_TEST

START_TEST(an_unknown_log_page_is_refused)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
	                    .nsid = le32_of(NVME_NSID_ALL),
	                    .cdw10 = le32_of(0xee | 127u << 16)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = block,
		.length = 512,
	};

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_LOG_PAGE));
}
END_TEST

START_TEST(an_unknown_feature_is_refused)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = le32_of(0x7e)}
        };

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_FIELD));
}
END_TEST

START_TEST(a_reserved_event_type_cannot_be_asked_for)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_SET_FEATURES,
	                    .cdw10 = le32_of(NVME_FEATURE_ASYNC_EVENT_CONFIG),
	                    .cdw11 = le32_of(1u << 20)}
        };

	expect_admin_refused(&request, DNR(NVME_SC_INVALID_FIELD));
}
END_TEST

START_TEST(a_property_that_is_not_there_is_refused)
{
	uint64_t value;

	scene_connect();
	ck_assert_int_eq(host_property_get(&scene.controller, 0x1000, false, &value),
	                 HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	scene_disconnect();
}
END_TEST

START_TEST(a_property_in_the_wrong_size_is_refused)
{
	uint64_t value;

	scene_connect();
	ck_assert_int_eq(host_property_get(&scene.controller, NVME_PROPERTY_CC, true, &value),
	                 HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	scene_disconnect();
}
END_TEST

START_TEST(cap_cannot_be_set)
{
	scene_connect();
	ck_assert_int_eq(host_property_set(&scene.controller, NVME_PROPERTY_CAP, true, 1),
	                 HOST_E_STATUS);
	expect_status(scene.controller.status, DNR(NVME_SC_INVALID_FIELD));
	scene_disconnect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal");

	describe_running(suite,
	                 "an I/O queue",
	                 given_a_set,
	                 scene_stop,
	                 a_read_past_the_end_is_refused,
	                 a_write_across_the_end_is_refused,
	                 a_write_by_r2t_past_the_end_is_refused,
	                 a_first_block_that_overflows_is_refused,
	                 write_zeroes_past_the_end_are_refused,
	                 an_unknown_io_opcode_is_refused,
	                 compare_is_refused_as_an_unknown_opcode,
	                 a_namespace_that_is_not_there_is_refused,
	                 namespace_zero_is_refused,
	                 more_than_mdts_is_refused,
	                 a_data_length_that_is_not_the_commands_is_refused,
	                 an_sgl_of_another_type_is_refused,
	                 prps_are_refused,
	                 a_fused_command_is_refused,
	                 deallocating_past_the_end_is_refused);
	describe_running(suite,
	                 "an admin queue",
	                 given_a_set,
	                 scene_stop,
	                 an_unknown_admin_opcode_is_refused,
	                 create_io_queue_is_refused,
	                 identify_of_an_unknown_kind_is_refused,
	                 identify_for_an_unknown_command_set_is_refused,
	                 descriptors_of_a_namespace_that_is_not_there_are_refused,
	                 a_list_from_the_last_namespace_id_on_is_refused,
	                 a_namespace_that_is_not_there_is_identified_as_zeroes,
	                 an_unknown_log_page_is_refused,
	                 an_unknown_feature_is_refused,
	                 a_reserved_event_type_cannot_be_asked_for,
	                 a_property_that_is_not_there_is_refused,
	                 a_property_in_the_wrong_size_is_refused,
	                 cap_cannot_be_set);
	return harness_run(suite);
}
