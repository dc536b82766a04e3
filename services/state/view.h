/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/nvmetd.pb-c.h"
#include "services/state/scratch.h"
#include "services/state/target.h"

/*
 * view - what a transport admits commands against, and what a worker serves, as messages.
 *
 * Shape     TransportView and WorkerView of proto/nvmetd.proto, built from the target.
 * Promise   What only some hosts see is apart from the rest, with what each of these sees (a face).
 *           The same target gives the same message, so that a view that changes nothing is
 *           recognised. Revisions are left 0 for the sender to fill in.
 * Trust     none
 * Threads   any; pure but for the scratch
 * Lifetime  the message lives in the scratch; texts and tokens in it are borrowed
 * Returns   NULL if there is no memory
 */

/* Who may link to whom. */
struct view_token {
	const char *peer;     /* the worker, or the transport */
	const char *path;     /* of the worker's data socket; NULL in a worker's view */
	const uint8_t *token; /* 16 bytes */
};

/* trtype: that of the transport. */
Nvmetd__TransportView *view_of_transport(struct scratch *scratch, const struct target *target,
                                         const char *trtype, const struct view_token *workers,
                                         size_t n_workers);

Nvmetd__WorkerView *view_of_worker(struct scratch *scratch, const struct target *target,
                                   const char *worker, const struct view_token *transports,
                                   size_t n_transports);

/* The CAP property of a subsystem's controllers, less MQES. NULL: of discovery's. */
uint64_t view_cap(const struct limits *limits, const struct config_subsystem *subsystem);
