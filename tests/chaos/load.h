/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * load - a kind of I/O that goes on during a run.
 *
 * Shape     The table is in load.c. A load is some hosts, each with queues, on a space: the blocks
 * of a namespace, which all hosts of the load write and read, each block by one at a time. Promise
 * none Trust     ours Threads   any Lifetime  static
 */
enum { LOADS_MAX = 16 };

struct load_kind {
	const char *name;
	const char *what;
	const char *backing;  /* device.path of its namespace; a relative one lies in the set's
	                         directory */
	uint32_t block_bytes; /* of it */
	bool is_buffered;
	bool has_io_grant;
	bool is_faulty;   /* behind fault:, where this nvmetd has that */
	bool is_ram;      /* its content does not outlive the set's launcher */
	bool is_by_proxy; /* the network is the delaying proxy */
	bool is_optional; /* only where it is asked for by name */
	bool has_digests;
	bool is_transferred; /* writes are fetched by R2T */
	unsigned hosts;
	unsigned queues;  /* of a host */
	unsigned depth;   /* of a queue */
	uint32_t blocks;  /* of an I/O, at most */
	unsigned reads;   /* so many per cent */
	unsigned flushes; /* … */
};

extern const struct load_kind *const load_kinds[];
extern const unsigned n_load_kinds;

const struct load_kind *load_named(const char *name);
