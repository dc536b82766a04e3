/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host is told of a namespace with zones, and what keeps it from writing there. */
#include <string.h>

#include "common/nvme/log.h"
#include "tests/process/reserving.h"
#include "tests/process/zoning.h"
#include "tests/support/shows.h"

#define CSI_ZNS ((uint32_t)NVME_CSI_ZNS << 24)
#define PROTECT 0x84u

static uint8_t page[NVME_IDENTIFY_SIZE];

static void given_zones(void)
{
	zoning_start();
}

static void identify(uint32_t cns, uint32_t nsid, uint32_t cdw11)
{
	memset(page, 0xee, sizeof(page));
	host_must(&scene.controller, host_identify(&scene.controller, cns, nsid, cdw11, page));
}

static uint64_t at(unsigned offset)
{
	struct le64 wire;

	memcpy(&wire, page + offset, sizeof(wire));
	return le64_get(wire);
}

/* ------------------------------------------------------------------ is told */

START_TEST(is_told_which_namespaces_have_zones)
{
	scene_connect();
	ck_assert_uint_eq(scene.spaces[ZONING_RAM].zone_blocks, ZONING_BLOCKS);
	ck_assert_uint_eq(scene.spaces[ZONING_RAM].zones_open_max, ZONING_OPEN);
	ck_assert_uint_eq(scene.spaces[ZONING_RAM].zones_active_max, ZONING_ACTIVE);
	ck_assert_uint_eq(scene.spaces[ZONING_FILE].zone_blocks, 2048);
	ck_assert_uint_eq(scene.spaces[ZONING_FILE].zones_open_max, 0);
	ck_assert_uint_eq(scene.spaces[ZONING_FILE].zones_active_max, 0);
	ck_assert_uint_eq(scene.spaces[ZONING_FLAT].zone_blocks, 0);
	scene_disconnect();
	shows("ZNS 1.1 §4.1.5.1",
	      "CNS 05h with CSI 2: zone size, Maximum Active and Open Resources (all ones without "
	      "a "
	      "limit); no extensions, no ZRWA, one capacity for all zones");
	shows("Base 2.1 §5.1.13.2.4",
	      "a namespace with zones has CSI 2 in its identification descriptors");
}
END_TEST

START_TEST(is_told_a_size_of_whole_zones)
{
	scene_connect();
	for (uint32_t nsid = ZONING_RAM; nsid <= ZONING_FILE; nsid++)
		ck_assert_uint_eq(scene.spaces[nsid].blocks % scene.spaces[nsid].zone_blocks, 0);
	identify(NVME_CNS_CSI_NAMESPACE, ZONING_RAM, 0);
	scene_expect_zeroes(page, sizeof(page));
	scene_disconnect();
	shows("ZNS 1.1 §4.1.5",
	      "a namespace with zones answers to the NVM command set's CNS 00h and 05h as well");
}
END_TEST

START_TEST(is_told_them_by_command_set)
{
	static const uint8_t all[] = {NVME_CNS_CSI_ACTIVE_NAMESPACES, 0x1a};

	scene_connect();
	for (size_t i = 0; i < sizeof(all); i++) {
		identify(all[i], 0, CSI_ZNS);
		ck_assert_uint_eq(at(0), UINT64_C(2) << 32 | 1);
		ck_assert_uint_eq(at(8), 0);
		identify(all[i], 0, 0);
		ck_assert_uint_eq(at(0), ZONING_FLAT);
	}
	identify(NVME_CNS_ACTIVE_NAMESPACES, 0, 0);
	ck_assert_uint_eq(at(0), UINT64_C(2) << 32 | 1);
	ck_assert_uint_eq(at(8), ZONING_FLAT);
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.7",
	      "CNS 07h and 1Ah list the namespaces of the command set that is asked for");
}
END_TEST

START_TEST(is_told_that_an_append_may_be_as_long_as_a_write)
{
	scene_connect();
	identify(NVME_CNS_CSI_CONTROLLER, 0, CSI_ZNS);
	scene_expect_zeroes(page, sizeof(page));
	scene_disconnect();
	shows("ZNS 1.1 §4.1.5.2", "CNS 06h with CSI 2: ZASL is 0, so that MDTS is the limit");
}
END_TEST

START_TEST(is_told_what_commands_do)
{
	static struct nvme_log_effects effects;
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
	                    .cdw10 = le32_of(NVME_LOG_COMMAND_EFFECTS | 1023u << 16),
	                    .cdw14 = le32_of(CSI_ZNS)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = &effects,
		.length = sizeof(effects),
	};
	const uint32_t changes = NVME_EFFECT_SUPPORTED | NVME_EFFECT_BLOCKS_CHANGED |
	                         NVME_SCOPE_NAMESPACE;

	scene_connect();
	expect_good(scene_admin(&request));
	ck_assert_uint_eq(le32_get(effects.io[NVME_IO_ZONE_APPEND]), changes);
	ck_assert_uint_eq(le32_get(effects.io[NVME_IO_ZONE_MANAGEMENT_SEND]), changes);
	ck_assert_uint_eq(le32_get(effects.io[NVME_IO_ZONE_MANAGEMENT_RECEIVE]),
	                  NVME_EFFECT_SUPPORTED | NVME_SCOPE_NAMESPACE);
	ck_assert_uint_eq(le32_get(effects.io[NVME_IO_WRITE]), changes);
	request.command.cdw14 = le32_of(0);
	expect_good(scene_admin(&request));
	ck_assert_uint_eq(le32_get(effects.io[NVME_IO_ZONE_APPEND]), 0);
	scene_disconnect();
	shows("Base 2.1 §5.1.12.1.6",
	      "with CSI 2 the log has the NVM command set's commands and those of zones");
}
END_TEST

START_TEST(may_choose_the_only_profile)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_SET_FEATURES,
	                    .cdw10 = le32_of(NVME_FEATURE_COMMAND_SETS),
	                    .cdw11 = le32_of(1)}
        };
	uint64_t cc;

	scene_connect();
	host_must(&scene.controller,
	          host_property_get(&scene.controller, NVME_PROPERTY_CC, false, &cc));
	ck_assert_uint_eq(scene.controller.cap >> 43 & 1, 1);
	host_must(&scene.controller,
	          host_set_feature(&scene.controller, NVME_FEATURE_COMMAND_SETS, 0));
	scene_refused(
		&request, DNR(NVME_SC_COMMAND_SETS_REJECTED), offsetof(struct nvme_command, cdw11));
	scene_disconnect();
	shows("Base 2.1 §5.1.25.1.17",
	      "I/O Command Set Profile: there is one combination, index 0; another one: I/O "
	      "Command "
	      "Set Combination Rejected, DNR");
}
END_TEST

/* The operator is, too. */
START_TEST(is_not_alone_to_be_told)
{
	static char text[65536];

	ck_assert_int_eq(harness_ctl(scene.harness, text, sizeof(text), "status", "--json", NULL),
	                 0);
	ck_assert_ptr_nonnull(strstr(text, "\"active_max\": 4"));
	ck_assert_ptr_nonnull(strstr(text, "\"capacity\": 48"));
	ck_assert_ptr_nonnull(strstr(text, "\"zones\": null"));
}
END_TEST

/* ------------------------------------------------------------------ is kept from writing */

static struct nvme_status set_protection(unsigned state)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_SET_FEATURES,
	                    .nsid = le32_of(ZONING_RAM),
	                    .cdw10 = le32_of(PROTECT),
	                    .cdw11 = le32_of(state)}
        };

	return scene_admin(&request);
}

START_TEST(changes_no_zones_of_what_is_write_protected)
{
	uint64_t lba;

	zoning_connect();
	expect_good(zoning_append(ZONING_RAM, 0, 1, 1, &lba));
	expect_good(set_protection(1));
	expect_status(zoning_append(ZONING_RAM, 0, 1, 2, &lba),
	              DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	expect_status(zoning_act(ZONING_RAM, 0, NVME_ZONE_RESET),
	              DNR(NVME_SC_NAMESPACE_WRITE_PROTECTED));
	zoning_expect(ZONING_RAM, 0, NVME_ZONE_IMPLICITLY_OPEN, 1);
	expect_good(set_protection(0));
	expect_good(zoning_append(ZONING_RAM, 0, 1, 2, &lba));
	ck_assert_uint_eq(lba, 1);
	scene_disconnect();
	shows("Base 2.1 §8.1.16",
	      "a write protected namespace: Zone Append and Zone Management Send are Namespace is "
	      "Write Protected, DNR; reports are carried out");
}
END_TEST

static struct nvme_status execute(struct reserving_host *host, struct host_request request)
{
	int r = host_queue_execute(&host->queue, &request, 20000);

	if (r != HOST_E_STATUS)
		queue_must(&host->queue, r);
	return request.status;
}

static struct nvme_status append_as(struct reserving_host *host)
{
	return execute(
		host,
		host_io(&scene.spaces[ZONING_RAM], NVME_IO_ZONE_APPEND, ZONING_BLOCKS, 1, page));
}

static struct nvme_status reset_as(struct reserving_host *host)
{
	return execute(host,
	               host_zone_send(&scene.spaces[ZONING_RAM], ZONING_BLOCKS, NVME_ZONE_RESET));
}

static struct nvme_status report_as(struct reserving_host *host)
{
	return execute(
		host,
		host_zone_receive(
			&scene.spaces[ZONING_RAM], 0, NVME_ZONES_ALL, true, page, sizeof(page)));
}

START_TEST(obeys_the_reservations_of_others)
{
	struct reserving_host holder, other;

	zoning_connect();
	reserving_connect(&holder, 1);
	reserving_connect(&other, 2);
	expect_good(reserving_register(&holder, ZONING_RAM));
	expect_good(reserving_acquire(&holder, ZONING_RAM, NVME_RESERVATION_WRITE_EXCLUSIVE));
	expect_good(append_as(&holder));
	expect_status(append_as(&other), DNR(NVME_SC_RESERVATION_CONFLICT));
	expect_status(reset_as(&other), DNR(NVME_SC_RESERVATION_CONFLICT));
	expect_good(report_as(&other));
	expect_good(reserving_release(&holder, ZONING_RAM, NVME_RESERVATION_WRITE_EXCLUSIVE));
	expect_good(reserving_acquire(&holder, ZONING_RAM, NVME_RESERVATION_EXCLUSIVE_ACCESS));
	expect_status(report_as(&other), DNR(NVME_SC_RESERVATION_CONFLICT));
	expect_good(report_as(&holder));
	expect_good(reserving_unregister(&holder, ZONING_RAM));
	expect_good(append_as(&other));
	reserving_disconnect(&holder);
	reserving_disconnect(&other);
	scene_disconnect();
	shows("ZNS 1.1 §3.4",
	      "reservations: Zone Append and Zone Management Send need the right to write, Zone "
	      "Management Receive that to read");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zns_hosts");

	describe_running(suite,
	                 "a host",
	                 given_zones,
	                 scene_stop,
	                 is_told_which_namespaces_have_zones,
	                 is_told_a_size_of_whole_zones,
	                 is_told_them_by_command_set,
	                 is_told_that_an_append_may_be_as_long_as_a_write,
	                 is_told_what_commands_do,
	                 may_choose_the_only_profile,
	                 is_not_alone_to_be_told,
	                 changes_no_zones_of_what_is_write_protected,
	                 obeys_the_reservations_of_others);
	return harness_run(suite);
}
