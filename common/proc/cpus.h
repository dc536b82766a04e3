/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * cpus - the processors that a process runs on.
 *
 * Shape     A list, in the order in which it was given. The process runs on any of them; a thread
 *           of I/O or of connections on one: the first has the first, and so on, and then from
 *           the beginning. So threads of the same number share a processor in all processes
 *           that were given the same list.
 * Promise   An empty list changes nothing.
 * Trust     the operator's
 * Threads   any; cpus_confine() before others are made, which inherit it
 * Lifetime  a value
 */
#define CPUS_MAX 256u

struct cpus {
	unsigned n;
	uint16_t cpus[CPUS_MAX];
};

/* Of "0,2-5"; false: it is no such list, or has too many. */
bool cpus_parse(const char *text, struct cpus *ret_cpus);

/* The calling thread, and those that it will make: on all of them. 0 or a negative errno. */
int cpus_confine(const struct cpus *cpus);
/* The calling thread, the index-th of its kind: on one of them. 0 or a negative errno. */
int cpus_pin(const struct cpus *cpus, unsigned index);
