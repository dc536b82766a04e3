/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/nvme/decode.h"
#include "common/shm/link.h"
#include "common/transport/view.h"

/*
 * admission - decides whether an I/O command may go to a worker.
 *
 * Shape     One function: a host's command and a view in, the worker's request out. All of the
 *           checks that NVMe asks of a command against its namespace are made here, in the
 *           order that nvmet makes them; the worker checks again what protects itself.
 * Promise   What is admitted lies inside its namespace, and is not larger than
 *           DECODE_TRANSFER_MAX.
 *           Where it says no, what is in *ret_admitted means nothing.
 * Trust     the command is a host's
 * Threads   any; pure
 * Lifetime  the namespace pointed to is the view's
 * Returns   STATUS_OK, or what the command is to be answered with
 */
struct admitted {
	struct link_request wanted; /* without id and segments */
	struct decoded_transfer transfer;
	const struct view_namespace *namespace;
	bool nothing_to_do; /* complete it without a worker, once its data is here */
};

/* The namespace, and whether the path to it may be used. */
__attribute__((cold)) struct nvme_status admission_find(const struct view_subsystem *subsystem,
                                                        const struct view_port *port, uint32_t nsid,
                                                        const struct view_namespace **ret_namespace,
                                                        uint16_t *ret_location);

struct nvme_status admission_check(const struct view_subsystem *subsystem,
                                   const struct view_port *port, const struct nvme_command *command,
                                   struct admitted *ret_admitted, uint16_t *ret_location);
