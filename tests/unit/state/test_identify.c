/* SPDX-License-Identifier: BSD-2-Clause */
/* Identify, as a host reads it: bytes at the offsets of the specification. */
#include <string.h>

#include "tests/support/shows.h"
#include "tests/unit/state/stage.h"

static uint64_t at(size_t offset, unsigned bytes)
{
	uint64_t value = 0;

	ck_assert_uint_eq(stage.reply.length, 4096);
	memcpy(&value, stage.reply.data + offset, bytes);
	return value;
}

static void expect_zeroes(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		ck_assert_msg(stage.reply.data[i] == 0, "byte %zu is %02x", i, stage.reply.data[i]);
}

static struct nvme_status identify(uint32_t cns, uint32_t nsid)
{
	return stage_admin(NVME_ADMIN_IDENTIFY, nsid, cns, 0);
}

static void given_a_controller(void)
{
	stage_open();
	stage_ready();
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM);
}

/* Three on the subsystem, one on another. */
static void given_controllers(void)
{
	stage_open();
	stage_ready();
	stage_connect(STAGE_HOST, 1, STAGE_PRIVATE);
	stage_connect(STAGE_OTHER, 1, STAGE_SUBSYSTEM)->cntlid = 0xffef;
	stage_connect(STAGE_HOST, 2, STAGE_SUBSYSTEM)->cntlid = 300;
	stage_connect(STAGE_HOST, 1, STAGE_SUBSYSTEM)->cntlid = 12;
}

static void given_a_discovery_controller(void)
{
	stage_open();
	stage_connect(STAGE_HOST, 1, NVME_DISCOVERY_NQN);
}

/* ------------------------------------------------------------------ CNS 01h */

START_TEST(names_itself)
{
	expect_status(identify(1, 0), 0);
	ck_assert_mem_eq(stage.reply.data + 4, "S1                  ", 20);
	ck_assert_mem_eq(stage.reply.data + 24, "a model                                 ", 40);
	ck_assert_str_eq((char *)stage.reply.data + 768, STAGE_SUBSYSTEM);
	ck_assert_uint_eq(at(78, 2), stage.session->cntlid);
	ck_assert_uint_eq(at(80, 4), 0x20100);
	ck_assert_uint_eq(at(111, 1), 1);
}
END_TEST

START_TEST(says_what_a_linux_host_wants_to_know)
{
	expect_status(identify(1, 0), 0);
	ck_assert_uint_eq(at(77, 1), 8);         /* MDTS */
	ck_assert_uint_eq(at(76, 1), 0x0b);      /* CMIC */
	ck_assert_uint_eq(at(92, 4), 0x900);     /* OAES */
	ck_assert_uint_eq(at(96, 4), 0x40051);   /* CTRATT: 128-bit host id, EGS, TBKAS */
	ck_assert_uint_eq(at(320, 2), 10);       /* KAS */
	ck_assert_uint_eq(at(512, 2), 0x4466);   /* SQES, CQES */
	ck_assert_uint_eq(at(514, 2), 1024);     /* MAXCMD */
	ck_assert_uint_eq(at(516, 4), 1024);     /* NN */
	ck_assert_uint_eq(at(520, 2), 0x3c);     /* ONCS */
	ck_assert_uint_eq(at(525, 1), 0x05);     /* VWC */
	ck_assert_uint_eq(at(531, 1), 0x01);     /* NWPC */
	ck_assert_uint_eq(at(536, 4), 0x100001); /* SGLS */
	ck_assert_uint_eq(at(540, 4), 1024);     /* MNAN */
	ck_assert_uint_eq(at(1792, 4), (64 + 16384) / 16);
	ck_assert_uint_eq(at(1796, 4), 1);
	ck_assert_uint_eq(at(1800, 2), 0);
	ck_assert_uint_eq(at(1803, 1), 1);
}
END_TEST

START_TEST(says_its_limits)
{
	expect_status(identify(1, 0), 0);
	ck_assert_uint_eq(at(256, 2), 0);      /* OACS */
	ck_assert_uint_eq(at(258, 2), 0x303);  /* ACL, AERL */
	ck_assert_uint_eq(at(261, 2), 0x7f37); /* LPA, ELPE */
	ck_assert_uint_eq(at(342, 2), 0x1f0a); /* ANATT, ANACAP */
	ck_assert_uint_eq(at(344, 4), 128);
	ck_assert_uint_eq(at(348, 4), 128);
	ck_assert_uint_eq(at(352, 4), 5); /* PELS */
}
END_TEST

START_TEST(says_the_parameters_of_its_port)
{
	stage_connect(STAGE_HOST, 2, STAGE_SUBSYSTEM);
	expect_status(identify(1, 0), 0);
	ck_assert_uint_eq(at(514, 2), 64);
	ck_assert_uint_eq(at(1792, 4), (64 + 8192) / 16);
}
END_TEST

START_TEST(says_what_the_wire_of_its_transport_takes)
{
	Nvmetd__TransportTraits rdma = NVMETD__TRANSPORT_TRAITS__INIT;

	rdma.trtype = (char *)"rdma";
	rdma.sgls = NVME_SGLS_SUPPORTED | NVME_SGLS_KEYED | NVME_SGLS_OFFSET;
	rdma.descriptors_max = 16;
	stage.traits = traits_of(&rdma);
	expect_status(identify(1, 0), 0);
	ck_assert_uint_eq(at(536, 4), 0x100005);
	ck_assert_uint_eq(at(1803, 1), 16);
}
END_TEST

/* ------------------------------------------------------------------ namespaces */

START_TEST(says_the_size_of_a_namespace)
{
	expect_status(identify(0, 1), 0);
	ck_assert_uint_eq(at(0, 8), 1000);
	ck_assert_uint_eq(at(8, 8), 1000);
	ck_assert_uint_eq(at(16, 8), 1000);
	ck_assert_uint_eq(at(30, 1), 1); /* NMIC: shared */
	ck_assert_uint_eq(at(92, 4), 1); /* ANAGRPID */
	ck_assert_uint_eq(at(128, 4), 9u << 16);
	ck_assert_uint_eq(at(25, 1), 0);
	ck_assert_uint_eq(at(26, 1), 0);
}
END_TEST

START_TEST(says_blocks_of_4096_bytes)
{
	expect_status(identify(0, 2), 0);
	ck_assert_uint_eq(at(128, 4), 12u << 16);
	ck_assert_uint_eq(at(92, 4), 2);
	ck_assert_uint_eq(stage.reply.data[104], 0xef); /* NGUID */
}
END_TEST

START_TEST(of_a_namespace_that_is_not_there_is_zero)
{
	expect_status(identify(0, 3), 0);
	expect_zeroes(0, 4096);
	expect_status(identify(0, 7), 0); /* not enabled */
	expect_zeroes(0, 4096);
	expect_status(identify(8, 1024), 0);
	expect_zeroes(0, 4096);
}
END_TEST

START_TEST(of_a_namespace_that_cannot_be_is_refused)
{
	expect_status(identify(0, 0), DNR(0x00b));
	expect_status(identify(0, 1025), DNR(0x00b));
	expect_status(identify(0, 0xffffffff), DNR(0x00b));
	expect_status(identify(8, 0), DNR(0x00b));
}
END_TEST

START_TEST(of_a_namespace_whose_worker_has_not_reported_is_zero)
{
	((struct backing *)stage_namespace(STAGE_SUBSYSTEM, 1)->backing)->known = false;
	expect_status(identify(0, 1), 0);
	expect_zeroes(0, 4096);
	expect_status(identify(2, 0), 0);
	ck_assert_uint_eq(at(0, 4), 2);
}
END_TEST

START_TEST(lists_namespaces_in_order)
{
	expect_status(identify(2, 0), 0);
	ck_assert_uint_eq(at(0, 8), UINT64_C(2) << 32 | 1);
	expect_zeroes(8, 4096);
}
END_TEST

START_TEST(lists_namespaces_above_a_number)
{
	expect_status(identify(2, 1), 0);
	ck_assert_uint_eq(at(0, 4), 2);
	expect_zeroes(4, 4096);
	expect_status(identify(2, 2), 0);
	expect_zeroes(0, 4096);
}
END_TEST

START_TEST(lists_nothing_above_the_last_number)
{
	expect_status(identify(2, 0xfffffffe), DNR(0x00b));
	expect_status(identify(2, 0xffffffff), DNR(0x00b));
	expect_status(identify(2, 0xfffffffd), 0);
}
END_TEST

START_TEST(describes_a_namespace_by_uuid)
{
	static const uint8_t wanted[] = {3,    16,   0,    0,    0x6f, 0x0c, 0x2c, 0x52, 0x3f,
	                                 0x7e, 0x4b, 0x3a, 0x9a, 0x44, 0,    0,    0,    0,
	                                 0,    1,    4,    1,    0,    0,    0};

	expect_status(identify(3, 1), 0);
	ck_assert_mem_eq(stage.reply.data, wanted, sizeof(wanted));
	expect_zeroes(sizeof(wanted), 4096);
}
END_TEST

START_TEST(has_an_eui64_where_the_configuration_gives_one)
{
	char *text = stage_edit(
		stage_config, "\"block_size\": 4096,", "\"eui64\": \"0011223344556677\",");

	stage_restore(text);
	stage_ready();
	free(text);
	expect_status(identify(0, 2), 0);
	ck_assert_uint_eq(stage.reply.data[120], 0x00);
	ck_assert_uint_eq(stage.reply.data[127], 0x77);
	expect_status(identify(3, 2), 0);
	ck_assert_uint_eq(stage.reply.data[0], NVME_NIDT_EUI64);
	ck_assert_uint_eq(stage.reply.data[1], 8);
	ck_assert_uint_eq(stage.reply.data[4 + 1], 0x11);
	ck_assert_uint_eq(stage.reply.data[12], NVME_NIDT_NGUID);
	shows("Base 2.1 §5.1.13.2.4",
	      "namespaces have a UUID, and an NGUID and EUI64 where the configuration gives them");
}
END_TEST

START_TEST(describes_a_namespace_by_nguid_first)
{
	expect_status(identify(3, 2), 0);
	ck_assert_uint_eq(at(0, 4), 2 | 16 << 8);
	ck_assert_uint_eq(stage.reply.data[4], 0xef);
	ck_assert_uint_eq(at(20, 4), 3 | 16 << 8);
	ck_assert_uint_eq(at(40, 4), 4 | 1 << 8);
}
END_TEST

START_TEST(describes_no_namespace_that_is_not_there)
{
	expect_status(identify(3, 3), DNR(0x00b));
	expect_status(identify(3, 0), DNR(0x00b));
}
END_TEST

START_TEST(says_what_is_independent_of_the_command_set)
{
	expect_status(identify(8, 2), 0);
	ck_assert_uint_eq(at(0, 1), 0x20); /* no volatile write cache */
	ck_assert_uint_eq(at(1, 1), 1);
	ck_assert_uint_eq(at(4, 4), 2);
	ck_assert_uint_eq(at(14, 1), 1);
}
END_TEST

/* ------------------------------------------------------------------ command sets */

START_TEST(has_one_combination_of_command_sets)
{
	expect_status(identify(0xffff001c, 0), 0);
	ck_assert_uint_eq(at(0, 8), 1 << 0 | 1 << 2);
	expect_zeroes(8, 4096);
}
END_TEST

START_TEST(knows_only_its_own_command_sets)
{
	expect_status(identify(0x1234001c, 0), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 42 + 1);
}
END_TEST

START_TEST(answers_for_the_nvm_command_set)
{
	expect_status(identify(5, 1), 0);
	expect_zeroes(0, 4096);
	expect_status(identify(6, 0), 0);
	expect_zeroes(0, 20); /* no limits but MDTS, and what the commands' fields can say */
	ck_assert_uint_eq(at(20, 4), 0x10100);
	expect_zeroes(24, 4096);
	expect_status(identify(7, 0), 0);
	ck_assert_uint_eq(at(0, 8), UINT64_C(2) << 32 | 1);
}
END_TEST

START_TEST(refuses_other_command_sets)
{
	static const uint8_t all[] = {5, 6, 7, 0x1a, 0x1b};

	for (size_t i = 0; i < sizeof(all); i++) {
		expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 3, all[i], 1u << 24), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 47 + 1);
	}
}
END_TEST

START_TEST(refuses_what_a_namespace_is_in_another_command_set)
{
	for (uint32_t csi = 1; csi <= 0xff; csi++) {
		expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 1, 5, csi << 24), DNR(0x12c));
		ck_assert_uint_eq(stage.reply.error_location, 47 + 1);
	}
}
END_TEST

START_TEST(looks_at_the_namespace_before_the_command_set)
{
	static const uint8_t of_one[] = {5, 0x1b}, of_many[] = {7, 0x1a};

	for (size_t i = 0; i < sizeof(of_one); i++)
		expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 1025, of_one[i], 1u << 24),
		              DNR(0x00b));
	for (size_t i = 0; i < sizeof(of_many); i++)
		expect_status(stage_admin(NVME_ADMIN_IDENTIFY, 0xffffffff, of_many[i], 1u << 24),
		              DNR(0x00b));
	ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
}
END_TEST

static struct nvme_status list_groups(uint32_t from)
{
	return stage_admin(NVME_ADMIN_IDENTIFY, 0, NVME_CNS_ENDURANCE_GROUPS, from);
}

START_TEST(has_an_endurance_group_for_each_namespace)
{
	expect_status(list_groups(0), 0);
	ck_assert_uint_eq(at(0, 2), 2);
	ck_assert_uint_eq(at(2, 4), 2u << 16 | 1);
	expect_zeroes(6, 4096);
	expect_status(identify(0, 2), 0);
	ck_assert_uint_eq(at(102, 2), 2);
	expect_status(identify(8, 2), 0);
	ck_assert_uint_eq(at(12, 2), 2);
	expect_status(identify(1, 0), 0);
	ck_assert_uint_eq(at(340, 2), 1024); /* ENDGIDMAX */
}
END_TEST

START_TEST(lists_endurance_groups_from_a_number_on)
{
	expect_status(list_groups(1), 0);
	ck_assert_uint_eq(at(0, 4), 1u << 16 | 2);
	expect_status(list_groups(0xabcd0002), 0); /* CSI, and what is reserved */
	ck_assert_uint_eq(at(0, 4), 2u << 16 | 1);
	expect_zeroes(4, 4096);
	expect_status(list_groups(3), 0);
	expect_zeroes(0, 4096);
	expect_status(list_groups(0xffff), 0);
	expect_zeroes(0, 4096);
}
END_TEST

/* ------------------------------------------------------------------ allocated, attached */

START_TEST(are_the_same_in_each_way_to_ask)
{
	static const uint8_t pairs[][2] = {
		{0, 0x11},
                {5, 0x1b},
                {8, 0x1f},
                {2, 0x10},
                {7, 0x1a}
        };
	uint8_t active[4096];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (uint32_t nsid = 1; nsid <= 3; nsid++) {
			expect_status(identify(pairs[i][0], nsid), 0);
			memcpy(active, stage.reply.data, sizeof(active));
			expect_status(identify(pairs[i][1], nsid), 0);
			ck_assert_mem_eq(stage.reply.data, active, sizeof(active));
		}
}
END_TEST

START_TEST(are_refused_where_there_can_be_none)
{
	static const uint8_t of_one[] = {0x11, 0x1b, 0x1f};

	for (size_t i = 0; i < sizeof(of_one); i++) {
		expect_status(identify(of_one[i], 0), DNR(0x00b));
		expect_status(identify(of_one[i], 1025), DNR(0x00b));
		expect_status(identify(of_one[i], 0xffffffff), DNR(0x00b));
		ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
	}
	expect_status(identify(0x10, 0xfffffffe), DNR(0x00b));
	expect_status(identify(0x1a, 0xfffffffe), DNR(0x00b));
}
END_TEST

START_TEST(are_listed_by_their_number)
{
	expect_status(identify(0x13, 0), 0);
	ck_assert_uint_eq(at(0, 8), UINT64_C(0xffef) << 48 | UINT64_C(300) << 32 | 12 << 16 | 3);
	expect_zeroes(8, 4096);
}
END_TEST

START_TEST(are_listed_from_a_number_on)
{
	expect_status(identify(300 << 16 | 0x13, 0), 0);
	ck_assert_uint_eq(at(0, 6), UINT64_C(0xffef) << 32 | 300 << 16 | 2);
	expect_status(identify(301 << 16 | 0x13, 0), 0);
	ck_assert_uint_eq(at(0, 4), 0xffefu << 16 | 1);
	expect_status(identify(0xffff0013, 0), 0);
	expect_zeroes(0, 4096);
}
END_TEST

START_TEST(are_listed_for_a_namespace)
{
	expect_status(identify(0x12, 1), 0);
	ck_assert_uint_eq(at(0, 8), UINT64_C(0xffef) << 48 | UINT64_C(300) << 32 | 12 << 16 | 3);
	expect_status(identify(13 << 16 | 0x12, 1), 0);
	ck_assert_uint_eq(at(0, 2), 2);
}
END_TEST

START_TEST(are_none_for_a_namespace_that_is_not_there)
{
	expect_status(identify(0x12, 3), 0);
	expect_zeroes(0, 4096);
}
END_TEST

START_TEST(are_not_listed_for_all_namespaces_at_once)
{
	expect_status(identify(0x12, 0xffffffff), DNR(0x002));
	ck_assert_uint_eq(stage.reply.error_location, 4 + 1);
	expect_status(identify(0x12, 0), DNR(0x00b));
	expect_status(identify(0x12, 1025), DNR(0x00b));
}
END_TEST

START_TEST(refuses_structures_that_it_does_not_have)
{
	static const uint8_t unknown[] = {
		0x04, 0x09, 0x0a, 0x14, 0x15, 0x16, 0x17, 0x18, 0x1d, 0x1e, 0x20, 0xff};

	for (size_t i = 0; i < sizeof(unknown); i++) {
		expect_status(identify(unknown[i], 1), DNR(0x002));
		ck_assert_uint_eq(stage.reply.error_location, 40 + 1);
		ck_assert_ptr_null(stage.reply.data);
	}
}
END_TEST

/* ------------------------------------------------------------------ discovery */

START_TEST(of_discovery_says_so)
{
	expect_status(identify(1, 0), 0);
	ck_assert_uint_eq(at(111, 1), 2);
	ck_assert_uint_eq(at(92, 4), 0x80000000);
	ck_assert_uint_eq(at(516, 4), 0);
	ck_assert_uint_eq(at(320, 2), 10);
	ck_assert_uint_eq(at(536, 4), 0x100001);
	ck_assert_str_eq((char *)stage.reply.data + 768, NVME_DISCOVERY_NQN);
}
END_TEST

START_TEST(of_discovery_has_no_namespaces)
{
	static const uint8_t all[] = {
		0, 2, 3, 5, 6, 7, 8, 0x10, 0x11, 0x12, 0x13, 0x19, 0x1a, 0x1b, 0x1c, 0x1f};

	for (size_t i = 0; i < sizeof(all); i++)
		expect_status(identify(all[i], 1), DNR(0x002));
}
END_TEST

START_TEST(of_an_unknown_opcode_is_refused)
{
	static const uint8_t unknown[] = {
		0x00, 0x01, 0x04, 0x05, 0x0d, 0x10, 0x11, 0x14, 0x15, 0x80, 0x84, 0xc0};

	for (size_t i = 0; i < sizeof(unknown); i++)
		expect_status(stage_admin(unknown[i], 1, 0, 0), DNR(0x001));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("Identify");

	describe(suite,
	         "a controller",
	         given_a_controller,
	         stage_close,
	         names_itself,
	         says_what_a_linux_host_wants_to_know,
	         says_its_limits,
	         says_the_parameters_of_its_port,
	         says_what_the_wire_of_its_transport_takes);
	describe(suite,
	         "a controller with namespaces",
	         given_a_controller,
	         stage_close,
	         says_the_size_of_a_namespace,
	         says_blocks_of_4096_bytes,
	         of_a_namespace_that_is_not_there_is_zero,
	         of_a_namespace_that_cannot_be_is_refused,
	         of_a_namespace_whose_worker_has_not_reported_is_zero,
	         lists_namespaces_in_order,
	         lists_namespaces_above_a_number,
	         lists_nothing_above_the_last_number,
	         describes_a_namespace_by_uuid,
	         has_an_eui64_where_the_configuration_gives_one,
	         describes_a_namespace_by_nguid_first,
	         describes_no_namespace_that_is_not_there,
	         says_what_is_independent_of_the_command_set);
	describe(suite,
	         "a controller and its command sets",
	         given_a_controller,
	         stage_close,
	         has_one_combination_of_command_sets,
	         knows_only_its_own_command_sets,
	         answers_for_the_nvm_command_set,
	         refuses_other_command_sets,
	         refuses_what_a_namespace_is_in_another_command_set,
	         looks_at_the_namespace_before_the_command_set,
	         has_an_endurance_group_for_each_namespace,
	         lists_endurance_groups_from_a_number_on,
	         refuses_structures_that_it_does_not_have,
	         of_an_unknown_opcode_is_refused);
	describe(suite,
	         "allocated namespaces",
	         given_a_controller,
	         stage_close,
	         are_the_same_in_each_way_to_ask,
	         are_refused_where_there_can_be_none);
	describe(suite,
	         "controllers",
	         given_controllers,
	         stage_close,
	         are_listed_by_their_number,
	         are_listed_from_a_number_on,
	         are_listed_for_a_namespace,
	         are_none_for_a_namespace_that_is_not_there,
	         are_not_listed_for_all_namespaces_at_once);
	describe(suite,
	         "a controller for discovery",
	         given_a_discovery_controller,
	         stage_close,
	         of_discovery_says_so,
	         of_discovery_has_no_namespaces);
	return run(suite);
}
