/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/nvme/zns.h"

/*
 * zone_transition - what becomes of a zone, as the specification has it.
 *
 * Shape     A table of states; in each what comes of each action.
 * Promise   As in the Zoned Namespace Command Set 1.1 §3.4.3.1, where limits allow it.
 * Trust     none
 * Threads   any; constant
 * Lifetime  the program
 */
struct transition {
	enum nvme_zone_state from;
	uint8_t to[6]; /* by action; 0: it is refused */
};

#define TRANSITIONS 7

static const struct transition transitions[TRANSITIONS] = {
	{NVME_ZONE_EMPTY,           {0, 0, NVME_ZONE_FULL, NVME_ZONE_EXPLICITLY_OPEN, NVME_ZONE_EMPTY, 0}},
	{NVME_ZONE_IMPLICITLY_OPEN,
         {0, NVME_ZONE_CLOSED, NVME_ZONE_FULL, NVME_ZONE_EXPLICITLY_OPEN, NVME_ZONE_EMPTY, 0}            },
	{NVME_ZONE_EXPLICITLY_OPEN,
         {0, NVME_ZONE_CLOSED, NVME_ZONE_FULL, NVME_ZONE_EXPLICITLY_OPEN, NVME_ZONE_EMPTY, 0}            },
	{NVME_ZONE_CLOSED,
         {0, NVME_ZONE_CLOSED, NVME_ZONE_FULL, NVME_ZONE_EXPLICITLY_OPEN, NVME_ZONE_EMPTY, 0}            },
	{NVME_ZONE_FULL,            {0, 0, NVME_ZONE_FULL, 0, NVME_ZONE_EMPTY, 0}                        },
	{NVME_ZONE_READ_ONLY,       {0, 0, 0, 0, 0, NVME_ZONE_IS_OFFLINE}                                },
	{NVME_ZONE_IS_OFFLINE,      {0, 0, 0, 0, 0, NVME_ZONE_IS_OFFLINE}                                },
};
