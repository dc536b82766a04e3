/* SPDX-License-Identifier: BSD-2-Clause */
/* Protection information is made of blocks, and finds what is wrong with them. */
#include <string.h>

#include "services/io/pi_tuples.h"
#include "tests/support/spec.h"

#define BLOCKS 4u
#define BLOCK  512u
#define FIRST  UINT64_C(0x1234567fe) /* the reference tag is its low 32 bits */

static unsigned char memory[BLOCKS * (BLOCK + 8)];
static unsigned char data[BLOCKS * BLOCK];
static struct nvme_protection tuples[BLOCKS];

static const struct pi_blocks blocks = {FIRST, BLOCKS, 9};
static const struct pi_checks all = {.guard = true, .reference = true, .are_stored = true};

/* Pieces that do not end where blocks do. */
static struct iovec pieces[3];

static struct pi_cursor begin_of(void *bytes, size_t length)
{
	pieces[0] = (struct iovec){bytes, 100};
	pieces[1] = (struct iovec){(char *)bytes + 100, 1000};
	pieces[2] = (struct iovec){(char *)bytes + 1100, length - 1100};
	return (struct pi_cursor){.piece = pieces};
}

static struct pi_cursor data_begin(void)
{
	return begin_of(data, sizeof(data));
}

static void make(uint16_t application)
{
	struct pi_cursor cursor = data_begin();

	ck_assert_int_eq(pi_make(&cursor, &blocks, application, tuples), 0);
	ck_assert_ptr_eq(cursor.piece, pieces + 3); /* behind all of it */
}

static unsigned check(const struct pi_checks *checks)
{
	struct pi_cursor cursor = data_begin();

	return pi_check(&cursor, &blocks, checks, tuples).value;
}

/* T10's polynomial, a bit at a time. */
static uint16_t guard_of(const unsigned char *at, size_t length)
{
	unsigned crc = 0;

	for (; length > 0; length--, at++) {
		crc ^= (unsigned)*at << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ 0x8bb7 : crc << 1;
	}
	return (uint16_t)crc;
}

static void given_blocks(void)
{
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / BLOCK);
	make(0x5a01);
}

/* ------------------------------------------------------------------ tuples of blocks */

START_TEST(have_the_crc_of_t10)
{
	ck_assert_uint_eq(guard_of((const unsigned char *)"123456789", 9), 0xd0db);
	for (unsigned i = 0; i < BLOCKS; i++)
		ck_assert_uint_eq(be16_get(tuples[i].guard), guard_of(data + i * BLOCK, BLOCK));
}
END_TEST

START_TEST(are_big_endian_on_the_wire)
{
	static const unsigned char tags[] = {0x5a, 0x01, 0x23, 0x45, 0x67, 0xff};

	ck_assert_mem_eq((unsigned char *)&tuples[1] + 2, tags, sizeof(tags));
}
END_TEST

START_TEST(number_the_blocks)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		ck_assert_uint_eq(be32_get(tuples[i].reference), (uint32_t)(FIRST + i));
}
END_TEST

START_TEST(are_the_same_of_zeroes_without_looking)
{
	struct nvme_protection zeroes[BLOCKS];

	memset(data, 0, sizeof(data));
	make(7);
	pi_make_zeroes(&blocks, 7, zeroes);
	ck_assert_mem_eq(zeroes, tuples, sizeof(zeroes));
}
END_TEST

/* ------------------------------------------------------------------ checks */

START_TEST(pass_as_they_are)
{
	ck_assert_uint_eq(check(&all), 0);
}
END_TEST

START_TEST(fail_for_one_bit_of_data)
{
	for (size_t i = 0; i < sizeof(data); i += 37) {
		data[i] ^= 1;
		ck_assert_uint_eq(check(&all), NVME_SC_GUARD_CHECK);
		data[i] ^= 1;
	}
}
END_TEST

START_TEST(fail_at_another_place)
{
	const struct pi_blocks other = {FIRST + 1, BLOCKS, 9};
	struct pi_cursor cursor = data_begin();

	ck_assert_uint_eq(pi_check(&cursor, &other, &all, tuples).value,
	                  NVME_SC_REFERENCE_TAG_CHECK);
}
END_TEST

START_TEST(fail_for_an_application_tag_under_the_mask)
{
	struct pi_checks checks = all;

	checks.application = 0x5aff;
	checks.application_mask = 0xff00;
	ck_assert_uint_eq(check(&checks), 0);
	checks.application_mask = 0xff02;
	ck_assert_uint_eq(check(&checks), NVME_SC_APPLICATION_TAG_CHECK);
}
END_TEST

START_TEST(say_the_guard_first)
{
	tuples[2] = (struct nvme_protection){.guard = be16_of(1)};
	ck_assert_uint_eq(check(&all), NVME_SC_GUARD_CHECK);
}
END_TEST

START_TEST(pass_where_nothing_is_asked)
{
	const struct pi_checks none = {.are_stored = true};

	memset(tuples, 0x11, sizeof(tuples));
	ck_assert_uint_eq(check(&none), 0);
}
END_TEST

START_TEST(pass_by_an_escape)
{
	memset(tuples, 0x11, sizeof(tuples));
	for (unsigned i = 0; i < BLOCKS; i++)
		tuples[i].application = be16_of(NVME_PROTECTION_ESCAPE);
	ck_assert_uint_eq(check(&all), 0);
}
END_TEST

/* ------------------------------------------------------------------ never written */

static void given_zeroes(void)
{
	memset(data, 0, sizeof(data));
	memset(tuples, 0, sizeof(tuples));
}

START_TEST(passes)
{
	struct pi_checks checks = all;

	checks.application = 1;
	checks.application_mask = 0xffff;
	ck_assert_uint_eq(check(&checks), 0);
}
END_TEST

START_TEST(fails_with_one_bit_in_the_block)
{
	data[BLOCK + 5] = 1;
	ck_assert_uint_eq(check(&all), NVME_SC_GUARD_CHECK);
}
END_TEST

/* The CRC of these is 0, as that of zeroes: the polynomial itself. */
START_TEST(fails_with_a_block_whose_guard_happens_to_be_zero)
{
	data[100] = 0x01;
	data[101] = 0x8b;
	data[102] = 0xb7;
	ck_assert_uint_eq(guard_of(data, BLOCK), 0);
	ck_assert_uint_eq(check(&all), NVME_SC_REFERENCE_TAG_CHECK);
}
END_TEST

START_TEST(fails_when_a_host_sends_it)
{
	struct pi_checks checks = all;

	checks.are_stored = false;
	ck_assert_uint_eq(check(&checks), NVME_SC_REFERENCE_TAG_CHECK);
}
END_TEST

START_TEST(is_an_escape_to_hosts)
{
	struct pi_cursor cursor = begin_of(memory, sizeof(memory));
	unsigned char ones[8];

	data[0] = 1; /* but this one was */
	memset(ones, 0xff, sizeof(ones));
	ck_assert_int_eq(pi_join(&cursor, &blocks, data, tuples), 0);
	ck_assert_uint_eq(memory[BLOCK], 0);
	ck_assert_mem_eq(memory + BLOCK + 8 + BLOCK, ones, sizeof(ones));
	ck_assert_uint_eq(memory[BLOCK + 8], 0);
}
END_TEST

/* ------------------------------------------------------------------ mixed */

START_TEST(lies_block_by_block)
{
	struct pi_cursor cursor = begin_of(memory, sizeof(memory));

	ck_assert_int_eq(pi_join(&cursor, &blocks, data, tuples), 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		ck_assert_mem_eq(memory + i * (BLOCK + 8), data + i * BLOCK, BLOCK);
		ck_assert_mem_eq(memory + i * (BLOCK + 8) + BLOCK, &tuples[i], 8);
	}
}
END_TEST

START_TEST(comes_apart_again)
{
	struct nvme_protection other_tuples[BLOCKS];
	unsigned char other[sizeof(data)];
	struct pi_cursor cursor = begin_of(memory, sizeof(memory));

	ck_assert_int_eq(pi_join(&cursor, &blocks, data, tuples), 0);
	cursor = begin_of(memory, sizeof(memory));
	ck_assert_int_eq(pi_split(&cursor, &blocks, other, other_tuples), 0);
	ck_assert_mem_eq(other, data, sizeof(data));
	ck_assert_mem_eq(other_tuples, tuples, sizeof(tuples));
}
END_TEST

START_TEST(is_cut_into_pieces)
{
	struct pi_cursor cursor = data_begin();
	struct iovec cut[3];

	ck_assert_uint_eq(pi_pieces_of(&cursor, 512, cut), 2);
	ck_assert_uint_eq(cut[0].iov_len, 100);
	ck_assert_uint_eq(cut[1].iov_len, 412);
	ck_assert_uint_eq(pi_pieces_of(&cursor, sizeof(data) - 512, cut), 2);
	ck_assert_ptr_eq(cut[0].iov_base, data + 512);
	ck_assert_uint_eq(cut[1].iov_len, sizeof(data) - 1100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pi tuples");

	describe(suite,
	         "tuples of blocks",
	         given_blocks,
	         NULL,
	         have_the_crc_of_t10,
	         are_big_endian_on_the_wire,
	         number_the_blocks,
	         are_the_same_of_zeroes_without_looking);
	describe(suite,
	         "checks of blocks",
	         given_blocks,
	         NULL,
	         pass_as_they_are,
	         fail_for_one_bit_of_data,
	         fail_at_another_place,
	         fail_for_an_application_tag_under_the_mask,
	         say_the_guard_first,
	         pass_where_nothing_is_asked,
	         pass_by_an_escape);
	describe(suite,
	         "what was never written",
	         given_zeroes,
	         NULL,
	         passes,
	         fails_with_one_bit_in_the_block,
	         fails_with_a_block_whose_guard_happens_to_be_zero,
	         fails_when_a_host_sends_it,
	         is_an_escape_to_hosts);
	describe(suite,
	         "data with tuples in it",
	         given_blocks,
	         NULL,
	         lies_block_by_block,
	         comes_apart_again,
	         is_cut_into_pieces);
	return run(suite);
}
