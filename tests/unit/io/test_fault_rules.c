/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules befall the commands that they are for, as often and at such times as they say. */
#include <string.h>

#include "common/base/clock.h"
#include "services/io/fault_rules.h"
#include "tests/support/spec.h"

#define BORN_NS (1000 * NS_PER_S)

static struct fault_rules rules;
static uint64_t now_ns; /* of the fake clock */

static void set(const char *first, const char *second)
{
	const char *const texts[] = {first, second};
	char reason[FAULT_REASON_SIZE];

	now_ns = BORN_NS;
	ck_assert_int_eq(
		fault_rules_set(&rules, (char *const *)texts, second ? 2 : 1, now_ns, reason), 0);
}

static struct fault_verdict judge(enum link_operation operation, uint64_t first, uint64_t count)
{
	const struct fault_command command = {
		.operation = operation, .first = first, .count = count};

	return fault_rules_judge(&rules, &command, now_ns);
}

static bool reading_fails(uint64_t first, uint64_t count)
{
	return judge(LINK_READ, first, count).fails;
}

/* ------------------------------------------------------------------ which commands */

START_TEST(befalls_its_operation_only)
{
	set("write error=EIO", NULL);
	ck_assert(judge(LINK_WRITE, 0, 8).fails);
	ck_assert(!judge(LINK_READ, 0, 8).fails);
	ck_assert(!judge(LINK_FLUSH, 0, 0).fails);
	ck_assert(!judge(LINK_WRITE_ZEROES, 0, 8).fails);
}
END_TEST

START_TEST(of_any_befalls_all)
{
	const struct nvme_dsm_range range = {.blocks = le32_of(8)};
	const struct fault_command trim = {
		.operation = LINK_DEALLOCATE, .ranges = &range, .n_ranges = 1};

	set("any error=EIO", NULL);
	ck_assert(judge(LINK_WRITE, 0, 8).fails);
	ck_assert(judge(LINK_READ, 0, 8).fails);
	ck_assert(judge(LINK_FLUSH, 0, 0).fails);
	ck_assert(judge(LINK_WRITE_ZEROES, 0, 8).fails);
	ck_assert(fault_rules_judge(&rules, &trim, now_ns).fails);
}
END_TEST

START_TEST(befalls_what_touches_its_blocks)
{
	set("any error=EIO lba=100-199", NULL);
	ck_assert(!reading_fails(0, 100));
	ck_assert(reading_fails(0, 101));
	ck_assert(reading_fails(150, 1));
	ck_assert(reading_fails(0, 1000));
	ck_assert(reading_fails(199, 1));
	ck_assert(!reading_fails(200, 1));
	ck_assert(!judge(LINK_FLUSH, 0, 0).fails);
}
END_TEST

START_TEST(befalls_a_trim_with_a_range_among_its_blocks)
{
	const struct nvme_dsm_range ranges[] = {
		{.blocks = le32_of(8), .slba = le64_of(0) },
		{.blocks = le32_of(8), .slba = le64_of(96)},
	};
	struct fault_command trim = {.operation = LINK_DEALLOCATE, .ranges = ranges, .n_ranges = 2};

	set("trim error=EIO lba=100", NULL);
	ck_assert(fault_rules_judge(&rules, &trim, now_ns).fails);
	trim.n_ranges = 1;
	ck_assert(!fault_rules_judge(&rules, &trim, now_ns).fails);
}
END_TEST

/* ------------------------------------------------------------------ how often */

START_TEST(befalls_every_third)
{
	set("read error=EIO every=3", NULL);
	for (unsigned i = 1; i <= 30; i++)
		ck_assert_int_eq(reading_fails(0, 1), i % 3 == 0);
}
END_TEST

START_TEST(befalls_as_many_as_it_says)
{
	unsigned n = 0;

	set("read error=EIO count=5", NULL);
	for (unsigned i = 0; i < 30; i++)
		n += reading_fails(0, 1);
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(rules.rules[0].hits, 5);
	ck_assert_uint_eq(rules.rules[0].met, 30);
}
END_TEST

static unsigned count_of_10000(const char *rule)
{
	unsigned n = 0;

	set(rule, NULL);
	for (unsigned i = 0; i < 10000; i++)
		n += reading_fails(0, 1);
	return n;
}

START_TEST(befalls_at_about_its_rate)
{
	unsigned n = count_of_10000("read error=EIO rate=10%");

	ck_assert_uint_ge(n, 850);
	ck_assert_uint_le(n, 1150);
	ck_assert_uint_le(count_of_10000("read error=EIO rate=0.0000001%"), 1);
}
END_TEST

static uint64_t pattern(const char *rule)
{
	uint64_t bits = 0;

	set(rule, NULL);
	for (unsigned i = 0; i < 64; i++)
		bits = bits << 1 | reading_fails(0, 1);
	return bits;
}

START_TEST(befalls_the_same_ones_with_the_same_seed)
{
	ck_assert_uint_eq(pattern("read error=EIO rate=50% seed=5"),
	                  pattern("read error=EIO rate=50% seed=5"));
	ck_assert_uint_ne(pattern("read error=EIO rate=50% seed=5"),
	                  pattern("read error=EIO rate=50% seed=6"));
}
END_TEST

/* ------------------------------------------------------------------ when */

static bool fails_at(uint64_t ms)
{
	now_ns = BORN_NS + ms * NS_PER_MS;
	return reading_fails(0, 1);
}

START_TEST(holds_from_then_on)
{
	set("read error=EIO from=2s", NULL);
	ck_assert(!fails_at(0));
	ck_assert(!fails_at(1999));
	ck_assert(fails_at(2000));
	ck_assert(fails_at(1000000));
}
END_TEST

START_TEST(holds_for_so_long)
{
	set("read error=EIO from=2s for=3s", NULL);
	ck_assert(!fails_at(1999));
	ck_assert(fails_at(2000));
	ck_assert(fails_at(4999));
	ck_assert(!fails_at(5000));
}
END_TEST

START_TEST(holds_for_a_part_of_each_period)
{
	set("read error=EIO from=500ms on=1s/10s", NULL);
	ck_assert(!fails_at(499));
	ck_assert(fails_at(500));
	ck_assert(fails_at(1499));
	ck_assert(!fails_at(1500));
	ck_assert(!fails_at(10499));
	ck_assert(fails_at(10500));
	ck_assert(!fails_at(11500));
}
END_TEST

START_TEST(does_not_count_what_comes_at_another_time)
{
	set("read error=EIO from=2s every=2", NULL);
	ck_assert(!fails_at(0));
	ck_assert(!fails_at(2000));
	ck_assert(fails_at(2001));
	ck_assert_uint_eq(rules.rules[0].met, 2);
}
END_TEST

/* ------------------------------------------------------------------ what they do */

START_TEST(give_the_status_of_an_errno)
{
	set("any error=EIO", NULL);
	ck_assert_uint_eq(judge(LINK_READ, 0, 1).status.value, NVME_SC_UNRECOVERED_READ);
	ck_assert_uint_eq(judge(LINK_WRITE, 0, 1).status.value, NVME_SC_WRITE_FAULT);
	set("any error=ENODATA", NULL);
	ck_assert_uint_eq(judge(LINK_READ, 0, 1).status.value,
	                  NVME_STATUS_DNR | NVME_SC_UNRECOVERED_READ);
}
END_TEST

START_TEST(give_the_status_that_they_name)
{
	set("any error=0x4286", NULL);
	ck_assert_uint_eq(judge(LINK_READ, 0, 1).status.value, 0x4286);
}
END_TEST

START_TEST(delay_within_their_range)
{
	bool differs = false;

	set("any delay=1ms-3ms", NULL);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t delay_ns = judge(LINK_READ, 0, 1).delay_ns;

		ck_assert_uint_ge(delay_ns, NS_PER_MS);
		ck_assert_uint_le(delay_ns, 3 * NS_PER_MS);
		differs |= delay_ns != judge(LINK_READ, 0, 1).delay_ns;
	}
	ck_assert(differs);
}
END_TEST

START_TEST(add_up_their_delays)
{
	set("any delay=1ms", "read delay=2ms");
	ck_assert_uint_eq(judge(LINK_READ, 0, 1).delay_ns, 3 * NS_PER_MS);
	ck_assert_uint_eq(judge(LINK_WRITE, 0, 1).delay_ns, NS_PER_MS);
}
END_TEST

START_TEST(end_with_the_first_that_decides)
{
	struct fault_verdict verdict;

	set("any error=EIO", "any hang");
	verdict = judge(LINK_READ, 0, 1);
	ck_assert(verdict.fails);
	ck_assert(!verdict.hangs);
	ck_assert_uint_eq(rules.rules[1].met, 0);
}
END_TEST

START_TEST(cut_a_command_short_of_its_end)
{
	set("any short", NULL);
	for (unsigned i = 0; i < 100; i++) {
		struct fault_verdict verdict = judge(LINK_WRITE, 0, 8);

		ck_assert(verdict.is_short);
		ck_assert_uint_lt(verdict.short_blocks, 8);
	}
	ck_assert(!judge(LINK_FLUSH, 0, 0).is_short);
	ck_assert_uint_eq(judge(LINK_READ, 0, 1).short_blocks, 0);
}
END_TEST

START_TEST(lose_writes_only)
{
	set("any lose cache=8K", NULL);
	ck_assert(judge(LINK_WRITE, 0, 8).loses);
	ck_assert(!judge(LINK_READ, 0, 8).loses);
	ck_assert(!judge(LINK_WRITE_ZEROES, 0, 8).loses);
	ck_assert_uint_eq(rules.cache_bytes, 8192);
	ck_assert_uint_eq(rules.rules[0].met, 1);
}
END_TEST

/* ------------------------------------------------------------------ setting */

START_TEST(are_set_whole_or_not_at_all)
{
	char *const texts[] = {(char *)"read hang", (char *)"read hang rate=2"};
	char reason[FAULT_REASON_SIZE];

	set("write error=EIO", NULL);
	ck_assert_int_eq(fault_rules_set(&rules, texts, 2, now_ns, reason), FAULT_RULE_E_WRONG);
	ck_assert_uint_eq(rules.n, 1);
	ck_assert_str_eq(rules.rules[0].text, "write error=EIO");
}
END_TEST

START_TEST(are_sixteen_at_most)
{
	char *texts[FAULT_RULES_MAX + 1];
	char reason[FAULT_REASON_SIZE];

	for (unsigned i = 0; i <= FAULT_RULES_MAX; i++)
		texts[i] = (char *)"read hang";
	ck_assert_int_eq(fault_rules_set(&rules, texts, FAULT_RULES_MAX, 0, reason), 0);
	ck_assert_int_eq(fault_rules_set(&rules, texts, FAULT_RULES_MAX + 1, 0, reason),
	                 FAULT_RULE_E_WRONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault rules");

	describe(suite,
	         "a rule",
	         NULL,
	         NULL,
	         befalls_its_operation_only,
	         of_any_befalls_all,
	         befalls_what_touches_its_blocks,
	         befalls_a_trim_with_a_range_among_its_blocks,
	         befalls_every_third,
	         befalls_as_many_as_it_says,
	         befalls_at_about_its_rate,
	         befalls_the_same_ones_with_the_same_seed,
	         holds_from_then_on,
	         holds_for_so_long,
	         holds_for_a_part_of_each_period,
	         does_not_count_what_comes_at_another_time);
	describe(suite,
	         "rules",
	         NULL,
	         NULL,
	         give_the_status_of_an_errno,
	         give_the_status_that_they_name,
	         delay_within_their_range,
	         add_up_their_delays,
	         end_with_the_first_that_decides,
	         cut_a_command_short_of_its_end,
	         lose_writes_only,
	         are_set_whole_or_not_at_all,
	         are_sixteen_at_most);
	return run(suite);
}
