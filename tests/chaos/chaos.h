/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "tests/chaos/findings.h"
#include "tests/chaos/host.h"
#include "tests/chaos/invariant.h"
#include "tests/chaos/journal.h"
#include "tests/chaos/load.h"
#include "tests/chaos/options.h"
#include "tests/chaos/proxy.h"
#include "tests/chaos/schedule.h"
#include "tests/chaos/set.h"
#include "tests/chaos/space.h"

/*
 * chaos - a run: a target, loads on it, faults that befall it, and invariants that are to hold.
 *
 * Shape     The four tables are service.c, load.c, faults.c and invariant.c. This is what their
 * entries work on. The main thread conducts: it begins and ends faults by the schedule, and checks;
 * each host has its thread, and the proxy. Promise   chaos_run() ends at most some minutes after
 * the schedule, whatever the target does. Trust     the target may be wrong in any way Threads the
 * main thread; what hosts use has locks of its own Lifetime  chaos_deinit() ends hosts, proxy and
 * an own set
 */
struct chaos {
	struct options options;
	struct findings findings;
	struct journal journal;
	struct schedule schedule;
	struct set set;
	struct proxy *proxy;
	uint16_t proxy_port;
	struct proxy_weather weather;
	struct space spaces[LOADS_MAX]; /* of each load */
	const struct load_kind *loads[LOADS_MAX];
	char names[LOADS_MAX][24]; /* of the loads */
	unsigned n_loads;
	struct host *hosts;
	unsigned n_hosts;
	struct watch watch;
	unsigned left_out; /* occurrences that could not be */
	uint64_t begin_ns; /* of the schedule */
	uint64_t end_ns;
	bool is_interrupted;
	bool was_unreachable;
};

/* 0; 1: the target could not be reached, or the set not started (it was said); negative errno. */
int chaos_init(struct chaos *chaos, const struct options *options);
void chaos_run(struct chaos *chaos);
void chaos_deinit(struct chaos *chaos);
