/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * scratch - memory for building one message, given back all at once.
 *
 * Shape     A list of chunks.
 * Promise   What scratch_take() gives is zeroed and aligned for anything. When there is no
 *           memory, it gives NULL and the scratch remembers: so a builder may pass NULL on, and
 *           its caller asks once, at the end, whether all of it is whole.
 * Trust     none
 * Threads   one
 * Lifetime  until scratch_deinit()
 */
struct scratch_chunk;

struct scratch {
	struct scratch_chunk *chunks;
	bool failed;
};

#define SCRATCH_NULL ((struct scratch){0})

void scratch_deinit(struct scratch *scratch);

void *scratch_take(struct scratch *scratch, size_t size);
char *scratch_text(struct scratch *scratch, const char *text);

/* An array of pointers to as many zeroed elements. */
void **scratch_array(struct scratch *scratch, size_t count, size_t element_size);
