/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/list.h"
#include "hw-drivers/rdma/adapter.h"
#include "hw-drivers/rdma/completions.h"
#include "hw-drivers/rdma/receives.h"

/*
 * station - an adapter, as the connections of one reactor use it.
 *
 * Shape     Its completions on this thread, shared receive queues, one for each size of capsules,
 *           and the connections, found by the number of their queue pair.
 * Promise   A completion of a queue pair that is not in the table any more is nobody's; what it
 *           received is received again.
 * Trust     the adapter
 * Threads   the reactor's
 *           A receive that was taken for a message which never came to its end may be lost with
 *           its queue pair, and a host could do that on purpose: when so many have ended that a
 *           quarter may be lost, a shared receive queue gets no more queue pairs, and those to
 *           come get another.
 * Lifetime  From the first connection of this adapter until the adapter is gone and has none. A
 *           shared receive queue goes with its last connection.
 */
#define STATION_BUCKETS 1024u

struct lane;
struct connection;

struct station {
	struct list link; /* the lane's */
	struct lane *lane;
	struct adapter *adapter;
	struct completions completions;
	struct list shared; /* struct receives */
	unsigned n_users;   /* connections, from lane_station() to lane_leave() */
	bool is_lost;       /* its device is gone */
	struct list buckets[STATION_BUCKETS];
};

/* 0 or a negative errno. Holds the adapter. */
int station_new(struct station **ret_station, struct lane *lane, struct adapter *adapter);
struct station *station_free(struct station *station);

/* By the number of its queue pair; connection->in_bucket is taken out when that is gone. */
void station_add(struct station *station, struct connection *connection);

/* The shared receive queue for capsules with so much data, made if there is none yet. 0 or a
 * negative errno. */
int station_share(struct station *station, const struct receives_memory *memory,
                  uint32_t body_bytes, struct receives **ret_receives);
void station_unshare(struct station *station, struct receives *receives);

/* Posts what was given back to the shared receive queues. False: there is some that could not be.
 */
bool station_receive(struct station *station);
/* There is some. */
bool station_has_receives(const struct station *station);
