/* SPDX-License-Identifier: BSD-2-Clause */
#include "services/rdma/lane.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "services/rdma/connection.h"

/* One for each reactor, touched by its thread alone. */
#define LANES 64

static struct lane lanes[LANES];

/* ------------------------------------------------------------------ the end of a round */

static void receive(struct lane *lane)
{
	list_for_each (at, &lane->stations)
		station_receive(container_of(at, struct station, link));
}

/* Once round: who is marked meanwhile has the next turn. */
static void settle_marked(struct lane *lane)
{
	struct list now, *link;

	if (list_is_empty(&lane->marked))
		return;
	list_init(&now);
	list_append(&lane->marked, &now);
	list_remove(&lane->marked);
	while ((link = list_take_first(&now)))
		connection_settle(container_of(link, struct connection, marked));
}

/* What settling gives back is posted, too. */
static void end_round(struct lane *lane)
{
	receive(lane);
	settle_marked(lane);
	receive(lane);
}

void lane_mark(struct lane *lane, struct list *link)
{
	if (list_is_empty(link))
		list_append(&lane->marked, link);
}

void lane_flush(struct reactor *reactor)
{
	end_round(&lanes[reactor_index(reactor) % LANES]);
}

/* ------------------------------------------------------------------ looking */

static unsigned look(struct looker *looker)
{
	struct lane *lane = container_of(looker, struct lane, looker);
	unsigned n = 0;

	list_for_each (at, &lane->stations)
		n += completions_look(&container_of(at, struct station, link)->completions);
	n += !list_is_empty(&lane->marked);
	end_round(lane);
	return n;
}

static bool may_sleep(struct looker *looker)
{
	struct lane *lane = container_of(looker, struct lane, looker);

	if (!list_is_empty(&lane->marked))
		return false;
	list_for_each (at, &lane->stations) {
		struct station *station = container_of(at, struct station, link);

		if (station_has_receives(station) || !completions_sleep(&station->completions))
			return false;
	}
	return true;
}

/* A completion that is told of without need costs a system call at most. */
static void wake(struct looker *looker)
{
	(void)looker;
}

/* ------------------------------------------------------------------ the connection manager */

static void happened(struct events *events, const struct event *event)
{
	struct connection *connection = event->context;

	(void)events;
	if (connection)
		connection_hears(connection, event);
}

/* ------------------------------------------------------------------ its life */

int lane_of(struct reactor *reactor, struct lane **ret_lane)
{
	struct lane *lane = &lanes[reactor_index(reactor) % LANES];
	int r;

	*ret_lane = lane;
	if (lane->loop)
		return 0;
	r = events_open(&lane->events, reactor_loop(reactor), happened);
	if (r)
		return error_trace(r);
	lane->loop = reactor_loop(reactor);
	lane->limits = reactor_limits(reactor);
	lane->reactor = reactor;
	list_init(&lane->stations);
	list_init(&lane->marked);
	lane->looker = (struct looker){.look = look, .sleep = may_sleep, .wake = wake};
	loop_look(lane->loop, &lane->looker);
	return 0;
}

int lane_station(struct lane *lane, struct adapter *adapter, struct station **ret_station)
{
	int r;

	list_for_each (at, &lane->stations) {
		struct station *station = container_of(at, struct station, link);

		if (station->adapter != adapter)
			continue;
		if (station->is_lost)
			return error_origin(-ENODEV);
		station->n_users++;
		*ret_station = station;
		return 0;
	}
	if (atomic_load(&adapter->is_gone))
		return error_origin(-ENODEV);
	r = station_new(ret_station, lane, adapter);
	if (r)
		return error_trace(r);
	(*ret_station)->n_users++;
	list_append(&lane->stations, &(*ret_station)->link);
	return 0;
}

void lane_leave(struct station *station)
{
	station->n_users--;
	if (station->n_users == 0 && (station->is_lost || atomic_load(&station->adapter->is_gone)))
		station_free(station);
}
