/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers are gathered during a round and sent at its end with one system call, whatever their
 * number. The data of reads goes from the arena to the socket; headers lie in the requests.
 */
#include <errno.h>
#include <sys/socket.h>

#include "common/base/error.h"
#include "services/tcp/connection.h"

#define IOVECS_MAX  256
/* Bytes a round and a connection, or a little more: one with much to send does not hold up the
 * others, and the caches still have what is sent when it was fetched in the same portions. */
#define ROUND_BYTES (512u << 10)

void send_queue(struct connection *connection, struct outgoing *outgoing)
{
	list_append(&connection->sending, &outgoing->link);
	connection_mark(connection);
}

void send_respond(struct request *request)
{
	struct connection *connection = connection_of(request->queue);
	struct outgoing *outgoing = &tcp_request_of(request)->outgoing;
	struct nvme_completion completion;
	bool has_data;

	if (connection->mute) {
		request_finish(request);
		return;
	}
	has_data = request_complete(request, &completion);
	outgoing_answer(outgoing,
	                &connection->receiver.agreement,
	                &completion,
	                has_data ? request->data : NULL,
	                has_data ? request->length : 0,
	                connection->queue.sqflow_disabled);
	outgoing->request = request;
	send_queue(connection, outgoing);
}

/* Takes out of the list what is sent. A host has STUCK_NS for each answer, however few bytes of
 * it it takes at a time. */
static void count_sent(struct connection *connection, size_t sent)
{
	sent += connection->sent_bytes;
	while (!list_is_empty(&connection->sending)) {
		struct list *first = connection->sending.next;
		struct outgoing *outgoing = container_of(first, struct outgoing, link);
		size_t bytes = outgoing_bytes(outgoing);

		if (sent < bytes)
			break;
		sent -= bytes;
		connection->stuck_since_ns = 0;
		list_remove(first);
		if (!outgoing->request)
			continue;
		request_stamp(outgoing->request, TRACE_SENT);
		request_finish(outgoing->request);
	}
	connection->sent_bytes = sent;
}

/* True: all that was given to the socket was taken, go on. */
static bool send_some(struct connection *connection, size_t *round_bytes)
{
	struct iovec iov[IOVECS_MAX];
	struct msghdr message = {.msg_iov = iov};
	size_t bytes;
	ssize_t r;

	message.msg_iovlen = outgoing_gather(&connection->sending,
	                                     connection->sent_bytes,
	                                     iov,
	                                     IOVECS_MAX,
	                                     ROUND_BYTES - *round_bytes,
	                                     &bytes);
	r = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r < 0 && errno != EAGAIN && errno != EINTR) {
		log_debug(
			"%s: cannot send: %s", connection->queue.host_address, error_words(-errno));
		connection_event(connection, LIFE_ON_HUNG_UP);
		return false;
	}
	if (r <= 0) {
		if (connection->stuck_since_ns == 0)
			connection->stuck_since_ns = loop_now_ns(connection->lane->loop);
		return false;
	}
	connection->took_ns = loop_now_ns(connection->lane->loop);
	count_sent(connection, (size_t)r);
	*round_bytes += (size_t)r;
	return (size_t)r == bytes;
}

void send_flush(struct connection *connection)
{
	size_t round_bytes = 0;
	bool goes_on = true;

	while (goes_on && round_bytes < ROUND_BYTES && !list_is_empty(&connection->sending))
		goes_on = send_some(connection, &round_bytes);
	if (list_is_empty(&connection->sending))
		return;
	if (goes_on) /* too much for one round */
		lane_mark_again(connection->lane, &connection->marked);
	else if (connection->state != LIFE_CLOSED && connection->stuck_since_ns == 0)
		/* too much for the socket: it says when there is room again */
		connection->stuck_since_ns = loop_now_ns(connection->lane->loop);
}
