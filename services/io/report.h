/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/ipc/client.h"
#include "services/io/checkup.h"
#include "services/io/namespaces.h"

/*
 * report - what the state service is told about the namespaces.
 *
 * Shape     WorkerReport: which are ready, and why the others are not. WorkerStatus: counters.
 * Promise   Each message is about all of them, or about the one that was asked for. Without
 *           memory, or without a state service, it is not sent: the next one says the same.
 * Trust     none
 * Threads   the control thread
 * Lifetime  none
 */
void report_send(struct ipc_client *client, const struct namespaces *namespaces,
                 struct checkup *checkup);

/* Answers a StatusRequest, with the handle that is in it. */
void report_send_status(struct ipc_client *client, uint64_t request_id, uint32_t handle,
                        const struct namespaces *namespaces, unsigned n_threads, uint32_t n_links);
