/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/cache_line.h"
#include "common/base/list.h"
#include "common/loop/loop.h"
#include "common/transport/counts.h"
#include "common/transport/error_log.h"
#include "common/transport/properties.h"
#include "common/transport/room.h"
#include "proto/handover.pb-c.h"
#include "proto/nvmetd.pb-c.h"

/*
 * controller - an association of a host with a subsystem.
 *
 * Shape     Made when a Connect of an admin queue succeeds. The control thread owns it and has
 *           its session, its properties and its keep-alive timer; reactors that have queues of
 *           it count its commands, each on cache lines of its own.
 * Promise   When it ends, all of its queues are terminated, on all reactors: an I/O queue does
 *           not outlive its admin queue. It is told of to the state service once.
 * Trust     Its session comes from the state service and is checked to be of this controller.
 * Threads   as marked; references are counted atomically
 * Lifetime  The control thread holds a reference from controller_new() until the last of its
 *           queues is closed; so does each connected queue.
 */
struct transport;
struct seat;

/* What becomes of an I/O command. */
enum controller_phase {
	CONTROLLER_OFF,   /* CC.EN or CSTS.RDY is 0: the host's mistake */
	CONTROLLER_READY, /* it is admitted */
	CONTROLLER_ENDED, /* ours: the host shall try again elsewhere. For good */
};

/* A reactor's part of a controller. */
struct controller_share {
	_Alignas(CACHE_LINE) struct counts counts;
	atomic_bool heard;      /* a command has come since the keep-alive timer last asked */
	struct room_share room; /* the reactor's */
};

static inline void controller_hears(struct controller_share *share)
{
	/* written only if it changes, so that the line stays shared */
	if (!atomic_load_explicit(&share->heard, memory_order_relaxed))
		atomic_store_explicit(&share->heard, true, memory_order_relaxed);
}

struct controller {
	atomic_uint references;
	_Atomic(enum controller_phase) phase; /* the control thread writes */
	atomic_bool keeps_alive;              /* it does: KATO is not 0 */
	atomic_bool is_torn; /* not all of its I/O queues came over from a predecessor */
	/* Its host waits so long as CRDTn says where a status has CRD n; bit n - 1 */
	_Atomic(uint8_t) retry_delays;
	struct transport *transport;
	uint32_t subsystem;
	uint32_t cntlid;
	uint32_t port_id;
	uint8_t host_id[16];
	bool discovery;
	unsigned n_shares;
	struct controller_share *shares; /* by reactor */
	char name[64];                   /* "controller 3 of subsystem 7", for logs */
	char host_nqn[224];
	struct error_log errors;

	/* control thread */
	Nvmetd__Session *session;
	struct properties properties;
	struct loop_timer transition; /* of transition.h */
	uint64_t reset_ns;            /* when it has begun, or was reset: clock_boot_ns() */
	struct loop_timer keep_alive;
	uint64_t heard_ns;   /* a command had come then, or not a tick before */
	bool is_last_chance; /* its period is over, and nothing has been heard */
	struct list link;    /* in the transport's list */
	struct list seats;   /* its queues, until they are closed */
	bool ended;
	uint8_t n_aborts;    /* that are at a reactor, whether an Abort waits for them or not */
	uint32_t n_expected; /* I/O queues that are to come over, and 1 more; 0: not known */
	uint32_t n_came;
	uint32_t
		left_as; /* its number in what is left to a successor, with its admin queue; or 0 */
};

/* Control thread. Takes the session. A negative errno, or 0. */
int controller_new(struct controller **ret_controller, struct transport *transport,
                   Nvmetd__Session *session);

/* Entries that its I/O queues may have at most, if the wire has a limit of its own; 0: it has not.
 * Before its host can read CAP. */
void controller_limit_queues(struct controller *controller, uint32_t size_max);

/* Control thread. One that a predecessor has left: with its session, its properties and its counts,
 * but without a keep-alive timer until controller_revive(). A negative errno, or 0. */
int controller_inherit(struct controller **ret_controller, struct transport *transport,
                       const Nvmetd__HandoverController *message);
void controller_revive(struct controller *controller);

/* Control thread. There are other limits. */
void controller_take_limits(struct controller *controller);

static inline struct controller *controller_hold(struct controller *controller)
{
	atomic_fetch_add_explicit(&controller->references, 1, memory_order_relaxed);
	return controller;
}

struct controller *controller_drop(struct controller *controller);

/* Control thread. A line about its life is due: any host may begin and end discovery as often as
 * it likes, and one that is allowed also others. */
bool controller_is_news(const struct controller *controller);

/* The rest: control thread. */

/* NULL: there is none, or it has ended. */
struct controller *controller_find(struct transport *transport, uint32_t subsystem,
                                   uint32_t cntlid);

void controller_seat(struct controller *controller, struct seat *seat, uint16_t qid, uint32_t size);
/* The seat's queue is closed; what is left of a controller that has ended goes with its last. */
void controller_unseat(struct seat *seat);
/* NULL: there is none, or it is over but for what is fenced. */
struct seat *controller_queue(const struct controller *controller, uint16_t qid);

/* For people; NULL-terminated, any text. */
void controller_end(struct controller *controller, const char *reason);
/* The connection of one of its queues was lost. Its host gives up all of them, and may write anew
 * on others: what is on its way on these, and late, must not be executed any more. The admin queue
 * stays, by which Linux ends an association in order, after its I/O queues; when it goes, so does
 * the controller. */
void controller_queue_lost(struct controller *controller, uint16_t qid, const char *reason);
/* What its properties say becomes what its queues do. */
void controller_enable(struct controller *controller);
void controller_end_queues(struct controller *controller, const char *reason); /* of I/O */

/* Replaces its session, if it is of this controller, with a copy. */
void controller_take_session(struct controller *controller, const Nvmetd__Session *session);

/* Its host has reset it (Controller Level Reset): what the host had set is gone, here and at the
 * state service. */
void controller_reset_session(struct controller *controller);

void controller_count(const struct controller *controller, Nvmetd__Counters *ret_counters);

/* True: a queue of this host to this subsystem is ending and may still have commands in flight
 * that newer ones could overtake, so that a new one has to wait. */
bool controller_host_is_ending(const struct controller *controller);

Nvmetd__Session *session_copy(const Nvmetd__Session *session);
