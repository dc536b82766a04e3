/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "common/nvme/spec.h"

/*
 * nqn - an NVMe Qualified Name (Base 2.1 §4.7).
 *
 * Shape     "nqn.YYYY-MM." and a reversed domain name, then ":" and what its owner likes; or
 *           "nqn.2014-08.org.nvmexpress:uuid:" and a UUID. At most 223 bytes of UTF-8.
 * Promise   nqn_is_valid() takes what the kernel's target takes, whose users also have names
 *           that do not begin with "nqn."; less what harms a log or a directory: control bytes,
 *           blanks and "/".
 * Trust     a host's or an operator's text
 * Threads   any; pure
 * Lifetime  none
 */

/* Why the name is not one, as words; NULL if it is. */
const char *nqn_objection(const char *name);

static inline bool nqn_is_valid(const char *name)
{
	return !nqn_objection(name);
}

/* The NUL-terminated text in a name's field on the wire; NULL if nothing ends it. */
const char *nqn_of_field(const char field[static NVME_NQN_SIZE]);

bool nqn_is_discovery(const char *name);
