/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host may see follows from the faults that are on, or were a moment ago. */
#include "common/base/clock.h"
#include "tests/chaos/journal.h"
#include "tests/support/spec.h"

static const struct fault harmless = {.name = "harmless", .recovery_ms = 300};
static const struct fault cutting = {
	.name = "cutting", .recovery_ms = 1000, .effects = FAULT_MAY_DISCONNECT};
static const struct fault lie = {
	.name = "lie", .recovery_ms = 1000, .effects = FAULT_IS_SABOTAGE | FAULT_MAY_DISCONNECT};
static const struct fault death = {.name = "death", .services = 1, .effects = FAULT_ENDS_PROCESS};

static struct findings findings;
static struct occurrence occurrences[3];
static struct journal journal;

/* A journal whose faults allow half a second where none is on. */
static void given_a_journal(void)
{
	findings = FINDINGS_NULL;
	for (unsigned i = 0; i < 3; i++)
		occurrences[i] = (struct occurrence){.fault = &harmless};
	journal = (struct journal){.findings = &findings,
	                           .occurrences = occurrences,
	                           .n = 3,
	                           .quiet_ms = 500,
	                           .patience = 1};
	journal_init(&journal);
}

/* From second 10 to second 12. */
static void was(const struct fault *fault)
{
	occurrences[0].fault = fault;
	journal_begins(&journal, &occurrences[0]);
	journal_ends(&journal, &occurrences[0]);
	occurrences[0].begin_ns = 10 * NS_PER_S;
	occurrences[0].end_ns = 12 * NS_PER_S;
}

START_TEST(takes_a_short_pause_at_any_time)
{
	journal_pause(&journal, "host", NS_PER_S, NS_PER_S + 400 * NS_PER_MS);
	ck_assert_uint_eq(findings.n, 0);
	ck_assert_uint_eq(journal.pauses.count, 1);
}
END_TEST

START_TEST(finds_a_long_pause_with_no_fault)
{
	journal_pause(&journal, "host", NS_PER_S, NS_PER_S + 600 * NS_PER_MS);
	ck_assert_uint_eq(findings.n, 1);
}
END_TEST

START_TEST(takes_a_pause_as_long_as_a_fault_lasts_with_its_recovery)
{
	was(&cutting);
	journal_pause(&journal, "host", 10 * NS_PER_S, 13 * NS_PER_S);
	ck_assert_uint_eq(findings.n, 0);
	ck_assert_uint_eq(occurrences[0].longest_pause_ns, 3 * NS_PER_S);
}
END_TEST

START_TEST(finds_one_that_is_longer)
{
	was(&cutting);
	journal_pause(&journal, "host", 10 * NS_PER_S, 14 * NS_PER_S);
	ck_assert_uint_eq(findings.n, 1);
}
END_TEST

START_TEST(allows_an_effect_until_the_recovery_is_over)
{
	was(&cutting);
	ck_assert(journal_allows(&journal, FAULT_MAY_DISCONNECT, 12900 * NS_PER_MS, 13 * NS_PER_S));
	ck_assert(!journal_allows(&journal, FAULT_MAY_DISCONNECT, 14 * NS_PER_S, 14 * NS_PER_S));
	ck_assert(!journal_allows(&journal, FAULT_MAY_FAIL, 11 * NS_PER_S, 11 * NS_PER_S));
}
END_TEST

START_TEST(allows_nothing_for_sabotage)
{
	was(&lie);
	ck_assert(!journal_allows(&journal, FAULT_MAY_DISCONNECT, 11 * NS_PER_S, 11 * NS_PER_S));
	ck_assert_uint_eq(journal_allowance_ns(&journal, 11 * NS_PER_S, 11 * NS_PER_S),
	                  500 * NS_PER_MS);
}
END_TEST

START_TEST(allows_nothing_for_what_could_not_be)
{
	was(&cutting);
	occurrences[0].failure = -1;
	ck_assert(!journal_allows(&journal, FAULT_MAY_DISCONNECT, 11 * NS_PER_S, 11 * NS_PER_S));
}
END_TEST

START_TEST(allows_more_the_more_often_a_process_dies)
{
	for (unsigned i = 0; i < 3; i++) {
		occurrences[i].fault = &death;
		journal_begins(&journal, &occurrences[i]);
		journal_ends(&journal, &occurrences[i]);
	}
	ck_assert_uint_eq(occurrences[0].allowance_ns, 0);
	ck_assert_uint_eq(occurrences[1].allowance_ns, 100 * NS_PER_MS);
	ck_assert_uint_eq(occurrences[2].allowance_ns, 200 * NS_PER_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");

	describe(suite,
	         "a journal",
	         given_a_journal,
	         NULL,
	         takes_a_short_pause_at_any_time,
	         finds_a_long_pause_with_no_fault,
	         takes_a_pause_as_long_as_a_fault_lasts_with_its_recovery,
	         finds_one_that_is_longer,
	         allows_an_effect_until_the_recovery_is_over,
	         allows_nothing_for_sabotage,
	         allows_nothing_for_what_could_not_be,
	         allows_more_the_more_often_a_process_dies);
	return run(suite);
}
