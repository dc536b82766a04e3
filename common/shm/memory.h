/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

/*
 * memory - copies to and from shared memory, where a page may be refused.
 *
 * Shape     memcpy(), memset(), or a function of the caller's, behind a landing place for SIGBUS.
 * Promise   A memfd's page that the kernel cannot provide (strict overcommit, a broken memory
 *           module) makes the call fail, not the process. The bytes written by then are
 *           undefined. Elsewhere SIGBUS does what it does by default.
 * Trust     the bytes may change while they are copied; the copy is what counts
 * Threads   any, after memory_guard(); no system calls
 * Lifetime  of the process
 * Returns   0 or -EFAULT
 */

/* Once, before the others. 0 or a negative errno. */
int memory_guard(void);

/* What does not copy, but looks at it: act() may be broken off anywhere. */
int memory_visit(void (*act)(void *context), void *context);

int memory_copy(void *to, const void *from, size_t length);
int memory_zero(void *to, size_t length);
