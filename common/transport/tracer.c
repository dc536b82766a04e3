/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/transport/tracer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/log.h"

/* ------------------------------------------------------------------ its life */

static int make_file(struct tracer *tracer, const struct service *service, unsigned reactor)
{
	struct trace_origin origin = {
		.pid = (uint32_t)getpid(), .reactor = reactor, .instance = service->instance};
	char name[64];
	int r;

	snprintf(name, sizeof(name), "trace/trace-%s-%u", service->name, reactor);
	r = service_run_path(service, tracer->path, name);
	if (r)
		return error_trace(r);
	snprintf(origin.name, sizeof(origin.name), "%s", service->name);
	return trace_ring_create(&tracer->ring, tracer->path, &origin);
}

void tracer_open(struct tracer *tracer, const struct service *service, unsigned reactor,
                 uint32_t always)
{
	int r = -ENOMEM;

	*tracer = (struct tracer){.always = always};
	tracer->records = calloc(TRACER_RECORDS, sizeof(*tracer->records));
	if (tracer->records)
		r = make_file(tracer, service, reactor);
	if (r) {
		log_warn("reactor %u: has no trace file, so nothing is traced: %s",
		         reactor,
		         error_words(r));
		tracer_close(tracer);
		return;
	}
	for (unsigned i = 0; i < TRACER_RECORDS; i++)
		tracer->free[i] = &tracer->records[TRACER_RECORDS - 1 - i];
	tracer->n_free = TRACER_RECORDS;
	tracer->every = always;
}

void tracer_close(struct tracer *tracer)
{
	trace_ring_close(&tracer->ring, tracer->path);
	free(tracer->records);
	*tracer = (struct tracer){0};
}

/* ------------------------------------------------------------------ the stages of the core */

void tracer_sample(struct tracer *tracer, struct request *request)
{
	struct trace_record *record;

	if (tracer->countdown > tracer->every) /* it was more before */
		tracer->countdown = tracer->every;
	if (tracer->countdown > 1) {
		tracer->countdown--;
		return;
	}
	tracer->countdown = tracer->every;
	if (tracer->n_free == 0) {
		trace_ring_miss(&tracer->ring);
		return;
	}
	record = tracer->free[--tracer->n_free];
	*record = (struct trace_record){
		.at_ns = {[TRACE_SEEN] = clock_now_ns()},
		.queue = request->queue->number,
		.qid = request->queue->qid,
		.cid = le16_get(request->command.cid),
		.nsid = le32_get(request->command.nsid),
		.opcode = request->command.opcode,
	};
	request->trace = record;
}

void tracer_note_put(struct request *request, uint32_t in_flight)
{
	struct trace_record *record = request->trace;

	request->wanted.flags |= LINK_TRACED;
	record->at_ns[TRACE_PUT] = clock_now_ns();
	record->in_flight = in_flight;
	record->first_block = request->wanted.first_block;
	if (record->puts < UINT8_MAX)
		record->puts++;
}

void tracer_note_direct(struct request *request, uint64_t began_ns)
{
	struct trace_record *record = request->trace;

	record->flags |= TRACE_DIRECT;
	record->first_block = request->wanted.first_block;
	record->at_ns[TRACE_TOOK] = began_ns;
	record->at_ns[TRACE_DONE] = clock_now_ns();
}

static uint64_t between(uint64_t value, uint64_t least, uint64_t most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

void tracer_note_back(struct request *request, const struct link_stamps *stamps)
{
	struct trace_record *record = request->trace;
	uint64_t took_ns = atomic_load_explicit(&stamps->took_ns, memory_order_relaxed);
	uint64_t done_ns = atomic_load_explicit(&stamps->done_ns, memory_order_relaxed);
	uint64_t put_ns = record->at_ns[TRACE_PUT];
	uint64_t back_ns = clock_now_ns();

	if (took_ns < put_ns || done_ns < took_ns || back_ns < done_ns)
		record->flags |= TRACE_UNSOUND;
	took_ns = between(took_ns, put_ns, back_ns);
	record->at_ns[TRACE_TOOK] = took_ns;
	record->at_ns[TRACE_DONE] = between(done_ns, took_ns, back_ns);
	record->at_ns[TRACE_BACK] = back_ns;
}

void tracer_end(struct tracer *tracer, struct request *request)
{
	struct trace_record *record = request->trace;

	record->bytes = request->length;
	record->status = request->status.value;
	if (request->source == REQUEST_TRANSFER)
		record->flags |= TRACE_FETCHED;
	trace_ring_add(&tracer->ring, record);
	tracer->free[tracer->n_free++] = record;
	request->trace = NULL;
}
