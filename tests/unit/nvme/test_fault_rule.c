/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of an operator means one kind of fault, or is refused with the reason. */
#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/nvme/fault_rule.h"
#include "tests/support/spec.h"

static char reason[FAULT_REASON_SIZE];

static struct fault_rule good(const char *text)
{
	struct fault_rule rule;
	int r = fault_rule_parse(text, &rule, reason);

	ck_assert_msg(r == 0, "\"%s\" is refused: %s", text, reason);
	return rule;
}

/* Refused, with a reason that has these words. */
static void bad(const char *text, const char *words)
{
	struct fault_rule rule;

	reason[0] = '\0';
	ck_assert_msg(fault_rule_parse(text, &rule, reason) == FAULT_RULE_E_WRONG,
	              "\"%s\" is taken",
	              text);
	ck_assert_msg(strstr(reason, words), "\"%s\": %s", text, reason);
}

/* ------------------------------------------------------------------ what is taken */

START_TEST(names_its_operations)
{
	ck_assert_uint_eq(good("read hang").operations, FAULT_READ);
	ck_assert_uint_eq(good("write,flush hang").operations, FAULT_WRITE | FAULT_FLUSH);
	ck_assert_uint_eq(good("zeroes,trim hang").operations, FAULT_ZEROES | FAULT_TRIM);
	ck_assert_uint_eq(good("any hang").operations, FAULT_ANY);
}
END_TEST

START_TEST(has_an_errno_by_its_name)
{
	struct fault_rule rule = good("any error=EIO");

	ck_assert_int_eq(rule.action, FAULT_ERROR);
	ck_assert_int_eq(rule.error, EIO);
	ck_assert_int_eq(good("any error=ENOSPC").error, ENOSPC);
}
END_TEST

START_TEST(has_a_status_by_its_number)
{
	struct fault_rule rule = good("any error=0x281");

	ck_assert_int_eq(rule.error, 0);
	ck_assert_uint_eq(rule.status.value, 0x281);
	ck_assert_uint_eq(good("any error=0x4281").status.value, 0x4281);
}
END_TEST

START_TEST(has_a_delay)
{
	struct fault_rule rule = good("read delay=5ms");

	ck_assert_int_eq(rule.action, FAULT_DELAY);
	ck_assert_uint_eq(rule.delay_min_ns, 5 * NS_PER_MS);
	ck_assert_uint_eq(rule.delay_max_ns, 5 * NS_PER_MS);
}
END_TEST

START_TEST(has_a_range_of_delays)
{
	struct fault_rule rule = good("read delay=250us-2s");

	ck_assert_uint_eq(rule.delay_min_ns, 250 * NS_PER_US);
	ck_assert_uint_eq(rule.delay_max_ns, 2 * NS_PER_S);
}
END_TEST

START_TEST(is_for_all_blocks_unless_it_says_which)
{
	ck_assert_uint_eq(good("any hang").first, 0);
	ck_assert_uint_eq(good("any hang").last, UINT64_MAX);
	ck_assert_uint_eq(good("any hang lba=100").first, 100);
	ck_assert_uint_eq(good("any hang lba=100").last, 100);
	ck_assert_uint_eq(good("any hang lba=100-199").last, 199);
}
END_TEST

START_TEST(always_befalls_unless_it_says_how_often)
{
	struct fault_rule rule = good("any short");

	ck_assert_uint_eq(rule.rate, UINT64_C(1) << 32);
	ck_assert_uint_eq(rule.every, 1);
	ck_assert_uint_eq(rule.count, UINT64_MAX);
	ck_assert_uint_eq(good("any short rate=0.5").rate, UINT64_C(1) << 31);
	ck_assert_uint_eq(good("any short rate=25%").rate, UINT64_C(1) << 30);
	ck_assert_uint_eq(good("any short rate=100%").rate, UINT64_C(1) << 32);
	ck_assert_uint_eq(good("any short rate=0.00000000001").rate, 1);
	ck_assert_uint_eq(good("any short every=3 count=2").every, 3);
	ck_assert_uint_eq(good("any short every=3 count=2").count, 2);
}
END_TEST

START_TEST(holds_always_unless_it_says_when)
{
	struct fault_rule rule = good("any hang");

	ck_assert_uint_eq(rule.from_ns, 0);
	ck_assert_uint_eq(rule.until_ns, UINT64_MAX);
	ck_assert_uint_eq(rule.period_ns, 0);
	rule = good("any hang from=2s for=10s on=1s/5s");
	ck_assert_uint_eq(rule.from_ns, 2 * NS_PER_S);
	ck_assert_uint_eq(rule.until_ns, 12 * NS_PER_S);
	ck_assert_uint_eq(rule.on_ns, NS_PER_S);
	ck_assert_uint_eq(rule.period_ns, 5 * NS_PER_S);
}
END_TEST

START_TEST(of_lose_has_a_cache)
{
	ck_assert_uint_eq(good("write lose").cache_bytes, FAULT_CACHE_DEFAULT);
	ck_assert_uint_eq(good("write lose cache=16M").cache_bytes, 16u << 20);
	ck_assert_int_eq(good("any lose").action, FAULT_LOSE);
}
END_TEST

START_TEST(has_a_seed_where_there_are_dice)
{
	ck_assert_uint_eq(good("any hang rate=1%").seed, 1);
	ck_assert_uint_eq(good("any hang rate=1% seed=77").seed, 77);
	ck_assert_uint_eq(good("any delay=1ms-2ms seed=7").seed, 7);
	ck_assert_uint_eq(good("any short seed=7").seed, 7);
}
END_TEST

START_TEST(may_have_more_blanks_than_it_needs)
{
	ck_assert_uint_eq(good("  read   hang  lba=1 ").first, 1);
}
END_TEST

/* ------------------------------------------------------------------ what is refused */

START_TEST(is_not_empty)
{
	bad("", "empty");
	bad("   ", "empty");
}
END_TEST

START_TEST(does_not_go_on_for_ever)
{
	char text[FAULT_RULE_SIZE + 1];

	memset(text, 'r', FAULT_RULE_SIZE);
	text[FAULT_RULE_SIZE] = '\0';
	bad(text, "longer than");
}
END_TEST

START_TEST(names_known_operations)
{
	bad("compare hang", "\"compare\"");
	bad("read,,write hang", "\"\"");
	bad("read, hang", "\"\"");
	bad("READ hang", "\"READ\"");
}
END_TEST

START_TEST(names_a_known_action)
{
	bad("read", "does not say");
	bad("read burn", "\"burn\"");
	bad("read error", "needs a value");
	bad("read hang=1", "has no value");
	bad("read lba=1 hang", "\"lba\"");
}
END_TEST

START_TEST(has_an_action_that_means_something_there)
{
	bad("flush short", "means nothing");
	bad("trim,flush short", "means nothing");
	bad("read lose", "means nothing");
	bad("flush hang lba=1", "no blocks");
}
END_TEST

START_TEST(has_an_error_that_there_is)
{
	bad("read error=", "neither");
	bad("read error=EWHATEVER", "neither");
	bad("read error=5", "neither");
	bad("read error=0x", "status");
	bad("read error=0x0", "status");
	bad("read error=0x4000", "status");
	bad("read error=0x8001", "status");
	bad("read error=0x2xx", "status");
	bad("read error=0x1000000281", "status");
}
END_TEST

START_TEST(has_times_that_can_be)
{
	bad("read delay=5", "delay");
	bad("read delay=ms", "delay");
	bad("read delay=-5ms", "delay");
	bad("read delay=0ms", "delay");
	bad("read delay=2s-1s", "shorter");
	bad("read delay=11min", "10min");
	bad("read delay=99999999999999999999s", "delay");
	bad("read delay=18446744073709551615min", "delay");

	bad("read hang from=1h", "from");
	bad("read hang for=0s", "for");
	bad("read hang on=1s", "on");
	bad("read hang on=2s/1s", "on");
	bad("read hang on=0s/1s", "on");
}
END_TEST

START_TEST(has_numbers_that_can_be)
{
	bad("read hang lba=5-4", "lba");
	bad("read hang lba=", "lba");
	bad("read hang lba=1-2-3", "lba");
	bad("read hang lba=18446744073709551616", "lba");
	bad("read hang rate=0", "rate");
	bad("read hang rate=1.5", "rate");
	bad("read hang rate=101%", "rate");
	bad("read hang rate=.", "rate");
	bad("read hang rate=1.2.3", "rate");
	bad("read hang rate=nan", "rate");
	bad("read hang rate=1e-3", "rate");
	bad("read hang rate=%", "rate");
	bad("read hang every=0", "every");
	bad("read hang count=0", "count");
	bad("read hang count=x", "count");
}
END_TEST

START_TEST(has_options_that_belong_to_it)
{
	bad("read hang cache=1M", "lose");
	bad("write lose cache=1K", "4K");
	bad("write lose cache=8G", "4G");
	bad("write lose cache=lots", "size");
	bad("read hang seed=1", "chance");
	bad("read hang rate=1% seed=0", "seed");
	bad("read hang rate", "needs a value");
	bad("read hang rate=1% rate=2%", "twice");
	bad("read hang whenever", "\"whenever\"");
}
END_TEST

START_TEST(leaves_what_was_there_when_it_is_refused)
{
	struct fault_rule rule = {.first = 77};

	ck_assert_int_eq(fault_rule_parse("read hang lba=5 rate=7", &rule, reason),
	                 FAULT_RULE_E_WRONG);
	ck_assert_uint_eq(rule.first, 77);
}
END_TEST

/* ------------------------------------------------------------------ paths */

START_TEST(has_the_path_below_behind_it)
{
	ck_assert_str_eq(fault_path_below("fault:/dev/sdb"), "/dev/sdb");
	ck_assert_str_eq(fault_path_below("fault:ram:1G"), "ram:1G");
	ck_assert_str_eq(fault_path_below("pi:fault:/dev/sdb"), "/dev/sdb");
	ck_assert_str_eq(fault_path_below("zoned:fault:/dev/sdb"), "/dev/sdb");
	ck_assert_ptr_null(fault_path_below("/dev/sdb"));
	ck_assert_ptr_null(fault_path_below("ram:1G"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault rule");

	describe(suite,
	         "a good rule",
	         NULL,
	         NULL,
	         names_its_operations,
	         has_an_errno_by_its_name,
	         has_a_status_by_its_number,
	         has_a_delay,
	         has_a_range_of_delays,
	         is_for_all_blocks_unless_it_says_which,
	         always_befalls_unless_it_says_how_often,
	         holds_always_unless_it_says_when,
	         of_lose_has_a_cache,
	         has_a_seed_where_there_are_dice,
	         may_have_more_blanks_than_it_needs);
	describe(suite,
	         "a rule that is taken",
	         NULL,
	         NULL,
	         is_not_empty,
	         does_not_go_on_for_ever,
	         names_known_operations,
	         names_a_known_action,
	         has_an_action_that_means_something_there,
	         has_an_error_that_there_is,
	         has_times_that_can_be,
	         has_numbers_that_can_be,
	         has_options_that_belong_to_it,
	         leaves_what_was_there_when_it_is_refused);
	describe(suite, "a path with fault:", NULL, NULL, has_the_path_below_behind_it);
	return run(suite);
}
