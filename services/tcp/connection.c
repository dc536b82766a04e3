/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/tcp/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cache_line.h"
#include "common/base/error.h"
#include "services/tcp/wire.h"

/* ------------------------------------------------------------------ birth */

static void set_int(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		error_origin(-errno); /* slower, or later known to be dead; but it works */
}

/* No delay: what is sent is gathered by us. A dead host is found by the kernel: in a minute if
 * idle, in 30 s if it owes an acknowledgement. */
static void set_options(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 30000);
}

static int name_queue(struct queue *queue, int fd)
{
	struct sockaddr_storage peer, local;
	socklen_t peer_size = sizeof(peer), local_size = sizeof(local);

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &local_size) < 0)
		return error_origin(-errno);
	return queue_name(queue, (struct sockaddr *)&peer, (struct sockaddr *)&local)
	               ? 0
	               : error_origin(-EAFNOSUPPORT);
}

static void ready(struct loop_source *source, uint32_t events);
static bool try(struct loop_source *source);
static void expired(struct loop_timer *timer);

struct connection *connection_new(int fd, uint32_t port_id)
{
	struct connection *connection = line_alloc(sizeof(*connection));

	if (!connection || name_queue(&connection->queue, fd)) {
		free(connection);
		close(fd);
		return NULL;
	}
	set_options(fd);
	connection->fd = fd;
	connection->queue.port_id = port_id;
	connection->source = LOOP_SOURCE(ready);
	connection->source.try = try;
	connection->timer = LOOP_TIMER(expired);
	receiver_init(&connection->receiver);
	connection->receiver.agreement.h2c_data_max = CONNECTION_MAXH2CDATA;
	list_init(&connection->marked);
	list_init(&connection->asked);
	list_init(&connection->unasked);
	list_init(&connection->sending);
	return connection;
}

void connection_free(struct connection *connection)
{
	cleanup_close(&connection->fd);
	free(connection->stash);
	free(connection->inherited);
	free(connection);
}

/* ------------------------------------------------------------------ life on a reactor */

/* 0, or a negative errno: then there is no queue, and it is freed. */
static int begin(struct connection *connection, struct reactor *reactor)
{
	int r;

	connection->lane = lane_of(reactor);
	r = connection->lane ? 0 : error_origin(-ENOMEM);
	if (!r)
		r = queue_open(&connection->queue, reactor, &tcp_wire);
	if (r) {
		if (connection->lane)
			connection_warn(connection, "connection refused: %s", error_words(r));
		connection_free(connection);
		return r;
	}
	connection->state_since_ns = loop_now_ns(connection->lane->loop);
	r = loop_add(connection->lane->loop, &connection->source, connection->fd, EPOLLIN);
	if (r) {
		connection_warn(connection, "connection refused: %s", error_words(r));
		connection_event(connection, LIFE_ON_HUNG_UP);
		return 0;
	}
	connection_mark(connection);
	return 0;
}

void connection_adopt(struct reactor *reactor, void *adopted)
{
	begin(adopted, reactor);
}

struct queue *connection_inherit(struct reactor *reactor, int fd,
                                 const Nvmetd__HandoverConnection *message,
                                 struct controller *controller)
{
	struct connection *connection = connection_new(fd, message->port_id);
	int r = connection ? begin(connection, reactor) : -ENOMEM;

	if (r)
		return NULL;
	if (connection->state != LIFE_CLOSED && !heir_take(connection, message, controller)) {
		connection_warn(connection, "connection lost in the restart");
		connection_event(connection, LIFE_ON_HUNG_UP);
	}
	return &connection->queue;
}

void connection_freeze(struct reactor *reactor)
{
	struct lane *lane = lane_of(reactor);

	if (lane)
		lane->is_frozen = true;
}

void connection_mark(struct connection *connection)
{
	lane_mark(connection->lane, &connection->marked);
}

static void ready(struct loop_source *source, uint32_t events)
{
	struct connection *connection = container_of(source, struct connection, source);

	connection_mark(connection);
	if (events & EPOLLIN)
		connection_readable(connection);
	else if (events & (EPOLLERR | EPOLLHUP))
		connection_event(connection, LIFE_ON_HUNG_UP);
}

/* Whole commands have come, and the core has them: there is nothing to be done but to answer. */
static bool is_settled(const struct connection *connection)
{
	return connection->state == LIFE_READY && !connection->paused && !connection->resumed &&
	       connection->pdu_since_ns == 0 && !connection->queue.starved &&
	       list_is_empty(&connection->asked);
}

static bool try(struct loop_source *source)
{
	struct connection *connection = container_of(source, struct connection, source);
	bool found;

	if (!(source->events & EPOLLIN)) /* what it would find is not wanted now */
		return false;
	found = connection_readable(connection);
	if (found && !is_settled(connection))
		connection_mark(connection);
	return found;
}

void connection_terminate(struct queue *queue, const char *reason)
{
	struct connection *connection = connection_of(queue);

	queue_tell_end(queue, &connection->lane->ends, reason);
	connection_event(connection, LIFE_ON_DISMISSED);
	connection_mark(connection);
}

void connection_describe(struct queue *queue, bool *ret_header_digest, bool *ret_data_digest)
{
	const struct tcp_agreement *agreement = &connection_of(queue)->receiver.agreement;

	*ret_header_digest = agreement->header_digest;
	*ret_data_digest = agreement->data_digest;
}

/* ------------------------------------------------------------------ deadlines */

struct deadline {
	uint64_t due_ns; /* 0: nothing is waited for */
	const char *what;
};

static void consider(struct deadline *deadline, uint64_t since_ns, uint64_t limit_ns,
                     const char *what)
{
	if (since_ns == 0 || (deadline->due_ns && deadline->due_ns <= since_ns + limit_ns))
		return;
	*deadline = (struct deadline){.due_ns = since_ns + limit_ns, .what = what};
}

/* A host that is waited for with something. */
struct wait {
	uint64_t since_ns; /* 0: it is not */
	uint64_t moved_ns; /* when it did something about it last */
	uint32_t limit_ms;
	const char *what;
};

/* For the whole of it; and for doing anything about it at all. */
static void consider_wait(struct deadline *deadline, const struct limits *limits,
                          const struct wait *wait)
{
	uint64_t moved_ns = wait->moved_ns > wait->since_ns ? wait->moved_ns : wait->since_ns;

	if (wait->since_ns == 0)
		return;
	consider(deadline, wait->since_ns, wait->limit_ms * NS_PER_MS, wait->what);
	consider(deadline, moved_ns, limits->idle_timeout_ms * NS_PER_MS, wait->what);
}

/* The first thing to become too late, of all that the host is waited for with. Nothing that comes
 * behind what we do not read is. */
static struct deadline next_deadline(const struct connection *connection)
{
	const struct limits *limits = connection->lane->limits;
	uint64_t state_ns = life_deadline_ns(connection->state);
	const struct wait pdu = {connection->pdu_since_ns,
	                         connection->heard_ns,
	                         limits->pdu_timeout_ms,
	                         "the rest of a PDU did not come"};
	const struct wait answers = {connection->stuck_since_ns,
	                             connection->took_ns,
	                             limits->answer_timeout_ms,
	                             "it does not take its answers"};
	const struct wait transfers = {connection->paused ? 0 : transfer_oldest_ns(connection),
	                               connection->heard_ns,
	                               limits->transfer_timeout_ms,
	                               "the data that R2T asked for did not come"};
	struct deadline deadline = {0};

	if (connection->state == LIFE_CLOSED)
		return deadline;
	if (connection->state == LIFE_AWAIT_ICREQ)
		consider(&deadline,
		         connection->state_since_ns,
		         limits->icreq_timeout_ms * NS_PER_MS,
		         "ICReq did not come");
	else if (state_ns)
		consider(&deadline, connection->state_since_ns, state_ns, "it does not close");
	consider_wait(&deadline, limits, &pdu);
	consider_wait(&deadline, limits, &answers);
	consider_wait(&deadline, limits, &transfers);
	return deadline;
}

/* As nearly always at the end of a round. */
static bool waits_for_nothing(const struct connection *connection)
{
	return connection->state == LIFE_READY && connection->pdu_since_ns == 0 &&
	       connection->stuck_since_ns == 0 && list_is_empty(&connection->asked);
}

/* Waits begin and end with every PDU, the timer is touched only when it would be too late: it
 * may expire for a wait that is over, and then looks for the next. */
static void watch(struct connection *connection)
{
	struct deadline deadline;
	uint64_t set_ns = connection->timer.due_ns;

	if (waits_for_nothing(connection))
		return;
	deadline = next_deadline(connection);
	if (deadline.due_ns == 0 || (set_ns && set_ns <= deadline.due_ns))
		return;
	if (loop_timer_set(connection->lane->loop, &connection->timer, deadline.due_ns))
		connection_event(connection, LIFE_ON_HUNG_UP); /* no memory */
}

static void expired(struct loop_timer *timer)
{
	struct connection *connection = container_of(timer, struct connection, timer);
	struct deadline deadline = next_deadline(connection);

	connection_mark(connection);
	if (deadline.due_ns == 0 || deadline.due_ns > loop_now_ns(connection->lane->loop))
		return;
	connection_warn(connection, "connection closed: too late: %s", deadline.what);
	connection_event(connection, LIFE_ON_LATE);
}

/* ------------------------------------------------------------------ end of a round */

static uint32_t events_wanted(const struct connection *connection)
{
	uint32_t events = 0;

	if (!connection->lane->is_frozen &&
	    (connection_is_receiving(connection) || connection->state == LIFE_LINGERING))
		events |= EPOLLIN;
	if (connection->stuck_since_ns)
		events |= EPOLLOUT;
	return events;
}

/* All of its requests wait for data, and that lies behind commands for which there are none: it
 * has put far more commands into its queue than the queue has entries. */
static void end_if_overfull(struct connection *connection)
{
	if (connection->state != LIFE_READY || !connection->queue.starved ||
	    connection->queue.in_core > 0 || list_is_empty(&connection->asked) ||
	    !list_is_empty(&connection->unasked) || !list_is_empty(&connection->sending))
		return;
	connection_warn(connection, "connection closed: more commands than its queue has entries");
	connection_event(connection, LIFE_ON_DISMISSED);
}

void connection_settle(struct connection *connection)
{
	if (connection->state == LIFE_CLOSED)
		return;
	if (connection->resumed && !connection->lane->is_frozen)
		connection_read_on(connection);
	send_flush(connection);
	end_if_overfull(connection);
	if (connection->state == LIFE_DRAINING && list_is_empty(&connection->sending))
		connection_event(connection, LIFE_ON_SENT);
	watch(connection);
	if (connection->state == LIFE_CLOSED)
		return;
	if (loop_change(&connection->source, events_wanted(connection)))
		connection_event(connection, LIFE_ON_HUNG_UP);
}

/* ------------------------------------------------------------------ death */

/* What the core has is the core's to forget; what is here is finished here. */
static void close_queue(struct connection *connection)
{
	struct list *link;

	queue_close(&connection->queue);
	while ((link = list_take_first(&connection->sending))) {
		struct outgoing *outgoing = container_of(link, struct outgoing, link);

		if (outgoing->request)
			request_finish(outgoing->request);
	}
	request_finish_all(&connection->asked);
	request_finish_all(&connection->unasked);
	if (connection->incoming)
		request_finish(take(&connection->incoming));
}

static void enter(struct connection *connection)
{
	switch (connection->state) {
	case LIFE_AWAIT_ICREQ:
	case LIFE_READY:
	case LIFE_DRAINING:
		return;
	case LIFE_LINGERING:
		connection->mute = true;
		shutdown(connection->fd, SHUT_WR);
		return;
	case LIFE_CLOSED:
		connection->mute = true;
		loop_timer_clear(&connection->timer);
		connection_drop_stash(connection);
		loop_remove(&connection->source);
		cleanup_close(&connection->fd);
		connection->fd = -1;
		close_queue(connection);
		return;
	}
}

void connection_event(struct connection *connection, enum life_event event)
{
	enum life_state state = life_next(connection->state, event);

	if (state == connection->state)
		return;
	log_debug("%s: %s -> %s (%s)",
	          connection->queue.host_address,
	          life_state_name(connection->state),
	          life_state_name(state),
	          life_event_words(event));
	/* The host's time to close runs from when its end began, so that it takes 2 s at most. */
	if (state != LIFE_LINGERING)
		connection->state_since_ns = loop_now_ns(connection->lane->loop);
	connection->state = state;
	enter(connection);
}

void connection_closed(struct queue *queue)
{
	struct connection *connection = connection_of(queue);

	list_remove(&connection->marked);
	connection_free(connection);
}
