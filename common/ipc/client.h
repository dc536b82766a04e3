/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/envelope.h"
#include "common/loop/loop.h"

/*
 * client - a process's connection to the state service.
 *
 * Shape     A DEALER socket to ipc://PATH that reconnects by itself (10 ms at first, 200 ms at
 *           most). Each (re)connection begins with Hello; answers Ping by itself.
 * Promise   arrived() is called when a state service has said Welcome: the first one, or a
 *           successor (then all that was asked and not answered is to be asked again: the
 *           client does not repeat requests by itself). left() when the connection is gone, or
 *           the state service was silent for 10 s, or the queue to it was full; both are logged
 *           once each. Before Welcome nothing else is sent: ipc_client_send() drops it and says
 *           false. Nothing that was sent to one state service reaches its successor. left() is
 *           called by the loop, never from within ipc_client_send().
 * Trust     the state service may be broken: what is malformed is dropped and logged
 * Threads   the loop's
 * Lifetime  ipc_client_free(), not from within one of its calls
 */
struct ipc_client;

struct ipc_client_options {
	const char *path;
	const char *name; /* of this process, for Hello */
	uint64_t instance;
	uint32_t threads;
	/* Every message but Welcome, Ping. Freed after the call. */
	void (*received)(void *context, const envelope *message);
	/* Fills hello->revision and has_keeper; may be NULL. */
	void (*introduce)(void *context, Nvmetd__Hello *hello);
	void (*arrived)(void *context, uint64_t state_instance);
	void (*left)(void *context);
	void *context;
};

int ipc_client_new(struct ipc_client **ret_client, struct loop *loop,
                   const struct ipc_client_options *options);
struct ipc_client *ipc_client_free(struct ipc_client *client);
DEFINE_CLEANUP(struct ipc_client *, ipc_client_free)

bool ipc_client_is_connected(const struct ipc_client *client);
uint64_t ipc_client_request_id(struct ipc_client *client);
bool ipc_client_send(struct ipc_client *client, uint64_t request_id, envelope *message);

/* What the state service said could not be taken in, for want of memory: leaves it, and says Hello
 * again, upon which it says all of it anew. */
void ipc_client_start_over(struct ipc_client *client, const char *reason);

/* For nvmetctl: no Hello, no loop. Sends one request and waits for its answer; NULL, with
 * *ret_reason set to a constant sentence, when there is none in time. Where nobody listens, it
 * waits two seconds at most for a state service that is just being replaced. */
envelope *ipc_ask(const char *path, envelope *message, unsigned timeout_ms,
                  const char **ret_reason);
