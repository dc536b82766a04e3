/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/transport/port.h"

/*
 * wire - NVMe/RDMA, as the core knows it.
 *
 * Shape     The functions of port.h, by the modules of this folder.
 * Promise   –
 * Trust     –
 * Threads   as port.h says
 * Lifetime  constant
 */
extern const struct wire rdma_wire;
