/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/station.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "services/rdma/connection.h"
#include "services/rdma/options.h"

/* Fewer capsules than this are no use to a set of hosts. */
#define SHARED_LEAST 32u

static struct list *bucket_of(struct station *station, uint32_t pair)
{
	return &station->buckets[pair % STATION_BUCKETS];
}

static struct connection *find(struct station *station, uint32_t pair)
{
	list_for_each (link, bucket_of(station, pair)) {
		struct connection *connection = container_of(link, struct connection, in_bucket);

		if (connection->pair_number == pair)
			return connection;
	}
	return NULL;
}

static void done(struct completions *completions, const struct ibv_wc *wc)
{
	struct station *station = container_of(completions, struct station, completions);
	struct connection *connection = find(station, wc->qp_num);

	if (connection && receive_is(wc->wr_id))
		capsule_arrived(connection, receive_of(wc->wr_id), wc);
	else if (connection)
		transfer_done(connection, wc);
	else if (receive_is(wc->wr_id))
		receive_again(receive_of(wc->wr_id));
}

/* Connections that are idle hear of it by the connection manager, each by itself. */
static void lost(struct completions *completions)
{
	struct station *station = container_of(completions, struct station, completions);

	station->is_lost = true;
	if (station->n_users == 0)
		station_free(station);
}

int station_new(struct station **ret_station, struct lane *lane, struct adapter *adapter)
{
	struct station *station = calloc(1, sizeof(*station));
	int r;

	if (!station)
		return error_origin(-ENOMEM);
	station->lane = lane;
	station->adapter = adapter_hold(adapter);
	list_init(&station->link);
	list_init(&station->shared);
	for (unsigned i = 0; i < STATION_BUCKETS; i++)
		list_init(&station->buckets[i]);
	r = completions_init(&station->completions,
	                     adapter,
	                     lane->loop,
	                     reactor_index(lane->reactor),
	                     done,
	                     lost);
	if (r) {
		station_free(station);
		return error_trace(r);
	}
	*ret_station = station;
	return 0;
}

struct station *station_free(struct station *station)
{
	list_remove(&station->link);
	while (!list_is_empty(&station->shared))
		receives_free(container_of(station->shared.next, struct receives, link));
	if (station->completions.adapter)
		completions_deinit(&station->completions);
	adapter_drop(station->adapter);
	free(station);
	return NULL;
}

void station_add(struct station *station, struct connection *connection)
{
	list_append(bucket_of(station, connection->pair_number), &connection->in_bucket);
}

/* ------------------------------------------------------------------ shared receive queues */

/* Each queue pair that ends takes one with it at most. */
static bool is_worn(const struct receives *receives)
{
	return receives->n_ends > receives->n / 4;
}

static struct receives *find_shared(struct station *station, uint32_t body_bytes)
{
	list_for_each (link, &station->shared) {
		struct receives *receives = container_of(link, struct receives, link);

		if (receives->body_bytes >= body_bytes && !receives->body_bytes == !body_bytes &&
		    !is_worn(receives))
			return receives;
	}
	return NULL;
}

/* Half of the reactor's memory is for receives; other adapters, sizes and queues need theirs, too.
 */
static uint32_t shared_most(const struct station *station, uint32_t body_bytes)
{
	size_t bytes = reactor_memory(station->lane->reactor).iov_len / 2 / 4;
	size_t most = body_bytes > 0 ? bytes / receive_body_bytes(body_bytes) : UINT32_MAX;

	return most < options_srq_size() ? (uint32_t)most : options_srq_size();
}

int station_share(struct station *station, const struct receives_memory *memory,
                  uint32_t body_bytes, struct receives **ret_receives)
{
	int r;

	*ret_receives = find_shared(station, body_bytes);
	if (*ret_receives) {
		(*ret_receives)->n_users++;
		return 0;
	}
	r = receives_new(ret_receives,
	                 station->adapter,
	                 memory,
	                 body_bytes,
	                 shared_most(station, body_bytes),
	                 SHARED_LEAST,
	                 true);
	if (r)
		return error_trace(r);
	list_append(&station->shared, &(*ret_receives)->link);
	(*ret_receives)->n_users++;
	return 0;
}

void station_unshare(struct station *station, struct receives *receives)
{
	receives->n_ends++;
	if (--receives->n_users > 0)
		return;
	completions_release_shared(&station->completions, receives, receives->n);
	receives_free(receives);
}

bool station_receive(struct station *station)
{
	bool all = true;

	list_for_each (link, &station->shared)
		all &= receives_post(container_of(link, struct receives, link)) == 0;
	return all;
}

bool station_has_receives(const struct station *station)
{
	list_for_each (link, &station->shared)
		if (container_of(link, struct receives, link)->first)
			return true;
	return false;
}
