/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/log.h"
#include "common/ipc/server.h"
#include "common/loop/loop.h"
#include "common/proc/service.h"
#include "services/state/database.h"
#include "services/state/session.h"
#include "services/state/target.h"
#include "services/state/traits.h"

/*
 * state - the whole of nvmetd-state: what it holds, and who it talks to.
 *
 * Shape     The target, its database, the sessions that transports presented, the transports
 *           and workers that are known, and a socket for each role.
 * Promise   none of its own: see the files that work on it (server.c, reconcile.c, apply.c)
 * Trust     transports, workers and nvmetctl may be broken
 * Threads   one
 * Lifetime  state_deinit()
 */

/* Of each kind of line that hosts bring about, for each transport. */
#define STATE_LINES    50
#define STATE_LINES_MS 10000

/* The bytes of the last message of a kind, to recognise one that says nothing new. */
struct last_message {
	uint8_t *bytes;
	size_t length;
};

struct listener_report {
	uint32_t port_id;
	bool listening;
	char reason[160];
};

struct transport {
	struct list link;
	char name[WORKER_NAME_SIZE];
	struct traits traits;
	struct ipc_peer *peer; /* NULL: not connected now */
	uint64_t instance;
	uint64_t gone_ns;    /* when it was lost */
	uint64_t arrived_ns; /* when it came, the last time */
	bool presenting;     /* some of its sessions are here, and more are to come */
	bool presented;
	struct last_message view;
	uint64_t view_revision; /* of the last view sent; 0: none by this process */
	uint64_t drained;       /* nothing from before that revision is in flight there */
	uint64_t settled_ns;    /* nor of its predecessor, from then on; 0: there was none */
	struct listener_report *listeners;
	size_t n_listeners;
	struct log_limit associations; /* lines about those that begin and end */
	struct log_limit refusals;     /* lines about hosts that may not connect */
};

struct worker {
	struct list link;
	char name[WORKER_NAME_SIZE];
	char path[108];
	struct ipc_peer *peer; /* NULL: not connected now */
	bool reported;         /* since this process began */
	struct last_message view;
	uint64_t view_revision;
	uint64_t served;     /* revision of its last report */
	unsigned n_assigned; /* of assign.c */
};

struct state {
	struct loop *loop;
	const char *run_dir;
	uint64_t instance;
	uint64_t born_ns;
	struct database *database;
	struct target target;
	struct list sessions;
	struct list transports;
	struct list workers;
	struct list secrets;     /* of secret.c */
	struct list gathers;     /* of status.c */
	struct list connecting;  /* of connecting.c */
	struct list faults;      /* of fault.c */
	struct list barriers;    /* of barrier.c */
	struct list deferred;    /* of deferred.c */
	struct list tallies;     /* of tally.c */
	struct list moves;       /* of move.c */
	struct list ana_changes; /* of ana_change.c */
	struct list announcers;  /* of announce.c */
	struct ipc_server *transport_server;
	struct ipc_server *worker_server;
	struct ipc_server *ctl_server;
	struct ipc_server *announce_server;
	struct loop_timer timer;      /* of reconcile.c */
	struct service *service;      /* NULL: of no process (tests) */
	struct loop_timer leave;      /* of restart.c */
	struct ipc_peer *leave_after; /* the one whose end it waits for; NULL: nobody's */
	struct loop_timer copy_timer;
	struct loop_timer announce_timer; /* of announce.c */
	uint8_t host_id[16];              /* that we have as a host; zeroes: not known yet */
	bool fresh;     /* the database was new at the start: it had given out no revision */
	uint64_t since; /* sessions of an earlier revision are of an earlier database */
	bool held;      /* of hold.c */
	bool open; /* views are published: workers have reported, or were waited for long enough */
};

void state_init(struct state *state, struct loop *loop, const char *run_dir, uint64_t instance);
void state_deinit(struct state *state);

struct transport *state_find_transport(const struct state *state, const char *name);
/* Found, or made; NULL if there is no memory. */
struct transport *state_add_transport(struct state *state, const char *name);
void state_remove_transport(struct state *state, struct transport *transport);
struct worker *state_find_worker(const struct state *state, const char *name);
struct worker *state_add_worker(struct state *state, const char *name);

/* Its sessions end with a transport that is gone; it will present them if it comes back. */
void state_forget_sessions(struct state *state, const struct transport *transport);
void state_forget_session(struct session *session);

/* Writes what is marked as unsaved, in one transaction. What cannot be written stays marked. */
int state_save(struct state *state);

/* Sees to it that the database's copy has soon what the database has. */
void state_copy_soon(struct state *state);

/* A revision that was never given out before. Nor by an earlier process, where the database
 * could be written; where not, state_has_seen() hears of it from those who have it. */
uint64_t state_next_revision(struct state *state);
#define STATE_REVISION_STEP 4096

/* A peer that has come has a view of that revision. */
void state_has_seen(struct state *state, uint64_t revision);
