/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/connection.h"

#include "common/base/error.h"

/* None of the capsules that are held has found a request: it has more commands under way than its
 * queue has entries, and receives that others may need. */
#define HELD_NS (2 * NS_PER_S)

void connection_terminate(struct queue *queue, const char *reason)
{
	struct connection *connection = connection_of(queue);

	queue_tell_end(queue, &connection->lane->ends, reason);
	connection_event(connection, LIFE_ON_DISMISSED);
	connection_mark(connection);
}

void connection_resume(struct queue *queue)
{
	struct connection *connection = connection_of(queue);

	connection->is_resumed = true;
	connection_mark(connection);
}

/* A host of iWARP may keep the last message of its connecting to itself. Until the kernel has it,
 * or has given up, the end of queue pair and identifier would wait for it, and cannot be
 * interrupted; siw falls over it. */
static bool is_half_open(const struct connection *connection)
{
	return connection->adapter->is_iwarp && !connection->is_told;
}

/* ------------------------------------------------------------------ the connection manager */

void connection_hears(struct connection *connection, const struct event *event)
{
	log_debug("%s: %s (%d)",
	          connection->queue.host_address,
	          rdma_event_str(event->type),
	          event->status);
	connection->is_told = true;
	connection_mark(connection);
	switch (event->type) {
	case RDMA_CM_EVENT_ESTABLISHED:
		connection_event(connection, LIFE_ON_ESTABLISHED);
		return;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		connection_warn(connection, "connection ends: its device is going");
		connection_event(connection, LIFE_ON_HUNG_UP);
		return;
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_REJECTED:
	case RDMA_CM_EVENT_ADDR_CHANGE:
		connection_event(connection, LIFE_ON_HUNG_UP);
		return;
	default: /* of no meaning for it */
		return;
	}
}

/* ------------------------------------------------------------------ deadlines */

static uint64_t state_limit_ns(const struct connection *connection)
{
	return connection->state == LIFE_ACCEPTED
	               ? connection->lane->limits->icreq_timeout_ms * NS_PER_MS
	               : life_deadline_ns(connection->state);
}

/* What was posted has not come back: the host has no receive for an answer, or is not there. For
 * each of them, or a host that takes one now and then would keep its memory for ever. */
static uint64_t due_ns(const struct connection *connection)
{
	uint64_t stuck_ns = connection->lane->limits->answer_timeout_ms * NS_PER_MS;
	uint64_t state_ns = state_limit_ns(connection);
	uint64_t due = state_ns ? connection->state_since_ns + state_ns : 0;
	uint64_t flown_ns = transfer_oldest_ns(connection);

	if (connection->state != LIFE_FLUSHING && flown_ns &&
	    (due == 0 || flown_ns + stuck_ns < due))
		due = flown_ns + stuck_ns;
	if (connection->n_held > 0 && (due == 0 || connection->held_since_ns + HELD_NS < due))
		due = connection->held_since_ns + HELD_NS;
	return due;
}

/* Something comes back all the time; the timer is touched only when it would be too late. */
static void watch(struct connection *connection)
{
	uint64_t due = due_ns(connection), set = connection->timer.due_ns;

	if (due == 0 || (set && set <= due))
		return;
	if (loop_timer_set(connection->lane->loop, &connection->timer, due) == 0)
		return;
	connection->is_broken = true; /* no memory */
	connection_mark(connection);
}

static bool is_late(const struct connection *connection)
{
	uint64_t due = due_ns(connection);

	return due && loop_now_ns(connection->lane->loop) >= due;
}

static const char *what_is_late(const struct connection *connection)
{
	switch (connection->state) {
	case LIFE_ACCEPTED:
		return "the host did not say that it is connected";
	case LIFE_LIVE:
		return "it does not take its answers";
	case LIFE_DRAINING:
		return "it has not taken all its answers";
	case LIFE_FLUSHING:
		return "the adapter does not give back what was posted";
	case LIFE_CLOSED:
		break;
	}
	return "";
}

/* ------------------------------------------------------------------ the end of a round */

static void conclude(struct connection *connection)
{
	bool is_idle = list_is_empty(&connection->flying) && list_is_empty(&connection->waiting);

	if (connection->is_broken)
		connection_event(connection, LIFE_ON_HUNG_UP);
	if (connection->state == LIFE_DRAINING && is_idle)
		connection_event(connection, LIFE_ON_SENT);
	if (connection->state == LIFE_FLUSHING && list_is_empty(&connection->flying))
		connection_event(connection, LIFE_ON_FLUSHED);
	if (connection->state != LIFE_CLOSED && is_late(connection)) {
		connection_warn(connection, "too late: %s", what_is_late(connection));
		connection_event(connection, LIFE_ON_LATE);
	}
}

void connection_settle(struct connection *connection)
{
	if (connection->is_resumed && connection_is_live(connection) && !connection->is_broken) {
		connection->is_resumed = false;
		capsule_go_on(connection);
	}
	if (connection->state < LIFE_FLUSHING) {
		transfer_receive(&connection->poster);
		transfer_go_on(connection);
		poster_flush(&connection->poster);
	}
	if (is_half_open(connection) && connection->state == LIFE_ACCEPTED)
		return; /* what is to be done is done when the connection manager speaks */
	conclude(connection);
	if (connection->state == LIFE_CLOSED && connection->is_let_go)
		connection_free(connection);
	else if (connection->state != LIFE_CLOSED)
		watch(connection);
}

/* ------------------------------------------------------------------ death */

static void receive_all_again(struct connection *connection)
{
	struct list *link;

	while ((link = list_take_first(&connection->held)))
		receive_again(container_of(link, struct receive, link));
	connection->n_held = 0;
}

/* From here on the adapter gives back, with an error, whatever it is not done with. */
static void fail_pair(struct connection *connection)
{
	struct ibv_qp_attr failed = {.qp_state = IBV_QPS_ERR};

	connection->poster.is_broken = true;
	poster_flush(&connection->poster); /* what was gathered never flies */
	rdma_disconnect(connection->id);
	ibv_modify_qp(connection->id->qp, &failed, IBV_QP_STATE);
	queue_close(&connection->queue);
	receive_all_again(connection);
}

/* The adapter is at nothing any more. */
static void close_pair(struct connection *connection)
{
	loop_timer_clear(&connection->timer);
	connection_dismantle(connection);
	request_finish_all(&connection->flying);
	request_finish_all(&connection->waiting);
	request_finish_all(&connection->unfetched);
}

static void enter(struct connection *connection)
{
	switch (connection->state) {
	case LIFE_ACCEPTED:
	case LIFE_DRAINING:
		return;
	case LIFE_LIVE:
		connection->is_resumed = true;
		return;
	case LIFE_FLUSHING:
		fail_pair(connection);
		return;
	case LIFE_CLOSED:
		close_pair(connection);
		return;
	}
}

void connection_event(struct connection *connection, enum life_event event)
{
	enum life_state state = life_next(connection->state, event);

	if (is_half_open(connection) && state > LIFE_LIVE && connection->state < LIFE_DRAINING) {
		connection->is_broken = true;
		return;
	}
	if (state == connection->state)
		return;
	log_debug("%s: %s -> %s (%s)",
	          connection->queue.host_address,
	          life_state_name(connection->state),
	          life_state_name(state),
	          life_event_words(event));
	connection->state = state;
	connection->state_since_ns = loop_now_ns(connection->lane->loop);
	connection_mark(connection);
	enter(connection);
}

void connection_closed(struct queue *queue)
{
	struct connection *connection = connection_of(queue);

	connection->is_let_go = true;
	connection_mark(connection);
}
