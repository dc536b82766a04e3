/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/nvme/log.h"
#include "common/nvme/status.h"
#include "services/state/session.h"
#include "services/state/target.h"
#include "services/state/traits.h"

/*
 * admin - answers the admin commands that need the configuration.
 *
 * Shape     admin_execute() picks the file for the opcode: identify.c, logs.c, features.c,
 *           event.c. Each checks in the order of the specification, then answers.
 * Promise   Only the session is changed, and feature 83h, and only if the answer is good. The data
 * has exactly the length that the command asked for, or there is none. What is not supported is
 *           refused with the status of the specification and DNR.
 * Trust     the command is a host's; error entries and counts are the transport's
 * Threads   one; pure but for malloc()
 * Lifetime  admin_reply_deinit() frees the data
 */
#define ADMIN_IMPRINT_SIZE 16u
#define ADMIN_TRANSFER_MAX (1u << 20) /* MDTS */

struct state;

struct admin_request {
	struct state *state; /* for what is changed and kept: see reservations.h */
	const struct target *target;
	const struct list *sessions; /* of all controllers there are, as session_find() has it */
	struct session *session;
	const struct traits *traits;              /* of the transport that has the session */
	const struct config_subsystem *subsystem; /* NULL: a discovery controller */
	const struct config_port *port;
	uint64_t id; /* the transport's number of it */
	const struct nvme_command *command;
	const uint8_t *data; /* from the host */
	size_t data_bytes;
	struct log_counts counts;     /* Get Log Page: of this controller */
	bool is_tallied;              /* what is counted of the namespace was asked (tally.h) */
	const uint8_t *error_entries; /* newest first */
	size_t error_entries_bytes;
};

struct admin_reply {
	struct nvme_status status;
	uint32_t result;
	uint16_t error_location; /* byte of the command + 1; 0: none */
	uint8_t *data;
	size_t length;
	bool session_changed;
	bool parked;    /* no answer now: an Asynchronous Event Request waits */
	bool protects;  /* Set Features of write protection: protect.h carries it out */
	bool ask_later; /* nothing was done yet: the transport is to ask again */
	const struct config_namespace *tallies; /* it waits for what is counted there: tally.h */
	bool drains; /* the answer waits until the change that it made has drained (deferred.h) */
	/* of one that drains: by which it is known when it is sent again (reservation_imprint.h) */
	bool has_imprint;
	uint8_t imprint[ADMIN_IMPRINT_SIZE];
};

void admin_execute(const struct admin_request *request, struct admin_reply *ret_reply);

static inline void admin_reply_deinit(struct admin_reply *reply)
{
	free(reply->data);
	reply->data = NULL;
}

/* The parts, each for one opcode. They may rely on a zeroed reply. */
void identify_execute(const struct admin_request *request, struct admin_reply *reply);
void log_execute(const struct admin_request *request, struct admin_reply *reply);
void set_features_execute(const struct admin_request *request, struct admin_reply *reply);
void get_features_execute(const struct admin_request *request, struct admin_reply *reply);
void event_execute(const struct admin_request *request, struct admin_reply *reply);

/* Refuses, with DNR. */
void admin_refuse(struct admin_reply *reply, enum nvme_status_code code);
/* The same, and says the byte of the command that is wrong. */
void admin_refuse_at(struct admin_reply *reply, enum nvme_status_code code, size_t byte);
/* Refuses with Invalid Field: the byte of the command, or the command's dword, that is wrong. */
void admin_refuse_byte(struct admin_reply *reply, size_t byte);

#define COMMAND_BYTE(field) offsetof(struct nvme_command, field)

/* Zeroed data of that length; NULL, and the reply says so without DNR, if there is no memory. */
uint8_t *admin_data(struct admin_reply *reply, size_t length);
