/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/state.h"

/*
 * startup - what nvmetd-state does before it says that it is ready.
 *
 * Shape     Database, configuration, the file of --config.
 * Promise   The file of --config is applied when the set of processes starts, not when only this
 *           process is started again by the same supervisor: what nvmetctl has changed since
 *           would be lost. A file that has changed since is applied all the same.
 * Trust     the file may be anything
 * Threads   one; waits for the disk
 * Lifetime  none
 * Returns   0, a negative errno (said), or
 */
enum startup_error {
	STARTUP_E_CONFIG = 1, /* the file is wrong, and this was said: leave with 2 */
};

/* config_path: NULL if none was given. */
int startup(struct state *state, const char *state_dir, const char *config_path);

/* The whole of a file, NUL behind it; at most `most` bytes of it. */
int startup_read_file(const char *path, size_t most, char **ret_text);
