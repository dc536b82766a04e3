/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdnoreturn.h>

/*
 * error - the three ways in which a function of ours does not succeed.
 *
 * Shape     0 is success. A negative errno is a failure of the system, passed up unchanged
 *           to the owner of the operation. A positive value is an outcome that the function's
 *           header names, which the direct caller handles and never forwards.
 * Promise   error_origin() and error_trace() log the way up at debug level and return their
 *           argument. must() is for our own invariants only: nothing that a host, a file or
 *           another process does may reach it.
 * Trust     none
 * Threads   any
 * Lifetime  none
 */

#ifdef __clang_analyzer__ /* does not look into another file to see what they return */
#define error_origin(r) (r)
#define error_trace(r)  (r)
#else
/* Where a negative errno is first seen. */
#define error_origin(r) error_log_origin((r), __FILE__, __LINE__, __func__)

/* Where it passes through. */
#define error_trace(r)  error_log_trace((r), __FILE__, __LINE__, __func__)
#endif

#define must(condition)                                                                            \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			error_must(#condition, __FILE__, __LINE__, __func__);                      \
	} while (0)

int error_log_origin(int r, const char *file, int line, const char *function);
int error_log_trace(int r, const char *file, int line, const char *function);
noreturn void error_must(const char *condition, const char *file, int line, const char *function);

/* What a negative errno means, as words; valid until the thread's next call. */
const char *error_words(int r);
