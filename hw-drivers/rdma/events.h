/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <rdma/rdma_cma.h>

#include "common/loop/loop.h"

/*
 * events - what the connection manager tells one thread.
 *
 * Shape     An event channel of librdmacm's on the thread's loop.
 * Promise   An event is acknowledged before `happened` is called with a copy of it, so that who
 *           is called may destroy the identifier; and nothing of the identifier is looked at after
 *           that, as another thread may have it then.
 * Trust     what a host said in it (private data) is not
 * Threads   one
 * Lifetime  events_close() when no identifier is on the channel any more
 */
#define EVENT_PRIVATE_MAX 256u

struct event {
	enum rdma_cm_event_type type;
	int status;
	struct rdma_cm_id *id;
	void *context;      /* the identifier's; of a connection request: the listener's */
	uint8_t host_reads; /* of ours that the host takes at a time */
	uint8_t private_bytes;
	uint8_t private_data[EVENT_PRIVATE_MAX];
};

struct events {
	struct rdma_event_channel *channel; /* NULL: not open */
	struct loop_source source;
	void (*happened)(struct events *events, const struct event *event);
};

/* 0 or a negative errno: -ENODEV, -ENOENT: this machine has no RDMA. */
int events_open(struct events *events, struct loop *loop,
                void (*happened)(struct events *, const struct event *));
void events_close(struct events *events);
