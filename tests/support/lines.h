/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <check.h>

#include "common/base/cache_line.h"

/*
 * lines - which cache lines things lie on, for tests of layouts.
 *
 * Shape     Two things are apart if no cache line has bytes of both: then two cores may write them
 *           without taking the line from each other.
 * Promise   none
 * Trust     ours
 * Threads   any
 * Lifetime  none
 */
static inline bool lines_are_shared(const volatile void *a, size_t a_bytes, const volatile void *b,
                                    size_t b_bytes)
{
	uintptr_t a_first = (uintptr_t)a / CACHE_LINE, b_first = (uintptr_t)b / CACHE_LINE;
	uintptr_t a_last = ((uintptr_t)a + a_bytes - 1) / CACHE_LINE;
	uintptr_t b_last = ((uintptr_t)b + b_bytes - 1) / CACHE_LINE;

	return a_first <= b_last && b_first <= a_last;
}

/* Pointers to the two. */
#define expect_apart(a, b)                                                                         \
	ck_assert_msg(!lines_are_shared((a), sizeof(*(a)), (b), sizeof(*(b))),                     \
	              #a " and " #b " are on a line together")

/* Memory of malloc() and the like: nobody else has bytes of its first and last line. */
#define expect_own_lines(a)                                                                        \
	ck_assert_msg((uintptr_t)(a) % CACHE_LINE == 0, #a " begins within a line")
