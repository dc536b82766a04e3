/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O commands whose data cannot be as they say: SGLs, and protection information. */
#include <stdio.h>

#include "tests/process/guarded.h"
#include "tests/process/refused.h"
#include "tests/support/shows.h"

#define SPACE          2u /* of RAM, in blocks of 4096 bytes */
#define MIB            (1u << 20)
#define AT_SGL_ADDRESS 24
#define AT_SGL_LENGTH  32
#define AT_SGL_TYPE    39
#define AT_NLB         48
#define AT_CDW14       56

/* What they are answered with. */
enum {
	INVALID_FIELD = DNR(NVME_SC_INVALID_FIELD),
	INVALID_PROTECTION = DNR(NVME_SC_INVALID_PROTECTION),
	SGL_LENGTH = DNR(NVME_SC_SGL_DATA_LENGTH),
	SGL_OFFSET = DNR(NVME_SC_SGL_OFFSET),
	SGL_TYPE = DNR(NVME_SC_SGL_TYPE),
};

static uint8_t data[2 * MIB];

static void given_a_set(void)
{
	scene_start(NULL);
}

static struct host_request io(uint8_t opcode, uint64_t lba, uint32_t blocks)
{
	bool has_data = opcode == NVME_IO_READ || opcode == NVME_IO_WRITE;

	return host_io(&scene.spaces[SPACE], opcode, lba, blocks, has_data ? data : NULL);
}

/* ------------------------------------------------------------------ SGLs */

static struct host_request with_sgl(uint8_t opcode, uint8_t type, uint64_t address, uint32_t length)
{
	struct host_request request = io(opcode, 4, 1);

	request.command.flags = 0x40;
	request.command.sgl = (struct nvme_sgl){
		.address = le64_of(address), .length = le32_of(length), .type = type};
	request.keep_sgl = true;
	return request;
}

START_TEST(descriptors_that_tcp_does_not_have_are_an_invalid_type)
{
	static const uint8_t types[] = {0x00,
	                                0x0a,
	                                0x0f,
	                                0x10,
	                                0x20,
	                                0x21,
	                                0x30,
	                                0x31,
	                                0x40,
	                                0x4f,
	                                0x50,
	                                0x51,
	                                0x5b,
	                                0x60,
	                                0xf0,
	                                0xff};
	char what[32];

	scene_connect();
	for (size_t i = 0; i < sizeof(types); i++) {
		snprintf(what, sizeof(what), "a descriptor of type %02xh", types[i]);
		refused_io(
			what, with_sgl(NVME_IO_READ, types[i], 0, 4096), SGL_TYPE, AT_SGL_TYPE, 4);
		refused_io(
			what, with_sgl(NVME_IO_WRITE, types[i], 0, 4096), SGL_TYPE, AT_SGL_TYPE, 4);
	}
	refused_leave(SPACE);
	shows("TCP 1.1 §3.3.2",
	      "an SGL descriptor that is neither Transport Data Block (5Ah) nor Data Block with an "
	      "offset (01h): SGL "
	      "Descriptor Type Invalid, DNR, at its type; the connection lives on");
}
END_TEST

START_TEST(data_in_a_capsule_has_its_rules)
{
	scene_connect();
	refused_io(
		"of a read", with_sgl(NVME_IO_READ, 0x01, 0, 4096), INVALID_FIELD, AT_SGL_TYPE, 4);
	refused_io("of write zeroes",
	           with_sgl(NVME_IO_WRITE_ZEROES, 0x01, 0, 0),
	           INVALID_FIELD,
	           AT_SGL_TYPE,
	           4);
	refused_io("at an offset",
	           with_sgl(NVME_IO_WRITE, 0x01, 8, 4096),
	           SGL_OFFSET,
	           AT_SGL_ADDRESS,
	           4);
	refused_io("more than IOCCSZ",
	           with_sgl(NVME_IO_WRITE, 0x01, 0, MIB),
	           SGL_OFFSET,
	           AT_SGL_ADDRESS,
	           4);
	refused_io("less than the capsule has",
	           with_sgl(NVME_IO_WRITE, 0x01, 0, 2048),
	           SGL_LENGTH,
	           AT_SGL_LENGTH,
	           4);
	refused_io("more than the capsule has",
	           with_sgl(NVME_IO_WRITE, 0x01, 0, 4100),
	           SGL_LENGTH,
	           AT_SGL_LENGTH,
	           4);

	refused_leave(SPACE);
	shows("Base 2.1 §4.3.2",
	      "in-capsule data of a command that brings none: Invalid Field, at the descriptor's "
	      "type; at an offset that is "
	      "not 0: SGL Offset Invalid; of another length than the capsule's: Data SGL Length "
	      "Invalid; all with DNR");
}
END_TEST

static struct host_request of_length(uint8_t opcode, uint32_t length)
{
	struct host_request request = io(opcode, 4, 2);

	request.direction = opcode == NVME_IO_READ ? NVME_TRANSFER_TO_HOST
	                                           : NVME_TRANSFER_TO_CONTROLLER;
	request.data = data;
	request.length = length;
	request.transfer = true;
	return request;
}

START_TEST(data_of_another_length_than_the_commands_is_a_wrong_length)
{
	scene_connect();
	refused_io("a read of less", of_length(NVME_IO_READ, 4096), SGL_LENGTH, AT_SGL_LENGTH, 4);
	refused_io("a read of more", of_length(NVME_IO_READ, 8196), SGL_LENGTH, AT_SGL_LENGTH, 4);
	refused_io("a read of nothing", of_length(NVME_IO_READ, 0), SGL_LENGTH, AT_SGL_LENGTH, 4);
	refused_io("a write of less", of_length(NVME_IO_WRITE, 8188), SGL_LENGTH, AT_SGL_LENGTH, 4);
	refused_io(
		"a write of more", of_length(NVME_IO_WRITE, 12288), SGL_LENGTH, AT_SGL_LENGTH, 4);
	refused_io("zeroes with data",
	           of_length(NVME_IO_WRITE_ZEROES, 4096),
	           SGL_LENGTH,
	           AT_SGL_LENGTH,
	           4);
	refused_io(
		"a flush with data", of_length(NVME_IO_FLUSH, 4096), SGL_LENGTH, AT_SGL_LENGTH, 0);

	refused_leave(SPACE);
	shows("Base 2.1 §4.3.2",
	      "an SGL shorter or longer than the command's data (SGLS: longer ones are not "
	      "supported): Data SGL Length "
	      "Invalid, DNR, at the descriptor's length");
}
END_TEST

/* ------------------------------------------------------------------ protection information */

static struct host_request with_tuples(uint8_t opcode, uint32_t blocks, uint32_t prinfo,
                                       uint32_t tag)
{
	struct host_request request = host_io(&scene.spaces[3], opcode, 1100, blocks, data);

	request.command.cdw12 = le32_of((blocks - 1) | prinfo);
	request.command.cdw14 = le32_of(tag);
	request.length += blocks * NVME_PROTECTION_SIZE;
	if (opcode == NVME_IO_WRITE_ZEROES)
		request.length = 0;
	return request;
}

START_TEST(protection_information_has_its_rules)
{
	struct host_request bare;
	uint32_t most;

	guarded_connect(0);
	most = MIB / (scene.spaces[3].block_bytes + NVME_PROTECTION_SIZE);
	bare = with_tuples(NVME_IO_WRITE, 2, 0, 0);
	bare.length -= 2 * NVME_PROTECTION_SIZE;
	refused_io("a read of another tag",
	           with_tuples(NVME_IO_READ, 2, REFERENCE, 1101),
	           INVALID_PROTECTION,
	           AT_CDW14,
	           1100);
	refused_io("a write of another tag",
	           with_tuples(NVME_IO_WRITE, 2, REFERENCE, 1101),
	           INVALID_PROTECTION,
	           AT_CDW14,
	           1100);
	refused_io("zeroes of another tag",
	           with_tuples(NVME_IO_WRITE_ZEROES, 2, REFERENCE, 1101),
	           INVALID_PROTECTION,
	           AT_CDW14,
	           1100);
	refused_io("more than MDTS with tuples",
	           with_tuples(NVME_IO_READ, most + 1, 0, 0),
	           INVALID_FIELD,
	           AT_NLB,
	           1100);
	refused_io("data without tuples", bare, SGL_LENGTH, AT_SGL_LENGTH, 1100);

	scene_disconnect();
	shows("NVM 1.1 §5.3.2",
	      "Type 1, PRCHK bit 0 and a reference tag that is not that of SLBA: Invalid "
	      "Protection Information, DNR, at "
	      "cdw14; extended blocks without their tuples: Data SGL Length Invalid; more than "
	      "MDTS with them: Invalid Field");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal of data");

	describe_running(suite,
	                 "an I/O command",
	                 given_a_set,
	                 scene_stop,
	                 descriptors_that_tcp_does_not_have_are_an_invalid_type,
	                 data_in_a_capsule_has_its_rules,
	                 data_of_another_length_than_the_commands_is_a_wrong_length);
	describe_running(suite,
	                 "a command with tuples",
	                 guarded_start,
	                 scene_stop,
	                 protection_information_has_its_rules);
	return harness_run(suite);
}
