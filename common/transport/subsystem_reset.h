/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/handover.pb-c.h"

/*
 * subsystem_reset - NVM Subsystem Reset (Base 2.1 §3.7.1), which a host asks for by NSSR.
 *
 * Shape     Whoever hears of it first, the transport of that host, resets its own controllers and
 *           tells the state service, which tells all transports. Each reset has the time when it
 *           was asked for; it concerns controllers that have begun, or were reset, before.
 * Promise   Once its host has its answer it is carried out, and on each controller once, also
 *           where the state service, or another transport, is in a restart just then: it is told
 *           again until the state service has taken it, and what a predecessor left to be told
 *           goes on. Those that are being taken over from a predecessor are reset when they are
 *           here. What is written later than it, as CC.EN, is not undone by it.
 * Trust     the state service may be broken; there is one entry at most for each subsystem
 * Threads   the control thread's
 * Lifetime  an entry goes when the state service has taken it, and all controllers are here
 */
struct task;
struct transport;

/* Answers the task, whose host has written it: it hears that before what it brings about. */
void subsystem_reset_begin(struct transport *transport, uint32_t subsystem, struct task *task);

/* The state service says it; also what this transport has told it. */
void subsystem_reset_take(struct transport *transport, const Nvmetd__SubsystemReset *message);

/* There is another state service, or none was there. */
void subsystem_reset_tell_again(struct transport *transport);

/* All controllers of a predecessor are here, with their queues. */
void subsystem_reset_catch_up(struct transport *transport);

/* What the state service has not taken, for a successor; the message's array is the caller's, by
 * subsystem_reset_unlist(). False: no memory. */
bool subsystem_reset_list(const struct transport *transport, Nvmetd__HandoverHead *head);
void subsystem_reset_unlist(Nvmetd__HandoverHead *head);
void subsystem_reset_inherit(struct transport *transport, const Nvmetd__HandoverHead *head);

void subsystem_reset_forget(struct transport *transport);
