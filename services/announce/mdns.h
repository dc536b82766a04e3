/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/announce/mdns_service.h"

/*
 * mdns - has avahi-daemon announce the ports of this target by mDNS (TP8009).
 *
 * Shape     The bus, whether avahi-daemon is there and runs, and a service for each listener of the
 *           view.
 * Promise   What is announced follows the view. Without a bus, or without avahi-daemon, nothing is
 *           announced, one line says so, and it is tried again: when avahi-daemon appears on the
 *           bus, and after 1 s, then twice as long each time, up to a minute. avahi-daemon
 *           withdraws what we announce when we go, in whatever way.
 * Trust     as bus, mdns_service
 * Threads   the loop's
 * Lifetime  mdns_deinit(); the view is borrowed until the next one is given
 */
struct mdns {
	struct loop *loop;
	struct bus bus;
	const Nvmetd__AnnounceView *view; /* NULL: nothing to announce */
	struct list services;
	struct loop_timer retry;
	uint64_t backoff_ns;
	sd_bus_slot *ask; /* GetState under way */
	bool is_running;  /* avahi-daemon */
	char reason[160]; /* why nothing at all is announced; empty: it is not known yet, or it is
	                   */
};

void mdns_init(struct mdns *mdns, struct loop *loop);
void mdns_deinit(struct mdns *mdns);

/* NULL, or one without mdns: nothing is to be announced. */
void mdns_update(struct mdns *mdns, const Nvmetd__AnnounceView *view);
