/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * proxy - a bad network: a TCP proxy that delays, slows, freezes, cuts and forgets.
 *
 * Shape     A thread with epoll. For each connection taken there is one to the target; in each
 * direction a ring of bytes, each of which is due some time after it came. Promise   Bytes are
 * never reordered, changed or made up within a connection: what TCP may do to its user. Memory is
 * bounded: a full ring is not read into. Trust     both ends may do anything Threads   its own; the
 * calls here are for others, and take effect at once Lifetime  proxy_deinit() ends the thread and
 * all connections
 */
struct proxy;

/* Listens on a port of 127.0.0.1 that it picks: ret_port. Negative errno. */
int proxy_new(struct proxy **ret_proxy, const char *traddr, const char *trsvcid,
              uint16_t *ret_port);
struct proxy *proxy_free(struct proxy *proxy);

struct proxy_weather {
	unsigned delay_ms;     /* each way */
	unsigned jitter_ms;    /* on top of it, at most */
	unsigned bytes_per_ms; /* of each connection and way; 0: no limit */
	bool is_frozen;   /* nothing is moved, no end is passed on, new connections get no answer */
	bool is_refusing; /* new connections are ended at once */
};

/* What holds from now on. */
void proxy_set(struct proxy *proxy, const struct proxy_weather *weather);
/* Ends all connections with a reset, both ways; what was on its way is lost. */
void proxy_reset(struct proxy *proxy);
/* Those that there are now are frozen for good, new ones are not: half-open, until
 * proxy_reset_frozen(). */
void proxy_freeze_connections(struct proxy *proxy);
void proxy_reset_frozen(struct proxy *proxy);
/* Every other one is frozen, and the rest are reset; what the frozen ones were sent is delivered by
 * proxy_thaw(), when their host has long given them up. */
void proxy_split(struct proxy *proxy);
void proxy_thaw(struct proxy *proxy);

struct proxy_counts {
	uint64_t connections;
	uint64_t bytes;
	uint64_t resets; /* that it made */
};
struct proxy_counts proxy_counts(struct proxy *proxy);
