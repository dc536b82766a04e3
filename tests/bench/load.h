/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/histogram.h"
#include "tests/bench/options.h"
#include "tests/bench/verify.h"
#include "tests/host/controller.h"

/*
 * load - keeps I/Os in flight on a namespace, and measures them.
 *
 * Shape     A controller, its I/O queues, and for each queue as many jobs as it is deep; a job has
 * one I/O in flight after the other. One thread polls it all and never sleeps. Promise   An I/O is
 * measured from its submission to its answer, with whatever reconnecting lies between. With
 * --reconnect, what was in flight when the connection was lost is repeated, as the Linux host does
 * it. Trust     the target may be wrong Threads   one Lifetime  load_detach() closes the
 * connections, load_deinit() frees all; safe on LOAD_NULL Returns   0, a negative errno, or
 */
enum load_error {
	LOAD_E_UNREACHABLE = 1, /* no connection or namespace came about; it was said */
	LOAD_E_LOST,            /* the connection was lost, for good; it was said */
	LOAD_E_BUSY,            /* attach: not now, but it may well be later */
};

enum load_phase {
	LOAD_FILL,  /* each place is written once */
	LOAD_RUN,   /* the load */
	LOAD_CHECK, /* each place is read once */
};

struct load;

struct load_job {
	struct host_request request;
	struct load *load;
	struct host_queue *queue;
	uint64_t born_ns;      /* first submitted */
	uint64_t submitted_ns; /* on this connection */
	uint64_t place;
	uint32_t number; /* of the write, with --verify */
	bool is_out;
	uint8_t *data;
};

struct load_totals {
	struct histogram latency; /* of what was measured */
	uint64_t reads;
	uint64_t writes;
	uint64_t measured_ns;
	uint64_t errors; /* answers with an error, of all phases */
	uint64_t reconnects;
	uint64_t longest_gap_ns; /* without any answer */
};

struct load {
	const struct options *options;
	struct host_controller controller;
	struct host_namespace space;
	struct host_queue *queues;
	struct load_job *jobs;
	unsigned n_jobs;
	uint8_t *buffers;
	uint32_t depth_most; /* that the controller takes; 0: not known yet */
	uint32_t blocks;     /* of an I/O */
	uint64_t places;
	struct verify verify;

	enum load_phase phase;
	bool is_stopping;
	bool is_measuring;
	bool does_yield; /* at each look that finds nothing, not only after many */
	unsigned empty_looks;
	uint64_t next_place;
	uint64_t random;
	uint64_t ios_left; /* to be started in this run; no end is UINT64_MAX */
	unsigned n_out;
	uint64_t batch_ns;  /* when the answers being looked at had come; 0: not asked yet */
	uint64_t answer_ns; /* the last one */
	uint64_t chores_ns; /* the next ones */
	struct load_totals totals;
};

#define LOAD_NULL ((struct load){.controller = {.admin = {.connection = {.fd = -1}}}})

/* Connects, and finds out what there is. What is wrong is said on stderr. */
int load_init(struct load *load, const struct options *options);
void load_deinit(struct load *load);

/* Who waits for answers lets others have the processor: at once where it is the target's too, else
 * after this many looks, in case the scheduler has put a thread of the target here. The ceiling
 * does the same. */
#define LOOKS_BEFORE_YIELD 32u
void load_looked(bool found, bool does_yield, unsigned *empty_looks);

/* Until `duration_ns` have passed, or the phase has seen all places, or (where it is measured) all
 * of --ios are done; then waits for what is in flight. */
int load_run(struct load *load, enum load_phase phase, uint64_t duration_ns, bool is_measured);

/* ------------------------------------------------------------------ attach.c, for load.c */

int load_attach(struct load *load, bool is_first);
void load_detach(struct load *load);
/* After a loss: attaches again, and repeats what was in flight. */
int load_reattach(struct load *load, const char *reason);

/* load.c, for attach.c */
int load_submit(struct load_job *job, uint64_t now_ns);
