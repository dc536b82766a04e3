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
	uint16_t cntlid; /* admin queue: the static controller that is wanted; 0: any */
	bool replaces;   /* what its host has on this port already ends: connect_older() */
	bool is_refusal; /* Controller Busy is not said because we have just come */
};

/* An association of the same host with the same subsystem through the same port; NULL. */
struct session *connect_older(const struct list *sessions, const struct connect_request *request);

/* KATO as it holds: in units of KAS, and within the limits; 0: none. */
uint32_t connect_kato_ms(const struct limits *limits, uint32_t asked_ms, bool discovery);

struct connect_answer connect_check(const struct target *target, const struct list *sessions,
                                    const struct connect_request *request);

/* After a good check of an admin queue: fills in what the command says of the controller. */
void connect_fill(struct session *session, const struct target *target,
                  const struct connect_request *request, const struct connect_answer *answer);
