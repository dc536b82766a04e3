/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * legacy - the memory of a namespace that comes here from another worker.
 *
 * Shape     One packet to the other worker's data socket (LinkHello.memory_of, with the token that
 *           the state service gave to both), one back, with the descriptor.
 * Promise   Waits LEGACY_WAIT_MS at most, for another worker whose control thread is busy; for one
 *           that has not answered, not again within the next second.
 * Trust     The other worker may be broken: what it gives is checked by whom it is handed to
 *           (region_adopt()), and is not used where it said no.
 * Threads   the control thread
 * Lifetime  the descriptor is the caller's
 * Returns   0, or enum backing_error with the reason
 */
#define LEGACY_WAIT_MS 100

int legacy_fetch(const char *path, const uint8_t token[static 16], uint32_t handle, int *ret_memory,
                 char *reason, size_t reason_size);
