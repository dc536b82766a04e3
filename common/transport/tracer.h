/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/shm/link.h"
#include "common/shm/trace.h"
#include "common/transport/port.h"

/*
 * tracer - follows every Nth I/O command of a reactor, and leaves a record of it in a trace file.
 *
 * Shape     A sampled request has a record of the tracer's (request->trace) from tracer_see()
 *           until tracer_end(); in between the stages are stamped into it. `every` is what
 *           --trace said, or what a reader of the file wishes for a time.
 * Promise   While nothing is traced a command costs the branch in tracer_see(), and one on
 *           request->trace at each stage; no clock is read. A sample for which there is no
 *           record left (TRACER_RECORDS are under way) is counted as missed.
 * Trust     The worker's stamps are taken once; what cannot be is flagged TRACE_UNSOUND, and
 *           moved between what we know ourselves.
 * Threads   its reactor's; opened and closed while that does not run
 * Lifetime  tracer_close() when no request is traced any more
 */
#define TRACER_RECORDS 256u

struct tracer {
	uint32_t every;     /* 0: nothing is traced */
	uint32_t countdown; /* requests until the next sample */
	uint32_t always;    /* every, when no reader has a wish */
	struct trace_ring ring;
	struct trace_record *records;
	struct trace_record *free[TRACER_RECORDS];
	unsigned n_free;
	char path[128]; /* of the file */
};

/* Without its file (it says why not) nothing will be traced, and all else goes on. */
void tracer_open(struct tracer *tracer, const struct service *service, unsigned reactor,
                 uint32_t always);
void tracer_close(struct tracer *tracer);

/* A request becomes a sample. For tracer_see(). */
void tracer_sample(struct tracer *tracer, struct request *request);
/* Its record is written, and it is not traced any more. */
void tracer_end(struct tracer *tracer, struct request *request);
/* It goes into the ring now. */
void tracer_note_put(struct request *request, uint32_t in_flight);
/* It was done here, without a worker, since began_ns. */
void tracer_note_direct(struct request *request, uint64_t began_ns);
/* Its completion has come. */
void tracer_note_back(struct request *request, const struct link_stamps *stamps);

/* Once a round. */
static inline void tracer_look(struct tracer *tracer, uint64_t now_ns)
{
	uint32_t wish;

	if (!tracer->ring.head)
		return;
	wish = trace_ring_wish(&tracer->ring, now_ns);
	tracer->every = wish ? wish : tracer->always;
}

/* A new I/O command, whose header has just become complete. */
static inline void tracer_see(struct tracer *tracer, struct request *request)
{
	if (__builtin_expect(tracer->every != 0, 0))
		tracer_sample(tracer, request);
}

/* Before it is put into the ring: also has the worker say its part. */
static inline void tracer_put(struct request *request, uint32_t in_flight)
{
	if (__builtin_expect(request->trace != NULL, 0))
		tracer_note_put(request, in_flight);
}

/* Before it is tried without a worker: when; 0: it is not traced. */
static inline uint64_t tracer_begin(const struct request *request)
{
	return __builtin_expect(request->trace != NULL, 0) ? clock_now_ns() : 0;
}

static inline void tracer_direct(struct request *request, uint64_t began_ns)
{
	if (__builtin_expect(request->trace != NULL, 0))
		tracer_note_direct(request, began_ns);
}

static inline void tracer_back(struct request *request, const struct link *rings)
{
	if (__builtin_expect(request->trace != NULL, 0))
		tracer_note_back(request, &rings->stamps[request->wanted.id.index]);
}
