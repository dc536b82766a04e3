/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/ctl/ctl.h"
#include "services/ctl/path.h"

/*
 * edits - changes that go to the state service as one.
 *
 * Shape     Operations in the order in which they were added, each with its line in a file, if it
 *           came from one.
 * Promise   edits_send() says what was wrong, and with which line; prints the names that were
 *           given, one a line, and waits until what was changed works (settle.h).
 * Trust     what the state service says is printed escaped
 * Threads   one
 * Lifetime  edits_deinit(); zeroed it is empty
 */
struct edits {
	Nvmetd__CtlOperation **operation;
	unsigned *line;
	size_t count;
};

struct edits_options {
	const char *file; /* NULL: none, and messages begin with "prefix" */
	const char *prefix;
	bool check_only;
};

/* To be filled in, with memory of its own; it is freed with the rest. */
Nvmetd__CtlOperation *edits_add(struct edits *edits, Nvmetd__CtlVerb verb, const struct path *path,
                                unsigned line);
void edits_set(Nvmetd__CtlOperation *operation, const char *name, const char *value);
/* The operations from there on were not to be. */
void edits_cut(struct edits *edits, size_t count);
void edits_deinit(struct edits *edits);

enum ctl_exit edits_send(const struct edits *edits, const struct ctl *ctl,
                         const struct edits_options *options);
