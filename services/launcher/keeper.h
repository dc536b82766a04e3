/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * keeper - holds the descriptors that a process leaves to its successor.
 *
 * Shape     A small table of named descriptors; the other end of common/proc/store.h.
 * Promise   Bounded. A name that is put again replaces what it named.
 * Trust     the process is ours, but may be broken: too many descriptors or a bad name are
 *           refused
 * Threads   one
 * Lifetime  keeper_deinit() closes all of them
 * Returns   0, or
 */
enum keeper_error {
	KEEPER_E_NAME = 1, /* put: not a good name */
	KEEPER_E_FULL,     /* put: it keeps as many as it may */
};

#define KEEPER_MAX      128
#define KEEPER_NAME_MAX 63

struct keeper {
	struct {
		int fd;
		char name[KEEPER_NAME_MAX + 1];
	} kept[KEEPER_MAX]; /* in the order they came */
	unsigned n;
};

#define KEEPER_NAMES_BYTES (KEEPER_MAX * (KEEPER_NAME_MAX + 1))

/* Takes the descriptor in any case. */
int keeper_put(struct keeper *keeper, const char *name, int fd);
void keeper_drop(struct keeper *keeper, const char *name);

/* All names, separated by colons, as LISTEN_FDNAMES wants them; a buffer of
 * KEEPER_NAMES_BYTES. */
void keeper_names(const struct keeper *keeper, char *ret_names);

void keeper_deinit(struct keeper *keeper);
