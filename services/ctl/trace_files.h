/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/shm/trace_reader.h"

/*
 * trace_files - the trace files of a run directory, open.
 *
 * Shape     In the order of their names. Those of dead predecessors end in ".old".
 * Promise   What cannot be read, or is no trace file, is said on stderr and left out.
 * Trust     the files may hold anything
 * Threads   one
 * Lifetime  trace_files_close()
 */
#define TRACE_FILES_MAX 256u

struct trace_file {
	char name[256];
	struct trace_reader reader;
};

struct trace_files {
	struct trace_file *files;
	unsigned n;
};

/* to_wish: only those of the living, to ask for records too. False: there are none (said). */
bool trace_files_open(struct trace_files *files, const char *run_dir, bool to_wish);
void trace_files_close(struct trace_files *files);
