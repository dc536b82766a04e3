/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <limits.h>

#include "common/proc/service.h"

/*
 * plan - which processes there are to be, each with its command line.
 *
 * Shape     The state service, then the I/O workers, then the transports, NVMe/TCP first: the
 *           order of starting; nvmetd-announce is the last. They are stopped in the opposite
 *           order.
 * Promise   The same options make the same plan.
 * Trust     the operator's options
 * Threads   any; pure
 * Lifetime  The strings that the options point to must outlive the plan, which must not move.
 * Returns   0, or -ENAMETOOLONG
 */
#define PLAN_IO_MAX       16
#define PLAN_COMMANDS_MAX (PLAN_IO_MAX + 4)
#define COMMAND_ARGUMENTS 20

enum plan_when {
	PLAN_AUTO, /* where it can be */
	PLAN_YES,
	PLAN_NO,
};

struct launcher_options {
	const char *config;     /* NULL: the state service comes up with what it has */
	const char *bin_dir;    /* NULL: where our own program lies */
	const char *trace;      /* every how many commands the transports trace; NULL: not said */
	const char *congestion; /* of the transports' connections; NULL: not said */
	const char *device_timeout; /* of the workers, in seconds; NULL: not said */
	const char *srq;            /* of nvmetd-rdma; NULL: not said */
	enum plan_when rdma;
	enum plan_when announce;
	bool can_rdma;     /* for PLAN_AUTO: this machine has it, and its program is there */
	bool can_announce; /* the same: its program is there */
	unsigned n_io;
	unsigned watchdog_s; /* 0: a hung process is not noticed */
};

struct command {
	char name[32]; /* "io-0" */
	char program[PATH_MAX];
	const char *argv[COMMAND_ARGUMENTS + 1];
	unsigned argc;
	unsigned patience; /* so many times the times for its start and of its watchdog */
	bool is_optional;  /* the set is ready without it: nobody has asked for it */
};

struct plan {
	struct command commands[PLAN_COMMANDS_MAX];
	unsigned n;
	char threads[16];
	char spin_us[16];
};

int plan_make(struct plan *plan, const struct launcher_options *options,
              const struct service *service, const char *bin_dir);
