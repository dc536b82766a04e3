/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"

/*
 * parcel - records and descriptors that a process leaves to its successor, all at once.
 *
 * Shape     Items in order, each some bytes and at most one descriptor. In the store it is a
 *           single descriptor, whatever their number: a UNIX socket in which all of them are
 *           queued (SCM_RIGHTS), with the bytes in a sealed memfd.
 *
 *             predecessor  parcel_new(), parcel_add() …, parcel_leave()
 *             successor    parcel_take(), parcel_next() …
 * Promise   What was left can be taken once, and is whole: with another layout, or cut short,
 *           it is not taken at all. What is not taken is closed with the store.
 * Trust     the predecessor may have been another release: lengths and counts are checked, the
 *           bytes mean nothing before their reader has checked them
 * Threads   one at a time
 * Lifetime  parcel_free() closes what is left in it. The bytes of an item stay until then, its
 *           descriptor is the taker's.
 * Returns   0, a negative errno, or
 */
enum parcel_error {
	PARCEL_E_NONE = 1, /* take: nothing was left under this name */
	PARCEL_E_UNSOUND,  /* take: it is not whole, or of another layout */
};

struct parcel;

int parcel_new(struct parcel **ret_parcel);
/* fd: -1 for none; stays the caller's, and must stay open until parcel_leave(). */
int parcel_add(struct parcel *parcel, const void *bytes, size_t length, int fd);
/* Puts it into the store. */
int parcel_leave(struct parcel *parcel, const char *name);

int parcel_take(struct parcel **ret_parcel, const char *name);
/* The next item; false: that was all. ret_fd: -1 for none. */
bool parcel_next(struct parcel *parcel, const uint8_t **ret_bytes, size_t *ret_length, int *ret_fd);

struct parcel *parcel_free(struct parcel *parcel);
DEFINE_CLEANUP(struct parcel *, parcel_free)
