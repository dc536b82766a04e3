/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/*
 * stage - a run directory in which understudies play services.
 *
 * Shape     A new directory below /tmp; what each is to do, and the trace of what they did.
 * Promise   The trace is read anew at each question.
 * Trust     none
 * Threads   one
 * Lifetime  stage_close() removes the directory
 */
void stage_open(void);
void stage_close(void);

const char *stage_dir(void);

/* "once crash", "always fail": see understudy.c. */
void stage_direct(const char *name, const char *does);

/* How many lines of the trace begin so. */
unsigned stage_count(const char *beginning);

/* Where in the trace the first such line is; -1: nowhere. */
int stage_place(const char *beginning);

/* The same of the last such line. */
int stage_last_place(const char *beginning);

/* The number at the end of the last such line; 0: there is none. */
int stage_last_number(const char *beginning);
