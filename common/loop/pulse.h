/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/base/cache_line.h"
#include "common/base/list.h"
#include "common/loop/loop.h"

/*
 * pulse - whether another thread's loop still turns.
 *
 * Shape     An eventfd in that loop, and the number of the last question and of the last answer,
 *           on a cache line of their own.
 * Promise   A loop that turns, or sleeps, answers in its next round; one that hangs, or has
 *           ended, does not. Nothing is done for it while nobody asks, so a set that is idle
 *           stays idle but for the asker's own period.
 * Trust     threads of one process
 * Threads   init, ask, silent_ns, deinit: the one that asks. beat, rest: the one that is asked.
 * Lifetime  From before the other thread starts until after it has ended, whatever its loop does.
 */
struct pulse {
	_Alignas(CACHE_LINE) atomic_uint answered;
	atomic_uint asked;
	int bell;          /* an eventfd; -1: none */
	char name[16];     /* of the thread */
	uint64_t asked_ns; /* the asker's: when the last question was put */
	bool is_missed;    /* its silence was said */
	struct list link;  /* the asker's */
	struct loop_source source;
};

#define PULSE_NULL ((struct pulse){.bell = -1})

/* 0 or a negative errno; then nothing is to be undone. */
int pulse_init(struct pulse *pulse, const char *name);
/* Leaves the asker's list. */
void pulse_deinit(struct pulse *pulse);

/* From now on this loop answers. 0 or a negative errno. */
int pulse_beat(struct pulse *pulse, struct loop *loop);
/* Not any more: the loop ends. */
void pulse_rest(struct pulse *pulse);

/* Asks, if the last question was answered. */
void pulse_ask(struct pulse *pulse, uint64_t now_ns);
/* For how long a question has been without an answer; 0: it is not. */
uint64_t pulse_silent_ns(const struct pulse *pulse, uint64_t now_ns);
