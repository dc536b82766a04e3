/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * secret - what a transport and a worker have in common, so that the one may link to the other.
 *
 * Shape     16 random bytes for each (instance of a transport, worker), in memory and in the
 *           database.
 * Promise   The same for both, and the same from one state service to the next. Where the
 *           database cannot be written, they are kept in memory, and written later.
 * Trust     none
 * Threads   one
 * Lifetime  secret_forget_all(); those of a transport's earlier instances go when there is a new
 *           one
 * Returns   0 or a negative errno
 */
struct secret {
	struct list link;
	char transport[WORKER_NAME_SIZE];
	uint64_t instance;
	char worker[WORKER_NAME_SIZE];
	uint8_t bytes[16];
	bool unsaved;
};

/* Found, or made; it is marked to be saved. */
int secret_find(struct state *state, const struct transport *transport, const struct worker *worker,
                const uint8_t **ret_bytes);

/* Those that are lacking. */
int secret_make_all(struct state *state);

/* At the start: all of the database, and the transports that they are of. */
int secret_load(struct state *state);

void secret_forget_all(struct state *state);
