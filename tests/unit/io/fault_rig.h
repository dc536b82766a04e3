/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/io/fault.h"
#include "tests/unit/io/rig.h"

/*
 * fault_rig - a rig whose namespace 1 has fault: over a file of 4 MiB; namespace 2 is RAM.
 *
 * Shape     One link of one transport: player; another one, if a test wants it: other.
 * Promise   What fails ends the test.
 * Trust     none
 * Threads   the test's
 * Lifetime  fault_rig_begin() to fault_rig_end()
 */
extern struct player player, other;
extern char fault_rig_disk[128]; /* the file */
extern char fault_rig_path[160]; /* with fault: */

/* Rules may be NULL. */
void fault_rig_begin(unsigned threads, const char *rule, const char *second_rule);
void fault_rig_end(void);

struct fault *fault_rig_fault(void);
/* Live; NULL: none. */
void fault_rig_set(const char *rule);
struct fault_report fault_rig_report(void);

/* What is really in the file. */
unsigned char fault_rig_byte(uint64_t block);

void fault_rig_write(uint64_t first, uint32_t blocks, int byte, uint8_t flags);
void fault_rig_expect(uint64_t first, uint32_t blocks, int byte);
