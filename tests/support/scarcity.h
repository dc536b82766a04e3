/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>

/*
 * scarcity - a process whose allocations fail when a test says so.
 *
 * Shape     A library to preload (scarcity.so) and a file that the test and the process both have
 *           mapped: which allocations fail, and how many did. Programs with another name than the
 *           one given are left alone.
 * Promise   Only what our own code asks for fails, and SQLite, jansson and protobuf-c, which say
 *           so to their callers. libzmq ends the process where it has no memory; so what
 *           it asks for, and what the C and C++ libraries do, is always there. Also
 *           below the sanitizers.
 * Trust     ours
 * Threads   any
 * Lifetime  of the file
 */
#define SCARCITY_FILE    "NVMETD_TEST_SCARCITY"         /* environment: the file */
#define SCARCITY_PROGRAM "NVMETD_TEST_SCARCITY_PROGRAM" /* and which program: "nvmetd-state" */

struct scarcity {
	atomic_uint one_in; /* this many, at random, fails; 0: none */
	atomic_uint nth;    /* this one fails, counted from 1; 0: none */
	atomic_uint calls;
	atomic_uint failed;
	atomic_uint runs; /* processes that have begun to count */
};
