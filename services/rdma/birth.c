/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "common/base/cache_line.h"
#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "services/rdma/connection.h"
#include "services/rdma/options.h"
#include "services/rdma/wire.h"

/* How long a host that has sent more than we have receives for is to wait: 0.16 ms (InfiniBand
 * Architecture 1.6 §9.7.5.2.8). What stands there without us is 655 ms. */
#define RNR_TIMER 8

/* ------------------------------------------------------------------ on the control thread */

static void limit_queue(struct queue *queue, const struct agreement *agreement)
{
	queue->has_qid = true;
	queue->expected_qid = agreement->asked.qid;
	queue->size_max = agreement->asked.entries;
	queue->io_size_max = agreement->io_entries;
	queue->capsule_max = agreement->in_capsule_bytes;
}

static void too_late(struct loop_timer *timer);

struct connection *connection_new(struct rdma_cm_id *id, struct adapter *adapter, uint32_t port_id,
                                  const struct agreement *agreement)
{
	struct connection *connection = line_alloc(sizeof(*connection));

	if (!connection ||
	    !queue_name(&connection->queue, rdma_get_peer_addr(id), rdma_get_local_addr(id))) {
		free(connection);
		return NULL;
	}
	connection->id = id;
	connection->adapter = adapter;
	connection->agreement = *agreement;
	connection->queue.port_id = port_id;
	connection->timer = LOOP_TIMER(too_late);
	connection->poster.failed = transfer_failed;
	connection->poster.before = transfer_receive;
	limit_queue(&connection->queue, agreement);
	list_init(&connection->in_bucket);
	list_init(&connection->marked);
	list_init(&connection->held);
	list_init(&connection->waiting);
	list_init(&connection->unfetched);
	list_init(&connection->flying);
	return connection;
}

void connection_reject(struct rdma_cm_id *id, enum rdma_cm_status status)
{
	struct rdma_cm_reject_wire reject = rdma_cm_write_reject(status);

	rdma_reject(id, &reject, sizeof(reject));
}

struct connection *connection_free(struct connection *connection)
{
	struct station *station = connection->station;

	list_remove(&connection->marked);
	loop_timer_clear(&connection->timer);
	connection_dismantle(connection);
	if (connection->has_own_receives)
		receives_free(connection->receives);
	else if (connection->receives)
		station_unshare(station, connection->receives);
	adapter_drop(connection->adapter);
	free(connection);
	if (station)
		lane_leave(station);
	return NULL;
}

/* ------------------------------------------------------------------ a queue pair */

static bool lend(void *context, uint32_t bytes, uint64_t *ret_offset)
{
	return reactor_lend(context, bytes, ret_offset);
}

static void take_back(void *context, uint32_t bytes, uint64_t offset)
{
	reactor_take_back(context, bytes, offset);
}

static struct receives_memory memory_of(const struct connection *connection,
                                        struct reactor *reactor)
{
	return (struct receives_memory){
		.context = reactor,
		.lend = lend,
		.take_back = take_back,
		.base = reactor_memory(reactor).iov_base,
		.key = connection->adapter->regions[reactor_index(reactor)]->lkey,
	};
}

/* A host that meets a shared receive queue with nothing in it waits, but not on iWARP. */
static bool shares_receives(const struct adapter *adapter)
{
	if (adapter->max_srq_wr == 0 || options_srq() == OPTIONS_SRQ_OFF)
		return false;
	return options_srq() == OPTIONS_SRQ_ON || !adapter->is_iwarp;
}

static int get_receives(struct connection *connection, struct reactor *reactor)
{
	const struct agreement *agreement = &connection->agreement;
	struct receives_memory memory = memory_of(connection, reactor);

	if (shares_receives(connection->adapter))
		return station_share(connection->station,
		                     &memory,
		                     agreement->in_capsule_bytes,
		                     &connection->receives);
	connection->has_own_receives = true;
	return receives_new(&connection->receives,
	                    connection->adapter,
	                    &memory,
	                    agreement->in_capsule_bytes,
	                    agreement->receives,
	                    agreement->asked.entries,
	                    false);
}

static int get_completions(struct connection *connection)
{
	const struct receives *receives = connection->receives;
	uint32_t entries = connection->agreement.sends +
	                   (connection->has_own_receives ? receives->n : 0);
	int r = completions_reserve(&connection->station->completions,
	                            entries,
	                            connection->has_own_receives ? NULL : receives,
	                            receives->n,
	                            &connection->completions);

	if (!r)
		connection->completions_used = entries;
	return r;
}

static int make_pair(struct connection *connection, uint32_t inline_bytes)
{
	struct ibv_qp_init_attr attributes = {
		.send_cq = connection->completions->cq,
		.recv_cq = connection->completions->cq,
		.srq = connection->receives->shared,
		.cap = {.max_send_wr = connection->agreement.sends,
	                .max_recv_wr = connection->has_own_receives ? connection->receives->n : 0,
	                .max_send_sge = inline_bytes > 0 ? 1 : 2, /* poster.c */
	                .max_recv_sge = 2,
	                .max_inline_data = inline_bytes},
		.qp_type = IBV_QPT_RC,
	};

	return rdma_create_qp(connection->id, connection->adapter->pd, &attributes) == 0
	               ? 0
	               : adapter_error(-1);
}

/* An adapter that sends nothing inline reads answers from the arena. */
static int place_answers(struct connection *connection, struct reactor *reactor)
{
	struct poster *poster = &connection->poster;

	connection->answers_bytes = connection->agreement.sends * sizeof(struct nvme_completion);
	if (!reactor_lend(reactor, connection->answers_bytes, &connection->answers_offset)) {
		connection->answers_bytes = 0;
		return error_origin(-ENOBUFS);
	}
	poster->answers = (uint8_t *)reactor_memory(reactor).iov_base + connection->answers_offset;
	poster->n_answers = connection->agreement.sends;
	return 0;
}

static int get_pair(struct connection *connection, struct reactor *reactor)
{
	struct poster *poster = &connection->poster;
	int r = connection->adapter->is_iwarp
	                ? -EINVAL /* siw: not together with invalidation */
	                : make_pair(connection, sizeof(struct nvme_completion));

	poster->is_inline = r == 0;
	/* siw gives what is not signalled to TCP without a copy, and says that all before it is
	 * done while that is yet to be sent: the host would get what comes there next */
	poster->signals_writes = connection->adapter->is_iwarp;
	if (r == -EINVAL)
		r = make_pair(connection, 0);
	if (r)
		return error_origin(r);
	connection->pair_number = connection->id->qp->qp_num;
	station_add(connection->station, connection);
	poster->pair = connection->id->qp;
	poster->room = connection->agreement.sends;
	poster->key = connection->adapter->regions[reactor_index(reactor)]->lkey;
	if (connection->has_own_receives)
		connection->receives->pair = connection->id->qp;
	return poster->is_inline ? 0 : place_answers(connection, reactor);
}

/* The identifier first: on iWARP it holds the queue pair, whose end would be waited for. */
static void destroy_pair(struct connection *connection)
{
	struct rdma_cm_id *id = take(&connection->id);
	struct ibv_qp *pair;

	if (!id)
		return;
	pair = take(&id->qp);
	rdma_destroy_id(id);
	if (pair)
		ibv_destroy_qp(pair);
}

void connection_dismantle(struct connection *connection)
{
	struct station *station = connection->station;

	/* what was received before belongs to receives that may be shared, and goes with the pair
	 */
	if (connection->completions)
		completions_drain(&station->completions, connection->completions);
	destroy_pair(connection);
	if (connection->completions) {
		completions_drain(&station->completions, connection->completions);
		completions_release(connection->completions, connection->completions_used);
		connection->completions = NULL;
	}
	list_remove(&connection->in_bucket);
	if (connection->answers_bytes)
		reactor_take_back(connection->lane->reactor,
		                  connection->answers_bytes,
		                  connection->answers_offset);
	connection->answers_bytes = 0;
}

/* ------------------------------------------------------------------ on its reactor */

static int prepare(struct connection *connection, struct reactor *reactor)
{
	int r = lane_of(reactor, &connection->lane);

	if (!r && rdma_migrate_id(connection->id, connection->lane->events.channel) < 0)
		r = error_origin(-errno);
	if (r) /* the identifier is the control thread's */
		return r;
	connection->id->context = connection;
	r = lane_station(connection->lane, connection->adapter, &connection->station);
	if (!r)
		r = get_receives(connection, reactor);
	if (!r)
		r = get_completions(connection);
	if (!r)
		r = get_pair(connection, reactor);
	if (!r)
		r = receives_post(connection->receives);
	return r;
}

static int accept_host(struct connection *connection)
{
	const struct agreement *agreement = &connection->agreement;
	struct rdma_cm_accept_wire accept = rdma_cm_write_accept(
		(uint16_t)agreement->asked.entries);
	struct rdma_conn_param parameters = {
		.private_data = &accept,
		.private_data_len = sizeof(accept),
		.initiator_depth = agreement->reads,
		.flow_control = 1,
		.rnr_retry_count = 7, /* as long as it takes, or until we lose patience */
	};
	struct ibv_qp_attr timer = {.qp_state = IBV_QPS_RTS, .min_rnr_timer = RNR_TIMER};
	int r = rdma_accept(connection->id, &parameters) < 0 ? error_origin(-errno) : 0;

	/* where it fails, hosts wait longer */
	if (!r && !connection->adapter->is_iwarp)
		ibv_modify_qp(connection->id->qp, &timer, IBV_QP_STATE | IBV_QP_MIN_RNR_TIMER);
	return r;
}

static const char *explain(int r)
{
	return r == -ENOBUFS ? "no memory for its capsules: raise --arena-mib, or use shared "
	                       "receive queues"
	                     : error_words(r);
}

void connection_adopt(struct reactor *reactor, void *adopted)
{
	struct connection *connection = adopted;
	int r = prepare(connection, reactor);

	if (!r)
		r = queue_open(&connection->queue, reactor, &rdma_wire);
	if (r) {
		connection_warn(connection, "connection refused: %s", explain(r));
		connection_reject(connection->id, RDMA_CM_NO_RESOURCES);
		connection_free(connection);
		return;
	}
	connection->state_since_ns = loop_now_ns(connection->lane->loop);
	r = accept_host(connection);
	if (r) {
		connection_warn(connection, "connection refused: %s", error_words(r));
		connection_event(connection, LIFE_ON_HUNG_UP);
	}
	connection_mark(connection);
}

static void too_late(struct loop_timer *timer)
{
	connection_mark(container_of(timer, struct connection, timer));
}
