/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/io/zone_store.h"

/*
 * zone_table - a store of zones' states that is a table on the backing below (zone_layout.h).
 *
 * Shape     An entry for each zone, in a unit that nothing else is in: so a change is one write,
 *           and changes of different zones do not meet.
 * Promise   as zone_store
 * Trust     A table may be anything: a zone whose entry is damaged is read-only, and all of it can
 *           be read.
 * Threads   as zone_store; load() waits for the store below
 * Lifetime  none
 */
extern const struct zone_store zone_table;
