/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * announce - tells nvmetd-announce what it is to announce.
 *
 * Shape     AnnounceView: what the configuration says, and which of its ports listen now, by
 *           the reports of transports. It is sent when it differs from the last one.
 * Promise   After a start nothing is sent before the transports have said of each port whether
 *           it listens, or ANNOUNCE_SETTLE_NS have passed: what is announced stays meanwhile. A
 *           port whose transport was lost still counts while that is expected back, as hosts
 *           that connect wait for it in the kernel's queue.
 * Trust     transports may be broken; what they report is a yes or a no
 * Threads   one
 * Lifetime  an announcer is there as long as its connection
 */
#define ANNOUNCE_SETTLE_NS (2 * NS_PER_S)

struct announcer {
	struct list link;
	struct ipc_peer *peer;
	struct last_message view;
	uint64_t revision; /* of the last view; 0: none yet */
};

/* NULL if there is no memory. */
struct announcer *announce_arrived(struct state *state, struct ipc_peer *peer);
void announce_gone(struct announcer *announcer);

/* After every change of the configuration or of a listener. */
void announce_update(struct state *state);

/* NULL: none of that name is connected. */
struct announcer *announce_find(const struct state *state, const char *name);

void announce_deinit(struct state *state);
