/* SPDX-License-Identifier: BSD-2-Clause */
/* Get Log Page on the wire: what is in each log, which parts may be asked for, and what not. */
#include <string.h>

#include "common/nvme/event_log.h"
#include "common/nvme/identify.h"
#include "common/nvme/log.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define BYTE(field) offsetof(struct nvme_command, field)

static uint8_t page[16384];

static void given_a_set(void)
{
	scene_start(NULL);
}

static void get(uint8_t lid, uint64_t offset, uint32_t length)
{
	memset(page, 0xee, sizeof(page));
	host_must(&scene.controller,
	          host_get_log(&scene.controller, lid, false, offset, page, length));
}

/* The Persistent Event log with a context for it; of endurance group 1, where it is of one. */
static struct host_request get_request(uint8_t lid)
{
	uint32_t specific = lid == NVME_LOG_PERSISTENT_EVENT ? NVME_EVENT_LOG_ESTABLISH : 0;

	return (struct host_request){
		.command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
	                    .nsid = le32_of(NVME_NSID_ALL),
	                    .cdw10 = le32_of(lid | specific << 8 | (512u / 4 - 1) << 16),
	                    .cdw11 = le32_of(1u << 16)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = page,
		.length = 512,
	};
}

static uint32_t u32(unsigned offset)
{
	struct le32 wire;

	memcpy(&wire, page + offset, sizeof(wire));
	return le32_get(wire);
}

static uint32_t u16(unsigned offset)
{
	return u32(offset) & 0xffff;
}

static uint64_t u64(unsigned offset)
{
	return u32(offset) | (uint64_t)u32(offset + 4) << 32;
}

/* ------------------------------------------------------------------ any log */

static void read_supported(struct le32 supported[static 256])
{
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_SUPPORTED,
	                       false,
	                       0,
	                       supported,
	                       256 * sizeof(supported[0])));
}

START_TEST(are_just_those_that_it_says_it_has)
{
	struct le32 supported[256];

	scene_connect();
	read_supported(supported);
	for (unsigned lid = 0; lid < 256; lid++) {
		struct host_request request = get_request((uint8_t)lid);

		if (lid == NVME_LOG_ROTATIONAL_MEDIA) /* which no namespace here has */
			scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw11) + 2);
		else if (le32_get(supported[lid]) & NVME_LOG_LSUPP)
			expect_good(scene_admin(&request));
		else
			scene_refused(&request, DNR(NVME_SC_INVALID_LOG_PAGE), BYTE(cdw10));
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.1",
	      "log 00h names just the pages that are there; others: Invalid Log Page at LID, DNR");
}
END_TEST

START_TEST(end_in_zeroes)
{
	scene_connect();
	get(NVME_LOG_SMART, 0, 4096);
	scene_expect_zeroes(page + 512, 4096 - 512);
	get(NVME_LOG_SMART, 512, 16);
	scene_expect_zeroes(page, 16);
	scene_disconnect();
	shows("Base 2.1 §5.1.12", "behind the end of a log, what was asked for is zeroes");
}
END_TEST

START_TEST(cannot_be_read_from_behind_their_end)
{
	static const struct {
		uint8_t lid;
		uint32_t length;
	} logs[] = {
		{NVME_LOG_SUPPORTED,          1024},
		{NVME_LOG_ERROR,              8192},
		{NVME_LOG_SMART,              512 },
		{NVME_LOG_FIRMWARE_SLOT,      512 },
		{NVME_LOG_CHANGED_NAMESPACES, 4096},
		{NVME_LOG_COMMAND_EFFECTS,    4096},
		{NVME_LOG_FEATURES,           1024},
		{NVME_LOG_MI,                 1024},
	};

	scene_connect();
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct host_request request = get_request(logs[i].lid);

		request.command.cdw12 = le32_of(logs[i].length);
		expect_good(scene_admin(&request));
		request.command.cdw12 = le32_of(logs[i].length + 4);
		scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw12));
		request.command.cdw12 = le32_of(0);
		request.command.cdw13 = le32_of(1);
		scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw12));
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.12",
	      "an offset behind the end of the log: Invalid Field at LPOL, DNR");
}
END_TEST

START_TEST(are_read_by_whole_dwords)
{
	struct host_request request = get_request(NVME_LOG_SMART);

	scene_connect();
	request.command.cdw12 = le32_of(2);
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw12));
	scene_disconnect();
	shows("Base 2.1 §5.1.12", "an offset within a dword: Invalid Field at LPOL, DNR");
}
END_TEST

START_TEST(are_not_read_by_index)
{
	struct host_request request = get_request(NVME_LOG_SMART);

	scene_connect();
	request.command.cdw14 = le32_of(1u << 23);
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw14) + 2);
	scene_disconnect();
	shows("Base 2.1 §5.1.12",
	      "OT: no page has an index (log 00h, IOS): Invalid Field at OT, DNR");
}
END_TEST

START_TEST(are_not_read_beyond_mdts)
{
	struct host_request request = get_request(NVME_LOG_SMART);

	scene_connect();
	request.command.cdw10 = le32_of(NVME_LOG_SMART | 0xffffu << 16);
	request.command.cdw11 = le32_of(0xffff);
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw10) + 2);
	scene_disconnect();
	shows("Base 2.1 §5.1.12", "NUMD beyond MDTS: Invalid Field at NUMDL, DNR");
}
END_TEST

START_TEST(are_of_the_controller)
{
	struct le32 supported[256];

	scene_connect();
	read_supported(supported);
	for (unsigned lid = 0; lid < 256; lid++) {
		struct host_request request = get_request((uint8_t)lid);

		if (!(le32_get(supported[lid]) & NVME_LOG_LSUPP) || lid == NVME_LOG_SMART)
			continue;
		request.command.nsid = le32_of(1);
		scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(nsid));
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1",
	      "logs but 02h are of the controller or subsystem: NSID other than 0 and FFFFFFFFh: "
	      "Invalid Field at NSID, DNR");
}
END_TEST

/* The counts in log 02h of this namespace. */
static uint64_t smart(uint32_t nsid, size_t offset)
{
	struct host_request request = get_request(NVME_LOG_SMART);
	struct le64 count;

	request.command.nsid = le32_of(nsid);
	expect_good(scene_admin(&request));
	memcpy(&count, page + offset, sizeof(count));
	return le64_get(count);
}

START_TEST(of_health_is_there_for_each_namespace)
{
	enum { READS = offsetof(struct nvme_log_smart, host_reads) };
	struct host_request request = get_request(NVME_LOG_SMART);
	uint64_t all, first, second;

	scene_connect();
	scene_write(2, 0, 1, 5);
	all = smart(NVME_NSID_ALL, READS);
	first = smart(1, READS);
	second = smart(2, READS);
	scene_read_back(2, 0, 1, 5);
	ck_assert_uint_eq(smart(NVME_NSID_ALL, READS), all + 1);
	ck_assert_uint_eq(smart(1, READS), first);
	ck_assert_uint_eq(smart(2, READS), second + 1);
	request.command.nsid = le32_of(9);
	scene_refused(&request, DNR(NVME_SC_INVALID_NAMESPACE), BYTE(nsid));
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.3",
	      "log 02h of one namespace (LPA bit 0): what is read from it and written to it, by "
	      "whomever, and how its device is; one that is not there: Invalid Namespace or "
	      "Format, DNR");
}
END_TEST

START_TEST(ignore_what_is_reserved)
{
	struct host_request request = get_request(NVME_LOG_SMART);

	scene_connect();
	request.command.cdw10 = le32_of(le32_get(request.command.cdw10) | 0x7f << 8); /* LSP */
	request.command.cdw14 = le32_of(0x7f); /* UUID Index: CTRATT bit 9 is 0 */
	expect_good(scene_admin(&request));
	scene_disconnect();
	shows("Base 2.1 §5.1.12",
	      "LSP of a page that has no use for it, and UUID Index, are ignored");
}
END_TEST

/* ------------------------------------------------------------------ each log */

START_TEST(keeps_the_last_128_errors)
{
	struct nvme_error_entry entries[NVME_ERROR_ENTRIES];
	struct host_request request;
	uint64_t count;

	scene_connect();
	for (unsigned i = 0; i < NVME_ERROR_ENTRIES + 8; i++) {
		request = get_request(0xff);
		ck_assert_uint_eq(scene_admin(&request).value, DNR(NVME_SC_INVALID_LOG_PAGE));
	}
	host_must(&scene.controller,
	          host_get_log(
			  &scene.controller, NVME_LOG_ERROR, false, 0, entries, sizeof(entries)));
	count = le64_get(entries[0].error_count);
	ck_assert_uint_eq(count, NVME_ERROR_ENTRIES + 8);
	for (unsigned i = 0; i < NVME_ERROR_ENTRIES; i++) {
		ck_assert_uint_eq(le64_get(entries[i].error_count), count - i);
		ck_assert_uint_eq(entries[i].opcode, NVME_ADMIN_GET_LOG_PAGE);
		ck_assert_uint_eq(entries[i].trtype, NVME_TRTYPE_TCP);
		ck_assert_uint_eq(entries[i].version, NVME_ERROR_ENTRY_VERSION);
	}
	get(NVME_LOG_SMART, 0, 512);
	ck_assert_uint_eq(u64(176), count);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.2",
	      "128 entries (ELPE 127), the newest first, with location, opcode, CSI and TRTYPE");
}
END_TEST

START_TEST(says_where_a_command_failed)
{
	struct nvme_error_entry entry;
	struct host_request request;
	uint64_t blocks;
	uint8_t data[4096];

	scene_connect();
	blocks = scene.spaces[2].blocks;
	request = host_io(&scene.spaces[2], NVME_IO_READ, blocks, 1, data);
	expect_status(scene_execute(&request), DNR(NVME_SC_LBA_RANGE));
	host_must(&scene.controller,
	          host_get_log(&scene.controller, NVME_LOG_ERROR, false, 0, &entry, sizeof(entry)));
	ck_assert_uint_eq(le16_get(entry.sqid), 1);
	ck_assert_uint_eq(le32_get(entry.nsid), 2);
	ck_assert_uint_eq(le64_get(entry.lba), blocks);
	ck_assert_uint_eq(le16_get(entry.parameter_location), BYTE(cdw10));
	ck_assert_uint_eq(entry.opcode, NVME_IO_READ);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.2",
	      "of an I/O command: SQID, NSID, first LBA and where it is wrong");
}
END_TEST

START_TEST(says_the_firmware_revision)
{
	scene_connect();
	get(NVME_LOG_FIRMWARE_SLOT, 0, 512);
	ck_assert_uint_eq(page[0], 1);
	ck_assert_int_eq(memcmp(page + 8,
	                        scene.controller.identity.firmware,
	                        strlen(scene.controller.identity.firmware)),
	                 0);
	scene_expect_zeroes(page + 16, 512 - 16);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.4", "one slot, active, with the revision of Identify Controller");
}
END_TEST

START_TEST(says_what_commands_do)
{
	struct host_request request = get_request(NVME_LOG_COMMAND_EFFECTS);

	scene_connect();
	get(NVME_LOG_COMMAND_EFFECTS, 0, 4096);
	ck_assert_uint_eq(u32(NVME_ADMIN_IDENTIFY * 4),
	                  NVME_EFFECT_SUPPORTED | NVME_SCOPE_CONTROLLER);
	ck_assert_uint_eq(u32(1024 + NVME_IO_WRITE * 4),
	                  NVME_EFFECT_SUPPORTED | NVME_EFFECT_BLOCKS_CHANGED |
	                          NVME_SCOPE_NAMESPACE);
	ck_assert_uint_eq(u32(1024 + NVME_IO_READ * 4),
	                  NVME_EFFECT_SUPPORTED | NVME_SCOPE_NAMESPACE);
	request.command.cdw14 = le32_of(1u << 24);
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw14) + 3);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.6",
	      "effects and scope of each command of the NVM and the Zoned Namespace command sets; "
	      "another CSI: Invalid Field");
}
END_TEST

/* What is not there is refused as unknown; no other command of ours does harm without its fields.
 */
START_TEST(says_of_each_admin_command_whether_it_is_there)
{
	struct le32 effects[1024];

	scene_connect();
	host_must(&scene.controller,
	          host_get_log(&scene.controller,
	                       NVME_LOG_COMMAND_EFFECTS,
	                       false,
	                       0,
	                       effects,
	                       sizeof(effects)));
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		struct host_request request = {.command = {.opcode = (uint8_t)opcode}};

		if (opcode == NVME_FABRICS || le32_get(effects[opcode]) & NVME_EFFECT_SUPPORTED)
			continue;
		scene_refused(&request, DNR(NVME_SC_INVALID_OPCODE), BYTE(opcode));
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.6",
	      "an admin command that the log does not name: Invalid Opcode");
}
END_TEST

START_TEST(says_what_features_do)
{
	scene_connect();
	get(NVME_LOG_FEATURES, 0, 1024);
	ck_assert_uint_eq(u32(NVME_FEATURE_ERROR_RECOVERY * 4),
	                  NVME_EFFECT_SUPPORTED | NVME_SCOPE_NAMESPACE);
	ck_assert_uint_eq(u32(NVME_FEATURE_ASYNC_EVENT_CONFIG * 4),
	                  NVME_EFFECT_SUPPORTED | NVME_SCOPE_CONTROLLER);
	ck_assert_uint_eq(u32(0x03 * 4), 0);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.18", "log 12h has the effects and the scope of each feature");
}
END_TEST

START_TEST(says_that_there_is_no_management_interface)
{
	scene_connect();
	get(NVME_LOG_MI, 0, 1024);
	scene_expect_zeroes(page, 1024);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.19", "log 13h is empty: there is no NVMe-MI");
}
END_TEST

START_TEST(lists_groups_of_ana_with_their_namespaces)
{
	scene_connect();
	get(NVME_LOG_ANA, 0, 4096);
	ck_assert_uint_eq(u16(8), 1);                    /* groups … */
	ck_assert_uint_eq(u32(16), 1);                   /* … number 1 … */
	ck_assert_uint_eq(u32(20), 2);                   /* … of two namespaces … */
	ck_assert_uint_eq(page[32], NVME_ANA_OPTIMIZED); /* … optimized: */
	ck_assert_uint_eq(u32(48), 1);
	ck_assert_uint_eq(u32(52), 2);
	scene_expect_zeroes(page + 56, 4096 - 56);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.13",
	      "groups and their NSIDs are ascending; what is behind is zeroes");
}
END_TEST

START_TEST(lists_groups_of_ana_alone)
{
	struct host_request request = get_request(NVME_LOG_ANA);

	scene_connect();
	request.command.cdw10 = le32_of(le32_get(request.command.cdw10) | NVME_LOG_ANA_RGO << 8);
	expect_good(scene_admin(&request));
	ck_assert_uint_eq(u16(8), 1);
	ck_assert_uint_eq(u32(20), 0);
	scene_expect_zeroes(page + 48, 512 - 48);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.13", "with RGO there are groups only, and no NSIDs");
}
END_TEST

/* ------------------------------------------------------------------ persistent events */

static struct host_request event_log(uint32_t action)
{
	struct host_request request = get_request(NVME_LOG_PERSISTENT_EVENT);

	request.command.cdw10 = le32_of(NVME_LOG_PERSISTENT_EVENT | action << 8 |
	                                (sizeof(page) / 4 - 1) << 16);
	request.length = sizeof(page);
	return request;
}

static const struct nvme_event_log *read_events(uint32_t action)
{
	struct host_request request = event_log(action);

	expect_good(scene_admin(&request));
	return (const struct nvme_event_log *)page;
}

static void protect(uint32_t state)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_SET_FEATURES,
	                    .nsid = le32_of(1),
	                    .cdw10 = le32_of(NVME_FEATURE_WRITE_PROTECTION),
	                    .cdw11 = le32_of(state)}
        };

	expect_good(scene_admin(&request));
}

START_TEST(needs_a_context)
{
	struct host_request request;

	scene_connect();
	request = event_log(NVME_EVENT_LOG_READ);
	scene_refused(&request, DNR(NVME_SC_COMMAND_SEQUENCE), SCENE_NOWHERE);
	read_events(NVME_EVENT_LOG_ESTABLISH);
	request = event_log(NVME_EVENT_LOG_ESTABLISH);
	scene_refused(&request, DNR(NVME_SC_COMMAND_SEQUENCE), SCENE_NOWHERE);
	read_events(NVME_EVENT_LOG_READ);
	read_events(NVME_EVENT_LOG_RELEASE);
	request = event_log(NVME_EVENT_LOG_READ);
	scene_refused(&request, DNR(NVME_SC_COMMAND_SEQUENCE), SCENE_NOWHERE);
	request = event_log(NVME_EVENT_LOG_ESTABLISH_HEADER);
	scene_refused(&request, DNR(NVME_SC_INVALID_FIELD), BYTE(cdw10) + 1);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.14",
	      "a reporting context of each controller: reading without one, and establishing a "
	      "second "
	      "one, is a Command Sequence Error; action 3 (log 00h) is not offered: Invalid Field");
}
END_TEST

START_TEST(has_what_has_happened)
{
	const struct nvme_event_log *log;
	struct nvme_event_head head;
	uint32_t before;

	scene_connect();
	log = read_events(NVME_EVENT_LOG_ESTABLISH);
	before = le32_get(log->tnev);
	ck_assert_uint_ge(before, 1); /* its beginning */
	ck_assert_uint_ge(le64_get(log->power_cycles), 1);
	protect(NVME_WPS_PROTECTED);
	protect(NVME_WPS_NONE);
	ck_assert_uint_eq(le32_get(read_events(NVME_EVENT_LOG_READ)->tnev), before);
	read_events(NVME_EVENT_LOG_RELEASE);
	log = read_events(NVME_EVENT_LOG_ESTABLISH);
	ck_assert_uint_eq(le32_get(log->tnev), before + 2);
	memcpy(&head, page + sizeof(*log), sizeof(head));
	ck_assert_uint_eq(head.type, NVME_EVENT_SET_FEATURE);
	ck_assert_uint_eq(le16_get(head.cntlid), scene.controller.cntlid);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.14",
	      "events: power on, namespaces that come and go, write protection, health; the newest "
	      "first; a context stays as it was established");
}
END_TEST

START_TEST(keeps_its_context_and_its_events_through_a_death)
{
	static uint8_t before[sizeof(page)];
	const struct nvme_event_log *log;

	scene_connect();
	protect(NVME_WPS_PROTECTED);
	protect(NVME_WPS_NONE);
	log = read_events(NVME_EVENT_LOG_ESTABLISH);
	memcpy(before, page, sizeof(page));
	ck_assert_uint_ge(le32_get(log->tnev), 2);
	harness_kill(scene.harness, "state");
	read_events(NVME_EVENT_LOG_READ);
	/* but that now there was a context before */
	((struct nvme_event_log *)before)->rci = ((const struct nvme_event_log *)page)->rci;
	ck_assert_mem_eq(page, before, sizeof(page));
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.14",
	      "events are kept in the database: at most 256 of a subsystem");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log pages");

	describe_running(suite,
	                 "logs",
	                 given_a_set,
	                 scene_stop,
	                 are_just_those_that_it_says_it_has,
	                 end_in_zeroes,
	                 cannot_be_read_from_behind_their_end,
	                 are_read_by_whole_dwords,
	                 are_not_read_by_index,
	                 are_not_read_beyond_mdts,
	                 are_of_the_controller,
	                 of_health_is_there_for_each_namespace,
	                 ignore_what_is_reserved);
	describe_running(suite,
	                 "a log",
	                 given_a_set,
	                 scene_stop,
	                 keeps_the_last_128_errors,
	                 says_where_a_command_failed,
	                 says_the_firmware_revision,
	                 says_what_commands_do,
	                 says_of_each_admin_command_whether_it_is_there,
	                 says_what_features_do,
	                 says_that_there_is_no_management_interface,
	                 lists_groups_of_ana_with_their_namespaces,
	                 lists_groups_of_ana_alone);
	describe_running(suite,
	                 "the persistent event log",
	                 given_a_set,
	                 scene_stop,
	                 needs_a_context,
	                 has_what_has_happened);
	describe_alone(suite,
	               "the persistent event log of a state service that dies",
	               given_a_set,
	               scene_stop,
	               keeps_its_context_and_its_events_through_a_death);
	return harness_run(suite);
}
