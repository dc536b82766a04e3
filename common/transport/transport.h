/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "common/base/log.h"
#include "common/ipc/client.h"
#include "common/loop/mailbox.h"
#include "common/proc/service.h"
#include "common/transport/asks.h"
#include "common/transport/controller.h"
#include "common/transport/crowd.h"
#include "common/transport/listeners.h"
#include "common/transport/port.h"
#include "common/transport/view.h"

/*
 * transport - the process: its control thread, and what that has.
 *
 * Shape     The main thread is the control thread: the connection to the state service, the
 *           view, listeners, controllers, and what is being asked. Reactors are told by letters.
 * Promise   What the state service says is checked; without it everything that needs it waits.
 * Trust     the state service may be broken: it cannot end the process
 * Threads   the control thread
 * Lifetime  transport_main()
 */
#define TRANSPORT_REACTORS_MAX 64u

struct transport {
	const struct wire *wire;
	struct service service;
	struct mailbox mailbox; /* any thread posts */
	struct ipc_client *client;
	Nvmetd__TransportTraits traits; /* of the wire, for Hello */
	struct view *view;              /* NULL before the first */
	struct list views;       /* not drained, the oldest first; the newest is always in it */
	uint64_t drained_serial; /* as told to the state service */
	struct listeners listeners;
	struct list controllers;
	struct list heirs;   /* connections that a predecessor has left, until there is a view */
	unsigned n_adopting; /* of them: on their way to a reactor and back */
	struct loop_timer too_old;    /* what waits for a view then is closed */
	struct list subsystem_resets; /* of subsystem_reset.h */
	struct asks asks;
	atomic_ullong direct_epoch;    /* see direct.h */
	struct log_limit associations; /* lines about those that begin and end */
	struct spread *spread;         /* of connections over the reactors */
	struct crowd crowd;            /* of them on each port */
	unsigned n_reactors;
	struct reactor *reactors[TRANSPORT_REACTORS_MAX];
	bool is_stopping;
};

/* What holds now. */
const struct limits *transport_limits(const struct transport *transport);

/* Sends a notice; without a state service it is dropped. */
void transport_tell(struct transport *transport, envelope *message);
void transport_tell_reset(struct transport *transport, uint32_t subsystem, uint32_t cntlid);
void transport_tell_gone(struct transport *transport, uint32_t subsystem, uint32_t cntlid,
                         const char *reason);

/* 0 or a negative errno. What the state service says is heard from then on. */
int transport_open_client(struct transport *transport);

/* Letters from reactors, on the control thread. */
void transport_task_arrives(struct letter *letter);  /* struct task */
void transport_queue_closing(struct letter *letter); /* struct seat */
void transport_queue_fenced(struct letter *letter);
void transport_queue_closed(struct letter *letter);
void transport_reactor_drained(struct letter *letter);

/* Control thread: a connection that was placed there has become no queue; or an admin queue. */
void transport_queue_failed(struct reactor *reactor, uint32_t port_id, uint32_t host);
void transport_queue_is_admin(struct seat *seat);

struct task;
void task_return(struct task *task);
/* Sends a task that is not answered yet back with this status. */
void task_refuse(struct task *task, struct nvme_status status);

/* Answers StatusRequest, with the handle that is in it, when all reactors have said theirs. */
void status_answer(struct transport *transport, uint64_t request_id, uint32_t handle);
