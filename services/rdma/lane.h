/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/base/cache_line.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/loop/loop.h"
#include "common/transport/port.h"
#include "hw-drivers/rdma/events.h"
#include "services/rdma/station.h"

/*
 * lane - what the connections of one reactor share.
 *
 * Shape     Its stations, its part of the connection manager, and a list of connections that have
 *           something to be done at the end of the round: post, change state.
 * Promise   Completions are looked for in each round, and told of before the reactor sleeps. What
 *           is to be posted in a round is posted at its end: receives before sends, so that a
 *           host that has its answer finds room for its next command.
 * Trust     none
 * Threads   the reactor's
 * Lifetime  made when the reactor gets its first connection; then the process's
 */
struct lane {
	_Alignas(CACHE_LINE) struct loop *loop;
	struct reactor *reactor;
	struct looker looker;
	struct events events;
	struct list stations;
	struct list marked;
	struct log_limit refusals;   /* lines about hosts that were refused something */
	struct log_limit ends;       /* lines about connections that have ended */
	const struct limits *limits; /* the reactor's */
};

/* 0 or a negative errno. */
int lane_of(struct reactor *reactor, struct lane **ret_lane);

/* For one connection more. 0 or a negative errno. */
int lane_station(struct lane *lane, struct adapter *adapter, struct station **ret_station);
/* One connection less: a station that is of no use any more is closed. */
void lane_leave(struct station *station);

/* connection_settle() is called for it at the end of this round. */
void lane_mark(struct lane *lane, struct list *link);

/* Does that now; for the core's flush(). */
void lane_flush(struct reactor *reactor);
