/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/shm/trace.h"

/*
 * trace_reader - reads the records of a trace file, while they are written or after.
 *
 * Shape     A descriptor and a position. Nothing is mapped: a file that is cut meanwhile is a
 *           short read.
 * Promise   What is given out is whole: a record that was overwritten while it was copied is
 *           counted as lost instead. The writer does not notice its readers. Each call reads
 *           each slot once at most.
 * Trust     the file may hold anything, and change at any time: then there are no records, or
 *           ones that mean nothing
 * Threads   one
 * Lifetime  trace_reader_close()
 * Returns   0, a negative errno, or
 */
enum trace_reader_error {
	TRACE_READER_E_UNFIT = 1, /* open: not a trace file, or of another version */
};

struct trace_reader {
	int fd;                     /* -1: none */
	struct trace_origin origin; /* its name ends with a NUL */
	uint64_t next;              /* the number of the record to be read next */
	uint64_t lost;              /* overwritten before they were read */
};

#define TRACE_READER_NULL ((struct trace_reader){.fd = -1})

/* Stands before the oldest record. may_wish: the file is opened for trace_reader_wish() too. */
int trace_reader_open(struct trace_reader *ret_reader, const char *path, bool may_wish);
/* The same of a descriptor, which is taken in any case. */
int trace_reader_adopt(struct trace_reader *ret_reader, int fd);
void trace_reader_close(struct trace_reader *reader);

/* Passes over what has been written until now. 0 or a negative errno. */
int trace_reader_skip(struct trace_reader *reader);

/* The next records, `most` of them at most: how many, 0 if there are none now; or a negative
 * errno. */
int trace_reader_take(struct trace_reader *reader, struct trace_record *ret_records, unsigned most);

/* Samples that there was no room for, since the file was made; or a negative errno. */
int trace_reader_missed(const struct trace_reader *reader, uint64_t *ret_missed);
/* How many have been written since the file was made; or a negative errno. */
int trace_reader_written(const struct trace_reader *reader, uint64_t *ret_written);

/* The writer samples every so many requests until then; 0: not any more. 0 or a negative errno. */
int trace_reader_wish(const struct trace_reader *reader, uint32_t every, uint64_t until_ns);
