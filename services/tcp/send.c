/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers are gathered during a round and sent at its end with one system call, whatever their
 * number; or before, when they are worth one by then. The data of reads goes from the arena to the
 * socket, or from where it is borrowed (port.h); headers lie in the requests.
 *
 * Borrowed data may be written to by the next command that is executed. So between the first and
 * the last byte of an answer that are read from there no other command is: what the socket has
 * not taken is copied before the sending ends.
 */
#include <errno.h>
#include <sys/socket.h>

#include "common/base/error.h"
#include "services/tcp/connection.h"

#define IOVECS_MAX  256
/* As many are sent at once: the host has something to do, and less remains for the round's end,
 * when the socket may not take all. */
#define EARLY_BYTES (128u << 10)

void send_queue(struct connection *connection, struct outgoing *outgoing)
{
	list_append(&connection->sending, &outgoing->link);
	connection->queued_bytes += outgoing_bytes(outgoing);
	connection_mark(connection);
}

/* Takes out of the list what is sent. A host has answer_timeout_ms for each answer, however few
 * bytes of it it takes at a time. */
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
		if (!outgoing->request) {
			connection_forget_inherited(connection, outgoing);
			continue;
		}
		request_stamp(outgoing->request, TRACE_SENT);
		request_finish(outgoing->request);
	}
	connection->sent_bytes = sent;
}

/* ------------------------------------------------------------------ borrowed data */

/* Whether its header, which says how much data comes, is on its way. */
static bool is_begun(const struct connection *connection, const struct outgoing *outgoing)
{
	return connection->sending.next == &outgoing->link && connection->sent_bytes > 0;
}

/* What was sent of it stays right: it has not changed since. */
void send_keep(struct request *request)
{
	struct connection *connection = connection_of(request->queue);
	struct outgoing *outgoing = &tcp_request_of(request)->outgoing;
	struct nvme_completion completion;
	bool is_kept = request_keep_data(request, &completion);

	outgoing->data = request->data;
	if (is_kept)
		return;
	if (is_begun(connection, outgoing))
		connection->is_broken = true;
	else
		outgoing_answer(outgoing,
		                &connection->receiver.agreement,
		                &completion,
		                NULL,
		                0,
		                connection->queue.sqflow_disabled);
}

/* False: there was nothing. */
static bool keep_rest(struct connection *connection)
{
	bool had_any = false;

	if (!connection->has_borrowed)
		return false;
	connection->has_borrowed = false;
	list_for_each (link, &connection->sending) {
		struct request *request = container_of(link, struct outgoing, link)->request;

		if (!request || !request->is_borrowed)
			continue;
		send_keep(request);
		had_any = true;
	}
	return had_any;
}

/* ------------------------------------------------------------------ sending */

static void note_failure(struct connection *connection, int r)
{
	if (r == -EAGAIN || r == -EINTR) {
		if (connection->stuck_since_ns == 0)
			connection->stuck_since_ns = loop_now_ns(connection->lane->loop);
		return;
	}
	log_debug("%s: cannot send: %s", connection->queue.host_address, error_words(r));
	connection->is_broken = true;
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
	                                     CONNECTION_ROUND_BYTES - *round_bytes,
	                                     &bytes);
	r = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* a page that is borrowed cannot be had: whose it is, copying them tells */
	if (r < 0 && errno == EFAULT && keep_rest(connection))
		return !connection->is_broken;
	if (r <= 0) {
		note_failure(connection, r < 0 ? -errno : -EAGAIN);
		return false;
	}
	connection->took_ns = loop_now_ns(connection->lane->loop);
	count_sent(connection, (size_t)r);
	*round_bytes += (size_t)r;
	return (size_t)r == bytes;
}

/* From anywhere: it changes no state, so that who answers a command need not expect the end of its
 * connection. True: only the bytes of a round were too few. */
static bool send_list(struct connection *connection)
{
	size_t round_bytes = 0;
	bool goes_on = true;

	while (goes_on && round_bytes < CONNECTION_ROUND_BYTES &&
	       !list_is_empty(&connection->sending))
		goes_on = send_some(connection, &round_bytes);
	keep_rest(connection);
	connection->queued_bytes = 0;
	if (!goes_on && !list_is_empty(&connection->sending) && connection->stuck_since_ns == 0)
		/* too much for the socket: it says when there is room again */
		connection->stuck_since_ns = loop_now_ns(connection->lane->loop);
	return goes_on;
}

void send_respond(struct request *request)
{
	struct connection *connection = connection_of(request->queue);
	struct outgoing *outgoing = &tcp_request_of(request)->outgoing;
	struct nvme_completion completion;
	uint32_t early_bytes;
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
	connection->has_borrowed |= request->is_borrowed;
	send_queue(connection, outgoing);
	/* One large answer is no reason: several go with fewer segments. */
	early_bytes = request->length >= EARLY_BYTES / 2 ? CONNECTION_ROUND_BYTES : EARLY_BYTES;
	if (connection->queued_bytes >= early_bytes && connection->stuck_since_ns == 0 &&
	    !connection->is_broken)
		send_list(connection);
}

/* At the end of a round. */
void send_flush(struct connection *connection)
{
	bool goes_on = !connection->is_broken && send_list(connection);

	if (connection->is_broken)
		connection_event(connection, LIFE_ON_HUNG_UP);
	else if (goes_on && !list_is_empty(&connection->sending)) /* too much for one round */
		lane_mark_again(connection->lane, &connection->marked);
}
