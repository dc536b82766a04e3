/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/nvme/status.h"
#include "services/state/session.h"
#include "services/state/target.h"

/*
 * connect - may this host have this queue? (Base 2.1 §6.3)
 *
 * Shape     The Connect command and its data, checked against the configuration.
 * Promise   Checks in the order of the specification. A refusal that a host should take for
 *           final carries DNR, and in dword 0 what was wrong: IPO bits 15:0 the offset, IATTR bit
 *           16 whether of the data (1) or of the command. Nothing is changed.
 * Trust     every byte is the host's; the addresses are the transport's
 * Threads   any; pure
 * Lifetime  values; ret_session is borrowed
 */
struct connect_request {
	const struct transport *transport; /* that asks */
	uint32_t port_id;
	const struct nvme_connect_command *command;
	const struct nvme_connect_data *data;
};

struct connect_answer {
	struct nvme_status status;
	uint32_t result;
	/* if the status is OK: */
	const struct config_subsystem *subsystem; /* admin queue; NULL: the discovery service */
	struct session *session;                  /* I/O queue: the one it belongs to */
};

struct connect_answer connect_check(const struct target *target, const struct list *sessions,
                                    const struct connect_request *request);

/* After a good check of an admin queue: fills in what the command says of the controller. */
void connect_fill(struct session *session, const struct target *target,
                  const struct connect_request *request, const struct connect_answer *answer);
