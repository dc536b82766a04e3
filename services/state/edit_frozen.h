/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "proto/nvmetd.pb-c.h"
#include "services/state/config.h"
#include "services/state/object.h"

/*
 * edit_frozen - what an edit may not change, since hosts rely on it (config_frozen.h).
 *
 * Shape     Where the edit undoes something and does it again (disables and enables, unlinks and
 *           links, deletes and creates), it is looked at in two halves: with all that is done again
 *           left out, and then to its end.
 * Promise   An edit that disables what it changes is as good as three edits. Each breach is in the
 *           report.
 * Trust     the operations have been done, on the report's tree, and are good
 * Threads   one
 * Lifetime  none
 * Returns   0 or -ENOMEM
 */
int edit_check_frozen(const struct config *before, const struct config *after,
                      const Nvmetd__CtlEdit *edit, struct report *report);
