/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/database.h"
#include "services/state/reservation.h"

/*
 * reservation_records - reservations in the database, and which commands they are the outcome of.
 *
 * Shape     reservation: a row for each backing that has one; registrant: one for each of its
 *           registrants. reservation_command: the identities of the last commands that were
 *           carried out, so that one which is asked again, as its answer was lost with us, is not
 *           carried out twice.
 * Promise   within the caller's transaction
 * Trust     The file may hold anything: a holder that is no registrant is none.
 * Threads   one
 * Lifetime  none
 * Returns   as database.h
 */
#define RESERVATION_IDENTITY_SIZE 16
/* More than may wait for an answer at a time. */
#define RESERVATION_COMMANDS_KEPT 8192u

/* Into the backings of the target; those of backings that are not there are passed over. */
int reservation_records_load(struct database *database, struct target *target);

/* What differs. before: NULL, if nothing of it is there yet. */
int reservation_records_put(struct database *database, uint32_t handle,
                            const struct reservation *before, const struct reservation *after);
int reservation_records_drop(struct database *database, uint32_t handle);

int reservation_records_note(struct database *database,
                             const uint8_t identity[static RESERVATION_IDENTITY_SIZE]);
int reservation_records_forget(struct database *database,
                               const uint8_t identity[static RESERVATION_IDENTITY_SIZE]);
/* 0: it was noted; DATABASE_E_NONE. */
int reservation_records_find(struct database *database,
                             const uint8_t identity[static RESERVATION_IDENTITY_SIZE]);
