/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/clock.h"
#include "common/loop/loop.h"
#include "common/shm/link.h"
#include "common/transport/port.h"
#include "common/transport/view.h"

/*
 * worker_link - brings a reactor's requests to one I/O worker, whichever process that is now.
 *
 * Shape     AWAY ── connect, LinkHello ──► GREETING ── LinkWelcome ──► UP, and back to AWAY
 *           whenever the connection ends or the worker breaks the contract; a timer then tries
 *           again, quickly at first. While AWAY, requests wait.
 * Promise   Each request put is done exactly once. When a link ends, the completions left in the
 *           ring are taken, and then what is still in flight is put again on the next link, in
 *           its old order and before anything newer. Until then it is not done, since a worker
 *           may still be at its memory; of a queue that has closed neither, for which a Flush is
 *           put instead.
 *           What has waited for a worker for WORKER_PATIENCE_NS is done with Internal
 *           Path Error, so that the host takes another path or tries again. A worker's answer
 *           Namespace Not Ready is not passed on: the request is put again until that time.
 *           Of what was in flight the host is told the same then, but it is not done: its
 *           memory is never another's before a worker has completed it, or a Flush that is put
 *           for it, and so proves that nobody is at it any more. The same where the worker
 *           says that its device does not answer (LINK_UNDECIDED).
 *           Where its namespace is served no more when that time is over, no worker can prove
 *           it. So it is done, and its memory is nobody's for ever (room_forfeit()).
 *           What must not be done twice (request->is_once) is not put again: its host is told
 *           Command Interrupted, and decides.
 * Trust     The worker may be hostile: a completion must name a request in flight on this link.
 *           One that does not ends the link, and so does a ring that stays full of completed
 *           requests. A request that is never completed takes its memory and its slot, and nobody
 *           else's: that a worker hangs is for its keeper to find out, and ends the link.
 * Threads   the reactor's
 * Lifetime  worker_link_free() closes the link; it must have no requests (worker_link_is_idle())
 */
#define WORKER_PATIENCE_NS (20 * NS_PER_S)

enum worker_link_state { WORKER_AWAY, WORKER_GREETING, WORKER_UP };

struct handover;

/* What a link needs of its reactor. */
struct worker_link_owner {
	struct loop *loop;
	const struct region *arena;
	const char *transport; /* its name, as in Grant */
	uint64_t instance;
	unsigned thread;
	/* request->status and ->result are set. May be called from within put and look. */
	void (*done)(struct request *request);
	/* request->status is set, for the host; the request stays the link's until it is done. Not
	 * for the first time: nothing is to be done. */
	void (*answer_early)(struct request *request);
	/* True: the namespace of this one, which is lost, is not served any more. Then its memory
	 * is nobody's from now on. May be NULL: none is ever. */
	bool (*abandon)(struct request *request);
	/* A link has just come up: this worker may be another, with other memory. Before anything
	 * is put on it. May be NULL, like the next. */
	void (*came_up)(const struct worker_link_owner *owner);
	/* The answer to worker_link_ask(). The descriptor is taken. */
	void (*answered)(const struct worker_link_owner *owner, struct handover *handover);
};

struct worker_link;

int worker_link_new(struct worker_link **ret_link, const struct worker_link_owner *owner,
                    const struct view_worker *worker);
struct worker_link *worker_link_free(struct worker_link *link);
DEFINE_CLEANUP(struct worker_link *, worker_link_free)

/* The worker's address, for the next connection. */
void worker_link_aim(struct worker_link *link, const struct view_worker *worker);

/* There is a newer view: what is lost may be of a namespace that is not in it. */
void worker_link_see(struct worker_link *link);

void worker_link_put(struct worker_link *link, struct request *request);
/* A request that is REQUEST_AT_LINK, of a queue that closes. */
void worker_link_drop(struct worker_link *link, struct request *request);

/* What has become of a request that its host aborts. */
enum worker_abort {
	WORKER_ABORTED, /* answered with Command Abort Requested */
	WORKER_TOLD,    /* its worker was asked to cancel it, and will complete it, or not */
	WORKER_BUSY,    /* nor that yet: try again */
};

/* A request that is REQUEST_AT_LINK or _AT_WORKER, and not answered early. What waits is done. Of
 * what was lost the host is told; its memory stays what it is, and it is not done again. */
enum worker_abort worker_link_abort(struct worker_link *link, struct request *request);

/* Hosts may send again what was put until now and not answered to them, as connections have ended.
 * The worker is told (LINK_DOUBT), unless it ends by itself what it must doubt then. */
void worker_link_doubt(struct worker_link *link);
/* It has taken that in. Else: ask again soon, as nobody calls. */
bool worker_link_is_doubted(struct worker_link *link);

/* Asks the worker for a namespace's memory. False: not now, as the link is not up, or the last
 * answer has not come: that, or another link, ends it. Nobody waits: I/O goes through the rings. */
bool worker_link_ask(struct worker_link *link, uint32_t handle);

/* As a looker's. look() takes completions; push() shows the worker what was put since. */
unsigned worker_link_look(struct worker_link *link);
void worker_link_push(struct worker_link *link);
bool worker_link_sleep(struct worker_link *link);
void worker_link_wake(struct worker_link *link);

bool worker_link_is_idle(const struct worker_link *link);
const char *worker_link_name(const struct worker_link *link);
enum worker_link_state worker_link_state(const struct worker_link *link);
uint32_t worker_link_in_flight(const struct worker_link *link);
