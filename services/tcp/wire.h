/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/port.h"

/*
 * wire - NVMe/TCP, as the core of all transports sees it.
 *
 * Shape     port.h's table of calls
 * Promise   none
 * Trust     none
 * Threads   any
 * Lifetime  constant
 */
extern const struct wire tcp_wire;
