/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/ipc/client.h"
#include "services/announce/mdns.h"
#include "services/announce/registrar.h"

/*
 * status - what is announced, for an operator: AnnounceStatus.
 *
 * Shape     A line for each port that is announced by mDNS, and for each CDC.
 * Promise   At most STATUS_LINES_MAX lines
 * Trust     ours
 * Threads   the loop's
 * Lifetime  none
 */
#define STATUS_LINES_MAX 300

/* registrars: struct registrar */
void status_send(struct ipc_client *client, uint64_t request_id, const struct mdns *mdns,
                 const struct list *registrars);
