/* SPDX-License-Identifier: BSD-2-Clause */
/* Get Log Page: what is in each, and which parts of it may be asked for. */
#include <string.h>

#include "services/state/event.h"
#include "tests/unit/state/stage.h"

#define RAE (1u << 15)

/* The whole of a page from an offset on, `bytes` of it; of endurance group 1, if it is of one. */
static struct nvme_status get(uint32_t page, uint32_t bytes, uint64_t offset)
{
	uint32_t numd = bytes / 4 - 1;

	stage.command = (struct nvme_command){
		.opcode = NVME_ADMIN_GET_LOG_PAGE,
		.nsid = le32_of(NVME_NSID_ALL),
		.cdw10 = le32_of(page | numd << 16),
		.cdw11 = le32_of(numd >> 16 | 1u << 16),
		.cdw12 = le32_of((uint32_t)offset),
		.cdw13 = le32_of((uint32_t)(offset >> 32)),
	};
	return stage_execute();
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

static void given_a_discovery_controller(void)
{
	stage_open();
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
}

/* ------------------------------------------------------------------ any log */

START_TEST(gives_exactly_what_was_asked_for)
{
	expect_status(get(NVME_LOG_SMART, 8, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 8);
	expect_status(get(NVME_LOG_SMART, 4096, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 4096);
	expect_zeroes(512, 4096);
}
END_TEST

START_TEST(gives_a_part_from_the_middle)
{
	uint8_t whole[512];

	expect_status(get(NVME_LOG_SMART, 512, 0), 0);
	memcpy(whole, stage.reply.data, sizeof(whole));
	expect_status(get(NVME_LOG_SMART, 64, 160), 0);
	ck_assert_mem_eq(stage.reply.data, whole + 160, 64);
}
END_TEST

START_TEST(gives_zeroes_from_its_end_on)
{
	expect_status(get(NVME_LOG_SMART, 16, 512), 0);
	expect_zeroes(0, 16);
}
END_TEST

START_TEST(has_nothing_behind_its_end)
{
	expect_status(get(NVME_LOG_SMART, 16, 516), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 48 + 1);
	expect_status(get(NVME_LOG_SMART, 16, UINT64_C(1) << 40), DNR(0x002));
}
END_TEST

START_TEST(is_not_read_from_within_a_dword)
{
	expect_status(get(NVME_LOG_SMART, 16, 2), DNR(0x002));
}
END_TEST

START_TEST(is_not_read_by_index)
{
	get(NVME_LOG_SMART, 16, 0);
	stage.command.cdw14 = le32_of(1u << 23);
	expect_status(stage_execute(), DNR(0x002));
}
END_TEST

START_TEST(gives_no_more_than_mdts)
{
	expect_status(get(NVME_LOG_SMART, 1 << 20, 0), 0);
	ck_assert_uint_eq(stage.reply.length, 1 << 20);
	expect_status(get(NVME_LOG_SMART, (1 << 20) + 4, 0), DNR(0x002));
}
END_TEST

START_TEST(that_is_not_there_is_refused)
{
	static const uint8_t unknown[] = {
		0x06, 0x07, 0x08, 0x0a, 0x0b, 0x0e, 0x0f, 0x14, 0x15, 0x70, 0x81, 0xc0, 0xff};

	for (size_t i = 0; i < sizeof(unknown); i++) {
		expect_status(get(unknown[i], 512, 0), DNR(0x109));
		ck_assert_uint_eq(stage.reply.error_location, 40 + 1);
	}
}
END_TEST

/* ------------------------------------------------------------------ each log */

START_TEST(of_supported_pages_names_just_those_that_are_there)
{
	bool supported[256];

	expect_status(get(NVME_LOG_SUPPORTED, 1024, 0), 0);
	for (unsigned page = 0; page < 256; page++)
		supported[page] = at(page * 4, 4) & 1;
	for (unsigned page = 0; page < 256; page++)
		ck_assert_int_eq(get(page, 4, 0).value != DNR(0x109), supported[page]);
}
END_TEST

START_TEST(of_errors_gives_what_the_transport_sent)
{
	expect_status(get(NVME_LOG_ERROR, 4096, 0), 0);
	ck_assert_mem_eq(stage.reply.data, "an entry of the error log", 25);
	expect_zeroes(64, 4096);
}
END_TEST

START_TEST(of_health_counts_what_the_controller_did)
{
	expect_status(get(NVME_LOG_SMART, 512, 0), 0);
	ck_assert_uint_eq(at(0, 1), 0);
	ck_assert_uint_eq(at(32, 8), 2); /* 512,001 bytes are rounded up */
	ck_assert_uint_eq(at(48, 8), 1);
	ck_assert_uint_eq(at(64, 8), 3);
	ck_assert_uint_eq(at(80, 8), 4);
	ck_assert_uint_eq(at(176, 8), 5);
}
END_TEST

START_TEST(of_a_controller_is_not_kept_per_namespace)
{
	for (unsigned page = 0; page < 256; page++) {
		if (!log_is_supported((uint8_t)page, false) || page == NVME_LOG_PERSISTENT_EVENT)
			continue; /* that one is read in another way: test_journal.c */
		if (page == NVME_LOG_SMART)
			continue; /* that one is */
		if (page == NVME_LOG_ROTATIONAL_MEDIA)
			stage_namespace(STAGE_SUBSYSTEM, 1)->backing->actuators = 1;
		expect_status(get(page, 512, 0), 0);
		stage.command.nsid = le32_of(0);
		expect_status(stage_execute(), 0);
		stage.command.nsid = le32_of(1);
		expect_status(stage_execute(), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
	}
}
END_TEST

START_TEST(of_firmware_names_slot_1)
{
	expect_status(get(NVME_LOG_FIRMWARE_SLOT, 512, 0), 0);
	ck_assert_uint_eq(at(0, 1), 1);
	ck_assert_mem_eq(stage.reply.data + 8, NVMETD_VERSION "   ", 8);
	expect_zeroes(16, 512);
}
END_TEST

START_TEST(of_effects_names_what_is_supported)
{
	expect_status(get(NVME_LOG_COMMAND_EFFECTS, 4096, 0), 0);
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		bool admin = opcode == 0x02 || opcode == 0x06 || opcode == 0x08 || opcode == 0x09 ||
		             opcode == 0x0a || opcode == 0x0c || opcode == 0x18;

		ck_assert_uint_eq(at(opcode * 4, 4),
		                  admin ? 0x200001u | (opcode == 0x09 ? 4 : 0) : 0);
	}
	ck_assert_uint_eq(at(1024 + 0x00 * 4, 4), 0x100001);
	ck_assert_uint_eq(at(1024 + 0x01 * 4, 4), 0x100003);
	ck_assert_uint_eq(at(1024 + 0x02 * 4, 4), 0x100001);
	ck_assert_uint_eq(at(1024 + 0x05 * 4, 4), 0);
	ck_assert_uint_eq(at(1024 + 0x08 * 4, 4), 0x100003);
	ck_assert_uint_eq(at(1024 + 0x09 * 4, 4), 0x100003);
	for (unsigned opcode = 0x0a; opcode < 256; opcode++)
		ck_assert_uint_eq(at(1024 + opcode * 4, 4),
		                  opcode == 0x0d || opcode == 0x0e || opcode == 0x11 ||
		                                  opcode == 0x15
		                          ? 0x100001
		                          : 0);
	expect_zeroes(2048, 4096);
}
END_TEST

START_TEST(of_effects_has_zones_in_their_command_set)
{
	get(NVME_LOG_COMMAND_EFFECTS, 4096, 0);
	ck_assert_uint_eq(at(1024 + 0x79 * 4, 4), 0);
	stage.command.cdw14 = le32_of(2u << 24);
	expect_status(stage_execute(), 0);
	ck_assert_uint_eq(at(1024 + 0x01 * 4, 4), 0x100003);
	ck_assert_uint_eq(at(1024 + 0x79 * 4, 4), 0x100003);
	ck_assert_uint_eq(at(1024 + 0x7a * 4, 4), 0x100001);
	ck_assert_uint_eq(at(1024 + 0x7d * 4, 4), 0x100003);
}
END_TEST

START_TEST(of_effects_is_of_no_other_command_set)
{
	get(NVME_LOG_COMMAND_EFFECTS, 4096, 0);
	stage.command.cdw14 = le32_of(1u << 24);
	expect_status(stage_execute(), DNR(0x002));
}
END_TEST

START_TEST(of_features_names_just_those_that_are_there)
{
	uint32_t effects[256];

	expect_status(get(NVME_LOG_FEATURES, 1024, 0), 0);
	for (unsigned fid = 0; fid < 256; fid++)
		effects[fid] = (uint32_t)at(fid * 4, 4);
	for (unsigned fid = 0; fid < 256; fid++) {
		stage_admin(NVME_ADMIN_GET_FEATURES, 1, 3 << 8 | fid, 1); /* is it supported? */
		ck_assert_int_eq(status_is_ok(stage.reply.status), effects[fid] & 1);
	}
	ck_assert_uint_eq(effects[0x05], 0x100001); /* of a namespace */
	ck_assert_uint_eq(effects[0x84], 0x100005); /* and what it can may change */
	ck_assert_uint_eq(effects[0x0b], 0x200001); /* of the controller */
}
END_TEST

START_TEST(of_nvme_mi_is_empty)
{
	expect_status(get(NVME_LOG_MI, 1024, 0), 0);
	expect_zeroes(0, 1024);
}
END_TEST

START_TEST(of_ana_has_groups_and_namespaces_in_order)
{
	expect_status(get(NVME_LOG_ANA, 8208, 0), 0);
	ck_assert_uint_eq(at(8, 2), 2);
	ck_assert_uint_eq(at(16, 4), 1); /* group 1 … */
	ck_assert_uint_eq(at(20, 4), 1); /* … of one namespace … */
	ck_assert_uint_eq(at(32, 1), 1); /* … optimized */
	ck_assert_uint_eq(at(48, 4), 1);
	ck_assert_uint_eq(at(52, 4), 2); /* group 2 */
	ck_assert_uint_eq(at(56, 4), 1);
	ck_assert_uint_eq(at(68, 1), 2); /* non-optimized */
	ck_assert_uint_eq(at(84, 4), 2);
	expect_zeroes(88, 8208);
}
END_TEST

START_TEST(of_ana_shows_a_group_that_the_port_does_not_name_as_inaccessible)
{
	stage_connect(STAGE_HOST, 2, STAGE_SUBSYSTEM);
	expect_status(get(NVME_LOG_ANA, 8208, 0), 0);
	ck_assert_uint_eq(at(52, 4), 2);
	ck_assert_uint_eq(at(68, 1), 3);
}
END_TEST

START_TEST(of_ana_leaves_namespaces_out_if_asked)
{
	expect_status(get(NVME_LOG_ANA | NVME_LOG_ANA_RGO << 8, 4096, 0), 0);
	ck_assert_uint_eq(at(8, 2), 2);
	ck_assert_uint_eq(at(20, 4), 0);
	ck_assert_uint_eq(at(48, 4), 2);
	expect_zeroes(80, 4096);
}
END_TEST

START_TEST(of_changed_namespaces_is_empty_at_first)
{
	expect_status(get(NVME_LOG_CHANGED_NAMESPACES, 4096, 0), 0);
	expect_zeroes(0, 4096);
}
END_TEST

START_TEST(of_changed_namespaces_is_cleared_by_reading)
{
	session_mark_changed(stage.session, 1);
	session_mark_changed(stage.session, 1024);
	expect_status(get(NVME_LOG_CHANGED_NAMESPACES, 4096, 0), 0);
	ck_assert_uint_eq(at(0, 8), UINT64_C(1024) << 32 | 1);
	expect_zeroes(8, 4096);
	ck_assert(stage.reply.session_changed);
	expect_status(get(NVME_LOG_CHANGED_NAMESPACES, 4096, 0), 0);
	expect_zeroes(0, 4096);
}
END_TEST

START_TEST(of_changed_namespaces_is_retained_if_asked)
{
	session_mark_changed(stage.session, 5);
	event_raise(stage.session, SESSION_EVENT_NAMESPACE);
	expect_status(get(NVME_LOG_CHANGED_NAMESPACES | RAE, 4096, 0), 0);
	ck_assert_uint_eq(at(0, 4), 5);
	ck_assert(!stage.reply.session_changed);
	ck_assert_uint_eq(stage.session->events, SESSION_EVENT_NAMESPACE);
	expect_status(get(NVME_LOG_CHANGED_NAMESPACES, 4096, 0), 0);
	ck_assert_uint_eq(at(0, 4), 5);
	ck_assert_uint_eq(stage.session->events, 0);
}
END_TEST

START_TEST(of_changed_namespaces_can_be_too_many)
{
	stage.session->changed_overflow = true;
	session_mark_changed(stage.session, 5);
	expect_status(get(NVME_LOG_CHANGED_NAMESPACES, 4096, 0), 0);
	ck_assert_uint_eq(at(0, 8), 0xffffffff);
	ck_assert(!stage.session->changed_overflow);
}
END_TEST

/* ------------------------------------------------------------------ discovery */

static const struct nvme_discovery_entry *entry(unsigned index)
{
	return (const struct nvme_discovery_entry *)(stage.reply.data + 1024) + index;
}

static void get_discovery(const char *host_nqn, uint32_t port_id, uint64_t records)
{
	stage_connect(host_nqn, port_id, NVME_DISCOVERY_NQN);
	expect_status(get(NVME_LOG_DISCOVERY, 8192, 0), 0);
	ck_assert_uint_eq(at(8, 8), records);
	expect_zeroes((1 + records) * 1024, 8192);
}

/* Of the first subsystem. */
static const struct nvme_discovery_entry *entry_of(const char *host_nqn, uint32_t port_id)
{
	get_discovery(host_nqn, port_id, 3);
	return entry(1);
}

START_TEST(of_discovery_lists_what_the_host_may_use)
{
	get_discovery(STAGE_HOST, 1, 3);
	ck_assert_uint_eq(entry(0)->subtype, 3);
	ck_assert_str_eq(entry(0)->subnqn, NVME_DISCOVERY_NQN);
	ck_assert_uint_eq(entry(1)->subtype, 2);
	ck_assert_str_eq(entry(1)->subnqn, STAGE_SUBSYSTEM);
	ck_assert_str_eq(entry(2)->subnqn, STAGE_PRIVATE);
}
END_TEST

START_TEST(of_discovery_hides_what_the_host_may_not_use)
{
	get_discovery(STAGE_OTHER, 1, 2);
	ck_assert_str_eq(entry(1)->subnqn, STAGE_SUBSYSTEM);
}
END_TEST

START_TEST(of_discovery_says_where)
{
	get_discovery(STAGE_HOST, 1, 3);
	ck_assert_uint_eq(entry(1)->trtype, 3);
	ck_assert_uint_eq(entry(1)->adrfam, 1);
	ck_assert_uint_eq(entry(1)->treq, 4);
	ck_assert_uint_eq(le16_get(entry(1)->portid), 1);
	ck_assert_uint_eq(le16_get(entry(1)->cntlid), 0xffff);
	ck_assert_uint_eq(le16_get(entry(1)->asqsz), 32);
	ck_assert_mem_eq(entry(1)->trsvcid, "4420    ", 8);
	ck_assert_mem_eq(entry(1)->traddr, "127.0.0.1   ", 12);
}
END_TEST

/* TSAS: connected queue pairs, no provider, RDMA_CM. */
START_TEST(of_discovery_says_how_to_connect_over_rdma)
{
	static const uint8_t tsas[256] = {1, 1, 1}, none[256];
	char *text = stage_edit(
		stage_config, "\"4420\", \"trtype\": \"tcp\"", "\"4420\", \"trtype\": \"rdma\"");

	ck_assert_mem_eq(entry_of(STAGE_HOST, 1)->tsas, none, sizeof(none));
	stage_restore(text);
	free(text);
	ck_assert_uint_eq(entry_of(STAGE_HOST, 1)->trtype, 1);
	ck_assert_mem_eq(entry(1)->tsas, tsas, sizeof(tsas));
	ck_assert_mem_eq(entry_of(STAGE_HOST, 2)->tsas, none, sizeof(none));
}
END_TEST

START_TEST(of_discovery_says_how_to_connect_to_another_over_rdma)
{
	static const uint8_t tsas[256] = {1, 1, 1};
	char *text = stage_edit(
		stage_config, "\"8009\", \"trtype\": \"tcp\"", "\"8009\", \"trtype\": \"rdma\"");

	stage_restore(text);
	free(text);
	get_discovery(STAGE_HOST, 2, 3);
	ck_assert_uint_eq(entry(2)->trtype, 1);
	ck_assert_mem_eq(entry(2)->tsas, tsas, sizeof(tsas));
}
END_TEST

START_TEST(of_discovery_says_where_the_host_came_in)
{
	get_discovery(STAGE_HOST, 2, 3);
	ck_assert_mem_eq(entry(1)->traddr, "192.0.2.9  ", 11);
	ck_assert_mem_eq(entry(1)->trsvcid, "4421 ", 5);
}
END_TEST

START_TEST(of_discovery_refers_to_others)
{
	get_discovery(STAGE_HOST, 2, 3);
	ck_assert_uint_eq(entry(2)->subtype, 1);
	ck_assert_uint_eq(entry(2)->adrfam, 2);
	ck_assert_str_eq(entry(2)->subnqn, NVME_DISCOVERY_NQN);
	ck_assert_uint_eq(le16_get(entry(2)->portid), 7);
	ck_assert_mem_eq(entry(2)->traddr, "2001:db8::1 ", 12);
}
END_TEST

START_TEST(of_discovery_can_be_read_in_parts)
{
	expect_status(get(NVME_LOG_DISCOVERY, 1024, 2048), 0);
	ck_assert_uint_eq(stage.reply.length, 1024);
	ck_assert_str_eq((char *)stage.reply.data + 256, STAGE_SUBSYSTEM);
	expect_status(get(NVME_LOG_DISCOVERY, 1024, 4096), 0);
	expect_status(get(NVME_LOG_DISCOVERY, 1024, 4100), DNR(0x002));
}
END_TEST

START_TEST(of_discovery_counts_its_changes)
{
	uint64_t before;
	char *other;

	expect_status(get(NVME_LOG_DISCOVERY, 1024, 0), 0);
	before = at(0, 8);
	other = stage_edit(stage_config, "4421", "4422");
	stage_restore(other);
	free(other);
	expect_status(get(NVME_LOG_DISCOVERY, 1024, 0), 0);
	ck_assert_uint_gt(at(0, 8), before);
}
END_TEST

START_TEST(of_discovery_controllers_is_not_one_for_io)
{
	static const uint8_t others[] = {2, 3, 4, 5, 0x0c};

	for (size_t i = 0; i < sizeof(others); i++)
		expect_status(get(others[i], 512, 0), DNR(0x109));
	expect_status(get(NVME_LOG_SUPPORTED, 1024, 0), 0);
	ck_assert_uint_eq(at(0x70 * 4, 2), 1);
	ck_assert_uint_eq(at(0x02 * 4, 4), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a log");

	describe(suite,
	         "any log",
	         given_a_controller,
	         stage_close,
	         gives_exactly_what_was_asked_for,
	         gives_a_part_from_the_middle,
	         gives_zeroes_from_its_end_on,
	         has_nothing_behind_its_end,
	         is_not_read_from_within_a_dword,
	         is_not_read_by_index,
	         gives_no_more_than_mdts,
	         that_is_not_there_is_refused);
	describe(suite,
	         "a log",
	         given_a_controller,
	         stage_close,
	         of_supported_pages_names_just_those_that_are_there,
	         of_errors_gives_what_the_transport_sent,
	         of_health_counts_what_the_controller_did,
	         of_a_controller_is_not_kept_per_namespace,
	         of_firmware_names_slot_1,
	         of_effects_names_what_is_supported,
	         of_effects_has_zones_in_their_command_set,
	         of_effects_is_of_no_other_command_set,
	         of_features_names_just_those_that_are_there,
	         of_nvme_mi_is_empty,
	         of_ana_has_groups_and_namespaces_in_order,
	         of_ana_shows_a_group_that_the_port_does_not_name_as_inaccessible,
	         of_ana_leaves_namespaces_out_if_asked,
	         of_changed_namespaces_is_empty_at_first,
	         of_changed_namespaces_is_cleared_by_reading,
	         of_changed_namespaces_is_retained_if_asked,
	         of_changed_namespaces_can_be_too_many);
	describe(suite,
	         "the log",
	         given_a_discovery_controller,
	         stage_close,
	         of_discovery_lists_what_the_host_may_use,
	         of_discovery_hides_what_the_host_may_not_use,
	         of_discovery_says_where,
	         of_discovery_says_how_to_connect_over_rdma,
	         of_discovery_says_how_to_connect_to_another_over_rdma,
	         of_discovery_says_where_the_host_came_in,
	         of_discovery_refers_to_others,
	         of_discovery_can_be_read_in_parts,
	         of_discovery_counts_its_changes,
	         of_discovery_controllers_is_not_one_for_io);
	return run(suite);
}
