/* SPDX-License-Identifier: BSD-2-Clause */
/* A volatile cache holds blocks until they are dropped, and gives the oldest ones first. */
#include <string.h>

#include "services/io/fault_cache.h"
#include "tests/support/spec.h"

#define BLOCK 512u

static struct fault_cache cache;
static unsigned char memory[64 * BLOCK];

static void given_a_cache(void)
{
	fault_cache_init(&cache, 9);
	cache.limit = 1000;
}

static void forget_it(void)
{
	fault_cache_clear(&cache);
}

/* Blocks that hold `byte`, out of two pieces that do not end where blocks do. */
static void put(uint64_t first, uint64_t count, int byte)
{
	const struct iovec pieces[] = {
		{memory,       100                },
                {memory + 100, count * BLOCK - 100}
        };

	memset(memory, byte, count * BLOCK);
	ck_assert_int_eq(fault_cache_put(&cache, (struct fault_run){first, count}, pieces), 0);
}

/* What is there of the block; -1: it is not in the cache. */
static int get(uint64_t number)
{
	const struct iovec pieces[] = {
		{memory,      10        },
                {memory + 10, BLOCK - 10}
        };

	memset(memory, 0xee, BLOCK);
	ck_assert_int_eq(fault_cache_get(&cache, (struct fault_run){number, 1}, pieces), 0);
	for (unsigned i = 1; i < BLOCK; i++)
		ck_assert_uint_eq(memory[i], memory[0]);
	return memory[0] == 0xee ? -1 : memory[0];
}

static void expect_oldest(uint64_t first, uint64_t count, size_t size)
{
	struct fault_run run = fault_cache_oldest(&cache, memory, size);

	ck_assert_uint_eq(run.first, first);
	ck_assert_uint_eq(run.count, count);
}

START_TEST(gives_what_was_put)
{
	put(10, 3, 1);
	ck_assert_int_eq(get(10), 1);
	ck_assert_int_eq(get(12), 1);
	ck_assert_uint_eq(cache.used, 3);
}
END_TEST

START_TEST(leaves_alone_what_it_does_not_have)
{
	put(10, 3, 1);
	ck_assert_int_eq(get(9), -1);
	ck_assert_int_eq(get(13), -1);
	ck_assert_int_eq(get(10 + FAULT_CACHE_HEADS), -1); /* in the same chain */
}
END_TEST

START_TEST(replaces_a_block)
{
	put(10, 3, 1);
	put(11, 1, 2);
	ck_assert_int_eq(get(10), 1);
	ck_assert_int_eq(get(11), 2);
	ck_assert_uint_eq(cache.used, 3);
}
END_TEST

START_TEST(drops_a_block)
{
	put(10, 3, 1);
	ck_assert_uint_eq(fault_cache_drop(&cache, (struct fault_run){11, 1}), 1);
	ck_assert_int_eq(get(11), -1);
	ck_assert_int_eq(get(12), 1);
}
END_TEST

START_TEST(drops_a_range_that_is_larger_than_itself)
{
	put(10, 3, 1);
	put(500, 1, 1);
	ck_assert_uint_eq(fault_cache_drop(&cache, (struct fault_run){0, 400}), 3);
	ck_assert_uint_eq(cache.used, 1);
	ck_assert_int_eq(get(500), 1);
}
END_TEST

START_TEST(gives_the_oldest_first_with_what_follows_it)
{
	put(20, 1, 1);
	put(10, 2, 2);
	put(21, 1, 3);
	expect_oldest(20, 2, sizeof(memory));
	ck_assert_uint_eq(memory[0], 1);
	ck_assert_uint_eq(memory[BLOCK], 3);
	fault_cache_drop(&cache, (struct fault_run){20, 2});
	expect_oldest(10, 2, sizeof(memory));
}
END_TEST

START_TEST(gives_no_more_than_fits)
{
	put(10, 8, 1);
	expect_oldest(10, 3, 3 * BLOCK + 100);
}
END_TEST

START_TEST(takes_a_block_that_was_written_again_for_young)
{
	put(20, 1, 1);
	put(10, 1, 2);
	put(20, 1, 3);
	expect_oldest(10, 1, sizeof(memory));
}
END_TEST

START_TEST(has_nothing_when_it_was_cleared)
{
	put(10, 8, 1);
	fault_cache_clear(&cache);
	ck_assert_uint_eq(cache.used, 0);
	expect_oldest(0, 0, sizeof(memory));
	ck_assert_int_eq(get(10), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault cache");

	describe(suite,
	         "a volatile cache",
	         given_a_cache,
	         forget_it,
	         gives_what_was_put,
	         leaves_alone_what_it_does_not_have,
	         replaces_a_block,
	         drops_a_block,
	         drops_a_range_that_is_larger_than_itself,
	         gives_the_oldest_first_with_what_follows_it,
	         gives_no_more_than_fits,
	         takes_a_block_that_was_written_again_for_young,
	         has_nothing_when_it_was_cleared);
	return run(suite);
}
