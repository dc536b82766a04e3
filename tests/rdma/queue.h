/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rdma/rdma_cma.h>

#include "common/nvme/rdma_cm.h"
#include "common/nvme/spec.h"

/*
 * queue - a queue pair to an NVMe/RDMA target, seen from the host, on verbs.
 *
 * Shape     RDMA_CM with any private data and any depths; capsules of any bytes go out, responses
 *           come in. Nothing is put right on the way: CIDs, SGLs and sizes are the caller's. Memory
 *           that the target is to read or write is a wire_memory, and has a key.
 * Promise   No call waits longer than its timeout. Whenever a call does not return 0, error[] says
 *           what happened, as a sentence for people.
 * Trust     The target may be wrong; what is received has a length and is looked at by the caller.
 * Threads   one at a time; no call blocks except those with a timeout
 * Lifetime  wire_queue_close() frees what it holds and the memories registered with it; safe on
 *           WIRE_QUEUE_NULL. Says nothing to the target where the process is killed, of course.
 * Returns   0, a negative errno (the system failed), or one of
 */
enum wire_error {
	WIRE_E_DEADLINE = 1, /* not within the timeout */
	WIRE_E_REJECTED,     /* open: see reject_status */
	WIRE_E_CLOSED,       /* the queue pair has ended */
	WIRE_E_FULL,         /* send: no room for one more */
};

#define WIRE_CAPSULE_MAX   (24u << 10) /* bytes that a host here may send as one */
#define WIRE_RESPONSE_MAX  64u         /* and receive; a good response has 16 */
#define WIRE_STASH         1280u
#define WIRE_REJECT_SILENT 0xffff /* rejected without private data of ours */

struct wire_wishes {
	const char *traddr; /* numeric */
	const char *trsvcid;
	struct rdma_cm_request request;
	const void *private_data; /* instead of what `request` says; with private_bytes */
	size_t private_bytes;
	bool has_private_data;
	uint8_t ird;       /* of the host, for the target's RDMA READs */
	uint32_t sends;    /* that may be on their way at a time; 0: as many as there are entries */
	uint32_t receives; /* that are posted before the request; 0: HRQSIZE */
	bool is_replenished; /* a receive that is used up is posted again */
	unsigned timeout_ms;
};

struct wire_response {
	struct nvme_completion completion;
	uint32_t bytes;   /* of it, as received */
	bool invalidated; /* it came as a Send with Invalidate … */
	uint32_t key;     /* … of this key */
};

/* Bytes of the host with a key. */
struct wire_memory {
	uint8_t *bytes;
	size_t size;
	uint32_t key; /* of the region */
	struct ibv_mr *region;
	struct ibv_mw *window;
	struct wire_memory *next;
};

struct wire_queue {
	struct rdma_event_channel *events;
	struct rdma_cm_id *id;
	struct ibv_comp_channel *wakeups;
	struct ibv_cq *cq;
	bool is_iwarp;
	bool is_established;
	bool has_ended;       /* the target said so, or the queue pair is in error */
	bool is_disconnected; /* the target said so */
	bool replenish;
	uint16_t receives_granted; /* CRQSIZE */
	uint16_t reject_status;
	uint32_t n_sends;
	uint32_t n_receives;
	uint32_t *free_sends;
	uint32_t n_free_sends;
	struct wire_memory *out;      /* n_sends capsules */
	struct wire_memory *in;       /* n_receives responses */
	struct wire_memory *memories; /* all that were registered */
	uint32_t bound;               /* windows that have come up */
	uint32_t n_stash;             /* responses that nobody has waited for yet */
	struct wire_response *stash;
	char error[256];
};

#define WIRE_QUEUE_NULL ((struct wire_queue){0})

/* A queue pair up to ESTABLISHED. */
int wire_queue_open(struct wire_queue *queue, const struct wire_wishes *wishes);
/* DREQ, without waiting for an answer: then the rest is up to the target. */
void wire_queue_disconnect(struct wire_queue *queue);
/* Waits until the target has ended it. */
int wire_queue_await_end(struct wire_queue *queue, unsigned timeout_ms);
void wire_queue_close(struct wire_queue *queue);

/* One Send of these bytes. */
int wire_queue_send(struct wire_queue *queue, const void *bytes, size_t length);
/* The first `length` bytes of a longer Send, which must be a packet of the path: its second piece
 * has no key, so that the message never ends. The queue pair has ended then. */
int wire_queue_send_half(struct wire_queue *queue, size_t length);
/* Posts `count` receives that were used up and not posted again. */
int wire_queue_replenish(struct wire_queue *queue, uint32_t first, uint32_t count);
/* The next response, whichever it is. */
int wire_queue_receive(struct wire_queue *queue, struct wire_response *ret_response,
                       unsigned timeout_ms);
/* The response to the command with this CID; others are kept. */
int wire_queue_await(struct wire_queue *queue, uint16_t cid, struct wire_response *ret_response,
                     unsigned timeout_ms);

/* Zeroed memory that the target may read and write. NULL: there is none; see error[]. */
struct wire_memory *wire_memory_new(struct wire_queue *queue, size_t size);
/* Can a key be invalidated by the target without harm to the queue pair? A region of user space
 * can on iWARP; elsewhere it takes a window of type 2. */
bool wire_queue_has_windows(const struct wire_queue *queue);
/* A key for [offset, offset + size) of the memory that the target may invalidate. */
int wire_memory_bind(struct wire_queue *queue, struct wire_memory *memory, size_t offset,
                     size_t size, uint32_t *ret_key);
