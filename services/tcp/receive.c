/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One system call brings many PDUs: first what is still missing of the data that is being
 * received, straight into the arena, then whatever follows, into the lane's buffer, which all
 * connections share since nothing stays in it for longer than a call. While large transfers come,
 * little of what follows is read with them: it would have to be copied. What must stay, because
 * the core has no room for a command, is copied away (the stash), and the socket is not read
 * until it is used up; then TCP's window makes the host wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "services/tcp/connection.h"

static bool is_open(const struct connection *connection)
{
	return connection->state == LIFE_AWAIT_ICREQ || connection->state == LIFE_READY;
}

bool connection_is_receiving(const struct connection *connection)
{
	return is_open(connection) && !connection->paused;
}

static bool take_header(struct connection *connection)
{
	switch (connection->receiver.pdu.header.type) {
	case TCP_PDU_ICREQ:
		return icreq_header(connection);
	case TCP_PDU_CAPSULE_COMMAND:
		return command_header(connection);
	case TCP_PDU_H2C_DATA:
		return transfer_header(connection);
	default: /* the receiver lets through one more */
		return refused_by_host(connection);
	}
}

static void take_end(struct connection *connection)
{
	connection->pdu_since_ns = 0;
	switch (connection->receiver.pdu.header.type) {
	case TCP_PDU_CAPSULE_COMMAND:
		command_end(connection);
		return;
	case TCP_PDU_H2C_DATA:
		transfer_end(connection);
		return;
	default:
		return;
	}
}

static void pause_reading(struct connection *connection)
{
	connection->paused = true;
	connection->paused_ns = loop_now_ns(connection->lane->loop);
}

/* Until the bytes are used up, the core has no room, or the connection ends. Returns what is
 * left of the bytes. */
static const uint8_t *take_bytes(struct connection *connection, const uint8_t *at,
                                 const uint8_t *end)
{
	struct receiver *receiver = &connection->receiver;

	receiver->agreement.in_capsule_max = connection->queue.in_capsule_bytes;
	while (connection_is_receiving(connection)) {
		switch (receiver_take(receiver, &at, end)) {
		case RECEIVER_HUNGRY:
			return at;
		case RECEIVER_HEADER:
			if (!take_header(connection))
				pause_reading(connection);
			break;
		case RECEIVER_END:
			take_end(connection);
			break;
		case RECEIVER_VIOLATION:
			refuse(connection, &receiver->violation);
			break;
		case RECEIVER_HANGUP:
			connection_event(connection, LIFE_ON_HUNG_UP);
			break;
		}
	}
	return at;
}

/* How long a PDU may stay incomplete; but not while it is us who do not read. */
static void time_pdu(struct connection *connection)
{
	if (connection->paused || receiver_is_idle(&connection->receiver))
		connection->pdu_since_ns = 0;
	else if (connection->pdu_since_ns == 0)
		connection->pdu_since_ns = loop_now_ns(connection->lane->loop);
}

/* ------------------------------------------------------------------ stash */

void connection_stash(struct connection *connection, const uint8_t *bytes, size_t length)
{
	if (!connection->paused || length == 0)
		return;
	connection->stash = malloc(length);
	if (!connection->stash) {
		connection_warn(connection, "connection closed: no memory");
		connection_event(connection, LIFE_ON_HUNG_UP);
		return;
	}
	memcpy(connection->stash, bytes, length);
	connection->lane->stashed_bytes += length;
	connection->stash_bytes = length;
	connection->stash_taken = 0;
}

void connection_drop_stash(struct connection *connection)
{
	connection->lane->stashed_bytes -= connection->stash_bytes;
	free(connection->stash);
	connection->stash = NULL;
	connection->stash_bytes = 0;
	connection->stash_taken = 0;
}

void connection_resume(struct queue *queue)
{
	struct connection *connection = connection_of(queue);

	if (connection->paused)
		transfer_forgive_pause(connection);
	connection->heard_ns = loop_now_ns(connection->lane->loop);
	connection->paused = false;
	connection->resumed = true;
	connection_mark(connection);
}

/* Also without a stash: the header that could not be served may have been the last of the bytes. */
void connection_read_on(struct connection *connection)
{
	static const uint8_t nothing;
	const uint8_t *bytes = connection->stash ? connection->stash : &nothing;
	const uint8_t *left;

	connection->resumed = false;
	left = take_bytes(
		connection, bytes + connection->stash_taken, bytes + connection->stash_bytes);
	connection->stash_taken = (size_t)(left - bytes);
	if (!connection->paused || connection->stash_taken == connection->stash_bytes)
		connection_drop_stash(connection);
	time_pdu(connection);
}

/* ------------------------------------------------------------------ socket */

/* Bytes read, or 0 if there are none now or any more. */
static size_t read_socket(struct connection *connection, struct iovec *iov, int n)
{
	ssize_t r = n == 1 ? read(connection->fd, iov->iov_base, iov->iov_len)
	                   : readv(connection->fd, iov, n);

	if (r > 0)
		return (size_t)r;
	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (r < 0)
		log_debug("%s: cannot receive: %s",
		          connection->queue.host_address,
		          error_words(-errno));
	connection_event(connection, LIFE_ON_HUNG_UP);
	return 0;
}

/* Enough for the header behind a gap, and not too much of the data behind that. */
#define BEHIND_BYTES 1024u

static size_t scratch_bytes(const struct connection *connection, size_t gap)
{
	const struct lane *lane = connection->lane;

	if (lane->stashed_bytes >= LANE_STASH_MAX)
		return LANE_LITTLE_BYTES;
	return gap >= CONNECTION_LARGE_BYTES || transfer_is_large(connection) ? BEHIND_BYTES
	                                                                      : LANE_SCRATCH_BYTES;
}

/* Bytes received. ret_full: as many as were asked for. */
static size_t read_some(struct connection *connection, bool *ret_full)
{
	struct receiver *receiver = &connection->receiver;
	const struct lane *lane = connection->lane;
	uint8_t *scratch = lane->scratch;
	struct iovec iov[2];
	size_t gap, behind, received, direct;
	const uint8_t *left;
	uint8_t *place;

	gap = is_open(connection) ? receiver_gap(receiver, &place) : 0;
	behind = scratch_bytes(connection, gap);
	if (gap > 0)
		iov[0] = (struct iovec){.iov_base = place, .iov_len = gap};
	iov[gap > 0] = (struct iovec){.iov_base = scratch, .iov_len = behind};
	received = read_socket(connection, iov, gap > 0 ? 2 : 1);
	*ret_full = received == gap + behind;
	if (received == 0 || !is_open(connection))
		return received;
	connection->heard_ns = loop_now_ns(lane->loop);
	direct = received < gap ? received : gap;
	receiver_filled(receiver, direct);
	left = take_bytes(connection, scratch, scratch + (received - direct));
	connection_stash(connection, left, (size_t)(scratch + (received - direct) - left));
	time_pdu(connection);
	return received;
}

bool connection_readable(struct connection *connection)
{
	size_t received = 0, some;
	bool is_full;

	if (connection->lane->is_frozen)
		return false;
	do {
		if (is_open(connection) && (connection->paused || connection->resumed))
			break; /* what came before must be taken first */
		some = read_some(connection, &is_full);
		received += some;
	} while (is_full && is_open(connection) && received < CONNECTION_ROUND_BYTES);
	return received > 0 || connection->state == LIFE_CLOSED;
}
