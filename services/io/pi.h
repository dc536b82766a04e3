/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "services/io/backing.h"
#include "services/io/pi_layout.h"
#include "services/io/pi_ranges.h"
#include "services/io/request.h"
#include "services/io/table.h"

/*
 * pi - a backing that stands on another one, and keeps protection information of its blocks.
 *
 * Shape     backing_pi.c opens and closes it; pi_io.c carries out requests, each in a work of a
 *           pool, which is its memory on the way: tuples, and data that is to be taken apart.
 * Promise   Whatever is read fits its tuple, or the command fails with the check that failed;
 *           also where its host knows nothing of tuples. A write that was not answered may leave
 *           blocks that do not fit (docs/decisions/0009). Nothing is allocated for a request: more
 *           of them than works wait in line.
 * Trust     as backing; what lies on the store below is checked
 * Threads   pool, lines and ranges: any, under the lock, which is never held over I/O. A work
 *           stays on its request's I/O thread.
 * Lifetime  as backing
 */
#define PI_WORKS 128u

/* What of a command is done at a time: 1 MiB at least, which is the most that a host may send. */
#define PI_CHUNK_BLOCKS 2048u

/* A work's memory: tuples of so many blocks, in units that they do not fill; data that is mixed
 * with tuples, a part after the other. */
#define PI_TUPLES_BYTES (PI_CHUNK_BLOCKS * 8u + 2 * 4096u)
#define PI_DATA_BYTES   (64u << 10)

struct pi_work;

struct pi {
	struct backing backing;
	struct backing *below;
	struct target target; /* as which requests to the one below name it */
	struct pi_layout layout;
	uint64_t bytes;      /* of the store below */
	uint64_t settled_ns; /* until then what a predecessor had in flight may come again */

	pthread_mutex_t lock;
	struct pi_ranges ranges;
	struct list free;    /* works */
	struct list waiting; /* outer requests, by job.link, for a work */
	struct pi_work *works;
	void *memory; /* of the works */
};

/* The pool. False: no memory. */
bool pi_make_works(struct pi *pi);
void pi_free_works(struct pi *pi);

struct backing *pi_below(struct backing *backing);

void pi_start(struct backing *backing, struct request *request);
