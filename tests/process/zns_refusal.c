/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands to zones that cannot be carried out: status, Do Not Retry, and what the Error
 * Information log tells of each. */
#include <string.h>

#include "tests/process/refused.h"
#include "tests/process/zoning.h"
#include "tests/support/shows.h"

#define AT_OPCODE 0
#define AT_NSID   4
#define AT_SLBA   40
#define AT_LENGTH 48 /* NLB, NUMD */
#define AT_ACTION 52
#define AT_OPTION 53
#define SELECTS   (1u << 9) /* ZSASO */
#define MIB       (1u << 20)

static uint8_t data[2 * MIB];

static void given_zones(void)
{
	zoning_start();
}

static struct host_request io(uint8_t opcode, uint64_t lba, uint32_t blocks)
{
	return host_io(&scene.spaces[ZONING_RAM], opcode, lba, blocks, data);
}

static struct host_request append(uint64_t lba, uint32_t blocks)
{
	return io(NVME_IO_ZONE_APPEND, lba, blocks);
}

static struct host_request act(uint64_t lba, uint8_t action)
{
	return host_zone_send(&scene.spaces[ZONING_RAM], lba, action);
}

static struct host_request look(uint64_t lba, uint8_t filter, uint32_t bytes)
{
	return host_zone_receive(&scene.spaces[ZONING_RAM], lba, filter, false, data, bytes);
}

/* ------------------------------------------------------------------ what needs no state */

START_TEST(is_unknown_to_namespaces_without_zones)
{
	struct host_request requests[] = {append(0, 1), act(0, NVME_ZONE_RESET), look(0, 0, 4096)};

	zoning_connect();
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		requests[i] = i == 0   ? append(0, 1)
		              : i == 1 ? act(0, NVME_ZONE_RESET)
		                       : look(0, 0, 4096);
		requests[i].command.nsid = le32_of(ZONING_FLAT);
		refused_io("flat", requests[i], DNR(NVME_SC_INVALID_OPCODE), AT_OPCODE, 0);
		requests[i].command.nsid = le32_of(77);
		refused_io("none", requests[i], DNR(NVME_SC_INVALID_NAMESPACE), AT_NSID, 0);
	}
	scene_disconnect();
	shows("ZNS 1.1 §3.4",
	      "commands of zones to a namespace of the NVM command set: Invalid Command Opcode, "
	      "DNR, at OPC");
}
END_TEST

START_TEST(must_name_a_zone_by_its_first_block)
{
	uint64_t end;

	zoning_connect();
	end = scene.spaces[ZONING_RAM].blocks;
	refused_io("append", append(1, 1), DNR(NVME_SC_INVALID_FIELD), AT_SLBA, 1);
	refused_io("append at the end", append(end, 1), DNR(NVME_SC_LBA_RANGE), AT_SLBA, end);
	refused_io("reset", act(63, NVME_ZONE_RESET), DNR(NVME_SC_INVALID_FIELD), AT_SLBA, 63);
	refused_io("reset at the end",
	           act(end, NVME_ZONE_RESET),
	           DNR(NVME_SC_LBA_RANGE),
	           AT_SLBA,
	           end);
	refused_io("report at the end", look(end, 0, 4096), DNR(NVME_SC_LBA_RANGE), AT_SLBA, end);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.1",
	      "ZSLBA that is not the first block of a zone: Invalid Field, DNR, at ZSLBA; outside "
	      "of the namespace: LBA Out of Range");
}
END_TEST

START_TEST(must_be_an_action_that_there_is)
{
	static const uint8_t none[] = {
		0x00, 0x06, NVME_ZONE_SET_EXTENSION, NVME_ZONE_FLUSH_ZRWA, 0xff};
	struct host_request request;

	zoning_connect();
	for (size_t i = 0; i < sizeof(none); i++)
		refused_io("action", act(64, none[i]), DNR(NVME_SC_INVALID_FIELD), AT_ACTION, 64);
	request = act(64, NVME_ZONE_OPEN);
	request.command.cdw13 = le32_of(NVME_ZONE_OPEN | SELECTS);
	refused_io("random write area",
	           request,
	           DNR(NVME_SC_INVALID_FIELD),
	           AT_OPTION | REFUSED_BIT(1),
	           64);
	request = look(0, 0, 4096);
	request.command.cdw13 = le32_of(NVME_ZONE_REPORT_EXTENDED);
	refused_io("extended report", request, DNR(NVME_SC_INVALID_FIELD), AT_ACTION, 0);
	refused_io("report of a state that there is not",
	           look(0, NVME_ZONES_OFFLINE + 1, 4096),
	           DNR(NVME_SC_INVALID_FIELD),
	           AT_OPTION,
	           0);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.3",
	      "actions of zone descriptor extensions, which there are none of (ZDES is 0), and of "
	      "the Zone Random Write Area: Invalid Field, DNR, at ZSA");
	shows("ZNS 1.1 §3.4.2",
	      "Extended Report Zones, and states that there are not: Invalid Field, DNR");
}
END_TEST

START_TEST(may_not_be_longer_than_a_command)
{
	zoning_connect();
	refused_io("append of more than MDTS",
	           append(0, MIB / 4096 + 1),
	           DNR(NVME_SC_INVALID_FIELD),
	           AT_LENGTH,
	           0);
	refused_io("append of more than a zone",
	           append(0, ZONING_BLOCKS + 1),
	           DNR(NVME_SC_ZONE_BOUNDARY),
	           AT_LENGTH,
	           0);
	refused_io("report of more than MDTS",
	           look(0, 0, MIB + 4),
	           DNR(NVME_SC_INVALID_FIELD),
	           AT_LENGTH,
	           0);
	refused_io("report of less than its header",
	           look(0, 0, 60),
	           DNR(NVME_SC_INVALID_FIELD),
	           AT_LENGTH,
	           0);
	scene_disconnect();
	shows("ZNS 1.1 §4.1.5.2",
	      "ZASL is 0: an append may be as long as MDTS says; more is Invalid Field, DNR, at "
	      "NLB");
}
END_TEST

START_TEST(must_bring_as_much_as_it_says)
{
	struct host_request less = append(0, 2), more = look(0, 0, 4096);

	zoning_connect();
	less = append(0, 2);
	less.length = 4096;
	more = look(0, 0, 4096);
	more.length = 8192;
	refused_io("append", less, DNR(NVME_SC_SGL_DATA_LENGTH), 32, 0);
	refused_io("report", more, DNR(NVME_SC_SGL_DATA_LENGTH), 32, 0);
	scene_disconnect();
	shows("ZNS 1.1 §3.4",
	      "data of another length than NLB, or NUMD, says: Data SGL Length Invalid, DNR");
}
END_TEST

/* ------------------------------------------------------------------ what the zone says */

#define ANYWHERE REFUSED_NOWHERE

START_TEST(is_not_written_elsewhere)
{
	zoning_connect();
	expect_good(zoning_write(ZONING_RAM, 0, 4, 1));
	refused_io("behind", io(NVME_IO_WRITE, 5, 1), DNR(NVME_SC_ZONE_INVALID_WRITE), ANYWHERE, 5);
	refused_io("before", io(NVME_IO_WRITE, 3, 1), DNR(NVME_SC_ZONE_INVALID_WRITE), ANYWHERE, 3);
	refused_io("zeroes",
	           io(NVME_IO_WRITE_ZEROES, 8, 1),
	           DNR(NVME_SC_ZONE_INVALID_WRITE),
	           ANYWHERE,
	           8);
	zoning_expect(ZONING_RAM, 0, NVME_ZONE_IMPLICITLY_OPEN, 4);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.3.1",
	      "a Write, or Write Zeroes, elsewhere than at the write pointer: Zone Invalid Write, "
	      "DNR");
}
END_TEST

START_TEST(is_not_written_across_its_end)
{
	zoning_connect();
	refused_io("across the zone",
	           io(NVME_IO_WRITE, 0, ZONING_BLOCKS + 1),
	           DNR(NVME_SC_ZONE_BOUNDARY),
	           ANYWHERE,
	           0);
	refused_io("across the capacity",
	           io(NVME_IO_WRITE, 0, ZONING_CAPACITY + 1),
	           DNR(NVME_SC_ZONE_BOUNDARY),
	           ANYWHERE,
	           0);
	refused_io("an append",
	           append(0, ZONING_CAPACITY + 1),
	           DNR(NVME_SC_ZONE_BOUNDARY),
	           ANYWHERE,
	           0);
	zoning_expect(ZONING_RAM, 0, NVME_ZONE_EMPTY, 0);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.3.1",
	      "a Write, or Zone Append, across a zone's end or capacity: Zone Boundary Error, DNR");
}
END_TEST

START_TEST(is_not_written_when_it_is_full)
{
	zoning_connect();
	expect_good(zoning_act(ZONING_RAM, 0, NVME_ZONE_FINISH));
	refused_io("write", io(NVME_IO_WRITE, 0, 1), DNR(NVME_SC_ZONE_FULL), ANYWHERE, 0);
	refused_io("append", append(0, 1), DNR(NVME_SC_ZONE_FULL), ANYWHERE, 0);
	refused_io("open", act(0, NVME_ZONE_OPEN), DNR(NVME_SC_ZONE_TRANSITION), ANYWHERE, 0);
	refused_io("close", act(0, NVME_ZONE_CLOSE), DNR(NVME_SC_ZONE_TRANSITION), ANYWHERE, 0);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.4",
	      "a Write, or Zone Append, to a full zone: Zone Is Full; Open and Close of it: "
	      "Invalid "
	      "Zone State Transition, DNR");
}
END_TEST

START_TEST(is_not_closed_nor_offline_when_it_is_empty)
{
	zoning_connect();
	refused_io("close", act(64, NVME_ZONE_CLOSE), DNR(NVME_SC_ZONE_TRANSITION), ANYWHERE, 64);
	refused_io(
		"offline", act(64, NVME_ZONE_OFFLINE), DNR(NVME_SC_ZONE_TRANSITION), ANYWHERE, 64);
	zoning_expect(ZONING_RAM, 1, NVME_ZONE_EMPTY, 0);
	scene_disconnect();
	shows("ZNS 1.1 §3.4.3",
	      "Close of an empty zone, and Offline of one that is not read only: Invalid Zone "
	      "State "
	      "Transition, DNR");
}
END_TEST

START_TEST(is_not_one_too_many)
{
	uint64_t at = ZONING_OPEN * ZONING_BLOCKS, other = 9 * ZONING_BLOCKS;

	zoning_connect();
	for (uint32_t zone = 0; zone < ZONING_OPEN; zone++)
		expect_good(zoning_act(ZONING_RAM, zone, NVME_ZONE_OPEN));
	refused_io("open", act(at, NVME_ZONE_OPEN), DNR(NVME_SC_ZONES_OPEN), ANYWHERE, at);
	refused_io("write", io(NVME_IO_WRITE, at, 1), DNR(NVME_SC_ZONES_OPEN), ANYWHERE, at);
	refused_io("append", append(at, 1), DNR(NVME_SC_ZONES_OPEN), ANYWHERE, at);
	expect_good(zoning_write(ZONING_RAM, 0, 1, 1));
	expect_good(zoning_act(ZONING_RAM, 0, NVME_ZONE_CLOSE));
	expect_good(zoning_write(ZONING_RAM, at, 1, 1));
	refused_io(
		"active", io(NVME_IO_WRITE, other, 1), DNR(NVME_SC_ZONES_ACTIVE), ANYWHERE, other);
	refused_io("active append", append(other, 1), DNR(NVME_SC_ZONES_ACTIVE), ANYWHERE, other);
	scene_disconnect();
	shows("ZNS 1.1 §2.1.1.4.1",
	      "beyond MOR, where none is implicitly open: Too Many Open Zones; beyond MAR: Too "
	      "Many "
	      "Active Zones, DNR");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zns_refusal");

	describe_running(suite,
	                 "a command of zones",
	                 given_zones,
	                 scene_stop,
	                 is_unknown_to_namespaces_without_zones,
	                 must_name_a_zone_by_its_first_block,
	                 must_be_an_action_that_there_is,
	                 may_not_be_longer_than_a_command,
	                 must_bring_as_much_as_it_says);
	describe_running(suite,
	                 "a zone",
	                 given_zones,
	                 scene_stop,
	                 is_not_written_elsewhere,
	                 is_not_written_across_its_end,
	                 is_not_written_when_it_is_full,
	                 is_not_closed_nor_offline_when_it_is_empty,
	                 is_not_one_too_many);
	return harness_run(suite);
}
