/* SPDX-License-Identifier: BSD-2-Clause */
/* What `nvmetctl trace` makes of records. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/nvme/spec.h"
#include "services/ctl/trace_dump.h"
#include "services/ctl/trace_files.h"
#include "services/ctl/trace_summary.h"
#include "tests/support/spec.h"

static struct trace_summary summary;
static char *printed;
static size_t printed_length;

static void given_nothing(void)
{
	summary = (struct trace_summary){.seconds = 5, .every = 100, .reactors = 2};
}

static void forget_it(void)
{
	trace_summary_free(&summary);
	free(printed);
	printed = NULL;
}

/* A read whose every step takes so long. */
static struct trace_record record_of(uint64_t step_ns)
{
	struct trace_record record = {
		.opcode = NVME_IO_READ, .bytes = 4096, .in_flight = 3, .puts = 1};

	for (unsigned i = 0; i < TRACE_N_STAGES; i++)
		record.at_ns[i] = 1000000 + i * step_ns;
	return record;
}

/* It took so long, and had room and was sent after a nanosecond each. */
static struct trace_record record_of_direct(uint64_t copy_ns)
{
	struct trace_record record = {.opcode = NVME_IO_READ, .bytes = 4096, .flags = TRACE_DIRECT};

	record.at_ns[TRACE_SEEN] = record.at_ns[TRACE_ADMITTED] = 1000000;
	record.at_ns[TRACE_TOOK] = 1000001;
	record.at_ns[TRACE_DONE] = 1000001 + copy_ns;
	record.at_ns[TRACE_SENT] = 1000002 + copy_ns;
	return record;
}

static void add(struct trace_record record)
{
	trace_summary_add(&summary, &record);
}

/* 1 to 100, in no order. */
static void add_a_hundred(void)
{
	for (uint64_t i = 0; i < 100; i++)
		add(record_of(1 + i * 37 % 100));
}

START_TEST(has_the_percentiles_of_each_step)
{
	struct trace_figures figures;

	add_a_hundred();
	for (unsigned i = 1; i < TRACE_N_STAGES; i++) {
		figures = trace_summary_figures(&summary, TRACE_KIND_READ, i);
		ck_assert_uint_eq(figures.p50_ns, 50);
		ck_assert_uint_eq(figures.p90_ns, 90);
		ck_assert_uint_eq(figures.p99_ns, 99);
		ck_assert_uint_eq(figures.max_ns, 100);
		ck_assert_double_eq(figures.mean_ns, 50.5);
	}
}
END_TEST

START_TEST(has_the_percentiles_of_the_whole)
{
	struct trace_figures figures;

	add_a_hundred();
	figures = trace_summary_figures(&summary, TRACE_KIND_READ, 0);
	ck_assert_uint_eq(figures.p50_ns, 6 * 50);
	ck_assert_uint_eq(figures.p99_ns, 6 * 99);
}
END_TEST

START_TEST(has_them_of_a_single_command)
{
	struct trace_figures figures;

	add(record_of(7));
	figures = trace_summary_figures(&summary, TRACE_KIND_READ, 1);
	ck_assert_uint_eq(figures.p50_ns, 7);
	ck_assert_uint_eq(figures.p99_ns, 7);
}
END_TEST

START_TEST(keeps_kinds_of_commands_apart)
{
	struct trace_record record = record_of(1);

	add(record);
	record.opcode = NVME_IO_WRITE;
	add(record);
	record.flags = TRACE_FETCHED;
	add(record);
	record.opcode = NVME_IO_FLUSH;
	add(record);
	record.opcode = 0xff;
	add(record);
	record = record_of_direct(1);
	add(record);
	record.opcode = NVME_IO_WRITE;
	add(record);
	record.flags |= TRACE_FETCHED;
	add(record);
	record.opcode = NVME_IO_FLUSH;
	add(record);
	ck_assert_uint_eq(summary.partial, 0);
	for (unsigned kind = 0; kind < TRACE_N_KINDS; kind++)
		ck_assert_uint_eq(summary.kinds[kind].n, 1);
}
END_TEST

START_TEST(counts_a_command_that_no_worker_had)
{
	struct trace_record record = record_of(1);

	record.at_ns[TRACE_PUT] = record.at_ns[TRACE_TOOK] = 0;
	add(record);
	ck_assert_uint_eq(summary.partial, 1);
	ck_assert_uint_eq(summary.kinds[TRACE_KIND_READ].n, 0);
}
END_TEST

START_TEST(has_the_steps_of_a_command_that_needed_no_worker)
{
	add(record_of_direct(70));
	ck_assert_uint_eq(
		trace_summary_figures(&summary, TRACE_KIND_READ_DIRECT, TRACE_TOOK).p50_ns, 1);
	ck_assert_uint_eq(
		trace_summary_figures(&summary, TRACE_KIND_READ_DIRECT, TRACE_DONE).p50_ns, 70);
	ck_assert_uint_eq(
		trace_summary_figures(&summary, TRACE_KIND_READ_DIRECT, TRACE_SENT).p50_ns, 1);
	ck_assert_uint_eq(trace_summary_figures(&summary, TRACE_KIND_READ_DIRECT, 0).p50_ns, 72);
}
END_TEST

START_TEST(counts_a_command_that_began_without_a_worker_and_was_not_done)
{
	struct trace_record record = record_of_direct(1);

	record.at_ns[TRACE_DONE] = 0;
	add(record);
	ck_assert_uint_eq(summary.partial, 1);
}
END_TEST

START_TEST(counts_a_command_that_goes_back_in_time)
{
	struct trace_record record = record_of(10);

	record.at_ns[TRACE_SENT] = 1;
	add(record);
	ck_assert_uint_eq(summary.partial, 1);
}
END_TEST

START_TEST(does_not_use_what_a_worker_lied_about)
{
	struct trace_record record = record_of(1);

	record.flags = TRACE_UNSOUND;
	add(record);
	ck_assert_uint_eq(summary.unsound, 1);
	ck_assert_uint_eq(summary.kinds[TRACE_KIND_READ].n, 0);
}
END_TEST

START_TEST(takes_a_duration_of_years_for_the_longest_there_is)
{
	add(record_of(UINT64_C(1) << 55));
	ck_assert_uint_eq(trace_summary_figures(&summary, TRACE_KIND_READ, 1).p50_ns, UINT32_MAX);
}
END_TEST

START_TEST(is_printed_with_each_stage_in_order)
{
	FILE *out = open_memstream(&printed, &printed_length);
	const char *at;

	add_a_hundred();
	trace_summary_print_text(out, &summary);
	fclose(out);
	at = strstr(printed, "read: 100 commands of 4.0 KiB, 3.0 in flight");
	ck_assert_msg(at, "%s", printed);
	for (unsigned i = 1; i < TRACE_N_STAGES; i++) {
		char row[32];

		snprintf(row, sizeof(row), "\n  %s ", trace_stage_word(i));
		at = strstr(at, row);
		ck_assert_msg(at, "no \"%s\" at its place in %s", row, printed);
	}
	ck_assert_ptr_nonnull(strstr(at, "\n  whole "));
	ck_assert_ptr_null(strstr(printed, "flush:"));
}
END_TEST

START_TEST(is_printed_without_the_stages_that_a_kind_has_not)
{
	FILE *out = open_memstream(&printed, &printed_length);
	const char *at;

	add(record_of_direct(1));
	trace_summary_print_text(out, &summary);
	fclose(out);
	at = strstr(printed, "read_direct: 1 commands");
	ck_assert_msg(at && strstr(at, "\n  took ") && strstr(at, "\n  done "), "%s", printed);
	ck_assert_ptr_null(strstr(at, "\n  put "));
	ck_assert_ptr_null(strstr(at, "\n  back "));
}
END_TEST

START_TEST(is_json_with_all_its_keys)
{
	FILE *out = open_memstream(&printed, &printed_length);
	static const char *const keys[] = {"seconds",
	                                   "every",
	                                   "reactors",
	                                   "records",
	                                   "lost",
	                                   "missed",
	                                   "partial",
	                                   "unsound",
	                                   "not_kept"};
	json_t *root, *read, *stages;

	add_a_hundred();
	ck_assert(trace_summary_print_json(out, &summary));
	fclose(out);
	root = json_loads(printed, 0, NULL);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ck_assert_msg(json_is_integer(json_object_get(root, keys[i])), "%s", keys[i]);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "kinds")), TRACE_N_KINDS);
	read = json_array_get(json_object_get(root, "kinds"), TRACE_KIND_READ);
	ck_assert_int_eq(json_integer_value(json_object_get(read, "commands")), 100);
	stages = json_object_get(read, "stages");
	ck_assert_uint_eq(json_array_size(stages), TRACE_N_STAGES);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(stages, 2), "stage")),
	                 "took");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(stages, 2), "p90_ns")),
	                 90);
	json_decref(root);
}
END_TEST

/* ------------------------------------------------------------------ a dump */

static char folder[64], path[96];
static struct trace_files files;

static void given_a_file_of_a_dead_process(void)
{
	const struct trace_origin origin = {.pid = 4711, .name = "tcp\x1b[2J"};
	struct trace_ring ring;

	strcpy(folder, "/tmp/unit-ctl-trace-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/trace", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/trace/trace-tcp-0.old", folder);
	ck_assert_int_eq(trace_ring_create(&ring, path, &origin), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		struct trace_record record = record_of(i * 1000);

		record.first_block = 1000 + i;
		trace_ring_add(&ring, &record);
	}
	trace_ring_close(&ring, path);
}

static void forget_the_file(void)
{
	trace_files_close(&files);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(folder);
	forget_it();
}

static void dump(unsigned last)
{
	FILE *out = open_memstream(&printed, &printed_length);

	ck_assert(trace_files_open(&files, folder, false));
	trace_dump(out, &files, last);
	fclose(out);
}

static void dump_only(const struct trace_record *record)
{
	const struct trace_origin origin = {.pid = 1};
	struct trace_ring ring;

	unlink(path);
	ck_assert_int_eq(trace_ring_create(&ring, path, &origin), 0);
	trace_ring_add(&ring, record);
	trace_ring_close(&ring, path);
	dump(20);
}

START_TEST(has_the_last_records)
{
	dump(2);
	ck_assert_ptr_null(strstr(printed, " 1003 "));
	ck_assert_ptr_nonnull(strstr(printed, " 1004 "));
	ck_assert_ptr_nonnull(strstr(printed, " 1005 "));
	ck_assert_ptr_nonnull(strstr(printed, "+5.0"));
}
END_TEST

START_TEST(says_whose_they_are)
{
	dump(20);
	ck_assert_ptr_nonnull(strstr(printed, "process 4711: 5 records"));
	ck_assert_ptr_null(strchr(printed, '\x1b'));
}
END_TEST

START_TEST(shows_a_stage_that_was_not_reached)
{
	struct trace_record record = record_of(1);

	record.at_ns[TRACE_SENT] = 0;
	dump_only(&record);
	ck_assert_ptr_nonnull(strstr(printed, "  -  "));
}
END_TEST

START_TEST(shows_what_needed_no_worker)
{
	struct trace_record record = record_of_direct(7000);

	dump_only(&record);
	ck_assert_ptr_nonnull(strstr(printed, " read_direct "));
	ck_assert_ptr_nonnull(strstr(printed, " +7.0 "));
}
END_TEST

START_TEST(is_not_asked_for_more)
{
	ck_assert(!trace_files_open(&files, folder, true));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace");

	describe(suite,
	         "a summary",
	         given_nothing,
	         forget_it,
	         has_the_percentiles_of_each_step,
	         has_the_percentiles_of_the_whole,
	         has_them_of_a_single_command,
	         keeps_kinds_of_commands_apart,
	         counts_a_command_that_no_worker_had,
	         has_the_steps_of_a_command_that_needed_no_worker,
	         counts_a_command_that_began_without_a_worker_and_was_not_done,
	         counts_a_command_that_goes_back_in_time,
	         does_not_use_what_a_worker_lied_about,
	         takes_a_duration_of_years_for_the_longest_there_is,
	         is_printed_with_each_stage_in_order,
	         is_printed_without_the_stages_that_a_kind_has_not,
	         is_json_with_all_its_keys);
	describe(suite,
	         "a file of a dead process",
	         given_a_file_of_a_dead_process,
	         forget_the_file,
	         has_the_last_records,
	         says_whose_they_are,
	         shows_a_stage_that_was_not_reached,
	         shows_what_needed_no_worker,
	         is_not_asked_for_more);
	return run(suite);
}
