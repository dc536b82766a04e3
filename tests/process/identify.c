/* SPDX-License-Identifier: BSD-2-Clause */
/* Identify on the wire: what there is, and how the rest is refused. */
#include <string.h>

#include "common/nvme/identify.h"
#include "common/nvme/zns.h"
#include "tests/process/scene.h"
#include "tests/support/shows.h"

#define CSI_KV       (1u << 24)
#define CSI_ZNS      (2u << 24)
#define CNTID(id)    ((uint32_t)(id) << 16)
#define BYTE(field)  offsetof(struct nvme_command, field)
#define NO_NAMESPACE 1000u /* it could be, and is not */
#define IMPOSSIBLE   1025u

static uint8_t page[NVME_IDENTIFY_SIZE];

static void given_a_set(void)
{
	scene_start(NULL);
}

static void identify_in(uint32_t cns, uint32_t nsid, uint32_t cdw11)
{
	memset(page, 0xee, sizeof(page));
	host_must(&scene.controller, host_identify(&scene.controller, cns, nsid, cdw11, page));
}

static void identify(uint32_t cns, uint32_t nsid)
{
	identify_in(cns, nsid, 0);
}

static void refused(uint32_t cns, uint32_t nsid, uint32_t cdw11, unsigned code, unsigned location)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_IDENTIFY,
	                    .nsid = le32_of(nsid),
	                    .cdw10 = le32_of(cns),
	                    .cdw11 = le32_of(cdw11)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = page,
		.length = sizeof(page),
	};

	scene_refused(&request, DNR(code), location);
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

static void expect_nothing(void)
{
	scene_expect_zeroes(page, sizeof(page));
}

/* ------------------------------------------------------------------ of a namespace */

START_TEST(says_nothing_of_a_namespace_that_is_not_there)
{
	static const uint8_t all[] = {0x00, 0x05, 0x08, 0x11, 0x1b, 0x1f};

	scene_connect();
	for (size_t i = 0; i < sizeof(all); i++) {
		identify(all[i], NO_NAMESPACE);
		expect_nothing();
	}
	scene_disconnect();
	shows("Base 2.1 §3.2.1.4",
	      "Identify of an inactive NSID gives zeroes (CNS 00h, 05h, 08h, 11h, 1Bh, 1Fh)");
}
END_TEST

START_TEST(refuses_a_namespace_that_cannot_be)
{
	static const uint8_t all[] = {0x00, 0x05, 0x08, 0x11, 0x12, 0x1b, 0x1f};

	scene_connect();
	for (size_t i = 0; i < sizeof(all); i++) {
		refused(all[i], 0, 0, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
		refused(all[i], IMPOSSIBLE, 0, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
	}
	scene_disconnect();
	shows("Base 2.1 §3.2.1.2",
	      "an invalid NSID is refused with Invalid Namespace or Format, DNR");
}
END_TEST

START_TEST(has_no_common_capabilities_without_namespace_management)
{
	static const uint8_t all[] = {0x00, 0x05, 0x08, 0x11, 0x1b, 0x1f};

	scene_connect();
	for (size_t i = 0; i < sizeof(all); i++)
		refused(all[i], NVME_NSID_ALL, 0, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
	scene_disconnect();
	shows("NVM 1.1 §4.1.5.1",
	      "NSID FFFFFFFFh is refused, as there is no Namespace Management (OACS bit 3)");
}
END_TEST

START_TEST(describes_only_namespaces_that_are_there)
{
	scene_connect();
	refused(NVME_CNS_NAMESPACE_DESCRIPTORS,
	        NO_NAMESPACE,
	        0,
	        NVME_SC_INVALID_NAMESPACE,
	        BYTE(nsid));
	refused(NVME_CNS_NAMESPACE_DESCRIPTORS, 0, 0, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
	identify(NVME_CNS_NAMESPACE_DESCRIPTORS, 1);
	ck_assert_uint_eq(page[0], NVME_NIDT_UUID);
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.3",
	      "descriptors of a namespace that is not active: Invalid Namespace or Format, DNR");
}
END_TEST

/* ------------------------------------------------------------------ lists */

START_TEST(lists_namespaces_above_a_number)
{
	static const uint8_t all[] = {0x02, 0x07, 0x10, 0x1a};

	scene_connect();
	for (size_t i = 0; i < sizeof(all); i++) {
		identify(all[i], 0);
		ck_assert_uint_eq(u32(0), 1);
		ck_assert_uint_eq(u32(4), 2);
		ck_assert_uint_eq(u32(8), 0);
		identify(all[i], 1);
		ck_assert_uint_eq(u32(0), 2);
		identify(all[i], 0xfffffffd);
		expect_nothing();
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.2",
	      "lists of active and allocated namespaces are ascending, above NSID, and end in "
	      "zeroes");
}
END_TEST

START_TEST(lists_nothing_above_the_greatest_numbers)
{
	static const uint8_t all[] = {0x02, 0x07, 0x10, 0x1a};

	scene_connect();
	for (size_t i = 0; i < sizeof(all); i++) {
		refused(all[i], 0xfffffffe, 0, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
		refused(all[i], 0xffffffff, CSI_ZNS, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.9",
	      "lists above NSID FFFFFFFEh and FFFFFFFFh: Invalid Namespace or Format, DNR");
}
END_TEST

START_TEST(lists_the_controllers_of_all_hosts)
{
	struct host_controller other = HOST_CONTROLLER_NULL;
	struct host_options options = harness_host(scene.harness, 0, 0);
	uint32_t low, high;

	scene_connect();
	harness_connect_as(&options, &other);
	low = scene.controller.cntlid < other.cntlid ? scene.controller.cntlid : other.cntlid;
	high = scene.controller.cntlid < other.cntlid ? other.cntlid : scene.controller.cntlid;
	identify(NVME_CNS_CONTROLLERS, 0);
	ck_assert_uint_eq(u16(0), 2);
	ck_assert_uint_eq(u16(2), low);
	ck_assert_uint_eq(u16(4), high);
	ck_assert_uint_eq(u16(6), 0);
	identify(NVME_CNS_NAMESPACE_CONTROLLERS | CNTID(low + 1), 1);
	ck_assert_uint_eq(u16(0), 1);
	ck_assert_uint_eq(u16(2), high);
	host_controller_close(&other);
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.13",
	      "CNS 13h lists the controllers of the subsystem from CNTID on, ascending");
}
END_TEST

START_TEST(lists_the_controllers_of_one_namespace_at_a_time)
{
	scene_connect();
	identify(NVME_CNS_NAMESPACE_CONTROLLERS, 2);
	ck_assert_uint_eq(u16(0), 1);
	ck_assert_uint_eq(u16(2), scene.controller.cntlid);
	identify(NVME_CNS_NAMESPACE_CONTROLLERS, NO_NAMESPACE);
	expect_nothing();
	refused(NVME_CNS_NAMESPACE_CONTROLLERS,
	        NVME_NSID_ALL,
	        0,
	        NVME_SC_INVALID_FIELD,
	        BYTE(nsid));
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.12",
	      "CNS 12h lists the controllers that have a namespace; NSID FFFFFFFFh: Invalid Field");
}
END_TEST

static void list_groups(uint32_t from)
{
	struct host_request request = {
		.command = {.opcode = NVME_ADMIN_IDENTIFY,
	                    .cdw10 = le32_of(NVME_CNS_ENDURANCE_GROUPS),
	                    .cdw11 = le32_of(from)},
		.direction = NVME_TRANSFER_TO_HOST,
		.data = page,
		.length = sizeof(page),
	};

	memset(page, 0xee, sizeof(page));
	expect_good(scene_admin(&request));
}

START_TEST(lists_an_endurance_group_for_each_namespace)
{
	scene_connect();
	ck_assert_uint_ne(scene.controller.identity.ctratt & NVME_CTRATT_EGS, 0);
	list_groups(0);
	ck_assert_uint_eq(u16(0), 2);
	ck_assert_uint_eq(u16(2), 1);
	ck_assert_uint_eq(u16(4), 2);
	scene_expect_zeroes(page + 6, sizeof(page) - 6);
	list_groups(2);
	ck_assert_uint_eq(u16(0), 1);
	ck_assert_uint_eq(u16(2), 2);
	scene_expect_zeroes(page + 4, sizeof(page) - 4);
	list_groups(3);
	expect_nothing();
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.18",
	      "endurance groups from ENDGID on, ascending: each namespace that the host sees has "
	      "its "
	      "own");
}
END_TEST

START_TEST(says_of_a_namespace_in_which_endurance_group_it_is)
{
	scene_connect();
	identify(NVME_CNS_CONTROLLER, 0);
	ck_assert_uint_eq(u16(offsetof(struct nvme_identify_controller, endgidmax)),
	                  NVME_MAX_NAMESPACES);
	identify(NVME_CNS_NAMESPACE, 2);
	ck_assert_uint_eq(u16(offsetof(struct nvme_identify_namespace, endgid)), 2);
	identify(NVME_CNS_INDEPENDENT_NAMESPACE, 2);
	ck_assert_uint_eq(u16(offsetof(struct nvme_independent_namespace, endgid)), 2);
	scene_disconnect();
	shows("Base 2.1 §3.2.3",
	      "each namespace is an endurance group of its own, whose ENDGID is its NSID; no NVM "
	      "sets (NVMSETID 0)");
}
END_TEST

/* ------------------------------------------------------------------ command sets */

START_TEST(has_one_combination_of_command_sets)
{
	scene_connect();
	identify(NVME_CNS_COMMAND_SETS | CNTID(0xffff), 0);
	ck_assert_uint_eq(u32(0), 1 << NVME_CSI_NVM | 1 << NVME_CSI_ZNS);
	scene_expect_zeroes(page + 4, sizeof(page) - 4);
	refused(NVME_CNS_COMMAND_SETS | CNTID(scene.controller.cntlid + 1),
	        0,
	        0,
	        NVME_SC_INVALID_FIELD,
	        BYTE(cdw10) + 2);
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.20",
	      "one combination, of the NVM and the Zoned Namespace command sets; CNTID of another "
	      "controller: Invalid Field");
}
END_TEST

START_TEST(says_its_limits_in_the_nvm_command_set)
{
	scene_connect();
	identify(NVME_CNS_CSI_CONTROLLER, 0);
	scene_expect_zeroes(page, 20);
	ck_assert_uint_eq(u32(20), NVME_NVM_VERSION);
	scene_expect_zeroes(page + 24, sizeof(page) - 24);
	scene_disconnect();
	shows("NVM 1.1 §4.1.5.4",
	      "Write Zeroes and Dataset Management are not limited beyond what their fields can "
	      "say");
}
END_TEST

START_TEST(has_no_zoned_namespaces)
{
	static const uint8_t of_many[] = {0x06, 0x07, 0x1a}, of_one[] = {0x05, 0x1b};

	scene_connect();
	for (size_t i = 0; i < sizeof(of_many); i++) {
		identify_in(of_many[i], 0, CSI_ZNS);
		expect_nothing();
	}
	for (size_t i = 0; i < sizeof(of_one); i++) {
		identify_in(of_one[i], NO_NAMESPACE, CSI_ZNS);
		expect_nothing();
		refused(of_one[i], IMPOSSIBLE, CSI_ZNS, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
		refused(of_one[i], 1, CSI_ZNS, NVME_SC_INVALID_COMMAND_SET, BYTE(cdw11) + 3);
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.5",
	      "a namespace asked for in another command set than its own: Invalid I/O Command Set; "
	      "one that is not there is all zero in each command set that there is");
}
END_TEST

START_TEST(has_no_key_value_namespaces)
{
	static const uint8_t of_many[] = {0x06, 0x07, 0x1a}, of_one[] = {0x05, 0x1b};

	scene_connect();
	for (size_t i = 0; i < sizeof(of_many); i++)
		refused(of_many[i], 0, CSI_KV, NVME_SC_INVALID_FIELD, BYTE(cdw11) + 3);
	for (size_t i = 0; i < sizeof(of_one); i++) {
		refused(of_one[i], IMPOSSIBLE, CSI_KV, NVME_SC_INVALID_NAMESPACE, BYTE(nsid));
		refused(of_one[i], NO_NAMESPACE, CSI_KV, NVME_SC_INVALID_FIELD, BYTE(cdw11) + 3);
		refused(of_one[i], 1, CSI_KV, NVME_SC_INVALID_COMMAND_SET, BYTE(cdw11) + 3);
	}
	scene_disconnect();
	shows("Base 2.1 §5.1.13.2.5",
	      "NSID is looked at first; a command set that is not there: Invalid Field");
}
END_TEST

/* ------------------------------------------------------------------ the rest */

START_TEST(refuses_what_it_does_not_have)
{
	static const uint8_t none[] = {
		0x04, 0x09, 0x0a, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1d, 0x1e, 0x20, 0xc0, 0xff};

	scene_connect();
	for (size_t i = 0; i < sizeof(none); i++)
		refused(none[i], 0, 0, NVME_SC_INVALID_FIELD, BYTE(cdw10));
	scene_disconnect();
	shows("Base 2.1 §5.1.13.1",
	      "CNS that is not supported (NVM sets, user data formats, virtualization, "
	      "granularity, "
	      "UUIDs, domains, ports): Invalid Field at CNS, DNR");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identify");

	describe_running(suite,
	                 "a controller",
	                 given_a_set,
	                 scene_stop,
	                 says_nothing_of_a_namespace_that_is_not_there,
	                 refuses_a_namespace_that_cannot_be,
	                 has_no_common_capabilities_without_namespace_management,
	                 describes_only_namespaces_that_are_there,
	                 lists_namespaces_above_a_number,
	                 lists_nothing_above_the_greatest_numbers,
	                 lists_the_controllers_of_all_hosts,
	                 lists_the_controllers_of_one_namespace_at_a_time,
	                 lists_an_endurance_group_for_each_namespace,
	                 says_of_a_namespace_in_which_endurance_group_it_is,
	                 has_one_combination_of_command_sets,
	                 says_its_limits_in_the_nvm_command_set,
	                 has_no_zoned_namespaces,
	                 has_no_key_value_namespaces,
	                 refuses_what_it_does_not_have);
	return harness_run(suite);
}
