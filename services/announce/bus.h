/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <systemd/sd-bus.h>

#include "common/loop/loop.h"

/*
 * bus - the system's D-Bus, on our loop.
 *
 * Shape     A connection of sd-bus, whose descriptor and timer are the loop's. Calls are made with
 *           sd-bus's asynchronous functions, and bus_pump() after them.
 * Promise   Nothing waits: neither connecting nor any call. lost() is called by the loop, once,
 *           when the connection cannot go on; it is closed then.
 * Trust     whoever is on the bus may be broken
 * Threads   the loop's
 * Lifetime  bus_close(); not from within a callback of sd-bus
 */
struct bus {
	struct loop *loop;
	sd_bus *bus; /* NULL: closed */
	struct loop_source source;
	struct loop_timer timer;
	void (*lost)(struct bus *bus, int error);
};

void bus_init(struct bus *bus, struct loop *loop, void (*lost)(struct bus *bus, int error));

/* 0 or a negative errno: there is no bus. */
int bus_open(struct bus *bus);
void bus_close(struct bus *bus);

/* Something was asked for: what is to be sent goes out soon. */
void bus_pump(struct bus *bus);
