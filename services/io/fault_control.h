/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "common/ipc/client.h"
#include "services/io/fault.h"
#include "services/io/namespaces.h"

/*
 * fault_control - what the state service wants of a namespace with fault:, and is told of it.
 *
 * Shape     WorkerFault, answered with FaultReply: what is the case after it.
 * Promise   Done when it is answered; a refusal has changed nothing.
 * Trust     the text is an operator's, which the state service has checked
 * Threads   the control thread
 * Lifetime  fault_message_new() is freed by free()
 */
struct fault_message {
	Nvmetd__FaultStatus status;
	struct fault_report report; /* that the status points into */
	Nvmetd__FaultRuleStatus rules[FAULT_RULES_MAX];
	Nvmetd__FaultRuleStatus *list[FAULT_RULES_MAX];
};

/* NULL: no memory. */
struct fault_message *fault_message_new(struct fault *fault);

void fault_control(struct ipc_client *client, uint64_t request_id,
                   const struct namespaces *namespaces, const Nvmetd__WorkerFault *wanted);
