/* SPDX-License-Identifier: BSD-2-Clause */
/* A writer that never waits, and a reader that reads meanwhile: what it is given is whole. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/shm/trace_reader.h"
#include "tests/support/spec.h"

#define RECORDS (200u * TRACE_SLOTS)

static char path[64];
static struct trace_ring ring;
static struct trace_reader reader;

static void given_a_ring(void)
{
	const struct trace_origin origin = {.pid = 1};

	snprintf(path, sizeof(path), "/tmp/unit-trace-flow-%d", getpid());
	ck_assert_int_eq(trace_ring_create(&ring, path, &origin), 0);
	ck_assert_int_eq(trace_reader_open(&reader, path, false), 0);
}

static void forget_it(void)
{
	trace_reader_close(&reader);
	trace_ring_close(&ring, path);
	unlink(path);
}

/* Every word of record i is i. */
static void *write_records(void *context)
{
	union {
		struct trace_record record;
		uint64_t words[sizeof(struct trace_record) / 8];
	} all;

	(void)context;
	for (uint64_t i = 0; i < RECORDS; i++) {
		for (unsigned k = 0; k < sizeof(all.words) / 8; k++)
			all.words[k] = i;
		trace_ring_add(&ring, &all.record);
	}
	return NULL;
}

static uint64_t check_record(const struct trace_record *record, uint64_t least)
{
	uint64_t words[sizeof(*record) / 8];

	memcpy(words, record, sizeof(words));
	ck_assert_uint_ge(words[0], least);
	for (unsigned k = 0; k < sizeof(words) / 8; k++)
		ck_assert_uint_eq(words[k], words[0]);
	return words[0] + 1;
}

START_TEST(gives_only_whole_records)
{
	static struct trace_record records[256];
	uint64_t end_ns = clock_now_ns() + 30 * NS_PER_S, least = 0, taken = 0;
	pthread_t writer;
	int n;

	ck_assert_int_eq(pthread_create(&writer, NULL, write_records, NULL), 0);
	while (taken + reader.lost < RECORDS && clock_now_ns() < end_ns) {
		n = trace_reader_take(&reader, records, 256);
		ck_assert_int_ge(n, 0);
		for (int i = 0; i < n; i++)
			least = check_record(&records[i], least);
		taken += (unsigned)n;
	}
	pthread_join(writer, NULL);
	ck_assert_uint_eq(taken + reader.lost, RECORDS);
	ck_assert_uint_ge(taken, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace, flowing");

	describe(
		suite, "a ring that is written", given_a_ring, forget_it, gives_only_whole_records);
	return run(suite);
}
