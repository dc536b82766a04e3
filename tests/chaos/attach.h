/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tests/chaos/host.h"

/*
 * attach - the connections of a host: made, lost, made again, waited for.
 *
 * Shape     functions on struct host, for host.c
 * Promise   As host.h has it. No call waits longer than its timeouts; attach_again() gives up when
 * its host is to end and ATTACH_END_MS have passed. Trust     the target may be wrong Threads   the
 * host's Lifetime  attach_end() closes all Returns   0, or what tests/host gives
 */
enum { ATTACH_END_MS = 30000 };

/* After a loss: connects again, for as long as it takes, and sends again what was in flight. */
int attach_again(struct host *host, const char *reason);
/* Until something comes, or this time. */
void attach_wait(struct host *host, unsigned ms);
/* With a shutdown, if that is wished. */
void attach_end(struct host *host, bool shuts_down);

/* host.c, for attach.c */
void host_job_submit(struct host_job *job, uint64_t now_ns);
