/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

#include "tests/chaos/chaos.h"

/*
 * report - what a run was and what came of it, for people and as JSON.
 *
 * Shape     Text on a file; one JSON object on another.
 * Promise   Both say the seed, and what of the command line a repetition needs.
 * Trust     ours
 * Threads   one; after the run
 * Lifetime  none
 */
void report_text(struct chaos *chaos, FILE *file);
void report_json(struct chaos *chaos, FILE *file);
/* The four tables. */
void report_tables(FILE *file);
