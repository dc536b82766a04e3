/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/nvme/tcp_pdu.h"

/*
 * connection - a TCP connection to an NVMe/TCP target, seen from the host.
 *
 * Shape     A non-blocking socket; a staging buffer of bytes received and not looked at yet; what
 *           ICReq and ICResp agreed on (TCP 1.1 §3.6.2.2). Bytes may be sent and PDUs received
 *           raw, for behaviour that no good host shows; queue.h stands on top of it.
 * Promise   No call waits longer than its timeout. Whenever a call does not return 0, error[] says
 *           what happened, as a sentence for people.
 * Trust     The target may be wrong: each length is checked before it is used.
 * Threads   one at a time; no call blocks except those with a timeout
 * Lifetime  host_connection_close() frees what it holds; safe on HOST_CONNECTION_NULL. term and
 *           error stay readable afterwards.
 * Returns   0, a negative errno (the system failed), or one of
 */
enum host_error {
	HOST_E_DEADLINE = 1, /* not within the timeout */
	HOST_E_CLOSED,       /* the target ended the connection */
	HOST_E_TERMINATED,   /* the target sent C2HTermReq: see connection.term */
	HOST_E_BROKEN,       /* the target broke the protocol */
	HOST_E_STATUS,       /* the command was answered with an error: see its status */
	HOST_E_FULL,         /* submit: no command identifier is free */
};

struct host_address {
	const char *traddr;  /* numeric, IPv4 or IPv6 */
	const char *trsvcid; /* port */
};

/* What the host asks for in ICReq. */
struct host_wishes {
	bool header_digest;
	bool data_digest;
	uint8_t hpda;           /* host PDU data alignment, 0-based dwords */
	uint32_t maxr2t_0based; /* R2Ts per command that the host takes at a time */
	/* Not in ICReq: SUCCESS is taken also where SQ flow control is on, as Linux takes it; SPDK
	 * sends it if not told otherwise, though the specification forbids it. */
	bool any_success;
};

/* A C2HTermReq. */
struct host_term {
	bool received;
	uint16_t fes;
	uint32_t fei;
	uint8_t header[TCP_TERM_DATA_MAX]; /* of the PDU in error, as far as it was read */
	uint32_t header_bytes;
};

/* A PDU as it came, whole. */
#define HOST_PDU_MAX 16384
struct host_pdu {
	uint8_t type;
	uint32_t length; /* PLEN */
	uint8_t bytes[HOST_PDU_MAX];
};

struct host_connection {
	int fd;
	struct host_wishes wishes;
	bool header_digest; /* as agreed */
	bool data_digest;
	uint8_t cpda;
	uint32_t maxh2cdata;
	uint8_t *staging;
	size_t head;  /* of the staging: next byte to look at */
	size_t tail;  /* … and the end of what was received */
	bool drained; /* the socket had less than there was room for */
	uint64_t bytes_sent;
	uint64_t bytes_received;
	struct host_term term;
	char error[256];
};

#define HOST_CONNECTION_NULL ((struct host_connection){.fd = -1})

/* TCP only: not a byte is sent. */
int host_connection_open_silent(struct host_connection *connection,
                                const struct host_address *address, unsigned timeout_ms);
/* TCP, ICReq, ICResp. */
int host_connection_open(struct host_connection *connection, const struct host_address *address,
                         const struct host_wishes *wishes, unsigned timeout_ms);

/* The parts of it, for tests: a good ICReq; and what comes back, checked. */
struct tcp_icreq host_icreq(const struct host_wishes *wishes);
int host_connection_await_icresp(struct host_connection *connection, unsigned timeout_ms);

int host_connection_send(struct host_connection *connection, const void *bytes, size_t length,
                         unsigned timeout_ms);
/* The next PDU; a C2HTermReq is a PDU like any other here. */
int host_connection_receive(struct host_connection *connection, struct host_pdu *ret_pdu,
                            unsigned timeout_ms);
/* Receives until the target ends the connection: 0 once it has. What C2HTermReq came is in
 * connection->term. */
int host_connection_await_end(struct host_connection *connection, unsigned timeout_ms);

void host_connection_close(struct host_connection *connection);

/* ------------------------------------------------------------------ for queue.c */

/* One recv() into the staging. *ret_bytes 0: nothing is there now. */
int host_connection_fill(struct host_connection *connection, size_t *ret_bytes);
/* One recv() past the staging, which must be empty. */
int host_connection_receive_into(struct host_connection *connection, void *to, size_t size,
                                 size_t *ret_bytes);
/* Until the socket is ready for the events of poll(2), or the time has come. */
int host_connection_wait(struct host_connection *connection, short events, uint64_t deadline_ns);
/* Writes connection->error, returns r. */
int host_connection_says(struct host_connection *connection, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Remembers a C2HTermReq; returns HOST_E_TERMINATED. */
int host_connection_terminated(struct host_connection *connection, const uint8_t *pdu, size_t size);

/* CRC32C as the TCP transport has it: seed and result inverted (§3.3.1.1). */
uint32_t host_digest(const void *bytes, size_t length);
#define HOST_DIGEST_SEED 0xffffffffu
uint32_t host_digest_add(uint32_t state, const void *bytes,
                         size_t length); /* ~state is the digest */
