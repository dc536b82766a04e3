/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "services/ctl/ctl.h"

/*
 * need - memory without which a command cannot go on.
 *
 * Shape     need(strdup(…))
 * Promise   Never NULL: without memory the program says so and ends, which changes nothing, as all
 *           that it could leave half done is the state service's.
 * Trust     none
 * Threads   one
 * Lifetime  the caller's
 */
static inline void *need(void *memory)
{
	if (memory)
		return memory;
	fputs("nvmetctl: there is not enough memory\n", stderr);
	exit(CTL_FAILED);
}
