/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

#include "services/ctl/trace_files.h"

/*
 * trace_dump - prints the last records of trace files, a line for each.
 *
 * Shape     For each file who wrote it, then at most `last` records, the newest last.
 * Promise   Reads each file once.
 * Trust     a record may hold anything
 * Threads   one
 * Lifetime  none
 */
void trace_dump(FILE *out, struct trace_files *files, unsigned last);
