/* SPDX-License-Identifier: BSD-2-Clause */
/* The data of Discovery Information Management as it lies on the wire (Base 2.1 §5.3.3). */
#include "common/nvme/dim.h"

#include <string.h>

#include "common/nvme/log.h"
#include "tests/support/spec.h"

static const struct dim_entity entity = {"nqn.disc", "store", "nvmetd 1"};
static const struct dim_entry tcp = {
	.port_id = 3,
	.trtype = NVME_TRTYPE_TCP,
	.adrfam = NVME_ADRFAM_IPV6,
	.subtype = NVME_SUBTYPE_NVME,
	.trsvcid = "4420",
	.traddr = "2001:db8::7",
	.nqn = "nqn.a",
};
static const struct dim_entry rdma = {
	.trtype = NVME_TRTYPE_RDMA,
	.adrfam = NVME_ADRFAM_IPV4,
	.subtype = NVME_SUBTYPE_CURRENT,
	.nqn = "nqn.disc",
};
static const struct dim_entry *const both[] = {&tcp, &rdma};
static struct dim_message message;

static const uint8_t *byte(size_t offset)
{
	return (const uint8_t *)&message + offset;
}

static void given_two_entries(void)
{
	memset(&message, 0xff, sizeof(message));
	ck_assert_uint_eq(dim_build(&message, &entity, both, 2), 1024 + 2 * 1032);
}

START_TEST(says_how_long_it_is)
{
	ck_assert_mem_eq(byte(0), "\x10\x0c\0\0", 4);
	ck_assert_mem_eq(byte(8), "\2\0\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(says_who_registers)
{
	ck_assert_mem_eq(byte(16), "\2\0\2\0\0\0\x5f\0", 8); /* ENTFMT, ETYPE, PORTLCL, EKTYPE */
	ck_assert_mem_eq(byte(24), "nqn.disc\0", 9);
	ck_assert_mem_eq(byte(280), "store   ", 8);
	ck_assert_mem_eq(byte(536), "nvmetd 1    ", 12);
	for (size_t i = 600; i < 1024; i++)
		ck_assert_uint_eq(*byte(i), 0);
}
END_TEST

START_TEST(has_the_address_of_an_entry)
{
	ck_assert_mem_eq(byte(1024), "\3\2\2\4\3\0\xff\xff\x20\0\0\0", 12);
	ck_assert_mem_eq(byte(1024 + 32), "4420    ", 8);
	ck_assert_mem_eq(byte(1024 + 256), "nqn.a\0\0\0", 8);
	ck_assert_mem_eq(byte(1024 + 512), "2001:db8::7     ", 16);
	ck_assert_uint_eq(*byte(1024 + 768), 0);
}
END_TEST

START_TEST(says_how_long_an_entry_is)
{
	ck_assert_mem_eq(byte(1024 + 1024), "\x08\x04\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(says_how_rdma_is_connected)
{
	ck_assert_mem_eq(byte(1024 + 1032 + 768), "\1\1\1\0", 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dim");

	describe(suite,
	         "a registration",
	         given_two_entries,
	         NULL,
	         says_how_long_it_is,
	         says_who_registers,
	         has_the_address_of_an_entry,
	         says_how_long_an_entry_is,
	         says_how_rdma_is_connected);
	return run(suite);
}
