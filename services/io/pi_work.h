/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/loop/loop.h"
#include "services/io/pi.h"
#include "services/io/pi_tuples.h"

/*
 * pi_work - what a request to a store with protection information needs while it lasts.
 *
 * Shape     One of a pool of PI_WORKS, made when the store is opened. pi_works.c hands them out
 *           and lets them in among each other (pi_ranges.h); pi_io.c does the work.
 * Promise   Requests that find none wait in line, in their order. Whoever waits holds nothing
 *           that another one waits for, but a work and its place.
 * Trust     as pi
 * Threads   the I/O thread of its request; link and range are under the lock of the store
 * Lifetime  of the store
 */
enum pi_step {
	PI_BETWEEN,    /* chunks */
	PI_OLD_TUPLES, /* are read */
	PI_TRANSFER,   /* of blocks and tuples */
	PI_FLUSH,
};

struct pi_work {
	struct list link; /* free */
	struct pi *pi;
	struct request *outer;
	struct pi_range range;
	bool has_range; /* between enter and leave; its link is others' to write, too */
	struct letter letter;
	struct loop_timer timer;

	/* A small write whose tuples are written together with those of another one, its leader. */
	struct list followers; /* of a leader, until their tuples are written */
	struct list follower;  /* in that list */
	struct letter tuples_letter;
	struct nvme_status tuples_status;

	struct request_inner blocks;
	struct request_inner tuples;
	unsigned n_out;            /* inner requests that are not answered */
	bool is_starting;          /* one of them: run_steps() goes on by itself */
	struct nvme_status status; /* the first that failed */

	enum pi_step step;
	uint16_t range_index; /* DEALLOCATE */
	uint64_t next;        /* block */
	uint64_t end;         /* of this range */
	struct pi_blocks chunk;
	struct pi_cursor begin;  /* of the chunk in the outer request's data */
	struct pi_cursor cursor; /* what of it has been looked at */
	unsigned char *memory;   /* tuples, then data */
	struct iovec tuple_piece;
	struct iovec pieces[LINK_SEGMENTS_MAX];
};

/* NULL: it waits for one, and pi_work_begin() comes. */
struct pi_work *pi_work_take(struct pi *pi, struct request *outer);
void pi_work_give_back(struct pi_work *work);

/* With its range: true: it is in. False: it waits, and pi_work_entered() comes. */
bool pi_work_enter(struct pi_work *work);
void pi_work_leave(struct pi_work *work);

/* The next one that has come in behind this one, or NULL; then it is to be told to go. Its tuples
 * are written when pi_work_tuples_done() comes. */
struct pi_work *pi_work_next_follower(struct pi_work *leader);
void pi_work_tell_to_go(struct pi_work *follower);
void pi_work_tell_of_tuples(struct pi_work *leader, struct nvme_status status);

/* ------------------------------------------------------------------ of pi_io.c */

void pi_work_begin(struct pi_work *work);
void pi_work_entered(struct pi_work *work);
void pi_work_goes(struct pi_work *follower);
void pi_work_tuples_done(struct pi_work *follower);
