/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdlib.h>
#include <unistd.h>

/*
 * cleanup - frees what a scope owns when the scope ends.
 *
 * Shape     `_cleanup_(fn) T x = T_NULL;` calls fn(&x) at the end of the scope.
 *           DEFINE_CLEANUP(T *, noun_free) makes noun_freep() for a noun_free().
 * Promise   take(&pointer) hands the value on and leaves NULL behind.
 * Trust     none
 * Threads   any
 * Lifetime  the scope
 */
#define _cleanup_(function) __attribute__((__cleanup__(function)))

#define DEFINE_CLEANUP(type, function)                                                             \
	static inline void function##p(type *owned)                                                \
	{                                                                                          \
		if (*owned)                                                                        \
			function(*owned);                                                          \
	}

#define take(pointer)                                                                              \
	({                                                                                         \
		__typeof__(pointer) take_from_ = (pointer);                                        \
		__typeof__(*take_from_) taken_ = *take_from_;                                      \
		*take_from_ = NULL;                                                                \
		taken_;                                                                            \
	})

static inline void cleanup_free(void *owned)
{
	free(*(void **)owned);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The descriptor, which its old owner no longer closes. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
