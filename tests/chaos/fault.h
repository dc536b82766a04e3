/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * fault - something that is done to a running target, and what its hosts may see then.
 *
 * Shape     The table is in faults.c, one entry for each; begin() and end() are beside their like.
 *           An occurrence is a fault at a time, of a length, with an amount that the fault
 * explains; first planned, then with what has come of it. Promise   What a host may see is of the
 * table, and nothing else is allowed: no lost connection and no error where no fault that is on, or
 * was a moment ago, says so; no pause that is longer than the sum of what those faults last and
 * take to recover from. Trust     ours Threads   begin(), end() and is_over() are called by the
 * conductor alone Lifetime  static
 */
struct chaos;
struct occurrence;

enum fault_effect {
	FAULT_MAY_DISCONNECT = 1,  /* connections are lost */
	FAULT_MAY_REFUSE = 2,      /* commands are answered with "try again": path errors, no DNR */
	FAULT_MAY_FAIL = 4,        /* commands are answered with errors of the medium */
	FAULT_ENDS_PROCESS = 8,    /* its keeper waits the longer the more often it happens */
	FAULT_LOSES_RAM = 16,      /* what was in RAM is gone */
	FAULT_IS_SABOTAGE = 32,    /* breaks what must not break: allows nothing */
	FAULT_ENDS_WHEN_OVER = 64, /* not at its length, but when is_over() says so */
};

struct fault {
	const char *name;
	const char *what;
	unsigned services; /* bits of service.h that it concerns: no two faults concern one at a
	                      time */
	unsigned weight;   /* how often, beside the others */
	unsigned least_ms, most_ms; /* how long; 0: a moment */
	unsigned least, most;       /* the amount */
	unsigned recovery_ms;       /* after its end; times --patience */
	unsigned effects;
	/* A static sentence why it cannot be here, or NULL; NULL: it always can. */
	const char *(*why_not)(const struct chaos *chaos);
	/* 0, or a negative errno: it could not be done now (said in the report, no finding) */
	int (*begin)(struct chaos *chaos, struct occurrence *occurrence);
	void (*end)(struct chaos *chaos, struct occurrence *occurrence);     /* may be NULL */
	bool (*is_over)(struct chaos *chaos, struct occurrence *occurrence); /* may be NULL */
};

enum { FAULT_PIDS = 8 };

struct occurrence {
	const struct fault *fault;
	unsigned at_ms;
	unsigned length_ms;
	unsigned amount;

	/* what came of it; of the journal */
	uint64_t begin_ns;     /* 0: not yet */
	uint64_t end_ns;       /* 0: not yet */
	uint64_t allowance_ns; /* on top of its length */
	uint64_t longest_pause_ns;
	int failure;
	/* of the fault */
	int pids[FAULT_PIDS];
	unsigned n_pids;
	void *state;
};

extern const struct fault *const faults[];
extern const unsigned n_faults;

/* NULL: there is none of this name. */
const struct fault *fault_named(const char *name);

/* ------------------------------------------------------------------ signals.c */
int fault_find_pids(const struct chaos *chaos, struct occurrence *occurrence);
int fault_kill(struct chaos *chaos, struct occurrence *occurrence);
int fault_restart(struct chaos *chaos, struct occurrence *occurrence);
int fault_restart_all(struct chaos *chaos, struct occurrence *occurrence);
bool fault_restart_all_is_over(struct chaos *chaos, struct occurrence *occurrence);
void fault_restart_all_end(struct chaos *chaos, struct occurrence *occurrence);
int fault_stop(struct chaos *chaos, struct occurrence *occurrence);
void fault_go_on(struct chaos *chaos, struct occurrence *occurrence);
bool fault_has_ended(struct chaos *chaos, struct occurrence *occurrence);
void fault_expect_end(struct chaos *chaos, struct occurrence *occurrence);
int fault_kill_set(struct chaos *chaos, struct occurrence *occurrence);
const char *fault_needs_own_set(const struct chaos *chaos);
const char *fault_needs_no_ram(const struct chaos *chaos);
const char *fault_needs_processes(const struct chaos *chaos);

/* ------------------------------------------------------------------ network.c */
const char *fault_needs_proxy(const struct chaos *chaos);
const char *fault_needs_nft(const struct chaos *chaos);
int fault_reset(struct chaos *chaos, struct occurrence *occurrence);
int fault_shape(struct chaos *chaos, struct occurrence *occurrence);
int fault_slow(struct chaos *chaos, struct occurrence *occurrence);
int fault_freeze(struct chaos *chaos, struct occurrence *occurrence);
int fault_half_open(struct chaos *chaos, struct occurrence *occurrence);
int fault_cut(struct chaos *chaos, struct occurrence *occurrence);
int fault_split(struct chaos *chaos, struct occurrence *occurrence);
bool fault_split_is_over(struct chaos *chaos, struct occurrence *occurrence);
void fault_thaw(struct chaos *chaos, struct occurrence *occurrence);
void fault_heal(struct chaos *chaos, struct occurrence *occurrence);
void fault_drop(struct chaos *chaos, struct occurrence *occurrence);
int fault_lose(struct chaos *chaos, struct occurrence *occurrence);
void fault_lose_no_more(struct chaos *chaos, struct occurrence *occurrence);

/* ------------------------------------------------------------------ machine.c */
int fault_starve(struct chaos *chaos, struct occurrence *occurrence);
void fault_feed(struct chaos *chaos, struct occurrence *occurrence);
const char *fault_needs_clock(const struct chaos *chaos);
int fault_set_clock(struct chaos *chaos, struct occurrence *occurrence);
void fault_set_clock_back(struct chaos *chaos, struct occurrence *occurrence);

/* ------------------------------------------------------------------ backing.c */
const char *fault_needs_disk(const struct chaos *chaos);
int fault_disk_errors(struct chaos *chaos, struct occurrence *occurrence);
int fault_disk_delays(struct chaos *chaos, struct occurrence *occurrence);
int fault_disk_hangs(struct chaos *chaos, struct occurrence *occurrence);
int fault_disk_shortens(struct chaos *chaos, struct occurrence *occurrence);
bool fault_disk_is_repaired(struct chaos *chaos, struct occurrence *occurrence);
const char *fault_needs_file(const struct chaos *chaos);
int fault_sabotage(struct chaos *chaos, struct occurrence *occurrence);
void fault_sabotage_end(struct chaos *chaos, struct occurrence *occurrence);
