/* SPDX-License-Identifier: BSD-2-Clause */
/* What an I/O thread writes for each request is on cache lines that no other thread writes. */
#include "services/io/counters.h"
#include "services/io/lane.h"
#include "services/io/table.h"
#include "tests/support/lines.h"
#include "tests/support/spec.h"

START_TEST(count_what_they_hold_of_a_table_on_lines_of_their_own)
{
	struct table *table = table_new(1, 0, 0, 2);

	ck_assert_ptr_nonnull(table);
	expect_own_lines(table->holds);
	expect_apart(&table->holds[0], &table->holds[1]);
	expect_apart(&table->holds[0], table);
	table_free(table);
}
END_TEST

START_TEST(count_commands_on_lines_of_their_own)
{
	static struct counters counters[2];

	expect_apart(&counters[0], &counters[1]);
	ck_assert_uint_eq(sizeof(counters[0]) % CACHE_LINE, 0);
}
END_TEST

START_TEST(have_lanes_that_share_no_line)
{
	struct lane *lanes[2];

	for (unsigned i = 0; i < 2; i++) {
		struct link link = LINK_NULL;
		struct region arena = REGION_NULL;

		lanes[i] = lane_new(&link, &arena);
		ck_assert_ptr_nonnull(lanes[i]);
		expect_own_lines(lanes[i]);
	}
	expect_apart(lanes[0], lanes[1]);
	for (unsigned i = 0; i < 2; i++)
		lane_free(lanes[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");

	describe(suite,
	         "two I/O threads",
	         NULL,
	         NULL,
	         count_what_they_hold_of_a_table_on_lines_of_their_own,
	         count_commands_on_lines_of_their_own,
	         have_lanes_that_share_no_line);
	return run(suite);
}
