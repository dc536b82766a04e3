/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command with keyed blocks becomes: where its data must come from, as the wire is told. */
#include "common/transport/request.h"

#include <string.h>

#include "common/transport/controller.h"
#include "common/transport/seat.h"
#include "tests/support/spec.h"
#include "tests/unit/transport/queue_stage.h"

#define BYTES ((uint32_t)sizeof(struct nvme_connect_data))

static struct request *request;
static struct nvme_command command;
static struct nvme_keyed_sgl list[2];

static void set_length(struct nvme_keyed_sgl *block, uint32_t length)
{
	struct le32 wire = le32_of(length);

	block->type = NVME_SGL_KEYED_DATA_BLOCK << 4;
	memcpy(block->length, &wire, sizeof(block->length));
}

static void given_a_connect(void)
{
	given_an_open_queue_with_keys();
	begin(1);
	request = begun[0];
	command = (struct nvme_command){.opcode = NVME_FABRICS, .flags = 0x40};
	command.nsid.b[0] = NVME_FABRICS_CONNECT;
	set_length(&list[0], BYTES / 2);
	set_length(&list[1], BYTES / 2);
}

static void describe_data(uint8_t type, uint64_t offset, uint32_t length)
{
	command.sgl.type = type;
	command.sgl.address = le64_of(offset);
	command.sgl.length = le32_of(length);
}

static void describe_block(uint32_t length)
{
	struct nvme_keyed_sgl block = {0};

	set_length(&block, length);
	memcpy(&command.sgl, &block, sizeof(block));
}

static void describe_list(void)
{
	describe_data(NVME_SGL_LAST_SEGMENT << 4 | NVME_SGL_SUB_OFFSET, 0, sizeof(list));
}

static void describe_in_capsule(uint64_t offset)
{
	describe_data(NVME_SGL_SUB_OFFSET, offset, BYTES);
}

static void expect(uint32_t capsule_bytes, enum request_source source, unsigned n_listed,
                   uint32_t offset)
{
	const struct sgl_capsule capsule = {.bytes = capsule_bytes, .list = list};

	ck_assert_int_eq(request_decode(request, &command, &capsule), source);
	ck_assert_uint_eq(request->length, BYTES);
	ck_assert_uint_eq(request->n_listed, n_listed);
	ck_assert_uint_eq(request->offset, offset);
	request_finish(request);
}

static void expect_failed(uint32_t capsule_bytes, enum nvme_status_code code, uint16_t location)
{
	const struct sgl_capsule capsule = {.bytes = capsule_bytes, .list = list};

	ck_assert_int_eq(request_decode(request, &command, &capsule), REQUEST_FAILED);
	ck_assert_uint_eq(request->status.value, code | NVME_STATUS_DNR);
	ck_assert_uint_eq(request->error_location, location);
	ck_assert_uint_eq(request->length, 0);
	ck_assert_uint_eq(request->n_listed, 0);
	request_finish(request);
}

START_TEST(is_fetched_from_the_block)
{
	describe_block(BYTES);
	expect(0, REQUEST_TRANSFER, 0, 0);
}
END_TEST

START_TEST(is_fetched_from_the_blocks_that_are_listed)
{
	describe_list();
	expect(sizeof(list), REQUEST_TRANSFER, 2, 0);
}
END_TEST

START_TEST(is_in_the_capsule)
{
	describe_in_capsule(0);
	expect(BYTES, REQUEST_IN_CAPSULE, 0, 0);
}
END_TEST

START_TEST(is_within_the_capsule)
{
	describe_in_capsule(STAGE_CAPSULE_MAX - BYTES);
	expect(STAGE_CAPSULE_MAX, REQUEST_IN_CAPSULE, 0, STAGE_CAPSULE_MAX - BYTES);
}
END_TEST

START_TEST(is_not_beyond_what_its_connection_takes_in_a_capsule)
{
	describe_in_capsule(STAGE_CAPSULE_MAX - BYTES + 1);
	expect_failed(STAGE_CAPSULE_MAX + 1, NVME_SC_SGL_OFFSET, 24);
}
END_TEST

START_TEST(is_as_much_as_the_command_has)
{
	describe_block(BYTES - 1);
	expect_failed(0, NVME_SC_SGL_DATA_LENGTH, 32);
}
END_TEST

START_TEST(is_not_more_in_all_blocks_than_the_command_has)
{
	describe_list();
	set_length(&list[1], BYTES / 2 + 1);
	expect_failed(sizeof(list), NVME_SC_SGL_DATA_LENGTH, 32);
}
END_TEST

START_TEST(is_not_sent_by_messages)
{
	describe_data(NVME_SGL_TRANSPORT << 4 | NVME_SGL_SUB_TRANSPORT, 0, BYTES);
	expect_failed(0, NVME_SC_SGL_TYPE, 39);
}
END_TEST

/* Invalid Field is no answer to a Connect (Base 2.1 §6.3). */
START_TEST(is_not_looked_at_where_its_connect_is_fused)
{
	command.flags |= 0x01;
	describe_block(BYTES);
	expect_failed(0, NVME_SC_CONNECT_INVALID_PARAMETERS, 1);
	ck_assert_uint_eq(request->result[0], 1);
}
END_TEST

/* ------------------------------------------------------------------ retry delays */

/* Its host knows CRD, and there are CRDT1 and CRDT3; an answer with this status has this one. */
static void expect_delay(struct nvme_status status, unsigned delay)
{
	atomic_store(&queue.controller->retry_delays, 1 | 4);
	holds_answers = true;
	begin(1);
	request_fail(begun[0], status);
	ck_assert_uint_eq(begun[0]->status.value & ~(unsigned)NVME_STATUS_MORE,
	                  (status.value & ~0x1800u) | delay << 11);
	finish(1);
}

START_TEST(is_to_be_retried_later_when_it_was_interrupted)
{
	expect_delay(status_of(NVME_SC_COMMAND_INTERRUPTED), 1);
	expect_delay(status_of(NVME_SC_NAMESPACE_NOT_READY), 1);
	expect_delay(status_of(NVME_SC_INTERNAL), 3);
}
END_TEST

START_TEST(is_to_be_retried_at_once_where_there_is_no_delay)
{
	expect_delay(status_of(NVME_SC_INTERNAL_PATH_ERROR), 0);
	expect_delay(status_of(NVME_SC_ABORT_REQUESTED), 0);
}
END_TEST

START_TEST(is_not_to_be_retried)
{
	expect_delay(status_dnr(NVME_SC_INTERNAL), 0);
}
END_TEST

START_TEST(has_no_delay_that_its_host_does_not_know)
{
	atomic_store(&queue.controller->retry_delays, 0);
	holds_answers = true;
	begin(1);
	request_fail(begun[0], status_of(NVME_SC_COMMAND_INTERRUPTED));
	ck_assert_uint_eq(begun[0]->status.value, NVME_SC_COMMAND_INTERRUPTED | NVME_STATUS_MORE);
	finish(1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");

	describe(suite,
	         "data of a command on a queue with keys",
	         given_a_connect,
	         forget_it,
	         is_fetched_from_the_block,
	         is_fetched_from_the_blocks_that_are_listed,
	         is_in_the_capsule,
	         is_within_the_capsule,
	         is_not_beyond_what_its_connection_takes_in_a_capsule,
	         is_as_much_as_the_command_has,
	         is_not_more_in_all_blocks_than_the_command_has,
	         is_not_sent_by_messages,
	         is_not_looked_at_where_its_connect_is_fused);
	describe(suite,
	         "a command that failed",
	         given_a_connected_queue,
	         forget_it,
	         is_to_be_retried_later_when_it_was_interrupted,
	         is_to_be_retried_at_once_where_there_is_no_delay,
	         is_not_to_be_retried,
	         has_no_delay_that_its_host_does_not_know);
	return run(suite);
}
