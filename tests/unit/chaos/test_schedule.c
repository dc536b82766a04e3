/* SPDX-License-Identifier: BSD-2-Clause */
/* A schedule is what its seed says, and can be written down. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/chaos/schedule.h"
#include "tests/support/spec.h"

static struct schedule_wishes wishes;
static struct schedule schedule;

static void given_a_seed(void)
{
	wishes = (struct schedule_wishes){.seed = 7,
	                                  .length_ms = 900000,
	                                  .every_ms = 1000,
	                                  .overlap = 2,
	                                  .faults = faults,
	                                  .n_faults = n_faults};
	ck_assert_int_eq(schedule_make(&schedule, &wishes), 0);
}

static void forget(void)
{
	schedule_deinit(&schedule);
}

static char *text_of(const struct schedule *which)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(file);
	schedule_write(which, file);
	fclose(file);
	return text;
}

static void expect_same(const struct schedule *other)
{
	char *a = text_of(&schedule), *b = text_of(other);

	ck_assert_str_eq(a, b);
	free(a);
	free(b);
}

START_TEST(makes_the_same_each_time)
{
	struct schedule other;

	ck_assert_int_eq(schedule_make(&other, &wishes), 0);
	expect_same(&other);
	schedule_deinit(&other);
}
END_TEST

START_TEST(makes_another_than_the_next_seed)
{
	struct schedule other;
	char *a, *b;

	wishes.seed = 8;
	ck_assert_int_eq(schedule_make(&other, &wishes), 0);
	a = text_of(&schedule);
	b = text_of(&other);
	ck_assert_str_ne(a, b);
	free(a);
	free(b);
	schedule_deinit(&other);
}
END_TEST

START_TEST(has_every_fault_in_a_quarter_of_an_hour)
{
	for (unsigned i = 0; i < n_faults; i++) {
		bool is_there = false;

		for (unsigned k = 0; k < schedule.n; k++)
			is_there |= schedule.occurrences[k].fault == faults[i];
		ck_assert_msg(is_there || faults[i]->weight == 0, "no %s", faults[i]->name);
	}
}
END_TEST

START_TEST(never_has_two_faults_of_a_service_at_a_time)
{
	for (unsigned i = 0; i < schedule.n; i++)
		for (unsigned k = i + 1; k < schedule.n; k++) {
			const struct occurrence *a = &schedule.occurrences[i];
			const struct occurrence *b = &schedule.occurrences[k];

			if (a->fault->services & b->fault->services)
				ck_assert_uint_gt(b->at_ms, a->at_ms + a->length_ms);
		}
}
END_TEST

START_TEST(has_none_at_the_end)
{
	const struct occurrence *last = &schedule.occurrences[schedule.n - 1];

	ck_assert_uint_le(last->at_ms + last->length_ms + SCHEDULE_TAIL_MS, wishes.length_ms);
}
END_TEST

START_TEST(is_read_as_it_was_written)
{
	char path[] = "/tmp/nvmetd-schedule-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	struct schedule other;

	ck_assert_ptr_nonnull(file);
	schedule_write(&schedule, file);
	fclose(file);
	ck_assert_int_eq(schedule_read(&other, path), 0);
	unlink(path);
	expect_same(&other);
	schedule_deinit(&other);
}
END_TEST

static int read_text(const char *text)
{
	char path[] = "/tmp/nvmetd-schedule-XXXXXX";
	int fd = mkstemp(path);
	struct schedule other;
	int r;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = schedule_read(&other, path);
	unlink(path);
	schedule_deinit(&other);
	return r;
}

START_TEST(is_refused_with_a_fault_that_there_is_not)
{
	ck_assert_int_eq(read_text("100 kill-nobody 0 0\n"), SCHEDULE_E_BAD);
}
END_TEST

START_TEST(is_refused_out_of_order)
{
	ck_assert_int_eq(read_text("100 kill-io 0 0\n50 kill-io 0 0\n"), SCHEDULE_E_BAD);
}
END_TEST

START_TEST(is_refused_with_more_in_a_line)
{
	ck_assert_int_eq(read_text("100 kill-io 0 0 0\n"), SCHEDULE_E_BAD);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");

	describe(suite,
	         "a schedule",
	         given_a_seed,
	         forget,
	         makes_the_same_each_time,
	         makes_another_than_the_next_seed,
	         has_every_fault_in_a_quarter_of_an_hour,
	         never_has_two_faults_of_a_service_at_a_time,
	         has_none_at_the_end,
	         is_read_as_it_was_written,
	         is_refused_with_a_fault_that_there_is_not,
	         is_refused_out_of_order,
	         is_refused_with_more_in_a_line);
	return run(suite);
}
