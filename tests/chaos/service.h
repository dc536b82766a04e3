/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * service - the processes of a set, and how each is found.
 *
 * Shape     The table is in service.c. A set is known by its run directory: a process of it is one
 * that runs the service's program and has that directory on its command line (or none, where it is
 * the default one). So it does not matter who keeps it: the launcher or systemd. Promise   none
 * Trust     /proc
 * Threads   any
 * Lifetime  static
 */
enum service_number {
	SERVICE_STATE,
	SERVICE_IO,
	SERVICE_TCP,
	SERVICE_LAUNCHER,
	SERVICES,
};

#define SERVICE_BIT(number) (1u << SERVICE_##number)

struct service_kind {
	const char *name;
	const char *program;
	unsigned patience; /* of its keeper: so many times what --watchdog says */
};

extern const struct service_kind service_kinds[SERVICES];

#define SERVICE_RUN_DIR "/run/nvmetd"

/* Its processes, `most` at most, in the order of their numbers; returns how many. Not those that
 * have ended and wait for their parent. */
unsigned service_pids(enum service_number service, const char *run_dir, pid_t *ret_pids,
                      unsigned most);

/* Of /proc/PID/stat: 'R', 'S', 'D', 'T' …; 0: there is none. */
char service_state(pid_t pid);
