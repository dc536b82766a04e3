/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * stream - messages over a TCP connection that have nothing but a kind and a size.
 *
 * Shape     The kinds are the PDUs of NVMe/TCP; the first byte of a message is its kind, and a
 * table says how many bytes each has. What is received is counted and dropped. Promise   One recv()
 * a look, and one sendmsg() for all that is to be sent: the batching that an NVMe/TCP host and
 * target may do as well. Trust     both ends are ours Threads   one; never waits Lifetime  the
 * stream owns its socket
 */
enum stream_kind {
	STREAM_READ,     /* command */
	STREAM_DATA,     /* C2HData and the response */
	STREAM_WRITE,    /* command with its data in the capsule */
	STREAM_TRANSFER, /* command whose data is fetched */
	STREAM_R2T,
	STREAM_H2C_DATA,
	STREAM_RESPONSE,
	STREAM_KINDS,
};

/* Of each kind: bytes before the data, data, bytes after it. */
struct stream_sizes {
	uint32_t head[STREAM_KINDS];
	uint32_t data[STREAM_KINDS];
	uint32_t tail[STREAM_KINDS];
};

struct stream {
	int fd;
	const struct stream_sizes *sizes;
	uint8_t kind;  /* of the message being received */
	uint32_t left; /* bytes of it to come; 0: none has begun */
	struct iovec *out;
	unsigned first_out;
	unsigned end_out;
	unsigned n_out;
};

/* Takes the socket, which is non-blocking. `messages`: on their way out at a time. */
int stream_init(struct stream *stream, int fd, const struct stream_sizes *sizes, unsigned messages);
void stream_deinit(struct stream *stream);

/* data stays where it is until it is sent. */
void stream_put(struct stream *stream, enum stream_kind kind, const void *data);
int stream_flush(struct stream *stream);

/* Calls got() for each message that is complete. *ret_bytes 0: there was nothing. Negative errno:
 * the connection is over. */
typedef void stream_got_fn(void *context, struct stream *stream, enum stream_kind kind);
int stream_look(struct stream *stream, stream_got_fn *got, void *context, size_t *ret_bytes);
