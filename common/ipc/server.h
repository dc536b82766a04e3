/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/list.h"
#include "common/ipc/envelope.h"
#include "common/loop/loop.h"

/*
 * server - the state service's end of the control plane: one per role.
 *
 * Shape     A ROUTER socket at ipc://PATH with the file mode given. A table says which bodies
 *           are heard, before and after Hello. A peer exists from its Hello (or, on a socket
 *           without Hello, its first message) until it is gone.
 * Promise   A body that is not in the table, or out of phase, is answered with Refusal and
 *           logged, and nothing else happens. Peers are pinged each second; one that is silent
 *           for 5 s, or whose connection is gone, or whose name says Hello on another one, is
 *           told of by gone(), exactly once. Sending never blocks: to a peer whose queue is
 *           full, the message is dropped and the peer is gone. gone() is called by the loop or
 *           by ipc_server_free(), never from within ipc_server_send().
 * Trust     peers are siblings that may be broken; at most 256 of them
 * Threads   the loop's
 * Lifetime  ipc_server_free(); peers are the server's, valid until gone() returns
 */
enum ipc_phase { IPC_BEFORE_HELLO = 1, IPC_AFTER_HELLO = 2, IPC_ANY_TIME = 3 };

struct ipc_server;

struct ipc_peer {
	struct ipc_server *server;
	char name[32]; /* from Hello; empty before it */
	uint64_t instance;
	uint32_t pid;
	uint32_t threads;
	bool has_keeper;   /* it may be told to Leave */
	uint64_t since_ns; /* when its process started, as it says */
	char release[32];
	bool hello; /* was said and accepted */
	void *user; /* the role's own; starts NULL */
	struct list link;
};

struct ipc_rule {
	int body; /* NVMETD__ENVELOPE__BODY_… */
	enum ipc_phase phase;
	/* The message is freed after the call. */
	void (*handle)(void *context, struct ipc_peer *peer, const envelope *message);
};

struct ipc_role {
	const char *name; /* for logs: "transport" */
	mode_t mode;      /* of the socket file */
	bool needs_hello;
	const struct ipc_rule *rules;
	unsigned n_rules;
	/* After Hello was checked (name well-formed, predecessor of that name gone) and answered
	 * with Welcome; NULL: nothing more to do. */
	void (*arrived)(void *context, struct ipc_peer *peer, const Nvmetd__Hello *hello);
	void (*gone)(void *context, struct ipc_peer *peer, const char *reason);
};

int ipc_server_new(struct ipc_server **ret_server, struct loop *loop, const char *path,
                   uint64_t instance, const struct ipc_role *role, void *context);
struct ipc_server *ipc_server_free(struct ipc_server *server);
DEFINE_CLEANUP(struct ipc_server *, ipc_server_free)

/* Fills in version and instance. request_id: that of the request when answering, or a new one
 * from ipc_server_request_id() when asking, or 0 for a notice. */
void ipc_server_send(struct ipc_peer *peer, uint64_t request_id, envelope *message);
void ipc_server_refuse(struct ipc_peer *peer, uint64_t request_id, const char *reason);
/* It is to say Hello again: there was no memory for what it said, or for itself. */
void ipc_server_start_over(struct ipc_peer *peer, const char *reason);
uint64_t ipc_server_request_id(struct ipc_server *server);

/* NULL if no peer has said Hello by that name. */
struct ipc_peer *ipc_server_find(struct ipc_server *server, const char *name);
/* For each peer after Hello. */
void ipc_server_each(struct ipc_server *server, void (*call)(void *context, struct ipc_peer *peer),
                     void *context);
