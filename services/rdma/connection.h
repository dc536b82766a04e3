/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rdma/rdma_cma.h>

#include "common/transport/port.h"
#include "services/rdma/agreement.h"
#include "services/rdma/lane.h"
#include "services/rdma/life.h"
#include "services/rdma/poster.h"

/*
 * connection - an NVMe/RDMA connection: a queue pair and one NVMe queue.
 *
 * Shape     birth.c: from a request to a queue pair. connection.c: its life, its deadlines, its
 *           end. capsule.c: what the host sends. transfer.c: data by RDMA READ and RDMA WRITE, and
 *           answers.
 * Promise   A request's memory is given back when the adapter is done with it: in the end when
 *           the queue pair has given back all that was posted, or is no more.
 *           A failed queue pair ends its own connection, and what the core ends with it: the
 *           controller's I/O queues, or the controller.
 * Trust     The host is hostile: it is checked what it says, and its deadlines.
 * Threads   connection_new(), connection_free() of one that was not placed: the control thread.
 *           All else: its reactor's.
 * Lifetime  from connection_new() to connection_closed()
 */
struct connection {
	struct queue queue;
	struct lane *lane;
	struct station *station;
	struct adapter *adapter;
	struct rdma_cm_id *id; /* NULL: dismantled */
	uint32_t pair_number;
	struct list in_bucket; /* the station's */
	struct agreement agreement;
	struct completion_queue *completions;
	uint32_t completions_used; /* entries of it */
	struct receives *receives;
	bool has_own_receives;   /* no shared receive queue */
	uint64_t answers_offset; /* in the arena, if answers are not inline */
	uint32_t answers_bytes;
	struct poster poster;
	struct list marked;
	struct list held; /* receives with capsules for which there was no request */
	unsigned n_held;
	uint64_t held_since_ns; /* the first of them, since the last one before it was not */
	struct list waiting;    /* requests for which there was no room in the send queue */
	struct list unfetched;  /* requests whose data has no memory yet */
	struct list flying;     /* requests that the adapter is at */
	enum life_state state;
	uint64_t state_since_ns;
	struct loop_timer timer;
	bool is_told;    /* the connection manager has said something since it was accepted */
	bool is_broken;  /* it is to end, when that can be done */
	bool is_resumed; /* `held` is to be looked at */
	bool is_let_go;  /* by the core, before CLOSED */
};

static inline struct connection *connection_of(struct queue *queue)
{
	return container_of(queue, struct connection, queue);
}

/* ------------------------------------------------------------------ birth.c */

/* Takes the identifier, and a reference of the adapter's, if it succeeds. NULL: no memory. */
struct connection *connection_new(struct rdma_cm_id *id, struct adapter *adapter, uint32_t port_id,
                                  const struct agreement *agreement);
/* One that no reactor has, or has no more; rejects it first, if a host waits for an answer. */
struct connection *connection_free(struct connection *connection);
void connection_reject(struct rdma_cm_id *id, enum rdma_cm_status status);
void connection_adopt(struct reactor *reactor, void *connection);
/* The queue pair goes, and what belongs to it; its completions are taken before. */
void connection_dismantle(struct connection *connection);

/* ------------------------------------------------------------------ connection.c */

void connection_event(struct connection *connection, enum life_event event);
void connection_hears(struct connection *connection, const struct event *event);
void connection_settle(struct connection *connection);
void connection_resume(struct queue *queue);
void connection_terminate(struct queue *queue, const char *reason);
void connection_closed(struct queue *queue);

/* A line in the log about its host; of the connections of a lane so many in a time. */
#define connection_warn(connection, ...)                                                           \
	queue_warn(&(connection)->queue, &(connection)->lane->refusals, __VA_ARGS__)

static inline void connection_mark(struct connection *connection)
{
	lane_mark(connection->lane, &connection->marked);
}

/* It takes commands, and answers them. */
static inline bool connection_is_live(const struct connection *connection)
{
	return connection->state == LIFE_LIVE;
}

/* ------------------------------------------------------------------ capsule.c */

void capsule_arrived(struct connection *connection, struct receive *receive,
                     const struct ibv_wc *wc);
/* Those that were held. */
void capsule_go_on(struct connection *connection);
void capsule_regain(struct request *request, bool is_lost);

/* ------------------------------------------------------------------ transfer.c */

/* What a request is to this wire: in request->wire_u32, which the core clears at its beginning, …
 */
enum {
	REQUEST_STAGE, /* enum stage of transfer.c */
	REQUEST_POSTS, /* work requests of its stage */
	REQUEST_HAS_KEY,
	REQUEST_KEY, /* that its answer invalidates */
};

/* … and in request->wire_room. */
struct rdma_request {
	struct receive *receive; /* that it came with, if it is needed still */
	struct nvme_completion completion;
	uint64_t flew_ns; /* when it was given to the adapter */
};

static inline struct rdma_request *rdma_request_of(struct request *request)
{
	return (struct rdma_request *)(void *)request->wire_room;
}
_Static_assert(sizeof(struct rdma_request) <= sizeof(((struct request *)0)->wire_room),
               "a request has room for it");

/* Fetches the data of a request that has memory. */
void transfer_begin(struct connection *connection, struct request *request);
void transfer_fetch(struct request *request);
/* Its data is being read. */
bool transfer_is_awaited(const struct request *request);
void transfer_respond(struct request *request);
void transfer_done(struct connection *connection, const struct ibv_wc *wc);
/* When that of `flying` was given to the adapter that has been there for longest; 0: there is none.
 * They come back in the order in which they went. */
uint64_t transfer_oldest_ns(const struct connection *connection);
/* What waited for room in the send queue, as far as there is room. */
void transfer_go_on(struct connection *connection);
void transfer_failed(struct poster *poster, struct post *failed, uint32_t n);
/* Receives go before answers: a host that has its answer may send at once. */
void transfer_receive(struct poster *poster);
