/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

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
 * Lifetime  from the first connection of this adapter until the adapter is gone and has none
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
	unsigned n_connections;
	struct list buckets[STATION_BUCKETS];
};

/* 0 or a negative errno. Holds the adapter. */
int station_new(struct station **ret_station, struct lane *lane, struct adapter *adapter);
struct station *station_free(struct station *station);

void station_add(struct station *station, struct connection *connection);
void station_remove(struct station *station, struct connection *connection);

/* The shared receive queue for capsules with so much data, made if there is none yet. 0 or a
 * negative errno. */
int station_share(struct station *station, const struct receives_memory *memory,
                  uint32_t body_bytes, struct receives **ret_receives);

/* Posts what was given back to the shared receive queues. */
void station_receive(struct station *station);
