/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "services/state/scratch.h"
#include "services/state/state.h"

/*
 * status_message - the answer to nvmetctl status.
 *
 * Shape     CtlStatusReply of proto/nvmetd.proto, from the target, the sessions, and what the
 *           peers answered.
 * Promise   What is known without them is shown also of peers that did not answer.
 * Trust     statuses of peers are passed on
 * Threads   one
 * Lifetime  the message lives in the scratch, and borrows from the state and the peers' answers
 */
struct status_peer {
	struct list link;
	struct ipc_peer *peer; /* NULL: has answered, or is gone */
	uint64_t request_id;   /* of the question */
	char name[WORKER_NAME_SIZE];
	char release[32];
	uint32_t pid;
	uint32_t threads;
	uint64_t revision;
	uint64_t instance;
	bool has_keeper;
	uint64_t since_ns;
	int body;                           /* of its answer, NVMETD__ENVELOPE__BODY_… */
	Nvmetd__TransportStatus *transport; /* NULL: has not answered */
	Nvmetd__WorkerStatus *worker;
	Nvmetd__AnnounceStatus *announce;
};

struct status_peer *status_peer_new(struct ipc_peer *peer, int body, uint64_t revision);
void status_peer_free(struct status_peer *asked);
void status_peer_answer(struct status_peer *asked, const envelope *message);

/* asked: struct status_peer. NULL if there is no memory. */
Nvmetd__CtlStatusReply *status_message_build(struct scratch *scratch, const struct state *state,
                                             const struct list *asked);
