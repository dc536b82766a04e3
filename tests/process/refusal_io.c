/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O commands that cannot be carried out: status, Do Not Retry, and what the Error Information log
 * tells of each. */
#include <stdio.h>

#include "tests/process/refused.h"
#include "tests/support/shows.h"

#define SPACE         2u /* of RAM, in blocks of 4096 bytes */
#define BLOCKS        (UINT64_C(64 * 1024 * 1024) / 4096)
#define MIB           (1u << 20)
#define AT_FUSE       1
#define AT_PSDT       (1 | REFUSED_BIT(6))
#define AT_NSID       4
#define AT_SGL_LENGTH 32
#define AT_SLBA       40
#define AT_NLB        48

/* What they are answered with. */
enum {
	LBA_RANGE = DNR(NVME_SC_LBA_RANGE),
	INVALID_FIELD = DNR(NVME_SC_INVALID_FIELD),
	INVALID_NAMESPACE = DNR(NVME_SC_INVALID_NAMESPACE),
	INVALID_OPCODE = DNR(NVME_SC_INVALID_OPCODE),
	SGL_LENGTH = DNR(NVME_SC_SGL_DATA_LENGTH),
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

/* ------------------------------------------------------------------ blocks */

START_TEST(blocks_outside_the_namespace_are_out_of_range)
{
	scene_connect();
	refused_io("read at the end", io(NVME_IO_READ, BLOCKS, 1), LBA_RANGE, AT_SLBA, BLOCKS);
	refused_io("read across the end",
	           io(NVME_IO_READ, BLOCKS - 1, 2),
	           LBA_RANGE,
	           AT_SLBA,
	           BLOCKS - 1);
	refused_io("write at the end", io(NVME_IO_WRITE, BLOCKS, 1), LBA_RANGE, AT_SLBA, BLOCKS);
	refused_io("write across the end",
	           io(NVME_IO_WRITE, BLOCKS - 7, 8),
	           LBA_RANGE,
	           AT_SLBA,
	           BLOCKS - 7);
	refused_io("write that wraps",
	           io(NVME_IO_WRITE, UINT64_MAX, 2),
	           LBA_RANGE,
	           AT_SLBA,
	           UINT64_MAX);
	refused_io("read that wraps",
	           io(NVME_IO_READ, UINT64_MAX - 1, 4),
	           LBA_RANGE,
	           AT_SLBA,
	           UINT64_MAX - 1);
	refused_io("zeroes at the end",
	           io(NVME_IO_WRITE_ZEROES, BLOCKS, 1),
	           LBA_RANGE,
	           AT_SLBA,
	           BLOCKS);
	refused_io(
		"zeroes across the end", io(NVME_IO_WRITE_ZEROES, 1, 65536), LBA_RANGE, AT_SLBA, 1);
	refused_io("zeroes that wrap",
	           io(NVME_IO_WRITE_ZEROES, UINT64_MAX, 2),
	           LBA_RANGE,
	           AT_SLBA,
	           UINT64_MAX);

	refused_leave(SPACE);
	shows("NVM 1.1 §3.3.4",
	      "Read outside of the namespace: LBA Out of Range, DNR, at SLBA; the Error "
	      "Information log has SLBA");
	shows("NVM 1.1 §3.3.6", "Write outside of the namespace: LBA Out of Range, DNR, at SLBA");
	shows("NVM 1.1 §3.3.8",
	      "Write Zeroes outside of the namespace: LBA Out of Range, DNR, at SLBA");
}
END_TEST

START_TEST(more_than_mdts_is_an_invalid_field)
{
	scene_connect();
	refused_io("read", io(NVME_IO_READ, 5, MIB / 4096 + 1), INVALID_FIELD, AT_NLB, 5);
	refused_io("write", io(NVME_IO_WRITE, 6, MIB / 4096 + 1), INVALID_FIELD, AT_NLB, 6);
	refused_io("past the end as well",
	           io(NVME_IO_READ, BLOCKS, 300),
	           INVALID_FIELD,
	           AT_NLB,
	           BLOCKS);

	expect_good(scene_io(NVME_IO_WRITE_ZEROES, SPACE, 0, MIB / 4096 + 1, NULL));
	refused_leave(SPACE);
	shows("Base 2.1 §5.1.13.2.1",
	      "MDTS is 1 MiB: a Read or Write of more is Invalid Field, DNR, at NLB; Write Zeroes, "
	      "which has no data, may be of more");
}
END_TEST

static struct host_request deallocate(struct nvme_dsm_range *ranges, uint32_t n)
{
	return (struct host_request){
		.command = {.opcode = NVME_IO_DATASET_MANAGEMENT,
	                    .nsid = le32_of(SPACE),
	                    .cdw10 = le32_of(n - 1),
	                    .cdw11 = le32_of(NVME_DSM_AD)},
		.direction = NVME_TRANSFER_TO_CONTROLLER,
		.data = ranges,
		.length = n * (uint32_t)sizeof(*ranges),
	};
}

static struct nvme_dsm_range range(uint64_t slba, uint32_t blocks)
{
	return (struct nvme_dsm_range){.slba = le64_of(slba), .blocks = le32_of(blocks)};
}

START_TEST(ranges_outside_the_namespace_are_out_of_range)
{
	struct nvme_dsm_range at[] = {range(BLOCKS, 1)};
	struct nvme_dsm_range across[] = {range(BLOCKS - 1, 2)};
	struct nvme_dsm_range wraps[] = {range(UINT64_MAX, 2)};
	struct nvme_dsm_range second[] = {range(8, 1), range(BLOCKS, 1)};

	scene_connect();
	refused_io("a range at the end", deallocate(at, 1), LBA_RANGE, REFUSED_NOWHERE, 0);
	refused_io("a range across the end", deallocate(across, 1), LBA_RANGE, REFUSED_NOWHERE, 0);
	refused_io("a range that wraps", deallocate(wraps, 1), LBA_RANGE, REFUSED_NOWHERE, 0);
	refused_io("the second range", deallocate(second, 2), LBA_RANGE, REFUSED_NOWHERE, 0);

	scene_write(SPACE, 8, 2, 78);
	scene_read_back(SPACE, 8, 2, 78); /* nothing of it was done */
	refused_leave(SPACE);
	shows("NVM 1.1 §3.3.3",
	      "Dataset Management with AD and a range outside of the namespace: LBA Out of Range, "
	      "DNR, at no "
	      "field of the command; no range is deallocated");
}
END_TEST

START_TEST(a_range_list_of_another_length_is_a_wrong_length)
{
	struct nvme_dsm_range ranges[300] = {range(0, 1), range(1, 1)};
	struct host_request less, none, more;

	scene_connect();
	less = deallocate(ranges, 2);
	less.length = 16;
	none = deallocate(ranges, 1);
	none.length = 0;
	more = deallocate(ranges, 256);
	more.length = 4096 + 16;
	refused_io("less than NR", less, SGL_LENGTH, AT_SGL_LENGTH, 0);
	refused_io("none", none, SGL_LENGTH, AT_SGL_LENGTH, 0);
	refused_io("more than 256", more, SGL_LENGTH, AT_SGL_LENGTH, 0);

	refused_leave(SPACE);
	shows("NVM 1.1 §3.3.3",
	      "fewer bytes of ranges than NR says, or more than 4096: Data SGL Length Invalid, "
	      "DNR");
}
END_TEST

/* ------------------------------------------------------------------ namespaces */

/* The command, to another namespace. */
static struct host_request to(struct host_request request, uint32_t nsid)
{
	request.command.nsid = le32_of(nsid);
	return request;
}

static void refuse_namespace(uint32_t nsid)
{
	struct nvme_dsm_range one[] = {range(0, 1)};
	char what[32];

	snprintf(what, sizeof(what), "namespace %xh", nsid);
	refused_io(what, to(deallocate(one, 1), nsid), INVALID_NAMESPACE, AT_NSID, 0);
	refused_io(what, to(io(NVME_IO_FLUSH, 0, 1), nsid), INVALID_NAMESPACE, AT_NSID, 0);
	refused_io(what, to(io(NVME_IO_READ, 3, 1), nsid), INVALID_NAMESPACE, AT_NSID, 3);
	refused_io(what, to(io(NVME_IO_WRITE, 3, 1), nsid), INVALID_NAMESPACE, AT_NSID, 3);
	refused_io(what, to(io(NVME_IO_WRITE_ZEROES, 3, 1), nsid), INVALID_NAMESPACE, AT_NSID, 3);
}

START_TEST(a_namespace_that_is_not_there_is_invalid)
{
	scene_connect();
	refuse_namespace(0);
	refuse_namespace(77);
	refuse_namespace(1025);
	refuse_namespace(0xfffffffe);
	refuse_namespace(NVME_NSID_ALL);
	refused_leave(SPACE);
	shows("Base 2.1 §4.1.1",
	      "an I/O command to a namespace that is not attached, to 0, or to FFFFFFFFh: Invalid "
	      "Namespace or Format, DNR, at NSID");
	shows("Base 2.1 §7.2", "Flush to FFFFFFFFh: Invalid Namespace or Format, DNR, as VWC says");
}
END_TEST

/* ------------------------------------------------------------------ opcodes, flags */

struct effects {
	struct le32 admin[256];
	struct le32 io[256];
	uint8_t reserved2048[2048];
};

/* What other commands there are, the log tells, so this holds whichever are added. */
START_TEST(commands_that_the_effects_log_does_not_have_are_invalid)
{
	static struct effects effects;
	struct host_request request = {.command = {.nsid = le32_of(SPACE)}};
	char what[32];

	scene_connect();
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_COMMAND_EFFECTS,
	                       false,
	                       0,
	                       &effects,
	                       sizeof(effects)));
	ck_assert(le32_get(effects.io[NVME_IO_READ]) & 1);
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		snprintf(what, sizeof(what), "opcode %02xh", opcode);
		request.command.opcode = (uint8_t)opcode;
		if (opcode == NVME_FABRICS)
			continue;
		if (!(le32_get(effects.io[opcode]) & 1))
			refused_io(what, request, INVALID_OPCODE, 0, 0);
		if (!(le32_get(effects.admin[opcode]) & 1))
			refused_admin(what, request, INVALID_OPCODE, 0);
	}
	refused_leave(SPACE);
	shows("Base 2.1 §5.1.12.1.6",
	      "each opcode, admin or I/O, that the log does not name as supported: Invalid Command "
	      "Opcode, DNR, at OPC");
	shows("Base 2.1 §4.2.3",
	      "M (More) is set where the Error Information log has an entry for the command");
	shows("Base 2.1 §5.1.12.1.2",
	      "each command that fails has an entry at once: Error Count, SQID, CID, status, "
	      "location, LBA, NSID, TRTYPE, opcode");
}
END_TEST

static struct host_request with_flags(uint8_t opcode, uint8_t flags)
{
	struct host_request request = io(opcode, 4, 1);

	request.command.flags = flags;
	request.command.sgl = (struct nvme_sgl){.length = le32_of(request.length), .type = 0x5a};
	request.keep_sgl = true;
	return request;
}

START_TEST(fused_commands_are_an_invalid_field)
{
	scene_connect();
	refused_io("first of two", with_flags(NVME_IO_WRITE, 0x41), INVALID_FIELD, AT_FUSE, 4);
	refused_io("second of two", with_flags(NVME_IO_WRITE, 0x42), INVALID_FIELD, AT_FUSE, 4);
	refused_io("reserved", with_flags(NVME_IO_READ, 0x43), INVALID_FIELD, AT_FUSE, 4);
	refused_io("also with PRPs", with_flags(NVME_IO_READ, 0x01), INVALID_FIELD, AT_FUSE, 4);

	refused_leave(SPACE);
	shows("Base 2.1 §3.4.2",
	      "FUSE that is not 00b: Invalid Field, DNR, at FUSE; there are no fused operations");
}
END_TEST

START_TEST(data_by_prps_is_an_invalid_field)
{
	scene_connect();
	refused_io("PRPs", with_flags(NVME_IO_READ, 0x00), INVALID_FIELD, AT_PSDT, 4);
	refused_io(
		"metadata in an SGL", with_flags(NVME_IO_WRITE, 0x80), INVALID_FIELD, AT_PSDT, 4);
	refused_io("reserved", with_flags(NVME_IO_WRITE_ZEROES, 0xc0), INVALID_FIELD, AT_PSDT, 4);
	refused_io("without data", with_flags(NVME_IO_FLUSH, 0x00), INVALID_FIELD, AT_PSDT, 0);

	refused_leave(SPACE);
	shows("Base 2.1 §4.1.1",
	      "PSDT of an admin or I/O command that is not 01b: Invalid Field, DNR, at bit 6 of "
	      "byte 1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal of I/O");

	describe_running(suite,
	                 "an I/O command",
	                 given_a_set,
	                 scene_stop,
	                 blocks_outside_the_namespace_are_out_of_range,
	                 more_than_mdts_is_an_invalid_field,
	                 ranges_outside_the_namespace_are_out_of_range,
	                 a_range_list_of_another_length_is_a_wrong_length,
	                 a_namespace_that_is_not_there_is_invalid,
	                 commands_that_the_effects_log_does_not_have_are_invalid,
	                 fused_commands_are_an_invalid_field,
	                 data_by_prps_is_an_invalid_field);
	return harness_run(suite);
}
