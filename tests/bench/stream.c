/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES 262144u /* as the host library does it */
#define GATHER        192u    /* likewise */

static uint8_t received[RECEIVE_BYTES];
static uint8_t heads[STREAM_KINDS][256]; /* begins of messages; the rest is zero */

int stream_init(struct stream *stream, int fd, const struct stream_sizes *sizes, unsigned messages)
{
	*stream = (struct stream){.fd = fd, .sizes = sizes, .n_out = 6 * messages + 6};
	for (unsigned i = 0; i < STREAM_KINDS; i++)
		heads[i][0] = (uint8_t)i;
	stream->out = calloc(stream->n_out, sizeof(*stream->out));
	return stream->out ? 0 : -ENOMEM;
}

void stream_deinit(struct stream *stream)
{
	if (stream->out)
		close(stream->fd);
	free(stream->out);
	stream->out = NULL;
}

static void put_bytes(struct stream *stream, const void *bytes, uint32_t length)
{
	if (length)
		stream->out[stream->end_out++] = (struct iovec){(void *)(uintptr_t)bytes, length};
}

void stream_put(struct stream *stream, enum stream_kind kind, const void *data)
{
	const struct stream_sizes *sizes = stream->sizes;

	if (stream->end_out + 3 > stream->n_out) {
		stream->end_out -= stream->first_out;
		memmove(stream->out,
		        stream->out + stream->first_out,
		        stream->end_out * sizeof(*stream->out));
		stream->first_out = 0;
	}
	put_bytes(stream, heads[kind], sizes->head[kind]);
	put_bytes(stream, data, sizes->data[kind]);
	put_bytes(stream, heads[kind] + 1, sizes->tail[kind]);
}

static void sent(struct stream *stream, size_t length)
{
	while (length) {
		struct iovec *iov = &stream->out[stream->first_out];

		if (length < iov->iov_len) {
			iov->iov_base = (uint8_t *)iov->iov_base + length;
			iov->iov_len -= length;
			return;
		}
		length -= iov->iov_len;
		stream->first_out++;
	}
}

int stream_flush(struct stream *stream)
{
	while (stream->first_out < stream->end_out) {
		unsigned n = stream->end_out - stream->first_out;
		struct msghdr message = {.msg_iov = &stream->out[stream->first_out],
		                         .msg_iovlen = n < GATHER ? n : GATHER};
		ssize_t length = sendmsg(stream->fd, &message, MSG_NOSIGNAL);

		if (length < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		sent(stream, (size_t)length);
	}
	stream->first_out = stream->end_out = 0;
	return 0;
}

static uint32_t size_of(const struct stream_sizes *sizes, uint8_t kind)
{
	return kind < STREAM_KINDS ? sizes->head[kind] + sizes->data[kind] + sizes->tail[kind] : 0;
}

int stream_look(struct stream *stream, stream_got_fn *got, void *context, size_t *ret_bytes)
{
	const uint8_t *at = received;
	ssize_t n = recv(stream->fd, received, sizeof(received), 0);

	*ret_bytes = n > 0 ? (size_t)n : 0;
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	while (n) {
		uint32_t length;

		if (!stream->left) {
			stream->kind = *at;
			stream->left = size_of(stream->sizes, *at);
			if (!stream->left)
				return -EPROTO;
		}
		length = n < (ssize_t)stream->left ? (uint32_t)n : stream->left;
		at += length;
		n -= length;
		stream->left -= length;
		if (!stream->left)
			got(context, stream, (enum stream_kind)stream->kind);
	}
	return 0;
}
