/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/cleanup.h"

/*
 * region - a piece of memory that two processes map.
 *
 * Shape     A memfd of fixed size, sealed against shrinking, growing and further seals; mapped
 *           read-write. Transparent huge pages where `huge` asks for them and the machine
 *           gives them to shared memory.
 * Promise   What a peer hands over is mapped only if it is sealed and of the size agreed, so
 *           no access through the mapping can fault later.
 * Trust     the peer that made it may be hostile: its contents mean nothing before they are
 *           copied and checked
 * Threads   any; makes system calls
 * Lifetime  region_deinit() unmaps and closes
 * Returns   0, a negative errno, or
 */
enum region_error {
	REGION_E_UNFIT = 1, /* adopt: not a memfd, not sealed, or not of that size */
};

struct region {
	void *memory; /* NULL: none */
	size_t size;
	int fd;
};

#define REGION_NULL ((struct region){.fd = -1})

/* Zeroed memory of `size` bytes (rounded up to pages); `name` shows in /proc. */
int region_create(struct region *ret_region, const char *name, size_t size, bool huge);

/* Maps what a peer made. Takes the descriptor in any case. */
int region_adopt(struct region *ret_region, int fd, size_t size);

void region_deinit(struct region *region);
