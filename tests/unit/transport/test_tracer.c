/* SPDX-License-Identifier: BSD-2-Clause */
/* A tracer follows some of a reactor's commands, through a worker that may lie. */
#include "common/transport/tracer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/shm/trace_reader.h"
#include "tests/unit/transport/link_stage.h"

static char folder[64], traces[72];
static struct service service = {.name = "tcp", .instance = 9};
static struct tracer tracer;
static struct trace_reader reader;

static void given_a_tracer(void)
{
	strcpy(folder, "/tmp/unit-tracer-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	service.run_dir = folder;
	snprintf(traces, sizeof(traces), "%s/trace", folder);
	ck_assert_int_eq(mkdir(traces, 0700), 0);
	given_a_link();
	tracer_open(&tracer, &service, 0, 0);
	ck_assert_int_eq(trace_reader_open(&reader, tracer.path, true), 0);
}

static void forget_it(void)
{
	char path[sizeof(tracer.path)];

	strcpy(path, tracer.path);
	trace_reader_close(&reader);
	tracer_close(&tracer);
	unlink(path);
	ck_assert_int_eq(rmdir(traces), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	forget_all();
}

static bool is_followed(struct request *request)
{
	bool followed;

	tracer_see(&tracer, request);
	followed = request->trace != NULL;
	if (followed)
		tracer_end(&tracer, request);
	return followed;
}

static unsigned followed_of(unsigned n)
{
	unsigned followed = 0;

	for (unsigned i = 0; i < n; i++)
		followed += is_followed(&requests[0]);
	return followed;
}

static struct trace_record written(void)
{
	struct trace_record record;

	ck_assert_int_eq(trace_reader_take(&reader, &record, 1), 1);
	return record;
}

/* ------------------------------------------------------------------ which */

START_TEST(follows_nothing_by_itself)
{
	tracer_look(&tracer, clock_now_ns());
	ck_assert_uint_eq(followed_of(100), 0);
}
END_TEST

START_TEST(follows_every_third_if_told_so)
{
	tracer.always = 3;
	tracer_look(&tracer, clock_now_ns());
	ck_assert_uint_eq(followed_of(99), 33);
}
END_TEST

START_TEST(follows_as_a_reader_wishes_for_a_time)
{
	uint64_t now_ns = clock_now_ns();

	tracer.always = 50;
	ck_assert_int_eq(trace_reader_wish(&reader, 2, now_ns + NS_PER_S), 0);
	tracer_look(&tracer, now_ns);
	ck_assert_uint_eq(followed_of(100), 50);
	tracer_look(&tracer, now_ns + NS_PER_S);
	ck_assert_uint_eq(followed_of(100), 2);
}
END_TEST

START_TEST(does_not_wait_long_for_a_wish_after_a_longer_one)
{
	tracer.every = 1000;
	ck_assert(is_followed(&requests[0]));
	tracer.every = 2;
	ck_assert_uint_eq(followed_of(2), 1);
}
END_TEST

START_TEST(counts_what_it_has_no_record_for)
{
	uint64_t missed;

	tracer.every = 1;
	for (unsigned i = 0; i < TRACER_RECORDS; i++) { /* as many are under way */
		tracer_see(&tracer, &requests[0]);
		ck_assert_ptr_nonnull(requests[0].trace);
		requests[0].trace = NULL;
	}
	tracer_see(&tracer, &requests[0]);
	ck_assert_ptr_null(requests[0].trace);
	ck_assert_int_eq(trace_reader_missed(&reader, &missed), 0);
	ck_assert_uint_eq(missed, 1);
}
END_TEST

START_TEST(goes_on_without_a_file)
{
	struct tracer without;

	service.run_dir = "/nowhere/at/all";
	tracer_open(&without, &service, 0, 1);
	tracer_look(&without, clock_now_ns());
	tracer_see(&without, &requests[0]);
	ck_assert_ptr_null(requests[0].trace);
	tracer_close(&without);
}
END_TEST

/* ------------------------------------------------------------------ the stages */

/* Request 0 is put, and taken by the worker. */
static struct link_request *put_a_traced_request(void)
{
	tracer.every = 1;
	requests[0].command.opcode = NVME_IO_READ;
	requests[0].length = 4096;
	tracer_see(&tracer, &requests[0]);
	request_stamp(&requests[0], TRACE_ADMITTED);
	put(0, 1);
	ck_assert_uint_eq(worker_takes(), 1);
	return &worker.taken[0];
}

static struct trace_record complete_it(void)
{
	worker_completes(worker.taken[0].id, NVME_SC_SUCCESS);
	worker_link_look(to_worker);
	ck_assert_uint_eq(times_done[0], 1);
	request_stamp(&requests[0], TRACE_SENT);
	tracer_end(&tracer, &requests[0]);
	ck_assert_ptr_null(requests[0].trace);
	return written();
}

static void expect_order(const struct trace_record *record)
{
	ck_assert_uint_gt(record->at_ns[0], 0);
	for (unsigned i = 1; i < TRACE_N_STAGES; i++)
		ck_assert_msg(record->at_ns[i] >= record->at_ns[i - 1],
		              "\"%s\" before \"%s\"",
		              trace_stage_word(i),
		              trace_stage_word(i - 1));
}

START_TEST(has_all_stages_in_order)
{
	struct link_request *taken = put_a_traced_request();
	struct trace_record record;

	link_stamp_took(&worker.rings, taken);
	link_stamp_done(&worker.rings, taken);
	record = complete_it();
	expect_order(&record);
	ck_assert_uint_eq(record.flags, 0);
	ck_assert_uint_eq(record.opcode, NVME_IO_READ);
	ck_assert_uint_eq(record.bytes, 4096);
	ck_assert_uint_eq(record.puts, 1);
}
END_TEST

START_TEST(has_the_worker_say_its_part_of_these_alone)
{
	put(1, 1);
	ck_assert_uint_eq(worker_takes(), 1);
	ck_assert_uint_eq(worker.taken[0].flags & LINK_TRACED, 0);
	ck_assert_uint_eq(put_a_traced_request()->flags & LINK_TRACED, LINK_TRACED);
}
END_TEST

static void expect_unsound(uint64_t took_ns, uint64_t done_ns)
{
	const struct link_request *taken = put_a_traced_request();
	struct trace_record record;

	worker.rings.stamps[taken->id.index].took_ns = took_ns;
	worker.rings.stamps[taken->id.index].done_ns = done_ns;
	record = complete_it();
	expect_order(&record);
	ck_assert_uint_eq(record.flags, TRACE_UNSOUND);
}

START_TEST(does_not_believe_times_before_the_request_was_put)
{
	expect_unsound(1, clock_now_ns());
}
END_TEST

START_TEST(does_not_believe_times_that_are_to_come)
{
	expect_unsound(UINT64_MAX - 1, UINT64_MAX);
}
END_TEST

START_TEST(does_not_believe_an_end_before_the_beginning)
{
	expect_unsound(UINT64_MAX, 1);
}
END_TEST

START_TEST(notices_a_worker_that_says_nothing)
{
	expect_unsound(0, 0);
}
END_TEST

START_TEST(says_what_was_done_without_a_worker)
{
	struct trace_record record;
	uint64_t began_ns;

	tracer.every = 1;
	tracer_see(&tracer, &requests[0]);
	request_stamp(&requests[0], TRACE_ADMITTED);
	requests[0].wanted.first_block = 77;
	began_ns = tracer_begin(&requests[0]);
	tracer_direct(&requests[0], began_ns);
	request_stamp(&requests[0], TRACE_SENT);
	tracer_end(&tracer, &requests[0]);
	record = written();
	ck_assert_uint_eq(record.flags, TRACE_DIRECT);
	ck_assert_uint_eq(record.first_block, 77);
	ck_assert_uint_eq(record.puts, 0);
	ck_assert_uint_eq(record.at_ns[TRACE_PUT], 0);
	ck_assert_uint_eq(record.at_ns[TRACE_BACK], 0);
	ck_assert_uint_ge(record.at_ns[TRACE_TOOK], record.at_ns[TRACE_ADMITTED]);
	ck_assert_uint_ge(record.at_ns[TRACE_DONE], record.at_ns[TRACE_TOOK]);
	ck_assert_uint_ge(record.at_ns[TRACE_SENT], record.at_ns[TRACE_DONE]);
}
END_TEST

START_TEST(counts_how_often_a_request_was_put)
{
	struct link_request *taken;
	struct trace_record record;

	put_a_traced_request();
	worker_dies();
	rounds_until(WORKER_AWAY);
	a_successor_comes();
	ck_assert_uint_eq(worker_takes(), 1);
	taken = &worker.taken[0];
	link_stamp_took(&worker.rings, taken);
	link_stamp_done(&worker.rings, taken);
	record = complete_it();
	expect_order(&record);
	ck_assert_uint_eq(record.flags, 0);
	ck_assert_uint_eq(record.puts, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer");

	describe(suite,
	         "a tracer",
	         given_a_tracer,
	         forget_it,
	         follows_nothing_by_itself,
	         follows_every_third_if_told_so,
	         follows_as_a_reader_wishes_for_a_time,
	         does_not_wait_long_for_a_wish_after_a_longer_one,
	         counts_what_it_has_no_record_for,
	         goes_on_without_a_file);
	describe(suite,
	         "a traced request",
	         given_a_tracer,
	         forget_it,
	         has_all_stages_in_order,
	         has_the_worker_say_its_part_of_these_alone,
	         does_not_believe_times_before_the_request_was_put,
	         does_not_believe_times_that_are_to_come,
	         does_not_believe_an_end_before_the_beginning,
	         notices_a_worker_that_says_nothing,
	         says_what_was_done_without_a_worker,
	         counts_how_often_a_request_was_put);
	return run(suite);
}
