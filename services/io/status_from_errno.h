/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/status.h"
#include "common/shm/link.h"

/*
 * status_from_errno - what a host is told when the kernel said no.
 *
 * Shape     One table: errno, the status of a reading command, that of a changing one.
 * Promise   The only place where errno becomes NVMe status, and where Do Not Retry is decided
 *           for it: set where the same command must fail again (no space, no such data), not
 *           set where a later try or another path may succeed.
 * Trust     none
 * Threads   any; pure
 * Lifetime  none
 */

/* error: positive, as in <errno.h>; never STATUS_OK. */
struct nvme_status status_from_errno(int error, enum link_operation operation);

/* The backing store ended before the namespace does: a file was cut short under our feet. */
struct nvme_status status_from_end_of_store(enum link_operation operation);
