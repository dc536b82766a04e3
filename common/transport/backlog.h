/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/base/list.h"
#include "common/transport/port.h"

/*
 * backlog - a link's requests that are not in flight, and the order in which they will be.
 *
 * Shape     Three lists, the first to be put first: waiting, for a place in the ring; held, which
 *           the worker has answered with Namespace Not Ready; lost, which were in flight when the
 *           link ended. What was held or lost goes before all that waits.
 * Promise   Of what is lost nobody knows whether a worker, or the kernel for a dead one, is still
 *           at its memory. So it keeps its memory, also when its queue closes, until the next
 *           link comes up: a worker welcomes one only when nothing of the one before is left,
 *           but for what a device does not answer, whose namespace is not ready meanwhile.
 *           What a dead process has left to the kernel is over when its successor has got the
 *           backing store, and so what its queue does not want any more, or its host has an
 *           answer to, becomes a Flush of the same namespace, which is not done before that.
 * Trust     none is needed: no worker sees it
 * Threads   the reactor's
 * Lifetime  owns nothing; a request in it is in a list with core_link
 */
struct backlog {
	struct list waiting;
	struct list held;
	struct list lost;
};

void backlog_init(struct backlog *backlog);
bool backlog_is_empty(const struct backlog *backlog);

/* The first to be put, taken out; NULL: none waits. */
struct request *backlog_next(struct backlog *backlog);
/* Puts back what backlog_next() said. */
void backlog_return(struct backlog *backlog, struct request *request);

/* What is held waits. */
void backlog_release(struct backlog *backlog);

/* A request that was in flight is lost. */
void backlog_lose(struct backlog *backlog, struct request *request);

/* The link has ended: nothing is held, and what was lost with a link before is lost again. */
void backlog_lose_again(struct backlog *backlog);

/* A link is up, and nothing of the one before is left: what was lost waits. */
void backlog_recover(struct backlog *backlog);

/* Nothing of it is to be done any more, but its memory may not be used before this is. */
void backlog_fence(struct request *request);
