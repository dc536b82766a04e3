/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers are gathered during a round and sent at its end with one system call, whatever their
 * number. The data of reads goes from the arena to the socket; headers lie in the requests.
 */
#include <errno.h>
#include <sys/socket.h>

#include "common/base/error.h"
#include "services/tcp/connection.h"

#define IOVECS_MAX 256
/* System calls a round, so that a connection with much to send does not hold up the others */
#define CALLS_MAX  4

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
static bool send_some(struct connection *connection)
{
	struct iovec iov[IOVECS_MAX];
	struct msghdr message = {.msg_iov = iov};
	size_t bytes;
	ssize_t r;

	message.msg_iovlen = outgoing_gather(
		&connection->sending, connection->sent_bytes, iov, IOVECS_MAX, &bytes);
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
	return (size_t)r == bytes;
}

void send_flush(struct connection *connection)
{
	bool goes_on = true;

	for (int i = 0; i < CALLS_MAX && goes_on; i++) {
		if (list_is_empty(&connection->sending))
			return;
		goes_on = send_some(connection);
	}
	/* Too much for one round, or for the socket: it says when there is room again. */
	if (connection->state != LIFE_CLOSED && !list_is_empty(&connection->sending) &&
	    connection->stuck_since_ns == 0)
		connection->stuck_since_ns = loop_now_ns(connection->lane->loop);
}
