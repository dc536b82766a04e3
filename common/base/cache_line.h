/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdlib.h>
#include <string.h>

/*
 * cache_line - memory that one thread writes without disturbing another.
 *
 * Shape     CACHE_LINE is the unit in which cores own memory. `_Alignas(CACHE_LINE)` on the first
 *           member that a thread writes begins a line; line_alloc() gives memory whose first and
 *           last line are nobody else's, as those of malloc() may be.
 * Promise   line_alloc() is zeroed.
 * Trust     none
 * Threads   any
 * Lifetime  free()
 */
#define CACHE_LINE 64

/* NULL: no memory. */
static inline void *line_alloc(size_t size)
{
	size_t bytes = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	void *memory = aligned_alloc(CACHE_LINE, bytes);

	return memory ? memset(memory, 0, bytes) : NULL;
}
