/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/nvme/status.h"
#include "tests/host/connection.h"

/*
 * queue - an NVMe queue over a TCP connection, seen from the host.
 *
 * Shape     Requests belong to the caller. submit() gives one a command identifier and queues its
 *           capsule; flush() and poll() move bytes and never wait; poll() calls request->done() of
 *           each request that is completed. In-capsule data where it fits, else R2T and H2CData;
 *           digests as agreed in ICReq.
 * Promise   What a target may do wrong in a PDU is found and named: what Linux checks
 *           (nvme-tcp), and more. After anything but 0 from poll() or flush() the queue is of no
 *           use; its requests are simply forgotten.
 * Trust     the target may be wrong
 * Threads   one at a time
 * Lifetime  A request and its data must stay where they are until it is done, or until
 *           host_queue_close(). done() may submit, also the same request.
 * Returns   0, a negative errno, or enum host_error; the words are in queue->connection.error
 */
struct host_request;
struct host_slot;

typedef void host_done_fn(struct host_request *request);

struct host_request {
	/* The caller's. The queue sets the CID, PSDT and SGL. */
	struct nvme_command command;
	enum nvme_transfer direction;
	void *data; /* NULL with direction TO_HOST: what comes is counted, checked and dropped */
	uint32_t length;
	bool transfer; /* to the controller: by R2T also where it would fit into the capsule */
	bool keep_sgl; /* SGL and PSDT are as the caller wrote them */
	bool keep_cid; /* so is the CID, though another command may have it */
	bool spoil_data_digest; /* send a wrong one */
	host_done_fn *done;     /* may be NULL */
	void *context;

	/* The answer. */
	bool completed;
	bool digest_error;         /* of data that came; then the status is Data Transfer Error */
	bool has_more;             /* M: the Error Information log tells more */
	struct nvme_status status; /* without M */
	struct nvme_completion completion; /* all zero with SUCCESS in C2HData */
	uint32_t received;                 /* bytes of data */
	uint32_t r2ts;                     /* how many came for it */
};

/* A piece on its way out: a PDU's header with its digest and padding, data, data digest. */
struct host_piece {
	struct host_slot *slot; /* NULL for none */
	uint16_t header_length;
	uint8_t digest_length;
	const uint8_t *data;
	uint32_t data_length;
	uint8_t digest[TCP_DIGEST_SIZE];
	uint8_t header[160];
};

struct host_queue {
	struct host_connection connection;
	uint16_t qid;
	uint32_t entries; /* SQSIZE + 1 */
	bool sqflow_disabled;
	uint32_t in_capsule_bytes;
	uint32_t in_flight;
	uint64_t completions; /* since Connect, with it */
	uint64_t successes;   /* of them by SUCCESS in C2HData */
	uint16_t sqhd;        /* of the last completion that had one */

	/* the queue's own */
	bool kept_cids; /* there were requests with keep_cid */
	uint32_t n_slots;
	struct host_slot *slots;
	struct host_slot *free_slot;
	struct host_piece *pieces; /* ring of n_pieces, a power of two */
	uint32_t n_pieces;
	uint32_t first_piece; /* being sent */
	uint32_t next_piece;  /* to be filled */
	uint32_t sent_of_piece;
	struct { /* a C2HData whose data is arriving */
		struct host_slot *slot;
		uint32_t padding;
		uint32_t data_left;
		uint32_t digest_left;
		uint32_t crc;
		uint8_t flags;
		uint8_t digest[TCP_DIGEST_SIZE];
	} incoming;
};

#define HOST_QUEUE_NULL ((struct host_queue){.connection = {.fd = -1}})

/* What Connect says. */
struct host_connect {
	uint16_t qid;
	uint32_t entries; /* of the queue: SQSIZE + 1 */
	uint16_t cntlid;  /* FFFFh for the admin queue */
	uint32_t kato_ms;
	bool disable_sqflow;
	const char *subnqn;
	const char *hostnqn;
	uint8_t hostid[16];
};

/* A connection with nothing but ICReq and ICResp exchanged. `commands` are the most that may be in
 * flight at a time, up to 4096; more than the target's queue has entries is bad behaviour. */
int host_queue_open(struct host_queue *queue, const struct host_address *address,
                    const struct host_wishes *wishes, uint32_t commands, unsigned timeout_ms);
/* Connect. HOST_E_STATUS: *ret_completion says which; it may be NULL. */
int host_queue_connect(struct host_queue *queue, const struct host_connect *connect,
                       struct nvme_completion *ret_completion, unsigned timeout_ms);
void host_queue_close(struct host_queue *queue);

/* The command and data of a Connect, and the request that carries them: for tests that change
 * something in between. */
void host_connect_fill(const struct host_connect *connect, struct nvme_connect_command *ret_command,
                       struct nvme_connect_data *ret_data);
struct host_request host_connect_request(const struct nvme_connect_command *command,
                                         struct nvme_connect_data *data);

/* HOST_E_FULL: no identifier is free; poll first. */
int host_queue_submit(struct host_queue *queue, struct host_request *request);
/* Sends as much as the socket takes. */
int host_queue_flush(struct host_queue *queue);
/* Receives what is there, calls done(), flushes. Never waits. */
int host_queue_poll(struct host_queue *queue);
/* Polls until something could be received or sent. */
int host_queue_wait(struct host_queue *queue, uint64_t deadline_ns);
/* Submits, and waits until it is completed. HOST_E_STATUS: it was, with request->status. */
int host_queue_execute(struct host_queue *queue, struct host_request *request, unsigned timeout_ms);
/* Waits until the request, submitted before, is completed. As execute. */
int host_queue_await(struct host_queue *queue, struct host_request *request, unsigned timeout_ms);

/* The CID that a request in flight has; FFFFh if it is not in flight. */
uint16_t host_queue_cid(const struct host_queue *queue, const struct host_request *request);

/* ------------------------------------------------------------------ between queue.c, transmit.c,
 * receive.c */

/* A command in flight. CID = index, with a generation in bits 15:12 that unmasks late answers. */
struct host_slot {
	struct host_request *request; /* NULL: free */
	struct host_slot *next_free;
	uint16_t index;
	uint16_t cid;
	bool sent;     /* the capsule, wholly */
	bool in_ring;  /* a piece of it is on its way out */
	bool answered; /* while it was: done once it is out, with this */
	struct nvme_completion answer;
	uint32_t transferred;  /* H2CData handed to the ring, bytes */
	uint32_t transfer_end; /* end of the R2T being served */
	uint16_t ttag;
};

void host_transmit_capsule(struct host_queue *queue, struct host_slot *slot);
void host_transmit_data(struct host_queue *queue, struct host_slot *slot);
int host_receive(struct host_queue *queue);
struct host_slot *host_slot_of(struct host_queue *queue, uint16_t cid);
void host_slot_done(struct host_queue *queue, struct host_slot *slot,
                    const struct nvme_completion *completion);
