/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/report.h"
#include "services/state/state.h"

/*
 * apply - makes a configuration the one in force, whole or not at all.
 *
 * Shape     Parse, check, give identities, commit; only then is anything in memory replaced, and
 *           only then are hosts, transports and workers told.
 * Promise   If it fails at any step, the old configuration is in force and in the database. If
 *           the process dies at any step, the next one finds either the old or the new one. What
 *           both have in common is not disturbed; one that changes nothing does nothing.
 * Trust     the text is an operator's
 * Threads   one; waits for the disk
 * Lifetime  the configuration given is taken over, or freed
 * Returns   0, a negative errno, or
 */
enum apply_error {
	APPLY_E_WRONG = 1, /* the report says what */
};

/* ret_revision: of the change. */
int apply_text(struct state *state, const char *text, struct report *report,
               uint64_t *ret_revision);
/* One that has been read and checked; it is empty afterwards. */
int apply_config(struct state *state, struct config *config, uint64_t *ret_revision);
int apply_clear(struct state *state, uint64_t *ret_revision);

/* At the start: what the database holds. */
int apply_load(struct state *state);
