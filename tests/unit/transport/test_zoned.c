/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands to a namespace with zones: which go to its worker, and what is looked at before. */
#include "common/transport/zoned.h"

#include <string.h>

#include "common/nvme/zns.h"
#include "tests/support/spec.h"

#define DNR         NVME_STATUS_DNR
#define ZONES       10u
#define ZONE_BLOCKS 128u                         /* of 4 KiB */
#define BLOCKS      (ZONES * ZONE_BLOCKS - 100u) /* the last one is smaller */

enum { ZONED = 1, FLAT, PROTECTED };

static struct view_namespace namespaces[3];
static struct view_subsystem subsystem;
static struct view_port port;
static struct nvme_command command;
static struct admitted admitted;
static uint16_t location;

static void given_a_subsystem(void)
{
	for (unsigned i = 0; i < 3; i++)
		namespaces[i] = (struct view_namespace){.nsid = i + 1,
		                                        .handle = 101 + i,
		                                        .ana_group = 1,
		                                        .block_shift = 12,
		                                        .blocks = BLOCKS,
		                                        .zone_blocks = ZONE_BLOCKS,
		                                        .ready = true};
	namespaces[FLAT - 1].zone_blocks = 0;
	namespaces[PROTECTED - 1].write_protected = true;
	subsystem = (struct view_subsystem){.n_namespaces = 3, .namespaces = namespaces};
	memset(port.ana, VIEW_ANA_OPTIMIZED, sizeof(port.ana));
	location = 0xffff;
}

/* As io.c does it. */
static struct nvme_status check(void)
{
	struct nvme_status status = admission_check(
		&subsystem, &port, &command, &admitted, &location);

	return status_is_ok(status)
	               ? status
	               : zoned_admit(&subsystem, &port, &command, status, &admitted, &location);
}

static struct nvme_status admit(uint8_t opcode, uint32_t nsid, uint64_t first, uint32_t cdw12,
                                uint32_t cdw13)
{
	command = (struct nvme_command){
		.opcode = opcode,
		.flags = 0x40,
		.nsid = le32_of(nsid),
		.cdw10 = le32_of((uint32_t)first),
		.cdw11 = le32_of((uint32_t)(first >> 32)),
		.cdw12 = le32_of(cdw12),
		.cdw13 = le32_of(cdw13),
	};
	return check();
}

static struct nvme_status append(uint64_t first, uint32_t cdw12)
{
	return admit(NVME_IO_ZONE_APPEND, ZONED, first, cdw12, 0);
}

static struct nvme_status send(uint64_t first, uint32_t cdw13)
{
	return admit(NVME_IO_ZONE_MANAGEMENT_SEND, ZONED, first, 0, cdw13);
}

static struct nvme_status receive(uint64_t first, uint32_t numd_0based, uint32_t cdw13)
{
	return admit(NVME_IO_ZONE_MANAGEMENT_RECEIVE, ZONED, first, numd_0based, cdw13);
}

static void expect(struct nvme_status status, unsigned value, uint16_t field)
{
	ck_assert_msg(
		status.value == value, "status %04x (%s)", status.value, status_words(status));
	ck_assert_uint_eq(location, field);
}

static void expect_ok(struct nvme_status status)
{
	ck_assert_msg(status_is_ok(status), "status %04x (%s)", status.value, status_words(status));
	ck_assert_uint_eq(admitted.wanted.handle, 101);
	ck_assert_uint_eq(location, 0xffff); /* the worker may refuse it */
}

#define ALL     (1u << 8)
#define OPTION  (1u << 9)
#define PARTIAL (1u << 16)

/* ------------------------------------------------------------------ append */

START_TEST(has_blocks_appended)
{
	expect_ok(append(3 * ZONE_BLOCKS, NVME_RW_FUA | 7));
	ck_assert_uint_eq(admitted.wanted.operation, LINK_ZONE_APPEND);
	ck_assert_uint_eq(admitted.wanted.flags, LINK_FUA);
	ck_assert_uint_eq(admitted.wanted.first_block, 3 * ZONE_BLOCKS);
	ck_assert_uint_eq(admitted.wanted.block_count, 8);
	ck_assert_uint_eq(admitted.wanted.application_mask, 0);
	ck_assert_int_eq(admitted.transfer.direction, NVME_TRANSFER_TO_CONTROLLER);
	ck_assert_uint_eq(admitted.transfer.least, 8 * 4096);
	ck_assert_uint_eq(admitted.transfer.most, 8 * 4096);
}
END_TEST

START_TEST(has_a_whole_zone_appended)
{
	expect_ok(append(0, ZONE_BLOCKS - 1));
}
END_TEST

START_TEST(does_not_append_to_the_middle_of_a_zone)
{
	expect(append(ZONE_BLOCKS + 1, 0), NVME_SC_INVALID_FIELD | DNR, 40);
}
END_TEST

START_TEST(does_not_append_behind_the_end)
{
	expect(append(ZONES * ZONE_BLOCKS, 0), NVME_SC_LBA_RANGE | DNR, 40);
	expect(append(UINT64_C(1) << 63, 0), NVME_SC_LBA_RANGE | DNR, 40);
}
END_TEST

START_TEST(does_not_append_more_than_a_zone)
{
	expect(append(0, ZONE_BLOCKS), NVME_SC_ZONE_BOUNDARY | DNR, 48);
}
END_TEST

START_TEST(does_not_append_more_than_a_command_may_bring)
{
	namespaces[0].zone_blocks = 1024;
	expect_ok(append(0, 255));
	expect(append(0, 256), NVME_SC_INVALID_FIELD | DNR, 48);
}
END_TEST

/* ------------------------------------------------------------------ management */

START_TEST(has_each_action_done_to_a_zone)
{
	for (uint32_t action = NVME_ZONE_CLOSE; action <= NVME_ZONE_OFFLINE; action++) {
		expect_ok(send(2 * ZONE_BLOCKS, action));
		ck_assert_uint_eq(admitted.wanted.operation, LINK_ZONE_SEND);
		ck_assert_uint_eq(admitted.wanted.first_block, 2 * ZONE_BLOCKS);
		ck_assert_uint_eq(admitted.wanted.block_count, 0);
		ck_assert_uint_eq(link_zone_action(&admitted.wanted), action);
		ck_assert_uint_eq(admitted.wanted.application_mask, 0);
		ck_assert_uint_eq(admitted.transfer.most, 0);
	}
}
END_TEST

START_TEST(has_an_action_done_to_all_zones)
{
	expect_ok(send(UINT64_MAX, ALL | NVME_ZONE_RESET));
	ck_assert_uint_eq(admitted.wanted.first_block, 0);
	ck_assert_uint_eq(admitted.wanted.application_mask, LINK_ZONE_ALL);
}
END_TEST

START_TEST(does_nothing_to_the_middle_of_a_zone)
{
	expect(send(1, NVME_ZONE_RESET), NVME_SC_INVALID_FIELD | DNR, 40);
}
END_TEST

START_TEST(does_nothing_behind_the_end)
{
	expect(send(ZONES * ZONE_BLOCKS, NVME_ZONE_RESET), NVME_SC_LBA_RANGE | DNR, 40);
}
END_TEST

START_TEST(has_no_actions_of_what_it_has_not)
{
	static const uint8_t none[] = {
		0x00, 0x06, 0x0f, NVME_ZONE_SET_EXTENSION, NVME_ZONE_FLUSH_ZRWA, 0x12, 0xff};

	for (size_t i = 0; i < sizeof(none); i++)
		expect(send(0, none[i]), NVME_SC_INVALID_FIELD | DNR, 52);
	expect(send(0, OPTION | NVME_ZONE_OPEN), NVME_SC_INVALID_FIELD | DNR, 53 | 1 << 8);
}
END_TEST

/* ------------------------------------------------------------------ reports */

START_TEST(reports_from_the_zone_that_has_the_block)
{
	expect_ok(receive(5 * ZONE_BLOCKS + 7, 1023, PARTIAL | NVME_ZONES_FULL << 8));
	ck_assert_uint_eq(admitted.wanted.operation, LINK_ZONE_RECEIVE);
	ck_assert_uint_eq(admitted.wanted.first_block, 5 * ZONE_BLOCKS);
	ck_assert_uint_eq(admitted.wanted.block_count, 0);
	ck_assert_uint_eq(link_zone_action(&admitted.wanted), NVME_ZONE_REPORT);
	ck_assert_uint_eq(link_zone_filter(&admitted.wanted), NVME_ZONES_FULL);
	ck_assert_uint_eq(admitted.wanted.application_mask, LINK_ZONE_PARTIAL);
	ck_assert_int_eq(admitted.transfer.direction, NVME_TRANSFER_TO_HOST);
	ck_assert_uint_eq(admitted.transfer.least, 4096);
	ck_assert_uint_eq(admitted.transfer.most, 4096);
}
END_TEST

START_TEST(reports_as_much_as_a_command_may_take)
{
	expect_ok(receive(0, (1 << 18) - 1, 0));
	ck_assert_uint_eq(admitted.transfer.most, 1 << 20);
	expect(receive(0, 1 << 18, 0), NVME_SC_INVALID_FIELD | DNR, 48);
	expect(receive(0, UINT32_MAX, 0), NVME_SC_INVALID_FIELD | DNR, 48);
}
END_TEST

START_TEST(reports_no_less_than_a_header)
{
	expect_ok(receive(0, 15, 0));
	expect(receive(0, 14, 0), NVME_SC_INVALID_FIELD | DNR, 48);
}
END_TEST

START_TEST(reports_nothing_behind_the_end)
{
	expect(receive(BLOCKS, 1023, 0), NVME_SC_LBA_RANGE | DNR, 40);
}
END_TEST

START_TEST(has_no_other_reports)
{
	expect(receive(0, 1023, NVME_ZONE_REPORT_EXTENDED), NVME_SC_INVALID_FIELD | DNR, 52);
	location = 0xffff;
	expect(receive(0, 1023, (NVME_ZONES_OFFLINE + 1) << 8), NVME_SC_INVALID_FIELD | DNR, 53);
}
END_TEST

/* ------------------------------------------------------------------ the namespace */

static const uint8_t opcodes[] = {
	NVME_IO_ZONE_APPEND, NVME_IO_ZONE_MANAGEMENT_SEND, NVME_IO_ZONE_MANAGEMENT_RECEIVE};

START_TEST(are_unknown_where_there_are_no_zones)
{
	for (size_t i = 0; i < sizeof(opcodes); i++)
		expect(admit(opcodes[i], FLAT, 0, 1023, NVME_ZONE_RESET),
		       NVME_SC_INVALID_OPCODE | DNR,
		       0);
}
END_TEST

START_TEST(are_refused_where_there_is_no_namespace)
{
	for (size_t i = 0; i < sizeof(opcodes); i++)
		expect(admit(opcodes[i], 9, 0, 0, 0), NVME_SC_INVALID_NAMESPACE | DNR, 4);
}
END_TEST

START_TEST(change_nothing_that_is_write_protected)
{
	expect(admit(NVME_IO_ZONE_APPEND, PROTECTED, 0, 0, 0),
	       NVME_SC_NAMESPACE_WRITE_PROTECTED | DNR,
	       0);
	expect(admit(NVME_IO_ZONE_MANAGEMENT_SEND, PROTECTED, 0, 0, NVME_ZONE_RESET),
	       NVME_SC_NAMESPACE_WRITE_PROTECTED | DNR,
	       0);
	ck_assert(status_is_ok(admit(NVME_IO_ZONE_MANAGEMENT_RECEIVE, PROTECTED, 0, 1023, 0)));
}
END_TEST

START_TEST(go_by_the_ana_state)
{
	port.ana[1] = VIEW_ANA_INACCESSIBLE;
	for (size_t i = 0; i < sizeof(opcodes); i++)
		expect(admit(opcodes[i], ZONED, 0, 0, 0), NVME_SC_ANA_INACCESSIBLE, 4);
}
END_TEST

START_TEST(have_no_path_to_what_was_never_known)
{
	namespaces[0].ready = false;
	namespaces[0].blocks = namespaces[0].zone_blocks = 0;
	for (size_t i = 0; i < sizeof(opcodes); i++)
		expect(admit(opcodes[i], ZONED, 0, 0, 0), NVME_SC_INTERNAL_PATH_ERROR, 4);
}
END_TEST

START_TEST(may_not_be_fused)
{
	command = (struct nvme_command){.opcode = NVME_IO_ZONE_APPEND, .flags = 0x41};
	expect(check(), NVME_SC_INVALID_FIELD | DNR, 1);
}
END_TEST

/* ------------------------------------------------------------------ the view */

START_TEST(takes_a_power_of_two)
{
	Nvmetd__NamespaceView from = NVMETD__NAMESPACE_VIEW__INIT;
	struct view_namespace namespace = {.is_plain = true, .grant = 1};

	from.zone_blocks = 96;
	ck_assert_ptr_nonnull(zoned_take(&namespace, &from));
	from.zone_blocks = 0;
	ck_assert_ptr_null(zoned_take(&namespace, &from));
	ck_assert(namespace.is_plain && namespace.grant == 1);
	from.zone_blocks = 64;
	ck_assert_ptr_null(zoned_take(&namespace, &from));
	ck_assert_uint_eq(namespace.zone_blocks, 64);
}
END_TEST

START_TEST(lets_nobody_pass_by_the_worker)
{
	Nvmetd__NamespaceView from = NVMETD__NAMESPACE_VIEW__INIT;
	struct view_namespace namespace = {.is_plain = true, .grant = 1};

	from.zone_blocks = 64;
	ck_assert_ptr_null(zoned_take(&namespace, &from));
	ck_assert(!namespace.is_plain);
	ck_assert_uint_eq(namespace.grant, 0);
}
END_TEST

START_TEST(takes_deallocation_for_a_hint)
{
	const struct link_request trim = {.operation = LINK_DEALLOCATE};
	const struct link_request write = {.operation = LINK_WRITE};

	ck_assert(zoned_is_hint(&namespaces[ZONED - 1], &trim));
	ck_assert(!zoned_is_hint(&namespaces[ZONED - 1], &write));
	ck_assert(!zoned_is_hint(&namespaces[FLAT - 1], &trim));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zoned");

	describe(suite,
	         "a zone",
	         given_a_subsystem,
	         NULL,
	         has_blocks_appended,
	         has_a_whole_zone_appended,
	         does_not_append_to_the_middle_of_a_zone,
	         does_not_append_behind_the_end,
	         does_not_append_more_than_a_zone,
	         does_not_append_more_than_a_command_may_bring,
	         has_each_action_done_to_a_zone,
	         has_an_action_done_to_all_zones,
	         does_nothing_to_the_middle_of_a_zone,
	         does_nothing_behind_the_end,
	         has_no_actions_of_what_it_has_not,
	         reports_from_the_zone_that_has_the_block,
	         reports_as_much_as_a_command_may_take,
	         reports_no_less_than_a_header,
	         reports_nothing_behind_the_end,
	         has_no_other_reports);
	describe(suite,
	         "commands of zones",
	         given_a_subsystem,
	         NULL,
	         are_unknown_where_there_are_no_zones,
	         are_refused_where_there_is_no_namespace,
	         change_nothing_that_is_write_protected,
	         go_by_the_ana_state,
	         have_no_path_to_what_was_never_known,
	         may_not_be_fused);
	describe(suite,
	         "a namespace of a view",
	         given_a_subsystem,
	         NULL,
	         takes_a_power_of_two,
	         lets_nobody_pass_by_the_worker,
	         takes_deallocation_for_a_hint);
	return run(suite);
}
