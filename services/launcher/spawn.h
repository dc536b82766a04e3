/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sys/types.h>

#include "services/launcher/keeper.h"

/*
 * spawn - starts a program as a child that ends with us.
 *
 * Shape     fork(), then exec() with standard input from /dev/null, the kept descriptors from
 *           3 on, and an environment that speaks sd_notify(3) and sd_listen_fds(3) to us.
 * Promise   The child is in a process group of its own, so that a terminal's Ctrl-C reaches the
 *           launcher alone, which stops its children in order. It is killed when the launcher
 *           dies. A program that cannot be executed is a child that says why and exits with 2.
 * Trust     none
 * Threads   the process has one
 * Lifetime  the caller waits for the child
 */
struct spawn {
	const char *const *argv; /* argv[0] is the path */
	const char *notify_path;
	unsigned watchdog_s; /* 0: none */
	const struct keeper *keeper;
};

/* The process id, or a negative errno. */
pid_t spawn(const struct spawn *spawn);
