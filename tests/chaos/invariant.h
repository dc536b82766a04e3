/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * invariant - what must hold, whatever befalls the target.
 *
 * Shape     The table is in invariant.c. Some are checked by the hosts with each I/O; the others
 * have a check(), which is called now and then, in quiet moments (no fault is on or was a moment
 *           ago), or when all hosts rest at the end.
 * Promise   A finding (findings.h) has the name of its invariant.
 * Trust     /proc, and what nvmetctl says
 * Threads   the conductor
 * Lifetime  static; a watch is what they remember
 */
struct chaos;

enum invariant_when {
	INVARIANT_WITH_EACH_IO,
	INVARIANT_ALWAYS, /* several times a second */
	INVARIANT_QUIET,
	INVARIANT_END, /* all hosts rest */
};

struct invariant {
	const char *name;
	const char *what;
	enum invariant_when when;
	void (*check)(struct chaos *chaos);
};

extern const struct invariant invariants[];
extern const unsigned n_invariants;

void invariants_check(struct chaos *chaos, enum invariant_when when);

enum { WATCH_PROCESSES = 64, WATCH_HOSTS = 64 };

struct watch {
	struct watched {
		pid_t pid;           /* 0: free */
		uint64_t seen_ns;    /* first */
		uint64_t blocked_ns; /* in state D since; 0: not */
		unsigned fds;        /* in its first quiet moment; 0: there was none */
		unsigned long rss_kib;
		bool is_reported;
	} processes[WATCH_PROCESSES];
	unsigned n_processes;              /* ever; older ones are forgotten */
	uint64_t reported_ns[WATCH_HOSTS]; /* of each host: the wait that was a finding */
	pid_t asking;                      /* nvmetctl status; 0: none */
	uint64_t asked_ns;
	unsigned answers;
	unsigned quiet_moments;
	uint64_t next_ns;
};

/* ------------------------------------------------------------------ stuck.c */
void stuck_check_hosts(struct chaos *chaos);
void stuck_check_processes(struct chaos *chaos);
void stuck_check_status(struct chaos *chaos);
/* ------------------------------------------------------------------ leak.c */
void leak_check_processes(struct chaos *chaos);
void leak_check_in_flight(struct chaos *chaos);
void leak_check_log(struct chaos *chaos);

/* A process, remembered; NULL: it is no more. */
struct watched *watch_process(struct watch *watch, pid_t pid, uint64_t now_ns);
