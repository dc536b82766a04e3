/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * grants - the io grant of namespace 2 of the scene, as its operator sees it.
 *
 * Shape     Functions of the running set.
 * Promise   What does not come about in HARNESS_WAIT_MS ends the test with words.
 * Trust     ours
 * Threads   one
 * Lifetime  of the scene
 */

/* What `nvmetctl status --json` has below that key of a namespace; counter: NULL, or below that. */
long grants_number(uint32_t nsid, const char *key, const char *counter);

/* Until all reactors, or none, do its I/O. */
void grants_await(uint32_t nsid, bool in_use);
/* The same, and all have seen each other's links. */
void grants_settle(uint32_t nsid);

/* A configuration with or without it. */
void grants_restore(bool on);

/* How often a process has the memory of a ram: namespace mapped. */
unsigned grants_mappings(pid_t pid);
