/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "services/state/database.h"

/*
 * copy - a second file that has what the database has, for when the database is damaged.
 *
 * Shape     PATH.copy, written row by row from the database: a page that is damaged does not get
 *           into it. PATH.copy.old: one that was not brought up to date, and is for people only.
 * Promise   A copy is whole, or not there: it is written beside, brought to the disk, and put in
 *           place by a rename. One that lacks a change that was acknowledged does not stay in
 *           place. copy_take() may be killed at any step, and be done again.
 * Trust     the copy may be damaged as well
 * Threads   one; waits for the disk
 * Lifetime  none
 * Returns   0, a negative errno (the words say what), or
 */
enum copy_error {
	COPY_E_NONE = 1, /* there is no copy */
	COPY_E_DAMAGED,  /* the words say what */
};

/* Brings the copy up to date. */
int copy_write(struct database *database);

/* Writing a copy turns the database's own syncing off for a moment. Where it could not be turned on
 * again (no memory), nothing may be written (database->is_unsynced) before this has succeeded. */
int copy_sync_again(struct database *database);

/* Of which change the configuration in it is; it is not looked at whether it is whole. */
int copy_revision(const char *path, uint64_t *ret_revision);

/* Whether it is whole. */
int copy_check(const char *path, char *ret_words, size_t size);

/* Puts the copy, which is whole, in the place of the database at `path`, which nobody has open
 * and which is set aside. Numbers that are given out once only go on far above those in it.
 * `why`: what was the matter with the database. */
int copy_take(const char *path, const char *why);
