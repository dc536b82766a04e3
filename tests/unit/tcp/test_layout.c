/* SPDX-License-Identifier: BSD-2-Clause */
/* What a reactor writes of its connections is on cache lines that no other thread writes. */
#include "services/tcp/connection.h"
#include "services/tcp/lane.h"
#include "tests/support/lines.h"
#include "tests/support/spec.h"
#include "tests/unit/tcp/core.h"

START_TEST(are_multiples_of_a_line)
{
	static struct lane lanes[2];

	expect_own_lines(lanes);
	expect_apart(&lanes[0], &lanes[1]);
}
END_TEST

START_TEST(begins_with_a_line)
{
	expect_own_lines(connection_of(core.queue));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");

	describe(suite, "lanes of two reactors", NULL, NULL, are_multiples_of_a_line);
	describe(suite, "a connection", core_init, core_deinit, begins_with_a_line);
	return run(suite);
}
