/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base/clock.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/loop/loop.h"
#include "common/nvme/identify.h"
#include "common/nvme/limits.h"
#include "common/nvme/sgl.h"
#include "common/nvme/spec.h"
#include "common/nvme/status.h"
#include "common/proc/service.h"
#include "common/shm/link.h"
#include "common/shm/trace.h"
#include "proto/handover.pb-c.h"

/*
 * port - the seam between a wire protocol and what all transports share.
 *
 * Shape     "The wire" is a transport's own code (services/tcp …); "the core" is
 *           common/transport. The core runs a control thread and reactor threads. The wire
 *           listens on the control thread and gives each connection to a reactor, where all
 *           of its life takes place; a connection is one NVMe queue.
 *
 *           Life of a command, on the reactor's thread:
 *             wire  queue_begin()       a request, or NULL: all are in use, more than the queue
 *                                       has entries (QUEUE_SPARE). Stop reading; resume()
 *                                       comes when one is free. If all of them wait for the
 *                                       host's data, none will be: end the connection
 *             wire  request_decode()    where its data must come from, or that it failed
 *             wire  request_reserve()   of what comes from the host only: room in the arena
 *                     in capsule        or REQUEST_E_WAIT: stop reading; resume() comes
 *                                       when it is worth another try
 *                     transfer          or REQUEST_E_LATER: go on reading; fetch() comes when
 *                                       request->data is there. (Its data may lie behind
 *                                       other commands: stopping here would be a deadlock.)
 *                   or request_bring(): the data in the capsule has come already, into
 *                   memory that reactor_lend() gave
 *             wire  ... receives the data into request->data ...
 *             wire  request_execute()   now the core has it; it finds the room for what goes
 *                                       to the host by itself
 *             core  wire->respond()     now the wire has it again (possibly from within
 *                                       request_execute()): queue data and completion
 *             core  wire->flush()       the end of a round: send what respond() queued
 *             core  wire->keep()        what the answer borrows goes away: keep it
 *             wire  request_stamp()     TRACE_SENT: all is sent
 *             wire  request_finish()    all is sent, or given up
 *
 *           End of a queue: the wire calls queue_close() whenever its connection ends, for
 *           whatever reason, and finishes the requests that it has itself (before or after;
 *           those that wait for fetch() too, after queue_close() it does not come any more).
 *           Those that the core has are not responded to any more. When none is left the core
 *           calls wire->closed(), and the queue's memory is the wire's again.
 *
 *           adopt(), fetch(), flush(), keep(), resume(), terminate() and closed() are called
 *           from the reactor's own round, never from within a call of the wire's; respond()
 *           alone may be. After queue_close() only closed() comes, and keep() of requests that
 *           the wire has not finished.
 *
 *           Borrowed data. Where the wire said that it can (queue->may_borrow), respond() may
 *           bring data that is not the request's own (request->is_borrowed): it can be read
 *           as long as keep() is not called, but others may write to it. So
 *           the wire sends it in the round in which it came, and what is left then, or when a
 *           part of a block is sent and not all, it keeps: request_keep_data().
 * Promise   Nothing on this path allocates, except the request table at Connect.
 * Trust     Everything that came from the host is checked by the core, except framing, which
 *           is the wire's.
 * Threads   as said; the wire's calls and callbacks for one queue are on one thread
 * Lifetime  as said
 */
struct transport; /* the process: control thread and reactors */
struct reactor;
struct request;
struct queue;
struct controller;

/* Where a listener listens; valid during the call. */
struct listener_address {
	uint32_t port_id;
	const char *adrfam;
	const char *traddr;
	const char *trsvcid;
};

struct listener; /* the wire's */

struct wire {
	struct service_role role;
	void *options; /* given to role.options' take() */
	/* What hosts are told of it, by the state service and in logs. */
	const char *trtype;        /* as in the configuration: "tcp" */
	uint8_t trtype_code;       /* enum nvme_trtype */
	uint8_t descriptors_max;   /* Identify Controller: MSDBD */
	uint32_t sgls;             /* SGLS */
	uint32_t admin_in_capsule; /* bytes of data that a capsule may bring on an admin queue,
	                              and on any queue before Connect */

	/* Control thread. listen: 0, or negative errno: reason says why, and the core tries
	 * again each second. Connections accepted go to transport_place(). */
	int (*listen)(struct transport *transport, const struct listener_address *address,
	              struct listener **ret_listener, char *reason, size_t reason_size);
	void (*unlisten)(struct listener *listener);

	/* Reactor thread. */
	void (*adopt)(struct reactor *reactor, void *connection); /* after transport_place() */
	void (*respond)(struct request *request);
	/* The request, of which request_reserve() said REQUEST_E_LATER, has its memory now. */
	void (*fetch)(struct request *request);
	void (*resume)(struct queue *queue);
	/* Does the request, which the wire has, wait for its host's data, and is not answered? Then
	 * it may be aborted: once the data is here, request_execute() answers it. NULL: never. */
	bool (*awaits)(const struct request *request);
	/* The end of a round in which respond(), fetch() or resume() was called: now it is time to
	 * send, all at once. May be NULL. */
	void (*flush)(struct reactor *reactor);
	/* request->data of an answer that is not sent yet is borrowed, and goes away: calls
	 * request_keep_data() now, and does no more than that. Only where queue->may_borrow. */
	void (*keep)(struct request *request);
	/* What was tied to the request, or brought by it, is the wire's again: at the latest with
	 * request_finish(), or when the core drops the request of a closed queue. is_lost: but for
	 * its memory, which something that nobody can end may still be at; it is nobody's any more.
	 * NULL if there never is anything. */
	void (*regain)(struct request *request, bool is_lost);
	/* The core ends this connection (keep-alive expired, controller gone, protocol error in
	 * Connect …): the wire closes it, after what is to be sent has been sent, within 2 s. */
	void (*terminate)(struct queue *queue, const char *reason);
	void (*closed)(struct queue *queue);
	/* A planned restart (succession.h); NULL, all of them: connections end, and hosts connect
	 * anew. freeze: nothing is read from connections any more, until the process ends.
	 * leave: fills in the message's part of this wire, in memory of its own, and returns
	 * the connection's descriptor, which stays open; -1: it is not worth it, or no memory.
	 * inherit: the opposite, with queue_open() and queue_inherit(); takes the descriptor. NULL:
	 * it cannot be, and no queue was opened. */
	void (*freeze)(struct reactor *reactor);
	int (*leave)(struct queue *queue, Nvmetd__HandoverConnection *message);
	struct queue *(*inherit)(struct reactor *reactor, int fd,
	                         const Nvmetd__HandoverConnection *message,
	                         struct controller *controller);
	/* For status; may be NULL. */
	void (*describe)(struct queue *queue, bool *ret_header_digest, bool *ret_data_digest);
};

/* Keyed data blocks that a command may have; 0: the transport moves data by messages. */
static inline uint32_t wire_keyed_blocks(const struct wire *wire)
{
	return wire->sgls & NVME_SGLS_KEYED ? wire->descriptors_max : 0;
}

/* The main() of a transport. Returns the exit code. */
int transport_main(const struct wire *wire, int argc, char **argv);

struct loop *transport_loop(struct transport *transport); /* the control thread's */
/* Control thread: picks the reactor that has the fewest of this host's connections and has
 * wire->adopt() called there. False: no more connections are taken, of this host, on this port or
 * at all; the connection stays yours. host_address: as in struct queue. */
bool transport_place(struct transport *transport, void *connection, uint32_t port_id,
                     const char *host_address);

/* Control thread: what the port allows now. False: there is no such port any more. */
struct port_limits {
	uint32_t in_capsule_bytes; /* of data, in a capsule of an I/O queue */
	uint32_t queue_size;       /* entries of an I/O queue */
};
bool transport_port_limits(const struct transport *transport, uint32_t port_id,
                           struct port_limits *ret_limits);

/* Control thread: the listener does not listen any more (its device is gone). It is closed by
 * wire->unlisten(), and opened again as soon as that can be; not from within listen(). */
void transport_listener_lost(struct transport *transport, struct listener *listener,
                             const char *reason);

/* By its number, from 0; NULL: there are no more. */
struct reactor *transport_reactor(struct transport *transport, unsigned index);

struct loop *reactor_loop(struct reactor *reactor);
unsigned reactor_index(const struct reactor *reactor);

/* Reactor: what holds now; the pointer is good as long as the reactor. */
const struct limits *reactor_limits(const struct reactor *reactor);

/* All memory that the data of requests lies in: of one piece, page-aligned; as long as the
 * reactor. For a device that wants to know it before. */
struct iovec reactor_memory(struct reactor *reactor);

/* Memory of it for what hosts send unasked, which is the wire's until it is given back, or for
 * ever: half of all at most. bytes: ARENA_BLOCK_MAX at most. False: there is none. */
bool reactor_lend(struct reactor *reactor, uint32_t bytes, uint64_t *ret_offset);
void reactor_take_back(struct reactor *reactor, uint32_t bytes, uint64_t offset);

/* ------------------------------------------------------------------ queue */

/* Embedded in a connection. What is marked "wire" is the wire's to read. */
struct queue {
	struct reactor *reactor;
	const struct wire *wire;
	uint32_t port_id;
	char host_address[64];  /* wire: "192.0.2.7:51234", "[2001:db8::1]:51234", for logs and
	                           status */
	char local_address[64]; /* without the port */
	char local_service[16];

	bool connected;       /* wire: Connect has succeeded */
	bool sqflow_disabled; /* wire: SQHD is not used; SUCCESS may be */
	bool may_borrow;      /* the wire's: answers may bring borrowed data */
	/* the wire's, before queue_open(), if it is bound to it; 0: it is not */
	uint32_t size_max;    /* entries that Connect may ask for */
	uint32_t io_size_max; /* of an admin queue: that I/O queues beside it may ask for */
	uint32_t capsule_max; /* bytes of data in a capsule */
	bool has_qid;         /* Connect must be for expected_qid */
	uint16_t expected_qid;
	uint16_t qid;              /* wire */
	uint32_t size;             /* entries */
	uint32_t in_capsule_bytes; /* wire: the most that a capsule may carry on this queue now */

	/* the core's own */
	bool closing;
	bool starved;   /* wire: queue_begin() said NULL, and none is free yet: resume() then */
	bool resumable; /* resume() at the end of this round */
	uint16_t sqhd;
	struct controller *controller;
	struct room_share *share; /* whose memory its requests have */
	struct request *requests;
	uint32_t n_requests; /* more than entries: see QUEUE_SPARE */
	uint32_t n_used;     /* the first of them; the others have never been touched */
	uint32_t in_core;    /* wire: requests that the core has */
	uint32_t in_wire;    /* requests that the wire has */
	struct list free;
	struct list due; /* in the reactor's list of queues to be seen to at the end of the round */
	struct list unborn; /* in its list of queues without a Connect yet, the oldest first; or, if
	                       it is closing, of those in doubt */
	uint64_t born_ns;
	uint64_t number;       /* unique in the process, for letters between threads */
	struct seat *seat;     /* the queue as the control thread knows it */
	struct request *first; /* for Connect, before there is a table */
	uint64_t seen;         /* serial of the view that these are of: */
	const struct view_subsystem *subsystem;
	const struct view_port *port;
	const struct view_namespace
		*rights_on; /* on which its host has these, if it is reserved: */
	uint8_t rights;     /* enum reservation_right */
	uint32_t in_early;  /* of those that the core has: only their memory is waited for */
	bool is_fenced;     /* closing, and that is all; the control thread is told */
	bool is_in_doubt;   /* closing, and workers may not know it yet (LINK_DOUBT); until: */
	uint64_t doubt_until_ns;
};

struct sockaddr;

/* Fills in its addresses. False: neither of IPv4 nor of IPv6. */
bool queue_name(struct queue *queue, const struct sockaddr *host, const struct sockaddr *local);

/* Lines in the log about its host, of which one limit lets so many through in a time. */
void queue_warn(const struct queue *queue, struct log_limit *limit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void queue_tell_end(const struct queue *queue, struct log_limit *limit, const char *reason);

/* Addresses are filled in by the wire before. A queue that has not completed a Connect in time
 * is terminated by the core. */
int queue_open(struct queue *queue, struct reactor *reactor, const struct wire *wire);
void queue_close(struct queue *queue);

struct request *queue_begin(struct queue *queue);

/* A request of this queue that the wire has, by command id; NULL. For H2CData. */
struct request *queue_find(struct queue *queue, uint16_t cid);
/* The same by request->index, as a transfer tag: constant time; NULL. */
struct request *queue_at(struct queue *queue, uint16_t index);

/* ------------------------------------------------------------------ request */

enum request_source {
	REQUEST_NO_DATA,    /* nothing comes from the host (it may go there): execute */
	REQUEST_IN_CAPSULE, /* request->length bytes follow in the capsule */
	REQUEST_TRANSFER,   /* request->length bytes are to be fetched (R2T) */
	REQUEST_FAILED,     /* status is set: skip what is in the capsule, then execute */
};

enum request_error {
	REQUEST_E_WAIT = 1, /* reserve, data in the capsule: no room now; resume() will come */
	REQUEST_E_LATER,    /* reserve, transfer: no room now; fetch() will come */
};

struct request {
	struct queue *queue;
	struct nvme_command command; /* private copy */
	uint16_t index;              /* in the queue's table: fit for a transfer tag */
	uint8_t owner;               /* enum request_owner, the core's */
	uint8_t kind;                /* enum request_kind, the core's */
	enum nvme_transfer direction;
	uint32_t length;  /* bytes of data, 0 if none; known after decode, as the next two: */
	uint32_t offset;  /* in the capsule's data, where they begin */
	uint8_t n_listed; /* keyed data blocks that the capsule lists; 0: SGL1 is the only one */
	uint8_t *data;    /* in the arena, aligned to 4096; NULL if none; or borrowed: */
	bool is_borrowed; /* not in the arena, and not the request's own; read only */
	uint8_t brought;  /* enum request_brought, the core's */
	uint64_t arena_offset;
	struct nvme_status status;  /* the answer */
	uint32_t result[2];         /* dword 0 and 1 of the completion */
	struct trace_record *trace; /* NULL: this one is not traced (tracer.h) */

	/* the wire's own, cleared by queue_begin() */
	struct list wire_link;
	uint32_t wire_u32[4];
	/* the wire's own, not cleared: headers that are being sent and the like */
	_Alignas(8) uint8_t wire_room[128];

	/* the core's own */
	struct list core_link;
	struct room_share *share;   /* that its memory is counted for, or that it waits in */
	struct link_request wanted; /* of the worker; a copy, until it is completed */
	struct view *view;          /* that it was admitted under, until it is completed */
	struct worker_link *link;   /* that it was put on */
	uint64_t checked;           /* serial of the view that wanted was checked against */
	uint64_t put_ns;            /* when it was put into the worker's ring */
	uint64_t patience_ns; /* until when its host waits for its namespace; 0: did not yet */
	uint8_t *own;         /* its own memory, while its data is borrowed */
	uint16_t error_location;
	uint16_t sqhd;      /* that its completion had */
	uint16_t worker;    /* index in the view */
	uint16_t grant;     /* number in the view; 0: none */
	uint8_t source;     /* enum request_source */
	uint8_t part;       /* enum room_part: where its memory is of */
	uint8_t line;       /* enum room_line: that it waits in, or would have */
	bool is_in_memory;  /* its namespace: see room.h */
	bool is_ready;      /* its namespace, in the view it was checked against */
	bool nothing_to_do; /* completes without a worker */
	bool is_lost;       /* a worker's end left it in flight: its I/O may still go on */
	bool is_once;  /* never done twice: its host decides what is to be done after a death */
	uint8_t early; /* enum request_early, the core's */
};

/* capsule: of the data in the capsule, which need not have been received yet. A data length that
 * does not fit the command is REQUEST_FAILED. */
enum request_source request_decode(struct request *request, const struct nvme_command *command,
                                   const struct sgl_capsule *capsule);

/* After decode said REQUEST_IN_CAPSULE or REQUEST_TRANSFER: memory for the data. 0, or enum
 * request_error. (0 and nothing done for a request with other directions.) */
int request_reserve(struct request *request);

/* Instead, of REQUEST_IN_CAPSULE: its data is in memory that reactor_lend() gave. It is the core's
 * until request_regain() says true, or wire->regain() comes. */
void request_bring(struct request *request, uint8_t *data, uint64_t arena_offset);

/* Something of the wire's goes along with the request, until request_regain() or wire->regain(). */
void request_tie(struct request *request);

/* Of a request that the wire has: is what it brought, or what is tied to it, the wire's again, so
 * that wire->regain() does not come? False: a worker may still be at its memory, or there is
 * nothing. */
bool request_regain(struct request *request);

void request_execute(struct request *request);

/* The wire failed to receive the data (digest error): answers with this status. */
void request_fail(struct request *request, struct nvme_status status);

/* The completion as it goes on the wire, in the order of sending: moves SQHD. True: data
 * (request->data, request->length) is to be sent before it. */
bool request_complete(struct request *request, struct nvme_completion *ret_completion);

/* Copies what is borrowed into the request's own memory, where request->data is then. False: it
 * cannot be had any more. Then the command has failed, and this is its completion instead. */
bool request_keep_data(struct request *request, struct nvme_completion *ret_completion);

void request_finish(struct request *request);
/* Those of a list by their wire_link, which is empty afterwards. */
static inline void request_finish_all(struct list *requests)
{
	struct list *link;

	while ((link = list_take_first(requests)))
		request_finish(container_of(link, struct request, wire_link));
}

/* A stage of a command's life is reached. The wire says TRACE_SENT: the last byte was given to
 * the socket. */
static inline void request_stamp(struct request *request, enum trace_stage stage)
{
	if (__builtin_expect(request->trace != NULL, 0))
		request->trace->at_ns[stage] = clock_now_ns();
}
