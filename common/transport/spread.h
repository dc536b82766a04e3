/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * spread - which reactor a connection goes to.
 *
 * Shape     A count of the connections of each reactor, and of each host address on it: of all, and
 *           of those that do I/O or may yet. A connection counts from when it was placed, long
 *           before its reactor sees it, until it is gone.
 * Promise   A host's I/O queues go to the reactor that has the fewest of them, so that a host with
 *           as many queues as there are reactors has one on each; of several the reactor with
 *           the fewest in all. Admin queues are no load. No host address has more than its
 *           part of a reactor, so that others can connect.
 * Trust     Addresses are hosts': two with the same hash are taken for one.
 * Threads   the control thread's
 * Lifetime  spread_new(), spread_free()
 * Returns   spread_pick(): the reactor, or
 */
enum spread_error {
	SPREAD_E_FULL = -1, /* no reactor has room */
	SPREAD_E_HOST = -2, /* this host address has its part of all of them */
};

struct spread;

/* For so many reactors, with room for so many connections each, of which one address has half at
 * most. NULL: no memory. */
struct spread *spread_new(unsigned n_reactors, uint32_t room);
struct spread *spread_free(struct spread *spread);

/* Of "192.0.2.7:51234", without the port. */
uint32_t spread_host(const char *host_address);

/* The reactor, on which it counts from now on. */
int spread_pick(struct spread *spread, uint32_t host);
/* Connections of this host address, on all reactors. */
uint32_t spread_count(const struct spread *spread, uint32_t host);

/* It is to be on this one. False: there is no such reactor, or it has no room. */
bool spread_add(struct spread *spread, unsigned reactor, uint32_t host);
/* It turned out to be an admin queue. */
void spread_is_admin(struct spread *spread, unsigned reactor, uint32_t host);
/* It is gone. */
void spread_forget(struct spread *spread, unsigned reactor, uint32_t host, bool is_admin);
