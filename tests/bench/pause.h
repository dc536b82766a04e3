/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * pause - stops the processes of the side that is not being measured.
 *
 * Shape     Two lists of processes, as pidfds, so that a process number that is used again is
 *           never meant. SIGSTOP and SIGCONT. A guard, a process of its own, waits for a
 *           word from us before each stop.
 * Promise   Nobody stays stopped: the guard lets all of them go on when we end, in whatever way
 *           (also by SIGKILL), and when we stop nobody anew for PAUSE_MOST_MS, so that no
 *           target sleeps past its timeouts. We ourselves are never stopped.
 * Trust     the operator's; a process may end at any time
 * Threads   one
 * Lifetime  pause_deinit() lets all go on, and ends the guard. Zeroed before init.
 * Returns   0; a negative errno, or PAUSE_E_NO, when it was said what is wrong
 */
enum { PAUSE_MOST_MS = 5000, PAUSE_PROCESSES = 256 };

enum pause_error {
	PAUSE_E_NO = 1,
};

enum pause_turn {
	PAUSE_A_RUNS,
	PAUSE_B_RUNS,
	PAUSE_NONE_RUNS, /* of those that can be stopped */
	PAUSE_BOTH_RUN,
};

struct pause_list {
	const char *option; /* how it was said: for words */
	int fds[PAUSE_PROCESSES];
	pid_t pids[PAUSE_PROCESSES];
	unsigned n;
};

struct pause {
	struct pause_list sides[2];
	pid_t guard; /* 0: there is nobody to stop, so none */
	int to_guard;
};

/* "PID[,PID]..." for each side, or NULL; with has_tree all their descendants too. */
int pause_init(struct pause *pause, const char *a, const char *b, bool has_tree);
/* Whose turn it is. */
int pause_turn(struct pause *pause, enum pause_turn turn);
void pause_deinit(struct pause *pause);
