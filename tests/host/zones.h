/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/host/controller.h"

/*
 * zones - the commands of the Zoned Namespace Command Set, seen from the host.
 *
 * Shape     Requests, ready to be submitted. A zone is named by its first block. Zone Append is
 *           host_io() with its opcode and the zone's first block.
 * Promise   none: what makes no sense is sent as it is
 * Trust     the target may be wrong
 * Threads   any
 * Lifetime  as requests
 */
#define HOST_ZONES_ALL UINT64_MAX /* instead of a zone: Select All */

/* Zone Management Send (ZNS 1.1 §3.4.3) */
struct host_request host_zone_send(const struct host_namespace *space, uint64_t zone,
                                   uint8_t action);

/* Zone Management Receive (§3.4.2): a report from this block on. */
struct host_request host_zone_receive(const struct host_namespace *space, uint64_t lba,
                                      uint8_t filter, bool is_partial, void *data, uint32_t length);

/* Where a Zone Append that is completed has put its first block (ALBA, §3.4.1). */
uint64_t host_zone_appended(const struct host_request *request);
