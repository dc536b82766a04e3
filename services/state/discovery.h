/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "services/state/config.h"
#include "services/state/session.h"

/*
 * discovery - what one host is told through one port: which subsystems there are for it, which
 * other discovery services, and where.
 *
 * Shape     Records: of the port that was asked and of others that the configuration's filter
 *           passes, for each the discovery service itself and the subsystems that the host may
 *           use; then the referrals of these ports that are for it. discovery_log.h writes them
 *           down.
 * Promise   What a host may not use it does not see, unless it is an observer and asks for it. A
 *           port that listens on a wildcard is reported with the address that the host came in
 *           on, or not at all where that is of another family. The records follow from the
 *           configuration and from what a session is for all of its life, and from nothing else.
 * Trust     the configuration has been checked; the session's texts end
 * Threads   any; pure
 * Lifetime  records borrow from the configuration and the session, and end with the call
 */
struct discovery_question {
	const struct config *config;
	const struct session *session;
	uint8_t specific; /* LSP; what discovery_options() does not have is passed over */
};

struct discovery_record {
	enum nvme_discovery_subtype subtype;
	const struct config_address *address;
	const char *traddr; /* as the host reaches it; a "%" ends it */
	uint32_t port_id;
	const char *nqn;
	const char *label; /* empty: none */
	uint16_t eflags;
	bool is_static; /* its controllers are there, and any of them may be asked for */
};

typedef void (*discovery_fn)(void *context, const struct discovery_record *record);

/* Calls for each record, always in the same order. */
void discovery_each(const struct discovery_question *question, discovery_fn call, void *context);

/* The bits of LSP that are followed for this host. */
uint8_t discovery_options(const struct config *config, const struct session *session);

/* Of all that the host is told; never 0. Another sum: it is told something else. */
uint64_t discovery_sum(const struct config *config, const struct session *session);

/* Of all that any host might be told. The same sum: no host's records have changed. */
uint64_t discovery_sum_of_all(const struct config *config);
