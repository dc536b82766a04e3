/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/ctl/session.h"

/*
 * script - commands that come from a file, a line each.
 *
 * Shape     Lines as words.h has them. It ends at the first line that fails.
 * Promise   What was wrong is said with FILE:LINE. As one transaction: each line is read and
 *           remembered, and then all are done, or none.
 * Trust     the file may be anything; at most 8 MiB
 * Threads   one
 * Lifetime  none
 */
enum ctl_exit script_run(struct session *session, const char *path);

/* A configuration's changes as one transaction: nvmetctl batch. */
enum ctl_exit ctl_batch(const struct ctl *ctl, int argc, char **argv);
