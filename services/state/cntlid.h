/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/state/database.h"
#include "services/state/session.h"
#include "services/state/target.h"

/*
 * cntlid - gives out controller identifiers.
 *
 * Shape     A place in the subsystem's range that goes round; kept in the database in steps.
 * Promise   Never one of a live session, and one that became free is the last to come again,
 *           also over a restart (unless the database could not be written): hosts may hold on
 *           to it for a while (Linux refuses a second controller of one number).
 * Trust     none
 * Threads   one; writes to the database once in CNTLID_STEP calls
 * Lifetime  none
 * Returns   0, or
 */
enum cntlid_error {
	CNTLID_E_NONE_FREE = 1,
};

#define CNTLID_STEP 64

/* That of no session of the subsystem. */
bool cntlid_is_free(const struct list *sessions, uint32_t subsystem, uint16_t cntlid);

/* min, max: the subsystem's range. database may be NULL: then nothing is kept. */
int cntlid_allocate(struct subsystem *subsystem, uint16_t min, uint16_t max,
                    const struct list *sessions, struct database *database, uint16_t *ret_cntlid);
