/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/nvme/dim.h"
#include "proto/nvmetd.pb-c.h"

/*
 * entries - what a central discovery controller is told of this target: each way to each subsystem.
 *
 * Shape     Two sorted arrays: what is to be registered, each with whether it is, and what was
 *           registered and is not to be any more.
 * Promise   entries_renew() carries over what is registered already, so that only differences
 *           are left to be done. At most ENTRIES_MAX are registered; the others are counted. A
 *           port whose address cannot be reached over the CDC's address family is left out.
 * Trust     the view's texts end; addresses that are none are left out
 * Threads   any; pure but for malloc()
 * Lifetime  entries_deinit(); zeroes are empty
 * Returns   0 or -ENOMEM, and nothing has changed
 */
#define ENTRIES_MAX 4096

struct entry {
	struct dim_entry dim;
	bool is_registered;
};

struct entries {
	struct entry *items; /* sorted */
	size_t n;
	size_t n_registered;
	size_t n_left_out;
	size_t next; /* those before it are registered */
	struct dim_entry *gone;
	size_t n_gone;
};

void entries_deinit(struct entries *entries);

/* local_address: of the connection to the CDC; it stands for a wildcard. */
int entries_renew(struct entries *entries, const Nvmetd__AnnounceView *view,
                  const char *local_address);

/* Nothing is to be registered any more. */
int entries_clear(struct entries *entries);

/* On a new connection all is said anew. */
void entries_forget(struct entries *entries);

/* Up to DIM_ENTRIES that are to be deregistered, or registered. Returns how many. */
size_t entries_next_gone(const struct entries *entries, const struct dim_entry **ret_entries);
size_t entries_next_new(struct entries *entries, const struct dim_entry **ret_entries);
/* As many as the last call gave have been dealt with. */
void entries_gone_done(struct entries *entries, size_t count);
void entries_new_done(struct entries *entries, size_t count);
