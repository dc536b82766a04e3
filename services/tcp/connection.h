/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/list.h"
#include "common/loop/loop.h"
#include "common/nvme/tcp_pdu.h"
#include "common/transport/port.h"
#include "common/transport/succession.h"
#include "services/tcp/lane.h"
#include "services/tcp/life.h"
#include "services/tcp/outgoing.h"
#include "services/tcp/receiver.h"

/*
 * connection - a TCP connection of a host: one NVMe queue.
 *
 * Shape     A socket; the receiver, which cuts what comes into PDUs; the list of what is to be
 *           sent; the state of its life (life.h). Each .c file has one concern of it:
 *
 *             connection.c  birth, deadlines, states, death
 *             receive.c     socket → receiver → one of the three below
 *             icreq.c       ICReq, ICResp
 *             command.c     command capsules
 *             transfer.c    R2T, H2CData
 *             send.c        answers → list → socket
 *             refuse.c      TermReqs, both directions
 *             heir.c        a planned restart: packing, unpacking
 *
 * Promise   A bounded amount of work a round. Memory: one header, and what had been received
 *           already when the core said "stop reading" (LANE_SCRATCH_BYTES at most). Every wait
 *           for the host has a deadline.
 * Trust     The host may send anything, stop anywhere, and never read.
 * Threads   Made on the control thread, then its reactor's alone.
 * Lifetime  From accept() until the core says closed().
 */
/* MAXH2CDATA: as much as a command may transfer (MDTS), so that no host needs to split it. */
#define CONNECTION_MAXH2CDATA (1u << 20)

/* Bytes a round and a direction, or a little more: a connection with much to send or receive does
 * not hold up the others, and what is fetched and sent in the same portions is in the caches still.
 */
#define CONNECTION_ROUND_BYTES (512u << 10)

/* Data from the host of this size is received into its place alone: what comes behind it with the
 * same call would have to be copied. */
#define CONNECTION_LARGE_BYTES (16u << 10)

struct connection {
	struct queue queue;
	struct lane *lane;
	int fd; /* until it is adopted; then the source's */
	struct loop_source source;
	struct loop_timer timer;
	enum life_state state;
	uint64_t state_since_ns;
	struct list marked; /* in the lane's list */

	/* receiving */
	struct receiver receiver;
	struct request *incoming;   /* of the command capsule that is being received */
	enum request_source origin; /* what was decided about it */
	uint64_t pdu_since_ns;      /* when the PDU that is not complete yet began; 0 */
	uint64_t heard_ns;          /* when anything came, or could come again */
	bool paused;                /* the core has no room: what comes must wait */
	uint64_t paused_ns;         /* since when */
	bool resumed;               /* it has room again, and this must still be acted upon */
	uint8_t *stash;             /* received before the pause, not taken yet */
	size_t stash_bytes;
	size_t stash_taken;

	/* transfers from the host, by their requests' wire_link */
	struct list asked;        /* R2T is sent or queued, the oldest first */
	struct list unasked;      /* there is no memory for it yet */
	struct request *arriving; /* whose H2CData is being received */
	bool arriving_last;

	/* sending */
	struct list sending;
	size_t sent_bytes;       /* of its first */
	size_t queued_bytes;     /* since it was sent from */
	bool has_borrowed;       /* there may be borrowed data in it; never when a round is over */
	bool is_broken;          /* it cannot be sent: the end of the round ends the connection */
	uint64_t stuck_since_ns; /* since when its first waits for the host to read; 0 */
	uint64_t took_ns;        /* when the host took anything */
	bool mute; /* nothing is queued any more: a TermReq has been, or the stream is shut */
	struct outgoing icresp;
	struct outgoing term;
	struct outgoing unsent; /* that a predecessor has left: */
	uint8_t *inherited;
	uint8_t icresp_bytes[sizeof(struct tcp_icresp)];
	uint8_t term_bytes[TCP_TERM_MAX];
};

/* What a connection keeps in each request (request->wire_room); set up by its user. */
struct tcp_request {
	struct outgoing outgoing;
	struct tcp_transfer transfer;
	uint32_t since_ms; /* when R2T was queued */
};
_Static_assert(sizeof(struct tcp_request) <= sizeof(((struct request *)0)->wire_room),
               "the room that the core has for it");

static inline struct tcp_request *tcp_request_of(struct request *request)
{
	return (struct tcp_request *)(void *)request->wire_room;
}

static inline struct connection *connection_of(struct queue *queue)
{
	return container_of(queue, struct connection, queue);
}

/* Takes the socket over, whatever is returned. NULL: no memory, or the host is gone again. */
struct connection *connection_new(int fd, uint32_t port_id);
/* Of one that no reactor has adopted. */
void connection_free(struct connection *connection);

/* The core's calls; see port.h. */
void connection_adopt(struct reactor *reactor, void *connection);
void connection_terminate(struct queue *queue, const char *reason);
void connection_closed(struct queue *queue);
void connection_describe(struct queue *queue, bool *ret_header_digest, bool *ret_data_digest);

/* A planned restart; see port.h. */
void connection_freeze(struct reactor *reactor);
struct queue *connection_inherit(struct reactor *reactor, int fd,
                                 const Nvmetd__HandoverConnection *message,
                                 struct controller *controller);
/* heir.c */
int heir_leave(struct queue *queue, Nvmetd__HandoverConnection *message);
/* Of a connection that is adopted, and has read nothing. False: it cannot go on. */
bool heir_take(struct connection *connection, const Nvmetd__HandoverConnection *message,
               struct controller *controller);

/* What a predecessor left to be sent is sent. */
static inline void connection_forget_inherited(struct connection *connection,
                                               const struct outgoing *sent)
{
	if (sent != &connection->unsent)
		return;
	free(connection->inherited);
	connection->inherited = NULL;
}

/* Something has happened: changes the state. Nothing is freed by it. */
void connection_event(struct connection *connection, enum life_event event);

/* A line in the log about its host; of the connections of a lane so many in a time. */
#define connection_warn(connection, ...)                                                           \
	queue_warn(&(connection)->queue, &(connection)->lane->refusals, __VA_ARGS__)

/* Has connection_settle() called at the end of the round. */
void connection_mark(struct connection *connection);
void connection_settle(struct connection *connection);

/* receive.c */
/* False: there was nothing. */
bool connection_readable(struct connection *connection);
void connection_read_on(struct connection *connection); /* what was stashed, after a pause */
void connection_resume(struct queue *queue);
bool connection_is_receiving(const struct connection *connection);
/* Keeps what has been received while it is paused. */
void connection_stash(struct connection *connection, const uint8_t *bytes, size_t length);
void connection_drop_stash(struct connection *connection);
/* icreq.c, command.c, transfer.c: a header has come; false: the core has no room for it, come
 * again later. Then its data has, whole. */
bool icreq_header(struct connection *connection);
bool command_header(struct connection *connection);
void command_end(struct connection *connection);
bool transfer_header(struct connection *connection);
void transfer_end(struct connection *connection);

/* All of the command is here but its data, which R2T asks for. The request's room is there, or
 * transfer_fetch() will be called. */
void transfer_begin(struct connection *connection, struct request *request, bool has_room);
void transfer_fetch(struct request *request);
/* What is asked for and has not come, to the successor and from the predecessor. `arriving`: bytes
 * of a PDU that is being received. */
Nvmetd__HandoverTransfer *transfer_leave(const struct request *request, uint32_t arriving);
struct request *transfer_take(struct connection *connection, const Nvmetd__HandoverTransfer *left);
/* When the oldest transfer began; 0: there is none. */
/* Its data is asked for, or comes in its capsule. */
bool transfer_is_awaited(const struct request *request);
uint64_t transfer_oldest_ns(const struct connection *connection);
/* What is asked for does not come in small pieces. */
bool transfer_is_large(const struct connection *connection);
/* A pause is over, in which the host could not send: it did not count. */
void transfer_forgive_pause(struct connection *connection);
/* send.c */
void send_respond(struct request *request);
void send_keep(struct request *request);
void send_queue(struct connection *connection, struct outgoing *outgoing);
void send_flush(struct connection *connection);

/* refuse.c: queues a C2HTermReq about the header in the receiver, and ends the connection. */
void refuse(struct connection *connection, const struct tcp_violation *violation);
bool refused_by_host(struct connection *connection); /* H2CTermReq */
