/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "common/shm/trace.h"

/*
 * trace_summary - how long commands take from stage to stage, for each kind of command.
 *
 * Shape     Durations in nanoseconds, kept one by one until they are printed: step TRACE_X is
 *           the time from the stage before X to X, step 0 the time from the first to the last.
 *           A kind that is direct has no steps TRACE_PUT and TRACE_BACK.
 * Promise   Only records of commands that came through all stages are in the durations; the
 *           others are counted, and why.
 * Trust     a record may hold anything
 * Threads   one
 * Lifetime  trace_summary_free()
 */
#define TRACE_KINDS(X)                                                                             \
	X(READ, "read")                                                                            \
	X(WRITE, "write")                                                                          \
	X(WRITE_FETCHED, "write_fetched")                                                          \
	X(FLUSH, "flush")                                                                          \
	X(OTHER, "other")                                                                          \
	X(READ_DIRECT, "read_direct")                                                              \
	X(WRITE_DIRECT, "write_direct")                                                            \
	X(WRITE_FETCHED_DIRECT, "write_fetched_direct")                                            \
	X(FLUSH_DIRECT, "flush_direct")

enum trace_kind {
#define X(name, word) TRACE_KIND_##name,
	TRACE_KINDS(X)
#undef X
		TRACE_N_KINDS
};

struct trace_durations {
	uint32_t *ns[TRACE_N_STAGES];
	size_t n;
	size_t room;
	uint64_t bytes;     /* sum */
	uint64_t in_flight; /* sum */
	uint64_t errors;    /* of these, were answered with an error */
};

struct trace_summary {
	/* what was asked for */
	unsigned seconds;
	unsigned every;
	unsigned reactors;

	uint64_t records;
	uint64_t lost;     /* overwritten before they were read */
	uint64_t missed;   /* by the transport, for want of room */
	uint64_t partial;  /* refused, or never sent */
	uint64_t unsound;  /* the worker's times cannot be */
	uint64_t not_kept; /* no memory for them */
	struct trace_durations kinds[TRACE_N_KINDS];
};

struct trace_figures {
	uint32_t p50_ns;
	uint32_t p90_ns;
	uint32_t p99_ns;
	uint32_t max_ns;
	double mean_ns;
};

enum trace_kind trace_kind_of(const struct trace_record *record);
const char *trace_kind_word(enum trace_kind kind);
/* False: commands of this kind have no such stage. */
bool trace_kind_has(enum trace_kind kind, unsigned stage);

void trace_summary_add(struct trace_summary *summary, const struct trace_record *record);
/* Sorts the durations of this step, which the kind has; there must be some. */
struct trace_figures trace_summary_figures(struct trace_summary *summary, enum trace_kind kind,
                                           unsigned step);
void trace_summary_free(struct trace_summary *summary);

void trace_summary_print_text(FILE *out, struct trace_summary *summary);
bool trace_summary_print_json(FILE *out, struct trace_summary *summary);
