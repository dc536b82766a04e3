/* SPDX-License-Identifier: BSD-2-Clause */
/* The builders of Identify's data structures, byte for byte. */
#include <string.h>

#include "common/nvme/identify.h"
#include "tests/support/spec.h"

static uint8_t wire[NVME_IDENTIFY_SIZE];

static struct identify_controller controller;
static struct identify_namespace namespace;

static void given_dirty_memory(void)
{
	memset(wire, 0xee, sizeof(wire));
	controller = (struct identify_controller){
		.cntlid = 0x1234,
		.version = 0x20100,
		.vendor_id = 0x1af4,
		.subsystem_vendor_id = 0x1b36,
		.ieee_oui = 0xaabbcc,
		.serial = "serial",
		.model = "model",
		.firmware = "123456789",
		.nqn = "nqn.a",
		.mdts = 8,
		.max_commands = 1024,
		.in_capsule_bytes = 16384,
		.sgls = NVME_SGLS_SUPPORTED | NVME_SGLS_OFFSET,
		.descriptors_max = 1,
	};
	namespace = (struct identify_namespace){
		.blocks = UINT64_C(0x1122334455667788),
		.block_shift = 12,
		.ana_group = 5,
		.endurance_group = 0x0304,
		.volatile_cache = true,
		.uuid = {1, 2, 3},
	};
}

static uint64_t at(size_t offset, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, wire + offset, bytes);
	return value;
}

static void expect_zeroes(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		ck_assert_msg(wire[i] == 0, "byte %zu is %02x", i, wire[i]);
}

static void build_controller(void)
{
	identify_controller_build((struct nvme_identify_controller *)wire, &controller);
}

START_TEST(pads_texts_with_blanks)
{
	build_controller();
	ck_assert_mem_eq(wire + 4, "serial              ", 20);
	ck_assert_mem_eq(wire + 24, "model                                   ", 40);
	ck_assert_mem_eq(wire + 64, "12345678", 8);
}
END_TEST

START_TEST(puts_numbers_least_byte_first)
{
	build_controller();
	ck_assert_uint_eq(at(0, 4), 0x1b361af4);
	ck_assert_uint_eq(at(73, 3), 0xaabbcc);
	ck_assert_uint_eq(at(78, 2), 0x1234);
}
END_TEST

START_TEST(leaves_reserved_bytes_zero)
{
	build_controller();
	expect_zeroes(100, 111);
	expect_zeroes(112, 256);
	expect_zeroes(264, 320);
	expect_zeroes(322, 340);
	expect_zeroes(356, 512);
	expect_zeroes(544, 768);
	expect_zeroes(773, 1792);
	expect_zeroes(1806, 4096);
}
END_TEST

START_TEST(tells_the_size_of_capsules_in_16_bytes)
{
	controller.in_capsule_bytes = 0;
	build_controller();
	ck_assert_uint_eq(at(1792, 4), 4);
	controller.in_capsule_bytes = 4096;
	build_controller();
	ck_assert_uint_eq(at(1792, 4), 260);
}
END_TEST

START_TEST(of_discovery_has_no_io_fields)
{
	controller.discovery = true;
	build_controller();
	ck_assert_uint_eq(at(111, 1), 2);
	ck_assert_uint_eq(at(76, 1), 0);
	expect_zeroes(340, 514);
	expect_zeroes(516, 536);
	expect_zeroes(540, 544);
}
END_TEST

START_TEST(tells_its_size_and_block)
{
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(0, 8), UINT64_C(0x1122334455667788));
	ck_assert_uint_eq(at(8, 8), UINT64_C(0x1122334455667788));
	ck_assert_uint_eq(at(128, 4), 12u << 16);
	ck_assert_uint_eq(at(92, 4), 5);
	ck_assert_uint_eq(at(99, 1), 0);
	expect_zeroes(132, 4096);
}
END_TEST

START_TEST(tells_its_endurance_group)
{
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(100, 4), 0x0304u << 16); /* NVMSETID 0, ENDGID */
	identify_independent_build((struct nvme_independent_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(10, 4), 0x0304u << 16);
}
END_TEST

START_TEST(tells_that_it_is_write_protected)
{
	namespace.write_protected = true;
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(99, 1), 1);
	identify_independent_build((struct nvme_independent_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(8, 1), 1);
}
END_TEST

START_TEST(tells_its_cache)
{
	identify_independent_build((struct nvme_independent_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(0, 1), 0);
	ck_assert_uint_eq(at(14, 1), 1);
	namespace.volatile_cache = false;
	identify_independent_build((struct nvme_independent_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(0, 1), 0x20);
	expect_zeroes(15, 4096);
}
END_TEST

START_TEST(tells_what_it_likes_to_have_written)
{
	namespace.preference = (struct identify_preference){
		.write = 7, .discard = 0xffff, .optimal = 255};
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(24, 1), 0x10);
	ck_assert_uint_eq(at(64, 8), UINT64_C(0xffffffff00070007)); /* NPWG, NPWA, NPDG, NPDA */
	ck_assert_uint_eq(at(72, 2), 255);
	namespace.preference.optimal = 0; /* nobody knows */
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(72, 2), 7);
}
END_TEST

START_TEST(tells_nothing_of_what_it_likes_where_that_is_any_block)
{
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(24, 1), 0);
	expect_zeroes(64, 92);
}
END_TEST

START_TEST(tells_that_what_is_deallocated_is_zeroes)
{
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(33, 1), 0);
	namespace.deallocate = true;
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(33, 1), 0x09);
}
END_TEST

START_TEST(tells_that_its_media_rotate)
{
	namespace.rotational = true;
	identify_independent_build((struct nvme_independent_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(0, 1), 0x10);
	namespace.volatile_cache = false;
	identify_independent_build((struct nvme_independent_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(0, 1), 0x30);
	identify_namespace_build((struct nvme_identify_namespace *)wire, &namespace);
	ck_assert_uint_eq(at(24, 1), 0); /* its NSFEAT has no such bit */
}
END_TEST

START_TEST(has_a_descriptor_for_each_identifier)
{
	static const uint8_t both[] = {2, 16, 0, 0, 9, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,
	                               0, 0,  0, 0, 0, 3, 16, 0, 0, 1, 2, 3, 0, 0, 0,
	                               0, 0,  0, 0, 0, 0, 0,  0, 0, 0, 4, 1, 0, 0, 0};

	namespace.nguid[0] = 9;
	identify_descriptors_build(wire, &namespace);
	ck_assert_mem_eq(wire, both, sizeof(both));
	expect_zeroes(sizeof(both), 4096);
}
END_TEST

START_TEST(has_no_descriptor_for_an_identifier_of_zeroes)
{
	namespace.uuid[0] = namespace.uuid[1] = namespace.uuid[2] = 0;
	identify_descriptors_build(wire, &namespace);
	ck_assert_uint_eq(at(0, 4), 4 | 1 << 8);
	expect_zeroes(4, 4096);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identify");

	describe(suite,
	         "a controller",
	         given_dirty_memory,
	         NULL,
	         pads_texts_with_blanks,
	         puts_numbers_least_byte_first,
	         leaves_reserved_bytes_zero,
	         tells_the_size_of_capsules_in_16_bytes,
	         of_discovery_has_no_io_fields);
	describe(suite,
	         "a namespace",
	         given_dirty_memory,
	         NULL,
	         tells_its_size_and_block,
	         tells_its_endurance_group,
	         tells_that_it_is_write_protected,
	         tells_its_cache,
	         tells_what_it_likes_to_have_written,
	         tells_nothing_of_what_it_likes_where_that_is_any_block,
	         tells_that_what_is_deallocated_is_zeroes,
	         tells_that_its_media_rotate,
	         has_a_descriptor_for_each_identifier,
	         has_no_descriptor_for_an_identifier_of_zeroes);
	return run(suite);
}
