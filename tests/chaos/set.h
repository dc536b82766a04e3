/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/chaos/load.h"

/*
 * set - the target that the faults are for: one of our own, or the user's.
 *
 * Shape     Ours is a launcher in a directory of its own, with run/, state/, config.json, log and
 * backing files, and a namespace for each load. Where we are root it is in a network namespace of
 *           its own, with us. The user's has an address, and a run directory where its processes
 * are on this machine. Promise   Ours ends with us, and set_end() sees that all of its processes
 * have gone. Trust     the operator's Threads   the main thread: the launcher ends with the thread
 * that started it Lifetime  set_deinit() ends it and removes its directory, unless that is to be
 * kept
 */
struct set {
	bool is_own;
	char directory[96]; /* "" where it is not ours */
	char run_dir[128];
	char bin_dir[256];
	char traddr[64];
	char trsvcid[8];
	char nqn[224];
	pid_t launcher; /* 0: none, or not ours */
	unsigned watchdog_s;
	bool has_processes; /* on this machine */
	bool has_own_network;
	bool is_kept;
	unsigned starts;
};

#define SET_NQN "nqn.2014-08.org.nvmexpress:nvmetd-chaos"

/* A network of our own, for us and all that we start, if that can be had. */
void set_enter_network(struct set *set);

/* Ours: makes the directory; then set_start(). Negative errno; what is wrong was said. */
int set_make(struct set *set, const struct load_kind *const *loads, unsigned n_loads,
             uint64_t bytes);
int set_start(struct set *set);
/* The launcher was killed: reaps it, and waits until its children have gone too. */
int set_reap(struct set *set);
/* SIGTERM, and sees that all goes in time. Not 0: it did not, and that was killed. */
int set_end(struct set *set);
void set_deinit(struct set *set);

/* Starts nvmetctl with these arguments, SET_ARGUMENTS at most, NULL at the end, on this set; its
 * output is lost. Its pid, or -1. */
enum { SET_ARGUMENTS = 6 };
pid_t set_ask(const struct set *set, unsigned timeout_s, const char *const *arguments);
/* 0: it ended with 0, within a second or so. */
int set_ask_and_wait(const struct set *set, const char *const *arguments);

/* A path below the directory; valid until the call after next. */
const char *set_path(const struct set *set, const char *name);
/* Finds the other programs: beside us, or in ../sbin. */
void set_find_programs(struct set *set, const char *bin_dir);
