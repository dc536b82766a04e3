/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/reservation.h"
#include "services/state/admin.h"
#include "services/state/database.h"

/*
 * reservation_imprint - knows a reservation command again whose host was told to send it again.
 *
 * Shape     16 bytes: who asked for what, and what the reservation was when that had been done,
 * with all its registrants and their keys. In the database beside the identities of commands
 *           (reservation_records.h).
 * Promise   A command that was carried out, and answered with Command Interrupted, is not carried
 *           out a second time when its host sends it again, and is no conflict with itself: it
 *           waits for the rest. Once it has had a good answer, or the reservation has changed
 *           since, the same command is another one.
 * Trust     commands are hosts': another host, or other keys, are another imprint
 * Threads   one; waits for the disk
 * Lifetime  none
 */
void reservation_imprint(uint8_t ret_imprint[static ADMIN_IMPRINT_SIZE],
                         const struct backing *backing, const struct decoded_reservation *asked,
                         const uint8_t host_id[static 16]);

/* Its host was told to send it again. */
void reservation_imprint_keep(struct database *database,
                              const uint8_t imprint[static ADMIN_IMPRINT_SIZE]);
/* Its host has a good answer. */
void reservation_imprint_forget(struct database *database,
                                const uint8_t imprint[static ADMIN_IMPRINT_SIZE]);
bool reservation_imprint_is_kept(struct database *database,
                                 const uint8_t imprint[static ADMIN_IMPRINT_SIZE]);
